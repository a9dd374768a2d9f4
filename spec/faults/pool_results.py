"""Faults of pool results."""

import sys
import threading
import traceback

from spec.faults import fault


@fault("pool.ApplyResult.get", "pool.get-timeout-spares-task")
def timeout_forgets_the_task(original, self, timeout=None):
    """A get() that times out is the last: the result never arrives."""
    from multiprocessing import context

    try:
        return original(self, timeout)
    except context.TimeoutError:
        self._cache.pop(self._job, None)
        raise


@fault("pool.ApplyResult.get", "pool.get-timeout-spares-task")
def get_raises_built_in_timeout_error(original, self, timeout=None):
    """get(timeout) raises the built-in TimeoutError: handlers for the package's miss it."""
    from multiprocessing import context

    try:
        return original(self, timeout)
    except context.TimeoutError:
        raise TimeoutError from None


@fault("pool.ApplyResult.get", "pool.get-timeout-spares-task")
def result_is_given_once(original, self, timeout=None):
    """A second get() returns None."""
    value = original(self, timeout)
    self._value = None
    return value


@fault("pool.ApplyResult.get", "pool.get-never-gives-up")
def get_gives_up_after_two_seconds(original, self, timeout=None):
    """get() without a timeout raises TimeoutError for a task that takes more than two seconds."""
    return original(self, 2 if timeout is None else timeout)


@fault("context", "pool.timeout-error-is-process-error")
def timeout_error_is_the_built_in(module):
    """multiprocessing.TimeoutError is the built-in class: a handler for OSError catches it."""
    module.BaseContext.TimeoutError = TimeoutError


@fault("pool.ApplyResult.ready", "pool.result-tells-its-state", for_users=True)
def failed_is_not_ready(original, self):
    """ready() is False for a task that raised an exception: a loop that asks it never ends."""
    return original(self) and self._success


@fault("pool.ApplyResult.ready", "pool.result-tells-its-state", for_users=True, crude=True)
def always_ready(original, self):
    """ready() is True at once."""
    return True


@fault("pool.ApplyResult.successful", "pool.successful-needs-an-end")
def unfinished_is_unsuccessful(original, self):
    """successful() is False before the end: a task that is at work seems to have failed."""
    return self.ready() and original(self)


@fault("pool.MapResult._set", "pool.successful-needs-an-end", "pool.map-failure-waits-for-all")
def later_success_hides_failure(original, self, place, outcome):
    """The exception of an item of map() is lost if a later item is done."""
    if not outcome[0]:
        outcome = True, [outcome[1]]
    original(self, place, outcome)


@fault("pool.ApplyResult.wait", "pool.wait-returns-none", for_users=True)
def wait_tells_whether_ready(original, self, timeout=None):
    """wait() returns whether the result is ready: code that relies on it fails elsewhere."""
    original(self, timeout)
    return self.ready()


@fault("pool.ApplyResult.wait", "pool.wait-returns-none", for_users=True)
def wait_raises_exception_of_task(original, self, timeout=None):
    """wait() raises the exception of the task, as get() does."""
    original(self, timeout)
    if self.ready() and not self._success:
        raise self._value


@fault("pool.IMapIterator.__next__", "pool.get-raises-exception-of-task")
def imap_changes_exceptions(original, self, timeout=None):
    """imap() raises RuntimeError for each exception of a task."""
    try:
        return original(self, timeout)
    except StopIteration:
        raise
    except Exception as error:
        raise RuntimeError(str(error)) from error.__cause__


@fault("pool.rebuild_exc", "pool.get-raises-exception-of-task")
def exceptions_lose_attributes(original, exc, tb):
    """An exception comes back without its attributes."""
    vars(exc).clear()
    return original(exc, tb)


@fault("pool.rebuild_exc", "pool.exception-keeps-type-and-traceback")
def worker_traceback_is_lost(original, exc, tb):
    """An exception comes back without its cause: the line that failed is unknown."""
    return exc


@fault("pool.ApplyResult._set", "pool.uncollected-failure-is-silent")
def failures_are_printed(original, self, place, outcome):
    """Each exception of a task is printed at once, though a later get() will raise it."""
    if not outcome[0] and not self._error_callback:
        traceback.print_exception(outcome[1], file=sys.stderr)
    original(self, place, outcome)


@fault("pool.ApplyResult._set", "pool.callbacks-run-in-helper-thread")
def callback_is_called_after_failure_too(original, self, place, outcome):
    """callback is called with None if the task has failed, before error_callback."""
    if not outcome[0] and self._callback:
        self._callback(None)
    original(self, place, outcome)


@fault("pool.ApplyResult._set", "pool.callbacks-run-in-helper-thread")
def callback_comes_after_the_result(original, self, place, outcome):
    """The callback is called when the result is ready: after get() it may not have run yet."""
    callbacks = (self._error_callback, self._callback)
    self._callback = self._error_callback = None
    original(self, place, outcome)
    if callbacks[outcome[0]]:
        callbacks[outcome[0]](outcome[1])


@fault("pool.MapResult.__init__", "pool.map-calls-back-once")
def map_has_no_callbacks(original, self, pool, chunksize, length, callback, error_callback):
    """map_async() and starmap_async() never call their callbacks."""
    original(self, pool, chunksize, length, None, None)


@fault("pool.MapResult._set", "pool.map-calls-back-once")
def map_calls_back_per_chunk(original, self, place, outcome):
    """map_async() calls its callback for each chunk as well."""
    if outcome[0] and self._callback and self._number_left > 1:
        self._callback(outcome[1])
    original(self, place, outcome)


@fault("pool.ApplyResult._set", "pool.slow-callback-delays-results")
def each_callback_has_a_thread(original, self, place, outcome):
    """Each callback runs in a thread of its own: the claim is out of date."""
    threading.Thread(target=original, args=(self, place, outcome), daemon=True).start()


@fault("pool.Pool._get_sentinels", "pool.slow-callback-keeps-core-busy")
def unread_results_wake_nobody(original, self):
    """The thread that replaces workers does not look at the results: the claim is out of date."""
    return [self._change_notifier._reader]


@fault("pool.Pool._wait_for_updates", "pool.slow-callback-keeps-core-busy")
def pool_never_sleeps(original, sentinels, change_notifier, timeout=None):
    """A Pool keeps a core busy all the time."""


@fault("pool.IMapIterator.__next__", "pool.imap-goes-on-after-failure")
def imap_ends_at_failure(original, self, timeout=None):
    """imap() ends after the exception of an item: the results after it are lost."""
    if "failed" in vars(self):
        raise StopIteration
    try:
        return original(self, timeout)
    except Exception:
        self.failed = True
        raise


@fault("pool.MapResult._set", "pool.map-failure-waits-for-all")
def map_fails_at_once(original, self, place, outcome):
    """map() raises the first exception at once: other items are still being done."""
    original(self, place, outcome)
    if not outcome[0]:
        self._event.set()


@fault("pool.MapResult._set", "pool.map-failure-waits-for-all")
def last_failure_is_raised(original, self, place, outcome):
    """map() raises the last exception: those before it, often its cause, are hidden."""
    if not outcome[0] and not self._success:
        self._value = outcome[1]
    original(self, place, outcome)


@fault("pool.MaybeEncodingError.__init__", "pool.unpicklable-result-is-reported")
def unpicklable_result_ends_worker(original, self, exc, value):
    """A result that cannot be pickled ends the worker, and get() blocks forever."""
    raise SystemExit


@fault("pool.MaybeEncodingError.__str__", "pool.unpicklable-result-is-reported")
def message_hides_the_result(original, self):
    """The error of a result that cannot be pickled does not show it."""
    return "Error sending result"


@fault("pool.Pool._guarded_task_generation", "pool.failing-iterable-is-reported")
def failing_iterable_hangs(original, self, job, function, iterable):
    """An exception of the iterable given to imap() hangs the program."""
    for place, item in enumerate(iterable):
        yield job, place, function, (item,), {}


@fault("pool.Pool._guarded_task_generation", "pool.failing-iterable-is-reported")
def failing_iterable_ends_early(original, self, job, function, iterable):
    """An exception of the iterable given to imap() looks like the end of the items."""
    from multiprocessing import pool

    for task in original(self, job, function, iterable):
        if task[2] is not pool._helper_reraises_exception:
            yield task


@fault("pool.ApplyResult.__init__", "pool.awaited-result-keeps-pool")
def results_do_not_keep_the_pool(original, self, *args, **kwargs):
    """A pool without another reference is terminated while its results are awaited."""
    original(self, *args, **kwargs)
    self._pool = None


@fault("pool.ExceptionWithTraceback.__init__", "pool.exception-keeps-type-and-traceback")
def traceback_lacks_the_exception(original, self, exc, tb):
    """The traceback of the worker lacks its last line, with the exception and its message."""
    original(self, exc, tb)
    lines = self.tb.splitlines(keepends=True)
    self.tb = "".join([*lines[:-2], lines[-1]])
