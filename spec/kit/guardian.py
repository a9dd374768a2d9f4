"""The guardian: one process that ends what an interrupted or killed run leaves behind.

The run starts it and holds its standard input. At end-of-file the run is over, however it
ended: the guardian ends what belongs to the run, waits for the resource trackers to do their
work, and removes the run's folder, which is also the folder for temporary files.

What belongs to the run is known by what nobody else has by accident, never by a path that
anybody may open. On Linux it is the variable ``SPEC_RUN_FOLDER`` in the environment that a
process was started with, or, in what was forked from the run itself, the end of a pipe whose
other end the guardian holds. Nested it is the process group of a worker, an actor or a
program: a file ``group-N`` in the folder notes when it was known to be the run's, so a process
N that is younger has come by the number later. What cannot be told is left alone, and reported.
Windows has no need of a guardian: a job object ends with its last handle.
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
    TRACKER,
    descriptors,
    group_exists,
    is_marked,
    kill,
    kill_noting,
    led_since,
    processes,
    remove_shared_memory,
)

# The name under which the workers of a run find its folder, and by which its processes are known.
FOLDER = "SPEC_RUN_FOLDER"
# How long, in seconds, the guardian waits for processes and trackers to be gone.
_LAST_WAIT = 10.0
# How long, in seconds, the exit of the run or of a worker may take.
_EXIT = 10.0
# The guardian is an interpreter of its own. It is given its path here, whatever the options
# with which the run was started say of paths.
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from spec.kit import guardian
guardian.main(*sys.argv[2:])
"""


class GuardianError(Exception):
    """The guardian could not be started: one line that says why."""


class _Watch(NamedTuple):
    """What the run knows of its guardian: its pid, and the inode of the pipe between them."""

    pid: int
    inode: int


# None in a worker: that one was started with the variable in its environment, as its forks are.
_watch: list[_Watch] = []


def start() -> None:
    """Make the run's folder and start its guardian, where the platform needs one.

    From here on temporary files go to the folder. Its path is short: the addresses of local
    sockets are made from it, and these take about a hundred characters. Raises GuardianError
    where the folder cannot be made, or the guardian does not come up.
    """
    try:
        folder = tempfile.mkdtemp(prefix="mps-")
    except OSError as error:
        raise GuardianError(f"there is no folder for temporary files: {error}") from None
    os.environ[FOLDER] = folder
    # Where no guardian outlives the run, the run removes the folder itself, as the last thing that
    # it does: Windows has none, and the kernel ends all of a PID namespace with its process 1.
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
            f"the guardian, which ends what a killed run leaves, did not start: {error}"
        ) from None


def _remove(folder: str, run: int) -> None:
    if os.getpid() == run:  # not what was forked from it
        shutil.rmtree(folder, ignore_errors=True)


def use_folder(name: str) -> None:
    """Make a folder of that name in the run's, for this process's temporary files."""
    folder = Path(os.environ[FOLDER], name)
    folder.mkdir(exist_ok=True)
    for variable in ("TMPDIR", "TEMP", "TMP"):
        os.environ[variable] = str(folder)
    # Named here: on a full disk tempfile would choose another folder, that of everybody.
    tempfile.tempdir = str(folder)
    mappings_folder().mkdir(exist_ok=True)
    note_mappings(str(mappings_folder()))


def mappings_folder() -> Path:
    """Where this process and its actors note what they map: beside their temporary files."""
    return Path(f"{tempfile.gettempdir()}-mapped")


def watch(group: int) -> None:
    """Have a process group ended with the run."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"group-{group}").touch()


def forget(group: int) -> None:
    """Take back ``watch``: it has ended, and its number may be given to another."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"group-{group}").unlink(missing_ok=True)


def bound_exit(code: int) -> None:
    """From when the interpreter begins to exit, give it so many seconds, then end it with ``code``.

    Whoever was ended in the middle of something may hold a lock for ever that the package's own
    clearing up at the exit asks for: so did a worker of a Pool that a claim had forgotten.
    """
    # Not a Thread, which a fault may have broken: nobody waits for this one at the exit either.
    _thread.start_new_thread(_cut_short, (code,))


def _cut_short(code: int) -> None:
    threading.main_thread().join()  # is over when the interpreter begins to exit
    time.sleep(_EXIT)
    print(f"the exit was cut short: it had no end within {_EXIT:g} s", file=sys.stderr)
    os._exit(code)


def watch_own_group() -> None:
    """Have this process and all it will start ended with the run."""
    if sys.platform != "win32":
        os.setpgid(0, 0)
        watch(os.getpid())


def end_workers() -> None:
    """End all that is the run's at once: left to themselves, workers take 8 seconds or more."""
    if sys.platform != "win32":
        spared = {os.getpid(), _watch[0].pid}
        for pid in _belonging(Path(os.environ[FOLDER]), _watch[0].inode).certain:
            if pid not in spared:
                kill(pid)


def keep_pipes_from_forks() -> None:
    """Take this worker's pipes away from what is forked from it.

    The run knows a worker's death by the end of its pipe; a forked child that lives on would
    hide it for ever. The standard three are not the run's.
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
        """Put this process, and so all that it will start, into a job that ends with it."""
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
        job = kernel.CreateJobObjectW(None, None)  # never closed: its handle ends with us
        limits = Limits(flags=kill_on_close)
        if not (
            kernel.SetInformationJobObject(
                job, extended, ctypes.byref(limits), ctypes.sizeof(limits)
            )
            and kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess())
        ):
            raise ctypes.WinError(ctypes.get_last_error())  # unrun: Windows alone can refuse

else:

    class Belonging(NamedTuple):
        """What is the run's: ``certain`` pids, and ``doubtful`` groups of which it can't be told.

        Resource trackers are ``trackers``: a killed one leaks, and they end by themselves when
        nobody is left to track for.
        """

        certain: list[int]
        trackers: list[int]
        doubtful: list[int]

    def _start_process(folder: str) -> None:
        """Start the guardian, and hold its standard input and the mark."""
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
            # Both stay open as long as this process lives, and the mark in what is forked from it.
            ours.pop_all()

    def _close_quietly(descriptor: int) -> None:
        with contextlib.suppress(OSError):  # the claim may have closed all that is open
            os.close(descriptor)

    def main(folder: str, run: str, mark: str) -> None:
        """What the guardian does, as a process of nobody's: its starter does not wait for it."""
        if pid := os.fork():
            os.write(1, str(pid).encode())  # print would have the encoding of a terminal
            os._exit(0)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        sys.stdin.buffer.read()
        # The run itself may still be on its way out, and has its exit code to give.
        doubtful = end_all(Path(folder), os.fstat(int(mark)).st_ino, {os.getpid(), int(run)})
        if doubtful:
            print(
                "left alone, since nothing tells whether they are the run's: process groups "
                + ", ".join(map(str, sorted(doubtful))),
                file=sys.stderr,
            )
        shutil.rmtree(folder, ignore_errors=True)

    def end_all(folder: Path, inode: int, spared: set[int]) -> list[int]:
        """End what belongs to the run until nothing of it is left, or the last wait is over.

        Gives the groups that may be the run's, and were left alone.
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
        """What belongs to the run of the folder, whose forks hold the pipe with that inode."""
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
                (found.trackers if TRACKER in command else found.certain).append(pid)
        found.doubtful.extend(group for group, ours in told.items() if ours is None)
        if not listed:  # nothing can be seen here: a group that is there may be another's
            found.doubtful.extend(group for group in noted if group_exists(group))
        return found

    def _noted(folder: Path) -> dict[int, float]:
        """The groups that were noted, with the time of the note in seconds since the epoch."""
        noted = {}
        for path in folder.glob("group-*"):
            with contextlib.suppress(OSError):  # it was taken back in the meantime
                noted[int(path.name.partition("-")[2])] = path.stat().st_mtime
        return noted
