"""The guardian: one process that ends what an interrupted or killed run leaves behind.

The run starts it and holds its standard input. At end-of-file the run is over, however it
ended: the guardian ends what belongs to the run, waits for the resource trackers to do their
work, and removes the run's folder, which is also the folder for temporary files.

To the run belong the process groups whose numbers are noted in the folder, as a file
``group-N``: those of workers, actors and programs. Where the system tells, there also belongs
to it whatever was started with the folder in its environment, or was forked with a file of it
open: so does a server that a test started itself, without workers, in the group of the user's
shell. Windows has no need of a guardian: a job object ends with its last handle.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The name under which the workers of a run find its folder.
FOLDER = "SPEC_RUN_FOLDER"
# How long, in seconds, the guardian waits for processes and trackers to be gone.
_LAST_WAIT = 10.0
# Kept, since its standard input must stay open as long as this process lives.
_watchers: list[subprocess.Popen[bytes]] = []
# The descriptor by which the run's forks can be told: their environment is as it was at the
# run's own start, when there was no folder.
_MARK = "run"


def start() -> None:
    """Make the run's folder and start its guardian, where the platform needs one.

    From here on temporary files go to the folder. Its path is short: the addresses of local
    sockets are made from it, and these take about a hundred characters.
    """
    folder = tempfile.mkdtemp(prefix="mps-")
    os.environ[FOLDER] = folder
    use_folder("r")
    if sys.platform == "win32":
        _hold_in_job()
        return
    os.open(Path(folder, _MARK), os.O_CREAT)
    watcher = subprocess.Popen(
        [sys.executable, "-S", "-m", "spec.kit.guardian", folder, str(os.getpid())],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )
    assert watcher.stdin is not None
    os.register_at_fork(after_in_child=watcher.stdin.close)
    _watchers.append(watcher)


def use_folder(name: str) -> Path:
    """Make a folder of that name in the run's, for this process's temporary files."""
    folder = Path(os.environ[FOLDER], name)
    folder.mkdir(exist_ok=True)
    for variable in ("TMPDIR", "TEMP", "TMP"):
        os.environ[variable] = str(folder)
    tempfile.tempdir = None  # asked again, with the new environment
    return folder


def watch(group: int) -> None:
    """Have a process group ended with the run."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"group-{group}").touch()


def forget(group: int) -> None:
    """Take back ``watch``: it has ended, and its number may be given to another."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"group-{group}").unlink(missing_ok=True)


def finish() -> None:
    """The run is over: where there is no guardian, remove the folder here."""
    if sys.platform == "win32":
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


def watch_own_group() -> None:
    """Have this process and all it will start ended with the run."""
    if sys.platform != "win32":
        os.setpgid(0, 0)
        watch(os.getpid())


def end_workers() -> None:
    """End all that is noted at once: left to themselves, workers take 8 seconds or more."""
    if sys.platform != "win32":
        from spec.kit.platforms import kill_group

        for group in _noted(Path(os.environ[FOLDER])):
            kill_group(group)


def keep_pipes_from_forks() -> None:
    """Take this worker's pipes away from what is forked from it.

    The run knows a worker's death by the end of its pipe; a forked child that lives on would
    hide it for ever. The standard three are not the run's.
    """
    if sys.platform != "win32":
        from spec.kit.platforms import descriptors

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


def _noted(folder: Path) -> set[int]:
    return {int(path.name.partition("-")[2]) for path in folder.glob("group-*")}


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
            raise ctypes.WinError(ctypes.get_last_error())

else:

    def end_all(folder: Path, spared: set[int]) -> None:
        """End what belongs to the run until nothing of it is left, or the last wait is over."""
        from spec.kit.platforms import TRACKER, has_to_do_with, kill, processes

        deadline = time.monotonic() + _LAST_WAIT
        while time.monotonic() < deadline:
            groups = _noted(folder)
            left = [
                (pid, command)
                for pid, _, group, command in processes()
                if pid not in spared and (group in groups or has_to_do_with(pid, folder))
            ]
            if not left:
                return
            for pid, command in left:
                if TRACKER not in command:  # a killed one leaks; they end when nobody is left
                    kill(pid)
            time.sleep(0.02)

    def _main(folder: Path, run: int) -> None:
        sys.stdin.buffer.read()
        # The run itself may still be on its way out, and has its exit code to give.
        end_all(folder, {os.getpid(), run})
        shutil.rmtree(folder, ignore_errors=True)

    if __name__ == "__main__":
        _main(Path(sys.argv[1]), int(sys.argv[2]))
