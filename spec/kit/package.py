"""The package under test: the one place that knows its name."""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from spec.kit.protocols import Multiprocessing

    Subclass = TypeVar("Subclass", bound=type)

IMPLEMENTATION = "multiprocessing"

_subclasses: dict[tuple[type, str], type] = {}


def start_methods() -> list[str]:
    """The start methods that the package offers on this platform, the default one first.

    Source: multiprocessing.get_all_start_methods.
    """
    methods: list[str] = importlib.import_module(IMPLEMENTATION).get_all_start_methods()
    return methods


def process_class(plain: Subclass) -> Subclass:
    """Make a plain class with ``run`` a subclass of the package's Process: a decorator.

    There is one subclass for each start method, in the plain class's module, so that a spawned
    child finds it by name; :func:`subclass` gives the one that is wanted.
    """
    for method in start_methods():
        base: Any = context(method).Process
        name = f"{plain.__name__}_{method}"
        body = {"__module__": plain.__module__, "__doc__": plain.__doc__}
        _subclasses[plain, method] = type(name, (plain, base), body)
        setattr(sys.modules[plain.__module__], name, _subclasses[plain, method])
    return plain


def subclass(plain: type, start_method: str) -> type:
    """What :func:`process_class` has made of a plain class for a start method."""
    return _subclasses[plain, start_method]


def submodule(name: str) -> Any:
    """A module of the package, for what a context does not have: ``submodule("connection")``."""
    return importlib.import_module(f"{IMPLEMENTATION}.{name}")


def context(start_method: str) -> Multiprocessing:
    """The package with one start method fixed, as multiprocessing.get_context gives it.

    Raises ValueError for a start method that the platform does not offer.
    """
    package: Multiprocessing = importlib.import_module(IMPLEMENTATION).get_context(start_method)
    return package
