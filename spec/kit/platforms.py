"""The differences between platforms: the only module, beside the probes, that asks for a name."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from spec.kit.claims import reached

TRACKER = "resource_tracker"


def default_start_method() -> str:
    """What a program gets that does not choose (multiprocessing, Contexts and start methods)."""
    if sys.platform in ("win32", "darwin"):
        return "spawn"
    if not reached("3.14"):
        return "fork"
    return "forkserver" if hasattr(socket, "SCM_RIGHTS") else "spawn"


def kill(pid: int) -> None:
    """End the process at once; harmless when there is none."""
    try:
        if sys.platform != "win32":
            os.kill(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)  # is TerminateProcess there (os.kill)
    except (ProcessLookupError, PermissionError):
        pass


if sys.platform != "win32":

    def _group_runs(group: int) -> bool:
        return any(its_group == group for _, _, its_group, _ in processes())

    def kill_group(group: int) -> list[int]:
        """End the group's processes at once and give the pids that were found.

        Resource trackers are spared: a killed one leaks its semaphores, and they end by
        themselves as soon as nobody is left to track for.
        """
        found = [
            pid
            for pid, _, its_group, command in processes()
            if its_group == group and TRACKER not in command
        ]
        for pid in found:
            kill(pid)
        return found


def kill_tree(leader: int) -> None:
    """End a process at once, and the process group that it leads if it leads one."""
    kill(leader)
    if sys.platform != "win32":
        kill_group(leader)


def limit_processor_time(pid: int, seconds: int) -> None:
    """End the process, and each that it will start, after so much processor time; on Linux only."""
    if sys.platform == "linux":
        import resource

        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))


def reap_tree(leader: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """End a program that was started in a session of its own, and what it has started.

    Waits, up to ``seconds``, until nothing of it runs, the resource tracker included. On
    Windows the run's job object ends what a program leaves behind.
    """
    if sys.platform == "win32":
        leader.kill()
    else:
        deadline = time.monotonic() + seconds
        while kill_group(leader.pid) or _group_runs(leader.pid):
            if time.monotonic() > deadline:
                break
            time.sleep(0.002)
    leader.wait()


def processes() -> list[tuple[int, int, int, str]]:
    """Pid, parent's pid, process group and command line of all processes that run (no zombies)."""
    if sys.platform == "linux":
        return [
            entry
            for name in os.listdir("/proc")
            if name.isdigit()
            if (entry := _linux_process(name)) is not None
        ]
    if sys.platform != "win32":
        listing = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat=,command="],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        rows = [line.split(None, 4) for line in listing.splitlines()]
        return [
            (int(row[0]), int(row[1]), int(row[2]), row[4])
            for row in rows
            if len(row) == 5 and not row[3].startswith("Z")
        ]
    return []  # there the run's job object holds all of them


def _linux_process(name: str) -> tuple[int, int, int, str] | None:
    try:
        stat = Path("/proc", name, "stat").read_text(errors="replace")
        command = Path("/proc", name, "cmdline").read_bytes()
    except OSError:  # it has ended in the meantime
        return None
    state, parent, group = stat.rpartition(")")[2].split()[:3]
    if state in "ZX":
        return None
    return int(name), int(parent), int(group), command.replace(b"\0", b" ").decode(errors="replace")


def has_to_do_with(pid: int, folder: Path) -> bool:
    """Whether the process was started with ``folder`` in its environment, or has a file of it
    open; never but on Linux, where this can be told.
    """
    if sys.platform != "linux":
        return False
    try:
        if os.fsencode(folder) in Path("/proc", str(pid), "environ").read_bytes():
            return True
        opened = os.scandir(f"/proc/{pid}/fd")
    except OSError:  # it has ended in the meantime, or is another user's
        return False
    with opened:
        return any(_target_of(entry.path).startswith(f"{folder}/") for entry in opened)


def _target_of(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def descriptors() -> dict[int, str]:
    """The open descriptors of this process and what they lead to; empty where none are listed."""
    if sys.platform == "win32":
        return {}
    found = {}
    for name in os.listdir("/dev/fd"):
        try:
            found[int(name)] = _target(int(name))
        except OSError:  # the descriptor of the listing itself
            continue
    return found


def _target(descriptor: int) -> str:
    if sys.platform == "linux":
        return os.readlink(f"/proc/self/fd/{descriptor}")
    return f"inode {os.fstat(descriptor).st_ino}"


def shared_mappings() -> set[str]:
    """Named semaphores and shared memory mapped by this process; empty but on Linux."""
    if sys.platform != "linux":
        return set()
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split(None, 5)[5] for line in lines if "/dev/shm/" in line}
