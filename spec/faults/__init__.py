"""Faults: deliberate defects of the package, one of which a run can be given.

``SPEC_FAULT=name python -m pytest`` plays the claims against the package with that defect in
every process of the run: the name reaches them through the environment, and one path entry,
``spec/site``, installs it wherever an interpreter starts. The modules beside this one
are the catalogue; a fault's docstring says what a user would suffer.
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
#: The modules of the catalogue, in reading order.
MODULES = (
    "parallelism",
    "processes",
    "process_objects",
    "arguments",
    "joining",
    "exit_codes",
    "stopping",
    "daemons",
    "process_tree",
    "start_methods",
    "fork_server",
    "main_module",
    "locks",
    "rlocks",
    "semaphores",
    "events",
    "conditions",
    "barriers",
    "queues",
    "pipes",
    "shared_values",
    "managers",
    "pools",
    "logging",
    "resources",
)

_SITE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "site")


class FaultError(Exception):
    """A fault that is not known, or that finds nothing to break: one line that says so."""


class Fault:
    """A defect: ``name``; the ``module`` it is put into; the ids of the claims it ``breaks``.

    ``only`` names the start methods under which it breaks them, where these are not all;
    ``subtle`` is a defect that shows only at an edge, where a crude proof would let it pass.
    """

    def __init__(
        self,
        name: str,
        module: str,
        breaks: tuple[str, ...],
        only: tuple[str, ...],
        subtle: bool,
        install: Callable[[Any], None],
    ) -> None:
        self.name = name
        self.module = module
        self.breaks = breaks
        self.only = only
        self.subtle = subtle
        self.install = install

    def is_meant_for(self, ids: Sequence[str]) -> bool:
        """Whether the claim with these ids is one that it breaks."""
        return not set(ids).isdisjoint(self.breaks)


_catalogue: dict[str, Fault] = {}


def fault(
    name: str, module: str, *breaks: str, only: tuple[str, ...] = (), subtle: bool = False
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Enter a function into the catalogue that breaks ``module``, once that is imported."""

    def enter(install: Callable[[Any], None]) -> Callable[[Any], None]:
        _catalogue[name] = Fault(name, module, breaks, only, subtle, install)
        return install

    return enter


def catalogue() -> dict[str, Fault]:
    """All faults by name."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
    return _catalogue


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put ``make(original)`` in the place of ``owner.name``.

    Raises FaultError when there is no such name: the fault no longer takes hold.
    """
    if not hasattr(owner, name):
        raise FaultError(f"{owner.__name__} has no {name}: the fault does not take hold here")
    setattr(owner, name, make(getattr(owner, name)))


def install_in_run() -> None:
    """Install the fault that the environment names in the run's own process and all that follow.

    Raises FaultError for an unknown name, and where the fault does not take hold.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    if pass_on():
        install(name)
    if name != NONE:
        importlib.import_module(catalogue()[name].module)


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
    if name not in catalogue():
        import difflib

        near = difflib.get_close_matches(name, catalogue(), n=3, cutoff=0.4)
        raise FaultError(f"no fault is named {name!r}: did you mean {', '.join(near) or NONE}?")
    when_imported(catalogue()[name].module, catalogue()[name].install)


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
