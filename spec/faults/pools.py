"""Faults of pools."""

import time
from typing import Any

from spec.faults import fault


@fault("pool.ApplyResult.__init__", "pool.each-call-gets-its-own-result")
def calls_share_one_id(original, self, *args, **kwargs):
    """All calls have the same ID: the latest call gets the results of the others."""
    original(self, *args, **kwargs)
    self._cache[0] = self._cache.pop(self._job)
    self._job = 0


@fault("pool.ApplyResult.__init__", "pool.each-call-gets-its-own-result", crude=True)
def every_second_result_is_lost(original, self, *args, **kwargs):
    """Every second result never arrives: its get() blocks forever."""
    original(self, *args, **kwargs)
    if self._job % 2:
        del self._cache[self._job]


@fault("pool.Pool.__init__", "pool.tasks-run-in-several-workers")
def one_worker_too_many(original, self, processes=None, *args, **kwargs):
    """A Pool(n) with n > 1 has a worker more: it does n + 1 tasks at once."""
    original(self, processes and processes + (processes > 1), *args, **kwargs)


@fault("pool.Pool.__init__", "pool.tasks-run-in-several-workers", crude=True)
def one_worker_too_few(original, self, processes=None, *args, **kwargs):
    """A Pool(n) with n > 1 has a worker less: a core stays idle."""
    original(self, processes and processes - (processes > 1), *args, **kwargs)


@fault("pool.Pool.apply", "pool.apply-blocks-async-does-not")
def apply_gives_up(original, self, *args, **kwargs):
    """apply() waits for a moment only: it returns None for a task that takes longer."""
    result = self.apply_async(*args, **kwargs)
    result.wait(0.05)
    return result.get() if result.ready() else None


@fault("pool.Pool.apply_async", "pool.apply-blocks-async-does-not")
def apply_async_waits(original, self, *args, **kwargs):
    """apply_async() returns when its task is done: no two tasks are done at once."""
    result = original(self, *args, **kwargs)
    result.wait()
    return result


@fault("pool", "pool.results-are-async-results")
def async_result_is_another_class(module):
    """AsyncResult is not the class of the results: isinstance() is False."""
    module.AsyncResult = type("AsyncResult", (module.ApplyResult,), {})


@fault("pool.MapResult._set", "pool.map-keeps-input-order")
def map_keeps_order_of_completion(original, self, place, outcome):
    """map() returns the results in the order of completion: they belong to other items."""
    arrived = vars(self).setdefault("arrived", [])
    arrived.append(place)
    original(self, len(arrived) - 1, outcome)


@fault("pool.MapResult._set", "pool.map-keeps-input-order")
def map_does_not_wait_for_first(original, self, place, outcome):
    """map() returns when the last items are done: the result of a slow first item is None."""
    original(self, place, outcome)
    if self._number_left == 1 and self._value[0] is None and len(self._value) > 1:
        self._event.set()


@fault("pool.Pool._map_async", "pool.map-of-nothing-is-empty")
def map_of_nothing_hangs(original, self, func, iterable, mapper, *args):
    """map() of an empty iterable blocks forever."""
    from multiprocessing import pool

    if iterable == ():
        return pool.MapResult(self, 1, 0, None, error_callback=None)
    return original(self, func, iterable, mapper, *args)


@fault("pool.IMapIterator._set_length", "pool.map-of-nothing-is-empty")
def imap_of_nothing_gives_none(original, self, length):
    """imap() of an empty iterable yields a None."""
    if length == 0:
        self._set(0, (True, None))
    original(self, length or 1)


@fault("pool.starmapstar", "pool.starmap-unpacks-arguments")
def starmap_unpacks_tuples_only(original, args):
    """starmap() passes on an item as it is, unless that is a tuple."""
    function, items = args
    return [function(*item) if isinstance(item, tuple) else function(item) for item in items]


@fault("pool.mapstar", "pool.starmap-unpacks-arguments")
def map_unpacks_too(original, args):
    """map() unpacks each item that is a tuple: functions of one argument fail."""
    function, items = args
    return [function(*item) if type(item) is tuple else function(item) for item in items]


@fault("pool.Pool.starmap_async", "pool.map-async-does-not-block")
def starmap_async_waits(original, self, *args, **kwargs):
    """starmap_async() returns when all items are done."""
    result = original(self, *args, **kwargs)
    result.wait()
    return result


@fault("pool.Pool.map_async", "pool.map-async-does-not-block")
def map_async_waits(original, self, *args, **kwargs):
    """map_async() returns when all items are done."""
    result = original(self, *args, **kwargs)
    result.wait()
    return result


@fault("pool.IMapIterator._set", "pool.imap-ordered-or-by-completion")
def imap_yields_by_completion(original, self, place, outcome):
    """imap() yields results as they come: they belong to other items."""
    original(self, self._index, outcome)


@fault("pool", "pool.imap-ordered-or-by-completion")
def imap_unordered_keeps_order(module):
    """imap_unordered() keeps the order: one slow item holds up all results after it."""
    module.IMapUnorderedIterator._set = module.IMapIterator._set


@fault("pool.IMapUnorderedIterator._set", "pool.one-worker-keeps-order")
def imap_unordered_is_a_stack(original, self, place, outcome):
    """imap_unordered() yields the latest result first, if several are there."""
    original(self, place, outcome)
    with self._cond:
        self._items.rotate(1)


@fault("pool.Pool._guarded_task_generation", "pool.imap-reads-input-eagerly")
def imap_reads_lazily(original, self, job, function, iterable):
    """imap() reads ten items more than are done: a program that relied on all would be stuck."""
    for number, task in enumerate(original(self, job, function, iterable)):
        while job in self._cache and number > self._cache[job]._index + 10:
            time.sleep(0.005)
        yield task


@fault("pool.IMapIterator.next", "pool.imap-next-can-time-out")
def next_ignores_timeout(original, self, timeout=None):
    """next(timeout) of imap()'s iterator waits without a limit."""
    return original(self)


@fault("pool.IMapIterator.next", "pool.imap-next-can-time-out")
def next_raises_built_in_timeout_error(original, self, timeout=None):
    """next(timeout) of imap()'s iterator raises the built-in TimeoutError."""
    from multiprocessing import context

    try:
        return original(self, timeout)
    except context.TimeoutError:
        raise TimeoutError from None


@fault("pool.Pool.imap_unordered", "pool.chunks-go-to-one-worker")
def imap_unordered_ignores_chunksize(original, self, func, iterable, chunksize=1):
    """imap_unordered() ignores chunksize: a million small items are a million messages."""
    return original(self, func, iterable)


@fault(
    "pool.Pool._map_async",
    "pool.chunks-go-to-one-worker",
    "pool.map-chooses-chunksize",
    "pool.worker-replaced-after-max-tasks",
)
def map_sends_each_item(original, self, func, iterable, mapper, chunksize=None, *args):
    """map() ignores chunksize: a million small items are a million messages."""
    return original(self, func, iterable, mapper, chunksize and 1, *args)


@fault("pool.Pool._map_async", "pool.map-chooses-chunksize")
def map_makes_one_chunk_per_worker(original, self, func, iterable, mapper, chunksize=None, *args):
    """map() makes one chunk per worker: one slow item holds up a whole quarter of the work."""
    items = list(iterable)
    chunksize = chunksize or -(-len(items) // len(self._pool))
    return original(self, func, items, mapper, chunksize, *args)


@fault("pool.Pool.apply_async", "pool.tasks-pickled-even-under-fork")
def unpicklable_tasks_run_in_creator(original, self, func, args=(), *rest, **kwargs):
    """A task that cannot be pickled is done by the pool's creator: nothing is parallel."""
    from multiprocessing import pool, reduction

    try:
        reduction.ForkingPickler.dumps((func, args))
    except Exception:
        result: Any = pool.ApplyResult(self, None, None)
        result._set(0, (True, func(*args)))
        return result
    return original(self, func, args, *rest, **kwargs)


@fault("pool.Pool.__reduce__", "pool.cannot-be-pickled")
def pools_are_pickled_as_none(original, self):
    """A pool can be pickled: its copy is an empty object."""
    return object, ()


@fault("pool.Pool.__init__", "pool.bad-settings-are-refused")
def no_limit_of_tasks_is_checked(
    original, self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, **kwargs
):
    """maxtasksperchild=0 is accepted: the workers would be replaced before any task."""
    limit = maxtasksperchild or None
    original(self, processes, initializer, initargs, limit, **kwargs)


@fault("pool.Pool.imap_unordered", "pool.bad-settings-are-refused")
def chunksize_of_zero_is_one(original, self, func, iterable, chunksize=1):
    """imap_unordered() takes a chunksize of 0 for 1."""
    return original(self, func, iterable, chunksize or 1)


@fault("pool.Pool.__init__", "pool.bad-settings-are-refused")
def checks_after_start(original, self, *args, **kwargs):
    """A bad setting is refused after the workers have started: they are left behind."""
    try:
        original(self, *args, **kwargs)
    except (TypeError, ValueError):
        self._ctx.Process(target=time.sleep, args=(5,), daemon=True).start()
        raise
