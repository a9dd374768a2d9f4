"""The package under test: the one place that knows its name."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spec.kit.protocols import Multiprocessing

IMPLEMENTATION = "multiprocessing"


def start_methods() -> list[str]:
    """The start methods that the package offers on this platform, the default one first.

    Source: multiprocessing.get_all_start_methods.
    """
    methods: list[str] = importlib.import_module(IMPLEMENTATION).get_all_start_methods()
    return methods


def context(start_method: str) -> Multiprocessing:
    """The package with one start method fixed, as multiprocessing.get_context gives it.

    Raises ValueError for a start method that the platform does not offer.
    """
    package: Multiprocessing = importlib.import_module(IMPLEMENTATION).get_context(start_method)
    return package
