"""Faults: deliberate defects of the package, to prove that claims can fail.

``SPEC_FAULT=NAME python -m pytest`` plays the claims with that defect in every process of the
run. The environment passes the name to all processes, and ``spec/site``, an entry of their
PYTHONPATH, installs the fault at the start of each interpreter.

The catalogue consists of the modules beside this one, one for each chapter. The name of a fault
is that of its module and its function, ``module.function``; its docstring says what effect it
has on a user.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # every process of a run with a fault imports this module: it stays small
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any

VARIABLE = "SPEC_FAULT"
#: The name of the control: it installs everything and breaks nothing.
NONE = "none"

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_SITE = os.path.join(os.path.dirname(_FOLDER), "site")


class FaultError(Exception):
    """A fault is unknown, or its target does not exist: one line that says so."""


class Fault:
    """A defect: its ``name``; the ``module`` that it changes; the ids of claims that it ``breaks``.

    ``only`` are the start methods under which it breaks them, empty for all. Any proof would find
    a ``crude`` fault; the others have an effect only in special cases.
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
        #: One sentence about the effect on a user.
        self.what = what


_catalogue: dict[str, Fault] = {}


def fault(
    target: str,
    *breaks: str,
    only: tuple[str, ...] = (),
    crude: bool = False,
    for_users: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the decorated function to the catalogue of faults; see :class:`Fault`.

    ``target`` is a dotted name without "multiprocessing", such as ``"synchronize.Barrier.wait"``.
    The function replaces it as :func:`replace` does: its first argument is the original.

    If ``target`` is only a module, such as ``"synchronize"``, the function is called with the
    module after its import, and changes it.

    ``for_users`` keeps the original for calls from the package itself. Raises FaultError if two
    faults have the same name.
    """

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        first, _, path = target.partition(".")
        if first == "multiprocessing":
            raise FaultError(f"{target}: write the target without 'multiprocessing.'")
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
    """All faults in the order of the chapters; the keys are their names."""
    from spec import CHAPTERS

    modules = [name[:-3] for name in os.listdir(_FOLDER) if name[0] != "_" and name[-3:] == ".py"]
    for module in sorted(modules, key=lambda name: (*CHAPTERS, name).index(name)):
        importlib.import_module(f"{__name__}.{module}")
    return _catalogue


def replace(owner: Any, name: str, function: Callable[..., Any], for_users: bool = False) -> None:
    """Replace ``owner.name`` by ``function``; its first argument is the original.

    ``owner`` is a module or a class. The replacement is of the same kind as the original: a
    function or method, a static or class method, or a property (its getter, or with the name
    ``"daemon.setter"`` its setter). ``acquire`` and ``release`` of a lock are replaced too,
    although they are attributes of each lock.

    ``for_users`` keeps the original for calls from the package itself. Raises FaultError if
    ``owner`` has no attribute of that name.
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
        raise FaultError(f"{owner.__name__} has no {name}: the fault has no effect here")
    return getattr(owner, name)


def _calling(function: Callable[..., Any], original: Any, for_users: bool = False) -> Any:
    def faulty(*args: Any, **kwargs: Any) -> Any:
        if for_users and is_of_the_package(sys._getframe(1)):
            return original(*args, **kwargs)
        return function(original, *args, **kwargs)

    for name in ("__module__", "__qualname__", "__name__"):  # it may be pickled by name
        if hasattr(original, name):
            setattr(faulty, name, getattr(original, name))
    return faulty


def _replace_in_each(
    lock_class: Any, name: str, function: Callable[..., Any], for_users: bool
) -> None:
    """Replace an attribute that each lock gets when it is created or unpickled."""

    def make_methods(original: Callable[..., Any], self: Any) -> None:
        original(self)
        own = getattr(self, name)

        def original_method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return own(*args, **kwargs)

        setattr(self, name, _calling(function, original_method, for_users).__get__(self))

    replace(lock_class, "_make_methods", make_methods)


def is_of_the_package(frame: Any) -> bool:
    """Whether a call comes from the package itself, whose own queues and events must work."""
    name: str = frame.f_globals["__name__"]
    return name.startswith(("multiprocessing", "threading"))


def install_in_run() -> None:
    """Install the fault that the environment names, in this process and all that it starts.

    Raises FaultError if the name is unknown, or if the fault has no effect.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    if pass_on():
        install(name)
    if name != NONE:
        importlib.import_module(_catalogue[name].module)


def pass_on() -> bool:
    """Add ``spec/site`` to PYTHONPATH, for all interpreters that will be started.

    Returns False if it is there already.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if _SITE in entries:
        return False
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_SITE, *entries]))
    return True


def install(name: str) -> None:
    """Install the fault ``name`` in its module now, or as soon as the module is imported.

    Raises FaultError if the name is unknown.
    """
    if name == NONE:
        return
    module = name.partition(".")[0]
    if os.path.exists(os.path.join(_FOLDER, f"{module}.py")):  # import no others: it takes time
        importlib.import_module(f"{__name__}.{module}")
    if name not in _catalogue:
        import difflib

        near = difflib.get_close_matches(name, catalogue(), n=3, cutoff=0.4)
        raise FaultError(f"no fault is named {name!r}: did you mean {', '.join(near) or NONE}?")
    when_imported(_catalogue[name].module, _catalogue[name].install)


def when_imported(name: str, change: Callable[[Any], None]) -> None:
    """Call ``change`` with the module ``name`` now, or as soon as it is imported."""
    if name in sys.modules:
        change(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Changer(name, change))


class _Changer:
    """A finder that finds one module as the others do, and changes it after its execution."""

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
        if spec is None:
            raise FaultError(f"there is no module {name}: the fault has no effect here")
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._change(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
