"""Simulated Windows: spawn only, no signals, no process groups, no listings, a job object."""

from __future__ import annotations

import importlib.util
import os
import selectors
import signal
import sys
import time
from types import SimpleNamespace

from spec.simulated import VARIABLE, View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Capabilities that Windows lacks and whose probes return True here.
LACKING = ("named-memory", "named-semaphores", "native-pids", "scripts")

# The resolution in seconds of time.time(), and of time.monotonic() up to Python 3.12.
_RESOLUTION = 1 / 64

_OS = """
    CLD_CONTINUED CLD_DUMPED CLD_EXITED CLD_KILLED CLD_STOPPED CLD_TRAPPED O_ASYNC O_CLOEXEC
    O_DIRECT O_DIRECTORY O_DSYNC O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH
    O_RSYNC O_SYNC O_TMPFILE POSIX_SPAWN_CLOSE POSIX_SPAWN_DUP2 POSIX_SPAWN_OPEN PRIO_PGRP
    PRIO_PROCESS PRIO_USER P_ALL P_PGID P_PID P_PIDFD WCONTINUED WCOREDUMP WEXITED WEXITSTATUS
    WIFCONTINUED WIFEXITED WIFSIGNALED WIFSTOPPED WNOHANG WNOWAIT WSTOPPED WSTOPSIG WTERMSIG
    WUNTRACED chown chroot confstr copy_file_range ctermid environb eventfd fchdir fchown
    fdatasync fork forkpty fpathconf fstatvfs fwalk getegid getenvb geteuid getgid getgrouplist
    getgroups getloadavg getpgid getpgrp getpriority getrandom getresgid getresuid getsid getuid
    getxattr initgroups killpg lchown listxattr lockf login_tty major makedev memfd_create minor
    mkfifo mknod nice openpty pathconf pidfd_open pipe2 posix_fadvise posix_fallocate posix_spawn
    posix_spawnp pread preadv pwrite pwritev readv register_at_fork removexattr
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam
    sched_getscheduler sched_param sched_rr_get_interval sched_setaffinity sched_setparam
    sched_setscheduler sched_yield sendfile setegid seteuid setgid setgroups setpgid setpgrp
    setpriority setregid setresgid setresuid setreuid setsid setuid setxattr spawnlp spawnlpe
    spawnvp spawnvpe splice statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3
    wait4 waitid writev
""".split()
_SIGNALS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
_SIGNAL = (
    [name for name in dir(signal) if name.startswith("SIG") and name not in _SIGNALS]
    + """
    alarm getitimer pause pidfd_send_signal pthread_kill pthread_sigmask setitimer siginterrupt
    sigpending sigtimedwait sigwait sigwaitinfo
""".split()
)


def _coarse(clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: clock() // _RESOLUTION * _RESOLUTION


time.time, time.monotonic = _coarse(time.time), _coarse(time.monotonic)


def _kill(pid: int, number: int) -> None:
    """TerminateProcess(), which no process can catch; OSError itself for an unknown PID."""
    try:
        os.kill(pid, signal.SIGKILL if number == signal.SIGTERM else number)
    except ProcessLookupError:
        raise OSError("[WinError 87] The parameter is incorrect") from None


def _hold_in_job(job: int, process: int) -> int:
    """Start the guardian of Linux: it ends the processes that the job object ends on Windows."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "kit", "guardian.py")
    found = importlib.util.spec_from_file_location("guardian_of_linux", path)
    assert found is not None
    assert found.loader is not None
    guardian = importlib.util.module_from_spec(found)
    sys.modules[found.name] = guardian
    found.loader.exec_module(guardian)
    name = os.environ.pop(VARIABLE)
    try:
        guardian._start_process(os.environ[guardian.FOLDER])
    finally:
        os.environ[VARIABLE] = name
    return 1


def _library(name: str, use_last_error: bool) -> SimpleNamespace:
    """The functions of kernel32 that the kit uses."""
    return SimpleNamespace(
        CreateJobObjectW=lambda attributes, name: 1,
        GetCurrentProcess=lambda: -1,
        SetInformationJobObject=lambda job, kind, limits, size: 1,
        AssignProcessToJobObject=_hold_in_job,
    )


VIEWS = (
    View("ctypes", WinDLL=_library),
    View("os", _OS, kill=_kill),
    View("selectors", ("EpollSelector", "PollSelector"), DefaultSelector=selectors.SelectSelector),
    View("signal", _SIGNAL),
    View("socket", ("AF_UNIX", "CMSG_LEN", "SCM_RIGHTS")),
    View("sys", ("abiflags",), platform="win32"),
)


def _only_spawn(context: Any) -> None:
    """Remove all start methods except spawn."""
    spawn = context.SpawnContext()
    context._concrete_contexts = {"spawn": spawn}
    context._default_context = context.DefaultContext(spawn)
    context.DefaultContext.get_all_start_methods = lambda self: ["spawn"]


def _terminate_at_once(popen_fork: Any) -> None:
    """Make terminate() and kill() the same, which no process can catch; remove interrupt()."""
    popen = popen_fork.Popen
    poll = popen.poll

    def terminate(self: Any) -> None:
        self._send_signal(signal.SIGKILL)

    def poll_terminated(self: Any, *args: Any) -> int | None:
        if poll(self, *args) == -signal.SIGKILL:
            self.returncode = -signal.SIGTERM
        code: int | None = self.returncode
        return code

    popen.terminate = popen.kill = terminate
    popen.poll = poll_terminated
    if hasattr(popen, "interrupt"):
        del popen.interrupt


CHANGES = {
    "multiprocessing.context": _only_spawn,
    "multiprocessing.popen_fork": _terminate_at_once,
}
