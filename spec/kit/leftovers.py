"""Leftovers: a claim may leave no child, thread, file descriptor, shared memory or file behind."""

from __future__ import annotations

import contextlib
import gc
import os
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from spec.kit import guardian
from spec.kit.capabilities import has, start_methods
from spec.kit.clock import PATIENCE, now
from spec.kit.mappings import SHARED_MEMORY
from spec.kit.package import IMPLEMENTATION, context
from spec.kit.platforms import (
    descendants,
    descriptors,
    kill,
    listed,
    mapped_files,
    may_be_tracker,
    shared_mappings,
    shared_names,
)

# The part of the patience that a leftover may take to disappear, 2 s by default: the kernel reports
# an end a little later.
_SETTLING = 0.1


@cache
def start_servers() -> None:
    """Make the package start its fork server and its resource tracker, once in a process.

    No public function starts them: the first child with a start method does, and the first
    semaphore that has a name. They last until the end of the process, so they have to exist before
    the claims of which they would look like leftovers; a claim may use any start method.
    """
    with contextlib.suppress(ImportError, OSError):  # no semaphore can be created here
        context("spawn").Lock()
    if "forkserver" in start_methods() and has("addresses"):
        child = context("forkserver").Process()
        child.start()
        child.join()


class Baseline:
    """The processes, files and so on that exist before a claim, to find those that it leaves.

    ``patience``, in seconds, scales how long a leftover may take to disappear.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._kept = _server_folders()
        self._mapped = mapped_files()
        # The paths at known addresses need not be read.
        self._before = _survey(self._kept, set() if self._mapped else shared_mappings())
        self._before["shared memory"] |= {path: path for path in shared_names()}

    def left_behind(self, processes_only: bool = False) -> list[str]:
        """Return one line for each leftover; waits a little for leftovers to disappear.

        Collects garbage first on PyPy, and on CPython only when there are leftovers: a reference
        cycle may still keep them alive.
        """
        if sys.implementation.name == "pypy":
            gc.collect()
        found = self._beyond(processes_only)
        deadline = now() + _SETTLING * self._patience
        while found and now() < deadline:
            gc.collect()  # again and again: PyPy needs several for objects that refer to others
            time.sleep(0.01)
            found = self._beyond(processes_only)
        return found

    def end(self) -> None:
        """End the processes and unlink the shared memory that were not there before.

        So the exit does not wait for these processes, and no later claim finds this memory.
        """
        for pid, command in descendants().items():
            if pid not in self._before["process"] and not may_be_tracker(command):
                kill(pid)
        for path in _noted() - self._before["shared memory"].keys():
            Path(path).unlink(missing_ok=True)

    def _beyond(self, processes_only: bool) -> list[str]:
        found = (
            {"process": _descendants()}
            if processes_only
            else _survey(self._kept, shared_mappings(self._mapped))
        )
        return [  # processes first: they often cause the other leftovers
            f"{kind}: {name}"
            for kind, names in found.items()
            for identity, name in sorted(names.items(), key=lambda item: item[1])
            if identity not in self._before[kind]
        ]


def _survey(kept_folders: set[str], mapped: set[str]) -> dict[str, dict[Any, str]]:
    opened = descriptors()
    kept = _heaps_own(opened)
    return {
        "process": _descendants(),
        "thread": {id(thread): thread.name for thread in threading.enumerate()},
        "descriptor": {
            number: f"{number} → {target}"
            for number, target in opened.items()
            if target not in kept
            and ".so" not in target.rpartition("/")[2]  # not a library that was loaded
        },
        "shared memory": {path: path for path in mapped | _noted() if path not in kept},
        "file": {path: path for path in _files(kept_folders)},
    }


def _descendants() -> dict[Any, str]:
    """The descendants of this process, with PID and command line."""
    return {pid: f"{pid} {command[:100]}" for pid, command in descendants().items()}


def _heaps_own(opened: dict[int, str]) -> set[str]:
    """The files with the package's shared values: the package keeps them for later values."""
    loaded = sys.modules.get(f"{IMPLEMENTATION}.heap")
    heap = getattr(getattr(loaded, "BufferWrapper", None), "_heap", None)
    arenas = getattr(heap, "_arenas", ())
    return {opened[arena.fd] for arena in arenas if getattr(arena, "fd", None) in opened}


def _noted() -> set[str]:
    """The shared memory that this process and its actors have mapped and that still has a name."""
    notes = listed(str(guardian.mappings_folder()))
    noted = {SHARED_MEMORY + note.replace("\\", "/") for note in notes}
    return noted & shared_names() if noted else noted


def _server_folders() -> set[str]:
    """The folders in which a server listens; children that start other servers use them too."""
    found = set()
    for path in _paths():
        with contextlib.suppress(OSError):  # it has been removed since
            if stat.S_ISSOCK(os.stat(path).st_mode):
                found.add(path.rpartition(os.sep)[0])
    return found


def _files(kept: set[str]) -> list[str]:
    """The files in this process's temporary folder, except those that may outlive a claim."""
    folders = tuple(f"{folder}{os.sep}" for folder in kept)
    beginning = len(tempfile.gettempdir()) + 1
    return [path[beginning:] for path in _paths() if not path.startswith(folders)]


def _paths() -> Iterator[str]:
    """The files in this process's temporary folder, except in the folders of pytest.

    Those have the files of all claims so far: to list them each time would take longer and longer.
    """
    ahead = [tempfile.gettempdir()]
    while ahead:
        with contextlib.suppress(OSError), os.scandir(ahead.pop()) as entries:
            for entry in entries:
                if not entry.is_dir():
                    yield entry.path
                elif not entry.is_symlink() and not entry.name.startswith("pytest-of-"):
                    ahead.append(entry.path)
