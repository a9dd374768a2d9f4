"""The cost of a play: the processes that it starts, and the processor time of all of them.

Every interpreter notes its start in a file, and so does every process that is forked from one:
children, their children, whole programs and their servers. ``spec/site`` does it at the start of
the interpreter; the environment passes on the file, one for each process that plays claims, and
``spec/site`` itself, an entry of PYTHONPATH. Not counted are interpreters that ignore either (the
options ``-I``, ``-E`` and ``-S``, a replaced environment), and programs other than Python.

The processor time is that of the process that plays, of the servers that the package has started
in it, and of all descendants whose parents have waited for them. An interpreter that ends after its
parent, such as the fork server and the resource tracker of a program, notes its own time, and is
part of the play in which it ends. The only time that is missing is that of a fork that outlives its
parent, and of an interpreter that does so and is killed by another process than this one.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from spec.kit import platforms
from spec.kit.clock import now

#: The environment variable with the path of the file in which starts are noted.
VARIABLE = "SPEC_STARTS"
# How long, in seconds, a server may take to note its start.
_SETTLING = 2.0
# The children that were started before there was a file; where the default is not to fork, a probe
# of semaphores starts a resource tracker.
_uncounted: set[int] = set()


class _Note(NamedTuple):
    """A line of the file: the start of an "interpreter" or "fork", or that one has "outlived".

    The latter is the end of an interpreter whose parent has ended before; ``microseconds`` is the
    processor time of it and its children.
    """

    kind: str
    pid: int
    microseconds: int


class Cost(NamedTuple):
    """The cost of a play: ``processes`` were started, ``interpreters`` of them not by a fork.

    Each number is None where it is unknown.
    """

    processes: int | None = None
    interpreters: int | None = None
    processor_seconds: float | None = None


def count_starts() -> None:
    """Let all processes that descend from this one note their start, in a new file.

    It is beside the folder of this process's temporary files, because no claim may leave a file
    there. :func:`spec.faults.pass_on` puts ``spec/site`` on PYTHONPATH. Nothing is counted if
    this interpreter, and so each child that it spawns, ignores that.
    """
    os.environ.pop(VARIABLE, None)  # an outer run's
    if sys.flags.ignore_environment or sys.flags.no_site:
        return
    path = Path(f"{tempfile.gettempdir()}-started")
    path.touch()
    _uncounted.update(_children())
    os.environ[VARIABLE] = str(path)
    if hasattr(os, "register_at_fork"):  # spec/site did not do it here: there was no file yet
        os.register_at_fork(after_in_child=_note_fork)


def _children() -> set[int]:
    return {pid for pid, parent, *_ in platforms.processes() if parent == os.getpid()}


def _note_fork() -> None:
    with contextlib.suppress(OSError):  # as in spec/site
        file = os.open(os.environ.get(VARIABLE, ""), os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, f"fork {os.getpid()} 0\n".encode())
        finally:
            os.close(file)


def _noted(offset: int = 0) -> list[_Note] | None:
    """The notes behind ``offset`` in the file; None without a file."""
    try:
        with Path(os.environ.get(VARIABLE, "")).open(encoding="ascii") as file:
            file.seek(offset)
            words = [line.split() for line in file]
    except OSError:
        return None
    # On a full disk a line may be cut off.
    return [_Note(line[0], int(line[1]), int(line[2])) for line in words if len(line) == 3]


@functools.cache
def servers() -> frozenset[int] | None:
    """The PIDs of the servers that the package has started in this process; None if unknown.

    It is called before the first claim, after :func:`spec.kit.leftovers.start_servers`: they are
    the children of this process then. Waits until they have noted their start, which would be
    counted, and paid for, in the first play otherwise.
    """
    found = _children()
    deadline = now() + (_SETTLING if VARIABLE in os.environ else 0.0)
    while not found - _uncounted <= {note.pid for note in _noted() or ()} and now() < deadline:
        time.sleep(0.01)
    known = os.getpid() in (pid for pid, *_ in platforms.processes())
    return frozenset(found) if known else None


class Meter:
    """Measures what is spent from its creation on, by this process and for it.

    The work of the package's servers is part of it; their own start is not.
    """

    def __init__(self) -> None:
        self._servers = servers()
        noted = Path(os.environ.get(VARIABLE, ""))
        self._offset = noted.stat().st_size if noted.is_file() else 0
        self._began = self._seconds()

    def cost(self) -> Cost:
        """The cost since the creation."""
        notes, ended = self._notes(), self._seconds()
        processes = interpreters = seconds = None
        if notes is not None:
            kinds = Counter(note.kind for note in notes)
            interpreters = kinds["interpreter"]
            processes = interpreters + kinds["fork"]
        if self._began is not None and ended is not None:
            alone = sum(note.microseconds for note in notes or ())
            seconds = ended - self._began + alone / 1e6
        return Cost(processes, interpreters, seconds)

    def _notes(self) -> list[_Note] | None:
        """The notes since the creation, without the servers'."""
        notes = _noted(self._offset)
        return notes and [note for note in notes if note.pid not in (self._servers or ())]

    def _seconds(self) -> float | None:
        return None if self._servers is None else platforms.processor_seconds(self._servers)
