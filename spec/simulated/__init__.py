"""Simulated platforms: on Linux, the suite runs as on macOS or Windows, as far as possible.

With ``SPEC_PLATFORM=darwin`` or ``SPEC_PLATFORM=win32`` in the environment, every process of a
run has the package as it is on that platform, as far as it is written in Python. The kit, the
chapters and the programs see the standard library as it is there: names that the platform lacks
are missing from ``os`` and ``signal``, and ``sys.platform`` is its name. So the kit takes its
other branches, and a chapter that uses a missing name is red on Linux already. The simulation
shows nothing about another kernel: how processes start and end there, its clocks, its handles,
its file system.

Processes install it by ``spec/site``, as they install faults, before the package is imported.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from types import ModuleType

from spec.faults import pass_on, when_imported

TYPE_CHECKING = False
if TYPE_CHECKING:  # every process of a simulated run imports this module: it stays small
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

VARIABLE = "SPEC_PLATFORM"
PLATFORMS = ("darwin", "win32")
# The modules that see the platform's modules: the kit, the chapters and the programs.
_SEEING = ("spec.kit", "spec.test_", "__main__", "__mp_main__")


class SimulationError(Exception):
    """A platform cannot be simulated here: one line that says why."""


class View(ModuleType):
    """A module as on another platform: without the ``hidden`` names, with ``other`` values."""

    def __init__(self, name: str, hidden: Iterable[str] = (), **other: Any) -> None:
        super().__init__(name)
        vars(self).update(other, _hidden=frozenset(hidden))

    def __getattr__(self, name: str) -> Any:
        if name in self._hidden:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(self.__name__), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(importlib.import_module(self.__name__), name, value)


def platform() -> str:
    """The name of the simulated platform; empty if none is simulated."""
    return os.environ.get(VARIABLE, "")


def install() -> None:
    """Simulate the platform that the environment names, in this process and all that it starts.

    Raises SimulationError if the name is not one of ``PLATFORMS``, and on systems other than
    Linux.
    """
    name = platform()
    if name not in PLATFORMS:
        raise SimulationError(f"{name!r} cannot be simulated: choose from {', '.join(PLATFORMS)}")
    if sys.platform != "linux":
        raise SimulationError(f"{name} can be simulated on Linux only, and this is {sys.platform}")
    # Modules of the package that were loaded before, for example by coverage, are those of Linux:
    # they are imported again.
    for module in [name for name in sys.modules if name.startswith("multiprocessing")]:
        del sys.modules[module]
    pass_on()
    simulated = importlib.import_module(f"{__name__}.{name}")
    without = os.environ.get("SPEC_WITHOUT", "").split(",")
    os.environ["SPEC_WITHOUT"] = ",".join(sorted({*without, *simulated.LACKING} - {""}))
    for module, change in simulated.CHANGES.items():
        when_imported(module, change)
    _show({view.__name__: view for view in simulated.VIEWS})


def _show(views: dict[str, View]) -> None:
    """Make imports in the modules of ``_SEEING`` return the views instead of the real modules."""
    original = builtins.__import__

    def see(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        module = original(name, globals, locals, fromlist, level)
        if name in views and str((globals or {}).get("__name__")).startswith(_SEEING):
            return views[name]
        return module

    builtins.__import__ = see
