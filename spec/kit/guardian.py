"""The guardian: one process that ends what an interrupted or killed run leaves behind.

The run starts it and holds its standard input. Whoever starts processes leaves their numbers
in the run's folder, which is also the folder for temporary files: a file ``group-N`` for a
process group, ``pid-N`` for a single process. At end-of-file the run is over, however it ended:
the guardian ends what is still noted, waits for the resource trackers to do their work, and
removes the folder. Windows has no need of it: a job object ends with its last handle.
"""

from __future__ import annotations

import os
import shutil
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
    watcher = subprocess.Popen(
        [sys.executable, "-S", "-m", "spec.kit.guardian", folder],
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


def watch(number: int, kind: str = "pid") -> None:
    """Have a process (``kind`` pid) or a process group (group) ended with the run."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"{kind}-{number}").touch()


def forget(number: int, kind: str = "pid") -> None:
    """Take back ``watch``: it has ended, and its number may be given to another."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"{kind}-{number}").unlink(missing_ok=True)


def finish() -> None:
    """The run is over: where there is no guardian, remove the folder here."""
    if sys.platform == "win32":
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


def watch_own_group() -> None:
    """Have this process and all it will start ended with the run."""
    if sys.platform != "win32":
        os.setpgid(0, 0)
        watch(os.getpid(), "group")


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

    def end_all(folder: Path) -> None:
        """End what is noted in ``folder`` until nothing of it runs, or the last wait is over."""
        from spec.kit.platforms import kill, kill_group, processes

        deadline = time.monotonic() + _LAST_WAIT
        while time.monotonic() < deadline:
            groups = {int(path.name.partition("-")[2]) for path in folder.glob("group-*")}
            pids = {int(path.name.partition("-")[2]) for path in folder.glob("pid-*")}
            running = processes()
            for pid in pids & {process[0] for process in running}:
                kill(pid)
            for group in groups:
                kill_group(group)
            if not any(process[0] in pids or process[2] in groups for process in running):
                return
            time.sleep(0.02)

    def _main(folder: Path) -> None:
        sys.stdin.buffer.read()
        end_all(folder)
        shutil.rmtree(folder, ignore_errors=True)

    if __name__ == "__main__":
        _main(Path(sys.argv[1]))
