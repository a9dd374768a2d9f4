"""What can go wrong with running at the same time."""

import os

from spec.faults import fault, replace


@fault("threading", "parallelism.gil-serialises-threads", crude=True)
def threads_are_processes(threading):
    """A thread is a fork: it does run beside the others, but what it changes is lost."""

    def fork(original, self):
        self.fork = os.fork()
        if self.fork == 0:
            try:
                self.run()
            finally:
                os._exit(0)
        self._started.set()

    def reap(original, self, timeout=None):
        os.waitpid(self.fork, 0)

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
    """Thread.start does the work before it returns: threads bring nothing but overhead."""
    original(self)
    self.join()


@fault("process.BaseProcess._bootstrap", "parallelism.processes-use-several-cores")
def one_core_for_all(original, self, *args, **kwargs):
    """All children are bound to the first core: they take turns, and compute no faster."""
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
    """start() returns when the activity is over: one process after the other, in order."""
    original(self)
    self.join()


@fault("context", "parallelism.threading-functions-without-counterpart")
def local_means_nothing(context):
    """There is a local, taken over from threading: code that uses it stores what others see."""
    import threading

    context.BaseContext.local = threading.local
