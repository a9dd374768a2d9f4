"""The package under test: its name is written only here."""

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
    """A decorator that makes subclasses of the package's Process from a class with ``run``.

    It adds a subclass for each start method to the module of the class, so that a spawned child
    finds it by name, and returns the class itself; :func:`subclass` returns the subclasses.
    """
    for method in start_methods():
        base: Any = context(method).Process
        name = f"{plain.__name__}_{method}"
        body = {"__module__": plain.__module__, "__doc__": plain.__doc__}
        _subclasses[plain, method] = type(name, (plain, base), body)
        setattr(sys.modules[plain.__module__], name, _subclasses[plain, method])
    return plain


def subclass(plain: type, start_method: str) -> type:
    """The subclass that :func:`process_class` has made from ``plain`` for a start method."""
    return _subclasses[plain, start_method]


def submodule(name: str) -> Any:
    """Import a module of the package, for names that a context lacks: ``submodule("pool")``."""
    return importlib.import_module(f"{IMPLEMENTATION}.{name}")


def context(start_method: str) -> Multiprocessing:
    """The package with one start method: the result of multiprocessing.get_context().

    Raises ValueError for a start method that the platform does not offer.
    """
    package: Multiprocessing = importlib.import_module(IMPLEMENTATION).get_context(start_method)
    return package
