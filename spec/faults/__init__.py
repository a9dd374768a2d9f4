"""Faults: deliberate defects of the package, one of which a run can be given.

``SPEC_FAULT=NAME python -m pytest`` plays the claims against a package with that defect in every
process of the run: the name reaches them through the environment, and one path entry,
``spec/site``, installs it wherever an interpreter starts.

The catalogue is the modules beside this one, one for each chapter. A fault is named by its
module and its function, ``locks.excludes_nobody``; its docstring says what a user would suffer.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # these lines run in every process of a faulty run
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any

VARIABLE = "SPEC_FAULT"
#: Installs everything and breaks nothing: the control.
NONE = "none"

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_SITE = os.path.join(os.path.dirname(_FOLDER), "site")


class FaultError(Exception):
    """A fault that is unknown, or that finds nothing to break: one line that says so."""


class Fault:
    """A defect: its ``name``; the ``module`` that it changes; the ids of claims it ``breaks``.

    ``only`` names the start methods under which it breaks them, if these are not all. A
    ``crude`` fault is one that any proof would find; the others show at an edge only.
    """

    def __init__(
        self,
        name: str,
        module: str,
        breaks: tuple[str, ...],
        only: tuple[str, ...],
        crude: bool,
        install: Callable[[Any], None],
        what: str,
    ) -> None:
        self.name = name
        self.module = module
        self.breaks = breaks
        self.only = only
        self.crude = crude
        self.install = install
        #: What a user would suffer, in a sentence.
        self.what = what


_catalogue: dict[str, Fault] = {}


def fault(
    target: str,
    *breaks: str,
    only: tuple[str, ...] = (),
    crude: bool = False,
    for_users: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated function into the catalogue; see :class:`Fault`.

    ``target`` is a dotted name, without "multiprocessing": ``"synchronize.Barrier.wait"``. The
    function takes its place, as :func:`replace` says: its first argument is the original.

    If ``target`` is only a module, as ``"synchronize"``, the function receives the module once it
    is imported, and changes it.

    ``for_users`` spares calls from the package itself.
    """

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        first, _, path = target.partition(".")
        module = first if first in sys.stdlib_module_names else f"multiprocessing.{first}"

        def install(loaded: Any) -> None:
            owner_path, _, name = path.rpartition(".")
            if name == "setter":
                owner_path, _, name = owner_path.rpartition(".")
                name += ".setter"
            owner = loaded
            for part in filter(None, owner_path.split(".")):
                owner = _get(owner, part)
            replace(owner, name, function, for_users)

        chapter = function.__module__.rpartition(".")[2]
        entry = Fault(
            f"{chapter}.{function.__name__}",
            module,
            breaks,
            only,
            crude,
            install if path else function,
            (function.__doc__ or "").strip(),
        )
        if entry.name in _catalogue:
            raise FaultError(f"two faults are named {entry.name}")
        _catalogue[entry.name] = entry
        return function

    return enter


def catalogue() -> dict[str, Fault]:
    """All faults by name, in the order of the chapters."""
    from spec import CHAPTERS

    modules = [name[:-3] for name in os.listdir(_FOLDER) if name[0] != "_" and name[-3:] == ".py"]
    for module in sorted(modules, key=lambda name: (*CHAPTERS, name).index(name)):
        importlib.import_module(f"{__name__}.{module}")
    return _catalogue


def replace(owner: Any, name: str, function: Callable[..., Any], for_users: bool = False) -> None:
    """Put ``function`` in the place of ``owner.name``; its first argument is the original.

    ``owner`` is a module or a class. What is replaced stays what it was: a function or method,
    a static or class method, a property (its getter, or with the name ``"daemon.setter"`` its
    setter), or ``acquire`` or ``release`` of a lock, which each lock has as its own attributes.

    ``for_users`` spares calls from the package itself. Raises FaultError if there is no such
    name: the fault does not take hold here.
    """
    name, _, setter = name.partition(".")
    if name in ("acquire", "release") and hasattr(owner, "_make_methods"):
        _replace_in_each(owner, name, function, for_users)
        return
    found = _get(owner, name)
    for holder in getattr(owner, "__mro__", (owner,)):
        if name in vars(holder):
            found = vars(holder)[name]
            break
    new: Any
    if isinstance(found, property) and setter:
        new = found.setter(_calling(function, found.fset))
    elif isinstance(found, property):
        new = found.getter(_calling(function, found.fget))
    elif isinstance(found, staticmethod | classmethod):
        new = type(found)(_calling(function, found.__func__))
    else:
        new = _calling(function, found, for_users)
    setattr(owner, name, new)


def _get(owner: Any, name: str) -> Any:
    if not hasattr(owner, name):
        raise FaultError(f"{owner.__name__} has no {name}: the fault does not take hold here")
    return getattr(owner, name)


def _calling(function: Callable[..., Any], original: Any, for_users: bool = False) -> Any:
    def faulty(*args: Any, **kwargs: Any) -> Any:
        if for_users and is_of_the_package(sys._getframe(1)):
            return original(*args, **kwargs)
        return function(original, *args, **kwargs)

    return faulty


def _replace_in_each(
    lock_class: Any, name: str, function: Callable[..., Any], for_users: bool
) -> None:
    """Replace what each lock receives when it is created or unpickled."""

    def make_methods(original: Callable[..., Any], self: Any) -> None:
        original(self)
        own = getattr(self, name)

        def original_method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return own(*args, **kwargs)

        setattr(self, name, _calling(function, original_method, for_users).__get__(self))

    replace(lock_class, "_make_methods", make_methods)


def is_of_the_package(frame: Any) -> bool:
    """Whether a call comes from the package itself, whose own queues and events should work."""
    name: str = frame.f_globals["__name__"]
    return name.startswith(("multiprocessing", "threading"))


def install_in_run() -> None:
    """Install the fault that the environment names, in this process and all that it starts.

    Raises FaultError for an unknown name, and if the fault does not take hold.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    if pass_on():
        install(name)
    if name != NONE:
        importlib.import_module(_catalogue[name].module)


def pass_on() -> bool:
    """Have all interpreters that will be started begin with ``spec/site``; whether it is new."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if _SITE in entries:
        return False
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_SITE, *entries]))
    return True


def install(name: str) -> None:
    """Break the module of the fault ``name`` now, or as soon as it is imported."""
    if name == NONE:
        return
    module = name.partition(".")[0]
    if os.path.exists(os.path.join(_FOLDER, f"{module}.py")):  # in each process: no more than it
        importlib.import_module(f"{__name__}.{module}")
    if name not in _catalogue:
        import difflib

        near = difflib.get_close_matches(name, catalogue(), n=3, cutoff=0.4)
        raise FaultError(f"no fault is named {name!r}: did you mean {', '.join(near) or NONE}?")
    when_imported(_catalogue[name].module, _catalogue[name].install)


def when_imported(name: str, change: Callable[[Any], None]) -> None:
    """Call ``change`` with the module of that name now, or as soon as it is imported."""
    if name in sys.modules:
        change(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Changer(name, change))


class _Changer:
    """Finds a module as the others would, and changes it when it has been executed."""

    def __init__(self, name: str, change: Callable[[Any], None]) -> None:
        self._name = name
        self._change = change

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._change(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
