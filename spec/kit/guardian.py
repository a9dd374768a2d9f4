"""The guardian: a process that ends the processes which an interrupted or killed run leaves.

The run starts it and holds the other end of its standard input. End-of-file there means that the
run is over, however it ended. Then the guardian ends the processes that belong to the run, waits
until the resource trackers have finished, and removes the run's folder, in which the run also has
its temporary files.

The guardian recognises the processes of the run by a mark that no other process has by accident,
never by a path that any process may open. On Linux the mark is the variable ``SPEC_RUN_FOLDER``
in the environment that a process was started with or, in a process that was forked from the run
itself, one end of a pipe whose other end the guardian holds. On other systems the mark is the
process group of a worker, an actor or a program: a file ``group-N`` in the folder notes when the
group was known to belong to the run. If process N is younger than the note, its PID was reused.
A group in doubt is left alone and reported. Windows needs no guardian: a job object ends its
processes when its last handle is closed.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from spec.kit.mappings import note_mappings
from spec.kit.platforms import (
    descriptors,
    group_exists,
    is_marked,
    kill,
    kill_noting,
    led_since,
    may_be_tracker,
    processes,
    remove_noted,
    remove_shared_memory,
)

# The environment variable by which workers find the run's folder, and the guardian its processes.
FOLDER = "SPEC_RUN_FOLDER"
# How long, in seconds, the guardian waits for the end of processes and resource trackers.
_LAST_WAIT = 10.0
# How long, in seconds, the exit of the run or of a worker may take.
_EXIT = 10.0
# The guardian runs in a new interpreter. It sets sys.path itself, so that it does not depend on
# the options and the environment of the run, such as PYTHONSAFEPATH.
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from spec.kit import guardian
guardian.main(*sys.argv[2:])
"""


class GuardianError(Exception):
    """The guardian could not be started: one line that says why."""


class _Watch(NamedTuple):
    """The run's data about its guardian: the PID, and the inode of the pipe between them."""

    pid: int
    inode: int


# Empty in a worker, which was started with the variable in its environment, as its forks are.
_watch: list[_Watch] = []


def start() -> None:
    """Create the run's folder and start its guardian, if the platform needs one.

    From now on temporary files are created in the folder. Its path is short, because the addresses
    of local sockets begin with it, and they have at most about a hundred characters. Raises
    GuardianError if the folder cannot be created, or if the guardian does not start.
    """
    try:
        folder = tempfile.mkdtemp(prefix="mps-")
    except OSError as error:
        raise GuardianError(f"there is no folder for temporary files: {error}") from None
    os.environ[FOLDER] = folder
    # If no guardian outlives the run, the run itself removes the folder at its exit. Windows has
    # no guardian, and with process 1 the kernel kills all processes of its PID namespace.
    if sys.platform == "win32" or os.getpid() == 1:
        atexit.register(_remove, folder, os.getpid())
    try:
        use_folder("r00")
        if sys.platform == "win32":
            _hold_in_job()
        else:
            _start_process(folder)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise GuardianError(
            f"the guardian, which ends the processes of a killed run, did not start: {error}"
        ) from None


def _remove(folder: str, run: int) -> None:
    if os.getpid() == run:  # not in a process that was forked from it
        shutil.rmtree(folder, ignore_errors=True)


def use_folder(name: str) -> None:
    """Create the folder ``name`` in the run's folder, for this process's temporary files."""
    folder = Path(os.environ[FOLDER], name)
    folder.mkdir(exist_ok=True)
    for variable in ("TMPDIR", "TEMP", "TMP"):
        os.environ[variable] = str(folder)
    # Set here: on a full disk tempfile would choose another folder, such as /tmp.
    tempfile.tempdir = str(folder)
    mappings_folder().mkdir(exist_ok=True)
    note_mappings(str(mappings_folder()))


def mappings_folder() -> Path:
    """The folder, beside their temporary files, where this process and its actors note mappings.

    See :mod:`spec.kit.mappings`.
    """
    return Path(f"{tempfile.gettempdir()}-mapped")


def watch(group: int) -> None:
    """Note that a process group belongs to the run, so that the guardian ends it."""
    if FOLDER in os.environ:  # Path.touch() takes three times as long
        note = f"{os.environ[FOLDER]}/group-{group}"
        os.close(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def forget(group: int) -> None:
    """Undo ``watch``: the group has ended, and its ID may be reused."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"group-{group}").unlink(missing_ok=True)


def bound_exit(code: int) -> None:
    """End this process with exit code ``code`` if its exit takes longer than 10 s.

    The time begins when the interpreter begins to exit. A killed process never releases the locks
    that it holds, and the package's own cleanup at exit may block until it acquires one of them.
    This was seen with the workers of a Pool that a claim had not closed.
    """
    # Not a threading.Thread: a fault may have broken it, and the exit would join it.
    _thread.start_new_thread(_cut_short, (code,))


def _cut_short(code: int) -> None:
    threading.main_thread().join()  # it returns when the interpreter begins to exit
    time.sleep(_EXIT)
    print(f"the exit was cut short: it did not end within {_EXIT:g} s", file=sys.stderr)
    os._exit(code)


def watch_own_group() -> None:
    """Put this process into a new process group, which the guardian ends with the run."""
    if sys.platform != "win32":
        os.setpgid(0, 0)
        watch(os.getpid())


def end_workers() -> None:
    """Kill all processes of the run except this one and the guardian.

    If workers end by themselves, they take 8 seconds or more.
    """
    if sys.platform != "win32":
        spared = {os.getpid(), _watch[0].pid}
        for pid in _belonging(Path(os.environ[FOLDER]), _watch[0].inode).certain:
            if pid not in spared:
                kill(pid)


def keep_pipes_from_forks() -> None:
    """Replace this worker's pipes by os.devnull in the processes that are forked from it.

    The run learns of a worker's death by end-of-file on its pipe. A forked child that outlives
    the worker and holds the pipe open would hide its death. The descriptors 0, 1 and 2 are kept.
    """
    if sys.platform != "win32":
        nowhere = os.open(os.devnull, os.O_RDWR)
        pipes = [
            number
            for number in descriptors()
            if number > 2 and stat.S_ISFIFO(os.fstat(number).st_mode)
        ]

        def take_away() -> None:
            for number in pipes:
                os.dup2(nowhere, number, inheritable=False)

        os.register_at_fork(after_in_child=take_away)


if sys.platform == "win32":

    def _hold_in_job() -> None:
        """Put this process, and so all processes that it will start, into a job object.

        The job ends with this process.
        """
        import ctypes
        from ctypes import wintypes

        class Limits(ctypes.Structure):  # JOBOBJECT_EXTENDED_LIMIT_INFORMATION
            _fields_ = [
                ("times", ctypes.c_int64 * 2),
                ("flags", wintypes.DWORD),
                ("sizes", ctypes.c_size_t * 2),
                ("processes", wintypes.DWORD),
                ("affinity", ctypes.c_size_t),
                ("classes", wintypes.DWORD * 2),
                ("io", ctypes.c_uint64 * 6),
                ("memory", ctypes.c_size_t * 4),
            ]

        kill_on_close, extended = 0x2000, 9
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.SetInformationJobObject.argtypes = (
            wintypes.HANDLE,
            ctypes.c_int,
            ctypes.c_void_p,
            wintypes.DWORD,
        )
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        job = kernel.CreateJobObjectW(None, None)  # never closed: our end closes the handle
        limits = Limits(flags=kill_on_close)
        if not (
            kernel.SetInformationJobObject(
                job, extended, ctypes.byref(limits), ctypes.sizeof(limits)
            )
            and kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess())
        ):
            raise ctypes.WinError(ctypes.get_last_error())  # unrun: only Windows can refuse

else:

    class Belonging(NamedTuple):
        """The processes of the run: ``certain`` PIDs, and ``doubtful`` process groups.

        ``trackers`` are the PIDs of those that may be resource trackers, which are not killed: see
        :func:`spec.kit.platforms.may_be_tracker`.
        """

        certain: list[int]
        trackers: list[int]
        doubtful: list[int]

    def _start_process(folder: str) -> None:
        """Start the guardian, and keep its standard input and the pipe of the mark open."""
        command = [sys.executable, "-S", "-c", _PROGRAM, str(Path(__file__).parents[2])]
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            mark, inherited = os.pipe()
            theirs.callback(os.close, mark)
            ours.callback(os.close, inherited)
            ended, lifeline = os.pipe()
            theirs.callback(os.close, ended)
            ours.callback(os.close, lifeline)
            started = subprocess.run(
                [*command, folder, str(os.getpid()), str(mark)],
                stdin=ended,
                stdout=subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if name != FOLDER},
                pass_fds=[mark],
                check=True,
            )
            _watch.append(_Watch(int(started.stdout), os.fstat(mark).st_ino))
            os.register_at_fork(after_in_child=lambda: _close_quietly(lifeline))
            # Both stay open until this process ends, and the mark in the processes forked from it.
            ours.pop_all()

    def _close_quietly(descriptor: int) -> None:
        with contextlib.suppress(OSError):  # the claim may have closed all descriptors
            os.close(descriptor)

    def main(folder: str, run: str, mark: str) -> None:
        """Run the guardian in a forked process, which the process that started it does not reap."""
        if pid := os.fork():
            os.write(1, str(pid).encode())  # print() would use the encoding of a terminal
            os._exit(0)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        began = time.time()
        sys.stdin.buffer.read()
        # The run itself may still be about to exit; it must keep its exit code.
        doubtful = end_all(Path(folder), os.fstat(int(mark)).st_ino, {os.getpid(), int(run)})
        if doubtful:
            print(
                "left alone, because it is unknown whether they belong to the run: process groups "
                + ", ".join(map(str, sorted(doubtful))),
                file=sys.stderr,
            )
        # An actor whose stage was killed exits by itself, before its mappings can be looked at.
        remove_noted(Path(folder).glob("*-mapped/*"), began)
        shutil.rmtree(folder, ignore_errors=True)

    def end_all(folder: Path, inode: int, spared: set[int]) -> list[int]:
        """End the processes of the run, until none is left, for at most 10 s.

        Returns the process groups that may belong to the run and were left alone.
        """
        mapped: set[int] = set()
        deadline = time.monotonic() + _LAST_WAIT
        while True:
            found = _belonging(folder, inode)
            left = set(found.certain) - spared
            for pid in left:
                mapped |= kill_noting(pid)
            waited_for = left | (set(found.trackers) - spared) | set(found.doubtful)
            if not waited_for or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        remove_shared_memory(mapped)
        return found.doubtful

    def _belonging(folder: Path, inode: int) -> Belonging:
        """The processes of the run with this folder; its forks hold the pipe with that inode."""
        noted = _noted(folder)
        found = Belonging([], [], [])
        told: dict[int, bool | None] = {}
        listed = processes()
        for pid, _, group, command in listed:
            ours = is_marked(pid, f"{FOLDER}={folder}", inode)
            if ours is None and group in noted:
                if group not in told:
                    told[group] = led_since(group, noted[group])
                ours = told[group]
            if ours:
                (found.trackers if may_be_tracker(command) else found.certain).append(pid)
        found.doubtful.extend(group for group, ours in told.items() if ours is None)
        if not listed:  # no process can be listed here: a group's ID may have been reused
            found.doubtful.extend(group for group in noted if group_exists(group))
        return found

    def _noted(folder: Path) -> dict[int, float]:
        """The groups that were noted, with the time of the note in seconds since the epoch."""
        noted = {}
        for path in folder.glob("group-*"):
            with contextlib.suppress(OSError):  # the note has been removed since
                noted[int(path.name.partition("-")[2])] = path.stat().st_mtime
        return noted
