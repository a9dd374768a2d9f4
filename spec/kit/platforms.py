"""The differences between platforms.

Only this module, the guardian and the simulated platforms ask for the name of the platform.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from spec.kit.claims import reached
from spec.kit.mappings import SHARED_MEMORY

TRACKER = "resource_tracker"

# The processor time, in seconds, of killed processes that no process of this run has waited for: a
# program or an actor had started them, and did not end them.
_lost: list[float] = []


def default_start_method() -> str:
    """The documented default start method (multiprocessing, Contexts and start methods)."""
    if sys.platform in ("win32", "darwin"):
        return "spawn"
    if not reached("3.14"):
        return "fork"
    return "forkserver" if hasattr(socket, "SCM_RIGHTS") else "spawn"  # unrun: before 3.14


def kill(pid: int) -> None:
    """End the process at once; no effect if it has ended already."""
    with contextlib.suppress(OSError):  # not ProcessLookupError: Windows raises another OSError
        if sys.platform != "win32":
            os.kill(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)  # calls TerminateProcess() there (os.kill)


def request_stack(pid: int) -> bool:
    """Make an actor's process write its stack to its channel; returns whether that is possible.

    Sends the signal that the actor has registered (faulthandler.register, "not available on
    Windows").
    """
    if hasattr(faulthandler, "register") and hasattr(signal, "SIGUSR2"):
        with contextlib.suppress(OSError):  # the process has ended since
            os.kill(pid, signal.SIGUSR2)
            return True
    return False


def kill_noting(pid: int) -> set[int]:
    """End the process at once; returns the inodes of its named semaphores and shared memory.

    The inodes are for :func:`remove_shared_memory`. If a process is killed after it has created a
    semaphore and before it has registered it with the resource tracker, the name stays: 600
    programs that were killed at about that moment left 35 names. Empty except on Linux, because
    other systems do not list the mappings of a process.
    """
    mapped: set[int] = set()
    if sys.platform == "linux":
        try:
            os.kill(pid, signal.SIGSTOP)  # so that it creates no more of them
            lines = Path("/proc", str(pid), "maps").read_text(errors="replace").splitlines()
        except OSError:  # the process has ended since
            lines = []
        mapped = {int(line.split()[4]) for line in lines if SHARED_MEMORY in line}
    kill(pid)
    return mapped


def remove_shared_memory(inodes: set[int]) -> None:
    """Unlink the named semaphores and shared memory with these inodes that still have a name."""
    if inodes:
        for entry in os.scandir(SHARED_MEMORY):
            if entry.inode() in inodes:
                Path(entry.path).unlink(missing_ok=True)


def remove_noted(notes: Iterable[Path], since: float) -> None:
    """Unlink the shared memory that the files ``notes`` name, if it was created ``since``.

    ``since`` is in seconds since the epoch. A process may map a block of another program: that
    one is older.
    """
    for note in notes:
        path = Path(SHARED_MEMORY, note.name.replace("\\", "/"))
        with contextlib.suppress(OSError):  # it has been unlinked, as it should be
            if path.stat().st_ctime > since - 1:  # the clock of files is coarse
                path.unlink()


if sys.platform != "win32":

    def kill_group(group: int) -> None:
        """End the group's processes at once, except its resource trackers."""
        members = _untracked(_members(group))
        _lost.extend(_spent(members, group).values())
        for pid in members:
            kill(pid)

    def _members(group: int) -> dict[int, str]:
        """The PIDs and command lines of the group's processes."""
        if not group_exists(group):  # most often; listing all processes takes much longer
            return {}
        return {pid: command for pid, _, its_group, command in processes() if its_group == group}

    def _untracked(members: dict[int, str]) -> list[int]:
        """The PIDs of these processes, without the resource trackers."""
        return [pid for pid, command in members.items() if not may_be_tracker(command)]


def may_be_tracker(command: str) -> bool:
    """Whether the process with this command line may be a resource tracker, which is not killed.

    A killed tracker leaks its semaphores, and a tracker ends by itself as soon as no process uses
    it any more. A process without a command line is about to execute a program, perhaps a tracker:
    3 of 557 programs that were ended at that moment left their semaphores.
    """
    return not command or TRACKER in command


def kill_tree(leader: int) -> None:
    """End a process at once, and the process group that it leads, if any."""
    kill(leader)
    if sys.platform != "win32":
        kill_group(leader)


def limit_damage(pid: int, seconds: int) -> None:
    """Limit a process, and each that it will start, on Linux only.

    ``seconds`` is the limit of CPU time; the kernel ends a process that exceeds it. No crash is
    written to a core file or reported to a program of the system: one byte is too little (core(5)).
    """
    if sys.platform == "linux":
        import resource

        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        hard = resource.prlimit(pid, resource.RLIMIT_CORE)[1]
        resource.prlimit(pid, resource.RLIMIT_CORE, (min(1, hard) if hard >= 0 else 1, hard))


def reap_tree(leader: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """End a program that was started in a new session, and the processes that it has started.

    Waits, up to ``seconds``, until all of them have ended, the resource tracker too, and unlinks
    the shared memory that the tracker does not know. On Windows only the program itself is ended
    here; the run's job object ends the others.
    """
    if sys.platform == "win32":
        leader.kill()
    else:
        mapped: set[int] = set()
        spent: dict[int, float] = {}
        deadline = time.monotonic() + seconds
        while (members := _members(leader.pid)) and time.monotonic() < deadline:
            ending = _untracked(members)
            spent |= _spent(ending, leader.pid)
            for pid in ending:
                mapped |= kill_noting(pid)
            time.sleep(0.002)
        remove_shared_memory(mapped)
        _lost.extend(spent.values())
    leader.wait()


def processes() -> list[tuple[int, int, int, str]]:
    """PID, parent's PID, process group and command line of all processes, without zombies.

    Empty if processes cannot be listed: on Windows, where the run's job object holds all of its
    processes, and on Linux without /proc; :func:`unsurveyed` says so.
    """
    if sys.platform == "linux":
        return [
            entry
            for name in listed("/proc")
            if name.isdigit()
            if (entry := _linux_process(name)) is not None
        ]
    if sys.platform != "win32":
        listing = _ps("-A", "-ww", "-o", "pid=,ppid=,pgid=,stat=,command=")
        rows = [line.split(None, 4) for line in listing.splitlines()]
        return [
            (int(row[0]), int(row[1]), int(row[2]), row[4])
            for row in rows
            if len(row) == 5 and not row[3].startswith("Z")
        ]
    return []


def descendants() -> dict[int, str]:
    """The PIDs and command lines of this process's descendants, without zombies.

    Empty if processes cannot be listed. On Linux only its own tree is read: a list of all processes
    of the machine would cost more than the rest of a short play.
    """
    own = os.getpid()
    if sys.platform == "linux" and os.path.exists(f"/proc/{own}/task/{own}/children"):
        return _linux_descendants(own)
    below: dict[int, list[tuple[int, str]]] = {}
    for pid, parent, _, command in processes():
        below.setdefault(parent, []).append((pid, command))
    found: dict[int, str] = {}
    ahead = [own]
    while ahead:
        for pid, command in below.get(ahead.pop(), []):
            ahead.append(pid)
            found[pid] = command
    return found


def _linux_descendants(own: int) -> dict[int, str]:
    """The same from the files with the children of each thread, which not all kernels have."""
    found: dict[int, str] = {}
    ahead = [own]
    while ahead:
        parent = ahead.pop()
        for thread in listed(f"/proc/{parent}/task"):
            with contextlib.suppress(OSError):  # the thread or the process has ended since
                for name in _bytes_of(f"/proc/{parent}/task/{thread}/children").decode().split():
                    if (entry := _linux_process(name)) is not None:
                        found[entry[0]] = entry[3]
                        ahead.append(entry[0])
    return found


def listed(folder: str) -> list[str]:
    """The names in a folder; empty if it cannot be listed."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _ps(*options: str) -> str:
    """The output of ps, without the line about ps itself; empty if there is no ps."""
    try:
        asked = subprocess.Popen(
            ["ps", *options], stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}
        )
    except OSError:
        return ""
    told = asked.communicate()[0].decode(errors="replace")
    itself = str(asked.pid)
    return "".join(
        line for line in told.splitlines(keepends=True) if line.split(None, 1)[:1] != [itself]
    )


def _linux_process(name: str) -> tuple[int, int, int, str] | None:
    try:
        stat = _bytes_of(f"/proc/{name}/stat")
        command = _bytes_of(f"/proc/{name}/cmdline")
    except OSError:  # the process has ended since
        return None
    state, parent, group = stat.rpartition(b")")[2].split(None, 3)[:3]
    if state in b"ZX":
        return None
    return int(name), int(parent), int(group), command.replace(b"\0", b" ").decode(errors="replace")


def _bytes_of(path: str) -> bytes:
    """The first 64 KiB of a file; with path objects a survey would cost four times as much."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)


if sys.platform == "linux":

    def _seconds_of(pid: int) -> float:
        """The processor time of a process and of its ended children; 0 if it has ended."""
        try:
            stat = _bytes_of(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        except OSError:
            return 0.0
        own = 0.0
        with contextlib.suppress(OSError):  # not all kernels have this file
            own = int(_bytes_of(f"/proc/{pid}/schedstat").split()[0]) / 1e9
        # The time of a short process is less than one tick, and that of one thread is exact.
        tick = 1 / os.sysconf("SC_CLK_TCK")
        return max(own, sum(map(int, stat[11:13])) * tick) + sum(map(int, stat[13:15])) * tick


def _spent(members: Iterable[int], leader: int) -> dict[int, float]:
    """The processor time by PID, without that of their leader, which is waited for."""
    if sys.platform == "linux":
        return {pid: _seconds_of(pid) for pid in members if pid != leader}
    return {}


def processor_seconds(servers: Iterable[int]) -> float | None:
    """The processor time of this process, of its descendants that have ended, and of ``servers``.

    The kernel adds the time of an ended process to its parent, when that waits for it; so the
    living servers are asked, for their own time and that of their children, and so are processes
    that this one kills and has not started. A process that ends by itself after its parent is
    missing. None except on Linux: on macOS another process cannot be asked for the time of its
    children, and on Windows none can.
    """
    if sys.platform == "linux":
        import resource

        both = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
        usages = [resource.getrusage(which) for which in both]
        spent = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        return spent + sum(map(_seconds_of, servers)) + sum(_lost)
    return None


def environment(pid: int) -> list[bytes] | None:
    """The entries of the environment that the process was started with; None if unknown.

    It is known on Linux only, and only for processes of the same user.
    """
    if sys.platform != "linux":
        return None
    try:
        return Path("/proc", str(pid), "environ").read_bytes().split(b"\0")
    except FileNotFoundError:  # the process has ended since
        return []
    except OSError:
        return None


def is_marked(pid: int, entry: str, inode: int) -> bool | None:
    """Whether the process has ``entry`` in its environment, or the pipe with that inode open.

    None if that is unknown; see :func:`environment`.
    """
    entries = environment(pid)
    if entries is None:
        return None
    return os.fsencode(entry) in entries or any(
        _target_of(f"/proc/{pid}/fd/{number}") == f"pipe:[{inode}]"
        for number in listed(f"/proc/{pid}/fd")
    )


def led_since(group: int, noted: float) -> bool | None:
    """Whether the leader of the process group has led it since the time ``noted``.

    ``noted`` is in seconds since the epoch. A leader that was started later has a reused PID. A
    difference of one second is allowed, because ps prints whole seconds. None if there is no
    leader.
    """
    told = _ps("-o", "lstart=", "-p", str(group)).strip()
    return time.mktime(time.strptime(told)) <= noted + 1 if told else None


def group_exists(group: int) -> bool:
    """Whether a process group with this ID exists, of this user or another."""
    if sys.platform == "win32":  # unrun: only the guardian asks, and Windows has none
        return False
    try:
        os.killpg(group, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def unsurveyed() -> dict[str, str]:
    """The kinds of leftovers that cannot be found here, and the reason for each."""
    blind = {}
    if os.getpid() not in (pid for pid, *_ in processes()):
        blind["processes"] = "they cannot be listed here (/proc, ps)"
    if not descriptors():
        blind["descriptors"] = "they cannot be listed here (/dev/fd)"
    if sys.platform != "linux" or not os.path.isdir(SHARED_MEMORY):
        blind["shared memory"] = f"it cannot be listed here ({SHARED_MEMORY})"
    return blind


def _target_of(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def descriptors() -> dict[int, str]:
    """The open file descriptors of this process, each with its file; empty if not listed here."""
    if sys.platform == "win32":
        return {}
    found = {}
    for name in listed("/dev/fd"):
        with contextlib.suppress(OSError):  # the descriptor of the listing is closed by now
            found[int(name)] = _target(int(name))
    return found


def _target(descriptor: int) -> str:
    if sys.platform == "linux":
        return os.readlink(f"/proc/self/fd/{descriptor}")
    return f"inode {os.fstat(descriptor).st_ino}"


def mapped_files() -> frozenset[str]:
    """The addresses at which this process maps files; empty where they are not listed."""
    return frozenset(listed("/proc/self/map_files")) if sys.platform == "linux" else frozenset()


def shared_mappings(known: frozenset[str] = frozenset()) -> set[str]:
    """The named semaphores and shared memory mapped by this process; empty except on Linux.

    Those at the addresses ``known``, from :func:`mapped_files`, are left out. Reading all mappings
    takes three times as long as listing addresses, so they are read only if there are others. A
    mapping that replaces a known one at exactly its addresses is not seen.
    """
    if sys.platform != "linux" or (known and mapped_files() <= known):
        return set()
    try:
        with open("/proc/self/maps", errors="replace") as file:
            rows = [line.split(None, 5) for line in file if SHARED_MEMORY in line]
    except OSError:
        return set()
    return {row[5].rstrip("\n") for row in rows if row[0] not in known}


def shared_names() -> set[str]:
    """The paths of all named semaphores and shared memory here; empty except on Linux."""
    if sys.platform != "linux":
        return set()
    return {SHARED_MEMORY + name for name in listed(SHARED_MEMORY)}
