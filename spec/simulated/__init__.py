"""Simulated platforms: the suite as it runs on macOS or Windows, on Linux, as far as that goes.

With ``SPEC_PLATFORM=darwin`` or ``SPEC_PLATFORM=win32`` in the environment every process of a
run has the package as it is there, as far as that is written in Python, and the kit, the
chapters and the programs see the modules of the standard library as they are there: what the
platform lacks is missing from ``os`` and ``signal``, and ``sys.platform`` has its name. So the
kit takes its other branches, and a chapter that uses what the platform lacks is red here
already. It shows nothing of another kernel: how processes are made and ended there, its clocks,
its handles, its file system.

Processes get it by ``spec/site``, as they get faults, and so before the package is imported.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from types import ModuleType

from spec.faults import pass_on, when_imported

TYPE_CHECKING = False
if TYPE_CHECKING:  # these lines run in every process of a simulated run
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

VARIABLE = "SPEC_PLATFORM"
PLATFORMS = ("darwin", "win32")
# Who sees the platform's modules: the kit, the chapters and the programs.
_SEEING = ("spec.kit", "spec.test_", "__main__", "__mp_main__")


class SimulationError(Exception):
    """A platform that cannot be simulated here: one line that says why."""


class View(ModuleType):
    """A module as it is elsewhere: without the ``hidden`` names, and with ``other`` values."""

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
    """The simulated platform's name; empty where there is none."""
    return os.environ.get(VARIABLE, "")


def install() -> None:
    """Have this process, and all that follow, be as on the platform that the environment names.

    Raises SimulationError for another name than those of ``PLATFORMS``, and on another system
    than Linux.
    """
    name = platform()
    if name not in PLATFORMS:
        raise SimulationError(f"{name!r} cannot be simulated: there are {' and '.join(PLATFORMS)}")
    if sys.platform != "linux":
        raise SimulationError(f"{name} can be simulated on Linux only, and this is {sys.platform}")
    # What somebody, coverage for one, has loaded of the package is Linux's: it is loaded anew.
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
    """Give the views, instead of the modules, to those who are to see them."""
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
