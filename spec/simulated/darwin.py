"""Simulated macOS: its name, spawn as the default, no sem_getvalue, no /proc."""

from __future__ import annotations

import sys

from spec.simulated import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Here the package and the whole standard library take their branches for macOS.
sys.platform = "darwin"

# Capabilities that macOS lacks and whose probes return True here.
LACKING = ("native-pids",)

# The size of a local socket's path in bytes, with the final null byte (sys/un.h).
_ADDRESS = 104

_OS = """
    copy_file_range eventfd eventfd_read eventfd_write fdatasync getrandom getresgid getresuid
    getxattr listxattr memfd_create pidfd_open pipe2 posix_fadvise posix_fallocate removexattr
    sched_getaffinity sched_getparam sched_getscheduler sched_param sched_rr_get_interval
    sched_setaffinity sched_setparam sched_setscheduler setresgid setresuid setxattr splice
""".split()
if sys.version_info < (3, 13):  # gh-113536
    _OS += ["waitid", "waitid_result", "P_ALL", "P_PGID", "P_PID"]

VIEWS = (
    View("os", _OS),
    View("resource", ("prlimit",)),
    View("signal", ("SIGRTMAX", "SIGRTMIN", "pidfd_send_signal", "sigtimedwait", "sigwaitinfo")),
)


def _hide_values(synchronize: Any) -> None:
    """Make get_value() of semaphores raise NotImplementedError: sem_getvalue is broken there."""

    class SemLock(synchronize._multiprocessing.SemLock):  # type: ignore[misc]
        def _get_value(self) -> int:
            raise NotImplementedError

    synchronize._multiprocessing = View("_multiprocessing", SemLock=SemLock)


def _shorten_addresses(socket: Any) -> None:
    """Make local sockets need a file, with a shorter path than on Linux."""
    original = socket.socket.bind

    def bind(self: Any, address: Any) -> None:
        if self.family == socket.AF_UNIX:
            if not address or address[:1] in ("\0", b"\0"):
                raise FileNotFoundError("a local socket must be a file here")
            if len(address) >= _ADDRESS:
                raise OSError("AF_UNIX path too long")
        original(self, address)

    socket.socket.bind = bind


CHANGES = {"multiprocessing.synchronize": _hide_values, "socket": _shorten_addresses}
