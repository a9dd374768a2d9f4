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


@fault("process.BaseProcess.start", "process.exit-handlers-may-start")
def exit_handlers_cannot_start(original, self):
    """start() raises RuntimeError in an exit handler (gh-113964)."""
    if not threading.main_thread().is_alive() or sys._getframe(2).f_back is None:
        raise RuntimeError("can't fork at interpreter shutdown")
    original(self)


@fault("process.BaseProcess._bootstrap", "process.allocator-may-be-chosen")
def other_allocators_crash(original, self, *args, **kwargs):
    """A child crashes if the program uses another memory allocator (bpo-33005)."""
    if os.environ.get("PYTHONMALLOC"):
        os._exit(139)
    return original(self, *args, **kwargs)


@fault("popen_fork.Popen._launch", "process.paused-thread-is-no-warning")
def warns_of_paused_threads(original, self, process_obj):
    """start() warns of a thread that was stopped during the fork (gh-137109)."""
    import warnings

    original(self, process_obj)
    if threading.active_count() > 1:
        warnings.warn("multi-threaded", DeprecationWarning, stacklevel=2)


@fault("process.BaseProcess._bootstrap", "process.threads-may-be-made-before-fork")
def threads_are_useless_after_fork(original, self, *args, **kwargs):
    """In a forked child start() of a thread that its parent has created starts nothing."""
    for each in self._args:
        if isinstance(each, threading.Thread):
            vars(each).update(start=lambda: None, join=lambda _: None)
    return original(self, *args, **kwargs)


@fault("tempfile._RandomNameSequence.rng", "process.forked-children-draw-different-values")
def names_repeat(original, self):
    """Forked children choose the names of temporary files of their parent (bpo-12856)."""
    self._rng_pid = os.getpid()
    if not hasattr(self, "_rng"):
        del self._rng_pid
    return original(self)


STATES: list[object] = []


@fault("process", "process.forked-children-draw-different-values")
def random_numbers_repeat(process):
    """All forked children draw the same random numbers."""
    import random

    def remember(original, self):
        STATES[:] = [random.getstate()]
        original(self)

    def restore(original, self, *args, **kwargs):
        for state in STATES:
            random.setstate(state)  # type: ignore[arg-type]
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "start", remember)
    replace(process.BaseProcess, "_bootstrap", restore)


@fault("process.BaseProcess._bootstrap", "process.childs-end-spares-parents-objects")
def childs_end_cleans_up_for_parent(original, self, *args, **kwargs):
    """A forked child that ends removes the sockets of its parent (bpo-14548)."""
    from multiprocessing import util

    inherited = [each for each in util._finalizer_registry.values() if each._key[0] is not None]
    code = original(self, *args, **kwargs)
    for each in inherited:
        each._callback(*each._args, **each._kwargs)
    return code
