"""What a platform or an implementation may lack: found by a probe, never by a platform's name.

To see the suite as it runs where something is missing, name it in the environment variable
``SPEC_WITHOUT``, separated by commas: a capability, or a start method.
"""

from __future__ import annotations

import importlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from spec.kit import package, rally

WITHOUT = "SPEC_WITHOUT"
_CHEAPEST_FIRST = "fork, forkserver, spawn"


class ProbeError(Exception):
    """A probe that found nothing out: one line that says why."""


class Capability(NamedTuple):
    """``lack`` is the sentence that a reader gets where the probe says no.

    It is empty for what marks an implementation that deviates: to be without that is no lack.
    """

    lack: str
    probe: Callable[[], bool]


# Seconds until the probe of the cores gives up. It takes that long only where there seem to be
# several and are not; on a busy machine a rally needed more than 2.
_RALLY = 20.0


# How many files the largest scene has open in one process, with a margin: twenty-four children,
# each with its sentinel, and the connections of as many actors.
_MOST_FILES = 128


def _several_cores() -> bool:
    """Whether a rally between two plain interpreters shows that both run at once."""
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
    """Asked of the system, not of the package: one is made, and loses its name at once."""
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
    """Asked of the system, in the folder where the package has its local sockets."""
    family = getattr(socket, "AF_UNIX", None)
    if family is None:  # Windows has pipes instead, whose names are not made from a folder's
        return True
    path = Path(package.submodule("util").get_temp_dir(), f"listener-{secrets.token_hex(4)}")
    with socket.socket(family) as listener:
        try:
            listener.bind(str(path))
        except OSError:
            return False
    path.unlink()
    return True


def _many_files() -> bool:
    """Whether a process may have so many files open as the largest scene has."""
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
    """Asked by what it does: Windows has ``sem_unlink`` too, which does nothing there."""
    unlink = getattr(importlib.import_module("_multiprocessing"), "sem_unlink", None)
    try:
        return unlink is not None and unlink("/spec-nobody") is not None
    except OSError:
        return True


def _scripts() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script")
        script.write_text("#!/bin/sh\nexit 7\n")
        script.chmod(0o700)
        try:
            return subprocess.run([script]).returncode == 7
        except OSError:
            return False


CAPABILITIES = {
    "several-cores": Capability(
        "two plain interpreters do not run at the same time here: fewer than two usable cores",
        _several_cores,
    ),
    "gil": Capability("the GIL is off in this interpreter", _gil),
    "no-gil": Capability("the GIL is on in this interpreter", lambda: not _gil()),
    "signals": Capability(
        "one process cannot send another a signal that it can catch here",
        lambda: hasattr(signal, "SIGKILL"),
    ),
    "named-semaphores": Capability(
        "semaphores have no names here that could be lost",
        _named_semaphores,
    ),
    "waitid": Capability(
        "one cannot see here that a child has ended without taking its exit status (os.waitid)",
        lambda: hasattr(os, "waitid"),
    ),
    "eight-bit-status": Capability(
        "an exit status has more than eight bits here", lambda: hasattr(os, "WEXITSTATUS")
    ),
    "native-pids": Capability(
        "a process's first thread has a number of its own here, not its process's",
        lambda: threading.main_thread().native_id == os.getpid(),
    ),
    "affinity": Capability(
        "a process cannot be kept to some of the processors here (os.sched_setaffinity)",
        lambda: hasattr(os, "sched_setaffinity"),
    ),
    "sessions": Capability(
        "processes do not belong to sessions here (os.getsid)", lambda: hasattr(os, "getsid")
    ),
    "descriptors": Capability(
        "children do not inherit open files by their numbers here", lambda: hasattr(os, "fork")
    ),
    # A child fetches its pipes' ends from its parent, which keeps them open until then: Windows.
    "fetched-handles": Capability(
        "", lambda: hasattr(package.submodule("reduction"), "steal_handle")
    ),
    "several-start-methods": Capability(
        "this platform offers one start method only", lambda: len(start_methods()) > 1
    ),
    "scripts": Capability("a script cannot stand in for a program here", _scripts),
    "semaphores": Capability(
        "no semaphore can be made here: the system has no sem_open, or /dev/shm cannot be written",
        _semaphores,
    ),
    "addresses": Capability(
        "no local socket can be made in the folder for temporary files: its path is too long",
        _addresses,
    ),
    "many-files": Capability(
        f"fewer than {_MOST_FILES} files may be open at once here (ulimit -n)", _many_files
    ),
    "semaphore-value": Capability(
        "this platform cannot tell a semaphore's value (sem_getvalue)", _semaphore_value
    ),
}


def taken_away() -> set[str]:
    """What SPEC_WITHOUT names."""
    return {name.strip() for name in os.environ.get(WITHOUT, "").split(",") if name.strip()}


_known: dict[str, bool] = {}


def has(name: str) -> bool:
    """Whether the capability is there; the probe runs once in a run.

    Raises ProbeError where the system refuses what the probe itself needs.
    """
    if name not in _known:
        try:
            _known[name] = name not in taken_away() and CAPABILITIES[name].probe()
        except OSError as error:
            raise ProbeError(f"the probe for {name!r} could not be made: {error}") from None
    return _known[name]


def all_known() -> dict[str, bool]:
    """Which capabilities are there, for the workers of the run."""
    return {name: has(name) for name in CAPABILITIES}


def learn(known: dict[str, bool]) -> None:
    """Take over what the run has found, so that no worker probes a machine that is busy."""
    _known.update(known)


def usable_cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def lacks(names: tuple[str, ...]) -> list[str]:
    """The sentences for those of the named capabilities that are missing."""
    return [CAPABILITIES[name].lack for name in names if not has(name)]


def start_methods() -> list[str]:
    """The start methods offered here, from the cheapest child to the dearest."""
    offered = set(package.start_methods()) - taken_away()
    return sorted(offered, key=lambda method: (_CHEAPEST_FIRST.find(method), method))
