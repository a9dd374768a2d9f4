"""Capabilities: features that a platform or an implementation may lack.

They are found by probes, never by a platform's name. To run the suite as on a platform that lacks
some of them, name these in the environment variable ``SPEC_WITHOUT``, separated by commas. It may
name start methods too.
"""

from __future__ import annotations

import importlib
import importlib.util
import mmap
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from spec.kit import package, rally

WITHOUT = "SPEC_WITHOUT"
_CHEAPEST_FIRST = "fork, forkserver, spawn"


class ProbeError(Exception):
    """A probe could not run: one line that says why."""


class Capability(NamedTuple):
    """A probe, and ``lack``, the sentence that a reader gets where the probe returns False.

    ``lack`` is empty if the capability only marks an implementation that deviates: then its
    absence is not reported as missing.
    """

    lack: str
    probe: Callable[[], bool]


# Seconds until the probe of the cores gives up. It takes so long only if several cores are
# reported and they never run two processes at once; on a busy machine a rally needed more than 2.
_RALLY = 20.0


# How many files the largest scene has open in one process, with a margin: the sentinels of
# twenty-four children, and the connections of as many actors.
_MOST_FILES = 128

# More files than the function select() takes.
_HIGH = 2000


def _several_cores() -> bool:
    """Whether a rally between two interpreters shows that both run at the same time."""
    if usable_cpus() < 2:
        return False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "court")
        path.write_bytes(bytes(rally.COURT))
        command = [sys.executable, "-I", "-S", rally.__file__, str(path)]
        for player in [subprocess.Popen([*command, me, str(_RALLY)]) for me in "01"]:
            player.wait()
        return rally.ran_at_once(path.read_bytes())


def _gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def _semaphores() -> bool:
    """Whether the system, without the package, can create a semaphore; it is unlinked at once."""
    try:
        made = importlib.import_module("_multiprocessing").SemLock
        made(1, 1, 1, f"/spec-{os.getpid()}-{secrets.token_hex(4)}", True)
    except (ImportError, AttributeError, OSError):
        return False
    return True


def _semaphore_value() -> bool:
    if not _semaphores():
        return False
    semaphore = importlib.import_module(package.IMPLEMENTATION).get_context().Semaphore(1)
    try:
        semaphore.get_value()
    except NotImplementedError:
        return False
    return True


def _addresses() -> bool:
    """Whether the system can create a local socket in the folder that the package uses for them."""
    if not hasattr(socket, "AF_UNIX"):  # Windows has named pipes, whose names contain no folder
        return True
    try:
        package.submodule("connection").Listener(family="AF_UNIX").close()
    except OSError:
        return False
    return True


def _many_files() -> bool:
    """Whether a process may have as many files open as the largest scene needs."""
    opened: list[int] = []
    try:
        while len(opened) < _MOST_FILES:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True


def _named_semaphores() -> bool:
    """Whether ``sem_unlink`` has an effect: it exists on Windows too, but does nothing there."""
    unlink = getattr(importlib.import_module("_multiprocessing"), "sem_unlink", None)
    try:
        return unlink is not None and unlink("/spec-nobody") is not None
    except OSError:
        return True


def _shared_memory() -> bool:
    """Whether the system, without the package, can create shared memory; it is unlinked at once."""
    try:
        posix = importlib.import_module("_posixshmem")
    except ImportError:
        return importlib.util.find_spec("_winapi") is not None
    name = f"/spec{secrets.token_hex(4)}"
    try:
        os.close(posix.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600))
        posix.shm_unlink(name)
    except OSError:
        return False
    return True


def _named_memory() -> bool:
    """Whether it is POSIX's shared memory: that has its name until the name is unlinked."""
    return importlib.util.find_spec("_posixshmem") is not None and _shared_memory()


def _scripts() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script")
        script.write_text("#!/bin/sh\nexit 7\n")
        script.chmod(0o700)
        try:
            return subprocess.run([script]).returncode == 7
        except OSError:
            return False


def _guarded_views() -> bool:
    with mmap.mmap(-1, 1) as mapping, memoryview(mapping):
        try:
            mapping.close()
        except BufferError:
            return True
    return False  # unrun: only PyPy closes it


def _misassigned_arrays() -> bool:
    """Whether assigning a ctypes array by a pointer copies its address in place of its items."""
    import ctypes  # not above: most runs do not ask

    array = (ctypes.c_short * 3)(4, 5, 6)
    copied = type(array)()
    ctypes.pointer(copied)[0] = array
    return bytes(copied) != bytes(array)


def _counted_references() -> bool:
    """Whether an object is deleted with its last reference, as CPython does."""

    class Dropped:
        pass

    return weakref.ref(Dropped())() is None


def _high_descriptors() -> bool:
    """Whether a process may be permitted to open more than two thousand files."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # unrun: only Windows lacks the module
        return False
    most: int = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return most >= _HIGH or most == int(resource.RLIM_INFINITY)


CAPABILITIES = {
    "several-cores": Capability(
        "two interpreters cannot run at the same time here: fewer than two cores are usable",
        _several_cores,
    ),
    "gil": Capability("the GIL is off in this interpreter", _gil),
    "no-gil": Capability("the GIL is on in this interpreter", lambda: not _gil()),
    "signals": Capability(
        "a process cannot send another process a signal that it can catch here",
        lambda: hasattr(signal, "SIGKILL"),
    ),
    "named-semaphores": Capability(
        "semaphores have no names here that must be unlinked (sem_unlink)",
        _named_semaphores,
    ),
    "shared-memory": Capability(
        "no shared memory can be created here: /dev/shm cannot be written to", _shared_memory
    ),
    "named-memory": Capability(
        "shared memory has no name here that stays until unlink()", _named_memory
    ),
    "waitid": Capability(
        "the end of a child cannot be seen here without collecting its exit status (os.waitid)",
        lambda: hasattr(os, "waitid"),
    ),
    "eight-bit-status": Capability(
        "an exit status has more than 8 bits here", lambda: hasattr(os, "WEXITSTATUS")
    ),
    "native-pids": Capability(
        "the native ID of the main thread is not its process ID here",
        lambda: threading.main_thread().native_id == os.getpid(),
    ),
    "affinity": Capability(
        "a process cannot be restricted to some of the CPUs here (os.sched_setaffinity)",
        lambda: hasattr(os, "sched_setaffinity"),
    ),
    "sessions": Capability(
        "processes have no sessions here (os.getsid)", lambda: hasattr(os, "getsid")
    ),
    "descriptors": Capability(
        "processes do not have POSIX file descriptors here", lambda: hasattr(os, "fork")
    ),
    # On Windows a child fetches its ends of pipes from its parent, which keeps them open until
    # then.
    "fetched-handles": Capability(
        "", lambda: hasattr(package.submodule("reduction"), "steal_handle")
    ),
    "misassigned-arrays": Capability("", _misassigned_arrays),
    "several-start-methods": Capability(
        "this platform offers one start method only", lambda: len(start_methods()) > 1
    ),
    "scripts": Capability("a script with a #! line cannot be executed here", _scripts),
    "semaphores": Capability(
        "no semaphore can be created here: there is no sem_open, or /dev/shm cannot be written to",
        _semaphores,
    ),
    "addresses": Capability(
        "no local socket can be created in the folder for temporary files: its path is too long",
        _addresses,
    ),
    "many-files": Capability(
        f"a process cannot open {_MOST_FILES} files here (ulimit -n)", _many_files
    ),
    "guarded-views": Capability(
        "a mapping can be closed here while a memoryview of it exists", _guarded_views
    ),
    "counted-references": Capability(
        "an object is not deleted with its last reference here", _counted_references
    ),
    "high-descriptors": Capability(
        f"a process cannot open {_HIGH} files here, even if it asks for that (ulimit -Hn)",
        _high_descriptors,
    ),
    "semaphore-value": Capability(
        "the value of a semaphore cannot be read here (sem_getvalue)", _semaphore_value
    ),
}


def taken_away() -> set[str]:
    """The capabilities and start methods that SPEC_WITHOUT names."""
    return {name.strip() for name in os.environ.get(WITHOUT, "").split(",") if name.strip()}


_known: dict[str, bool] = {}


def has(name: str) -> bool:
    """Whether the capability is available; its probe runs once in a run.

    Raises ProbeError if the system refuses something that the probe itself needs.
    """
    if name not in _known:
        try:
            _known[name] = name not in taken_away() and CAPABILITIES[name].probe()
        except OSError as error:
            raise ProbeError(f"the probe for {name!r} could not run: {error}") from None
    return _known[name]


def all_known() -> dict[str, bool]:
    """Whether each capability is available, for the workers of the run."""
    return {name: has(name) for name in CAPABILITIES}


def learn(known: dict[str, bool]) -> None:
    """Take over the results of the run, so that no worker runs a probe on a busy machine."""
    _known.update(known)


def usable_cpus() -> int:
    """The number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def lacks(names: tuple[str, ...]) -> list[str]:
    """The sentences for those of the named capabilities that are missing."""
    return [CAPABILITIES[name].lack for name in names if not has(name)]


def start_methods() -> list[str]:
    """The start methods that can be used here, those with the cheapest children first.

    Those that SPEC_WITHOUT names are left out.
    """
    offered = set(package.start_methods()) - taken_away()
    return sorted(offered, key=lambda method: (_CHEAPEST_FIRST.find(method), method))
