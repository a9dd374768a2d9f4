"""Faults of pool losses: most of them are improvements, by which a claim is out of date."""

import contextlib
import functools
from typing import Any

from spec.faults import fault, replace

DEAD: list[Any] = []


@fault("pool.ApplyResult._set", "pool.raising-callback-stops-results")
def exceptions_of_callbacks_are_printed(original, self, place, outcome):
    """An exception of a callback is printed, and all results arrive: the claim is out of date."""
    import traceback

    try:
        original(self, place, outcome)
    except Exception:
        traceback.print_exc()
        self._event.set()
        del self._cache[self._job]


@fault("pool.ExceptionWithTraceback.__init__", "pool.unrebuildable-exception-hangs-pool")
def unrebuildable_exceptions_are_replaced(original, self, exc, tb):
    """An exception that cannot be rebuilt is replaced by another: the claim is out of date."""
    import pickle

    original(self, exc, tb)
    try:
        pickle.loads(pickle.dumps(exc))
    except TypeError:
        self.exc = RuntimeError(repr(exc))


def report_base_exceptions(function, *args, **kwargs):
    """Call the function; raises RuntimeError in place of what is no Exception."""
    try:
        return function(*args, **kwargs)
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(repr(error)) from None


@fault("pool.worker", "pool.base-exception-loses-task")
def base_exceptions_are_reported(original, inqueue, outqueue, *args, **kwargs):
    """An exception such as SystemExit is reported as RuntimeError: the claim is out of date."""
    get = inqueue.get

    def get_guarded():
        task = get()
        if task is None:
            return None
        job, place, function, arguments, keywords = task
        guarded = functools.partial(report_base_exceptions, function)
        return job, place, guarded, arguments, keywords

    inqueue.get = get_guarded
    original(inqueue, outqueue, *args, **kwargs)


@fault(
    "pool",
    "pool.dead-worker-replaced-task-lost",
    "pool.unknown-function-loses-task",
    "pool.base-exception-loses-task",
)
def death_of_worker_is_reported(module):
    """get() with a timeout tells that a worker has died: the claim is out of date."""

    def join_exited_workers(original, pool):
        workers = list(pool)
        cleaned = original(pool)
        DEAD.extend(each for each in workers if each.exitcode)
        return cleaned

    def get(original, self, timeout=None):
        if timeout is not None and DEAD and not self.ready():
            raise RuntimeError("a worker has died")
        return original(self, timeout)

    replace(module.Pool, "_join_exited_workers", join_exited_workers)
    replace(module.ApplyResult, "get", get)


@fault("pool.Pool.join", "pool.lost-task-blocks-join")
def join_does_not_wait_for_results(original, self):
    """join() waits for a moment, and then terminates: results that take longer are lost."""
    self._worker_handler.join(0.05)
    if self._worker_handler.is_alive():
        self.terminate()
    original(self)


@fault("pool.worker", "pool.raising-initializer-respawns-forever")
def exceptions_of_initializer_are_ignored(original, inqueue, outqueue, initializer, *args):
    """A worker whose initializer has failed does tasks all the same: they find nothing prepared."""

    def initialize(*initargs):
        with contextlib.suppress(ValueError):
            initializer(*initargs)

    original(inqueue, outqueue, initializer and initialize, *args)


@fault("pool.Pool.apply_async", "pool.forked-child-gets-no-result")
def forked_child_helps_itself(original, self, func, args=(), *rest, **kwargs):
    """A forked child does its tasks for its parent's pool by itself: the claim is out of date."""
    from multiprocessing import pool

    if self._state == "RUN" and not self._task_handler.is_alive():
        result: Any = pool.ApplyResult(self, None, None)
        result._set(0, (True, func(*args)))
        return result
    return original(self, func, args, *rest, **kwargs)
