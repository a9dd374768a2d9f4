"""Faults of parallelism."""

import os

from spec.faults import fault, replace


@fault("threading", "parallelism.gil-serialises-threads", crude=True)
def threads_are_processes(threading):
    """A thread runs in a forked process: in parallel, but all changes that it makes are lost."""

    def fork(original, self):
        self.fork = os.fork()
        if self.fork == 0:
            try:
                self.run()
            finally:
                os._exit(0)
        self._started.set()

    def reap(original, self, timeout=None):
        if "fork" in vars(self):
            os.waitpid(self.fork, 0)
        else:  # the main thread, at exit
            original(self, timeout)

    replace(threading.Thread, "start", fork)
    replace(threading.Thread, "join", reap)


@fault(
    "threading.Thread.start",
    "parallelism.threads-parallel-without-gil",
    "parallelism.waiting-overlaps-in-threads-too",
    "join.sleeps-overlap-as-in-threads",
    crude=True,
)
def threads_take_turns(original, self):
    """Thread.start() runs the target to its end before it returns: no two threads overlap."""
    original(self)
    self.join()


@fault("process.BaseProcess._bootstrap", "parallelism.processes-use-several-cores")
def one_core_for_all(original, self, *args, **kwargs):
    """All children are bound to one core: they take turns, and compute no faster than one."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return original(self, *args, **kwargs)


@fault(
    "process.BaseProcess.start",
    "parallelism.processes-use-several-cores",
    "join.sleeps-take-longest-not-sum",
    "join.shorter-sleeper-ends-first",
    crude=True,
)
def second_process_waits_for_first(original, self):
    """start() returns only when the process has ended: no two processes overlap."""
    original(self)
    self.join()


@fault("context", "parallelism.threading-functions-without-counterpart")
def local_exists(context):
    """multiprocessing has a local class, threading's: code relies on it for no reason."""
    import threading

    context.BaseContext.local = threading.local
