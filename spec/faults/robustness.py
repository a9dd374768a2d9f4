"""Faults of robustness: each brings back a defect that a release of Python once had."""

import os
import sys
import threading

from spec.faults import fault, replace


@fault("util._flush_std_streams", "process.streams-may-be-missing")
def flushes_missing_streams(original):
    """start() raises an error in a program without standard streams (bpo-28326)."""
    if sys.stdout is None or sys.stdout.closed:
        raise ValueError("I/O operation on closed file")
    original()


@fault("process.BaseProcess._bootstrap", "process.child-may-close-streams")
def closed_streams_are_an_error(original, self, *args, **kwargs):
    """A child that has closed its standard streams ends with an error (bpo-31804)."""
    code = original(self, *args, **kwargs)
    return 1 if sys.stdout is None or sys.stdout.closed else code


@fault(
    "resource_tracker.ResourceTracker.ensure_running",
    "start-method.blocked-signals-stay-blocked",
    only=("spawn", "forkserver"),
)
def unblocks_signals(original, self):
    """The first start() unblocks SIGINT and SIGTERM, which the program had blocked (gh-127586)."""
    import signal

    original(self)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))


@fault("process.BaseProcess._bootstrap", "process.worker-threads-may-start", only=("fork",))
def worker_threads_fail_child(original, self, *args, **kwargs):
    """A forked child has exit code 1 if a worker thread has started it (gh-88110)."""
    code = original(self, *args, **kwargs)
    return 1 if threading.main_thread().name.startswith("ThreadPoolExecutor") else code


@fault("popen_fork.Popen.wait", "join.signals-do-not-end-it")
def signals_end_join(original, self, timeout=None):
    """join() returns too early when a signal arrives while it waits (bpo-17018)."""
    import select
    import signal

    if timeout is not None or threading.current_thread() is not threading.main_thread():
        return original(self, timeout)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        ready, _, _ = select.select([reader, self.sentinel], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)
    return self.poll() if reader in ready else original(self, timeout)


@fault("popen_spawn_posix.Popen._launch", "argument.start-fails-if-child-dies", only=("spawn",))
def waits_for_a_dead_child(original, self, process_obj):
    """start() blocks forever if a child ends before it has read large arguments (gh-118981)."""
    try:
        original(self, process_obj)
    except BrokenPipeError:
        threading.Event().wait()


@fault("synchronize", "lock.reaches-grandchildren", only=("spawn", "forkserver"))
def received_locks_stay(synchronize):
    """A lock that a child has received cannot be passed on: AttributeError (gh-108520)."""

    def receive(original, self, state):
        original(self, state)
        self.received = True

    def send(original, self):
        if vars(self).get("received"):
            raise AttributeError("'Lock' object has no attribute '_is_fork_ctx'")
        return original(self)

    replace(synchronize.SemLock, "__setstate__", receive)
    replace(synchronize.SemLock, "__getstate__", send)
