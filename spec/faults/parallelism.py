"""What can go wrong with running at the same time."""

import os

from spec.faults import fault, replace


@fault("parallelism.threads-are-processes", "threading", "parallelism.gil-serialises-threads")
def threads_are_processes(threading):
    """A thread is a fork: it does run beside the others, but what it changes is lost."""

    def start(_):
        def fork(self):
            self.fork = os.fork()
            if self.fork == 0:
                try:
                    self.run()
                finally:
                    os._exit(0)
            self._started.set()

        return fork

    def join(_):
        def reap(self, timeout=None):
            os.waitpid(self.fork, 0)

        return reap

    replace(threading.Thread, "start", start)
    replace(threading.Thread, "join", join)


@fault(
    "parallelism.threads-take-turns",
    "threading",
    "parallelism.threads-parallel-without-gil",
    "parallelism.waiting-overlaps-in-threads-too",
    "join.sleeps-overlap-as-in-threads",
)
def threads_take_turns(threading):
    """Thread.start does the work before it returns: threads bring nothing but overhead."""

    def start(original):
        def start_and_wait(self):
            original(self)
            self.join()

        return start_and_wait

    replace(threading.Thread, "start", start)


@fault(
    "parallelism.one-core-for-all",
    "multiprocessing.process",
    "parallelism.processes-use-several-cores",
    subtle=True,
)
def one_core_for_all(process):
    """All children are bound to the first core: they take turns, and compute no faster."""

    def bind(original):
        def bootstrap(self, *args, **kwargs):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            return original(self, *args, **kwargs)

        return bootstrap

    replace(process.BaseProcess, "_bootstrap", bind)


@fault(
    "parallelism.second-process-waits-for-first",
    "multiprocessing.process",
    "parallelism.processes-use-several-cores",
    "join.sleeps-take-longest-not-sum",
    "join.shorter-sleeper-ends-first",
)
def second_process_waits_for_first(process):
    """start() returns when the activity is over: one process after the other, in order."""

    def start(original):
        def start_and_wait(self):
            original(self)
            self.join()

        return start_and_wait

    replace(process.BaseProcess, "start", start)


@fault(
    "parallelism.local-means-nothing",
    "multiprocessing.context",
    "parallelism.threading-functions-without-counterpart",
    subtle=True,
)
def local_means_nothing(context):
    """There is a local, taken over from threading: code that uses it stores what others see."""
    import threading

    context.BaseContext.local = threading.local
