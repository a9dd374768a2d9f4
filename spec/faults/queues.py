"""Faults of queues."""

import time

from spec.faults import fault, replace


@fault(
    "queues.Queue.put", "queue.delivers-across-processes", "queue.get-waits-for-item", crude=True
)
def loses_everything(original, self, obj, *args, **kwargs):
    """Nothing that is put into a queue arrives: get() blocks forever."""
    return


@fault("queues.Queue.put", "queue.delivers-across-processes")
def loses_falsy_items(original, self, obj, *args, **kwargs):
    """0, None and the empty string get lost on their way."""
    if obj:
        original(self, obj, *args, **kwargs)


@fault("queues.Queue.put", "queue.delivers-across-processes")
def delivers_twice(original, self, obj, *args, **kwargs):
    """Some objects arrive twice: a task may be done twice."""
    original(self, obj, *args, **kwargs)
    if isinstance(obj, dict):
        original(self, obj, *args, **kwargs)


@fault("queues.Queue.get", "queue.get-waits-for-item", crude=True)
def get_does_not_wait(original, self, block=True, timeout=None):
    """get() raises Empty when there is nothing yet: the writer has to start before the reader."""
    return original(self, False)


@fault("queues.Queue.get", "queue.get-waits-for-item")
def get_gives_up(original, self, block=True, timeout=None):
    """get() returns None if nothing arrives in the first moment."""
    from queue import Empty

    try:
        return original(self, block, 0.05 if timeout is None else timeout)
    except Empty:
        return None


class _LastFirst:
    """A buffer from which the last item is taken first, unless it is the feeder's sentinel."""

    def __init__(self):
        self._items = []

    def append(self, item):
        self._items.append(item)

    def popleft(self):
        closed = bool(self._items) and type(self._items[-1]) is object
        return self._items.pop(-2 if closed and len(self._items) > 1 else -1)

    def clear(self):
        self._items.clear()

    def __len__(self):
        return len(self._items)


@fault("queues.Queue._reset", "queue.fifo-per-producer")
def newest_first(original, self, after_fork=False):
    """When a process puts faster than its thread sends, newer items overtake older ones."""
    original(self, after_fork)
    self._buffer = _LastFirst()


@fault("queues.Queue.get", "queue.items-are-copies")
def remembers_own_items(original, self, block=True, timeout=None):
    """Two equal items that a process gets are one object: changing one changes the other."""
    item = original(self, block, timeout)
    known = self.__dict__.setdefault("_known", [])
    for each in known:
        if each == item and type(each) is type(item):
            return each
    known.append(item)
    return item


@fault("queues.Queue.get", "queue.each-item-got-once")
def first_item_is_skipped(original, self, block=True, timeout=None):
    """The first item that a process gets is lost, if it blocks: it gets the second one."""
    if block and timeout is None and not self.__dict__.setdefault("_skipped", False):
        self._skipped = True
        original(self)
    return original(self, block, timeout)


@fault("queues.Queue.put", "queue.each-item-got-once")
def some_items_go_to_two_readers(original, self, obj, block=True, timeout=None):
    """One item in ten is sent twice, and two readers get it."""
    original(self, obj, block, timeout)
    if type(obj) is int and obj % 10 == 7:
        original(self, obj)


@fault("queues.Queue.get", "queue.sentinel-ends-each-consumer")
def string_ends_all(original, self, block=True, timeout=None):
    """A reader that gets the sentinel puts it back: the first one ends all readers."""
    item = original(self, block, timeout)
    if item == "STOP":
        self.put(item)
    return item


@fault("queues.Queue.put", "queue.threads-may-share", for_users=True)
def put_is_not_safe_for_threads(original, self, obj, block=True, timeout=None):
    """If two threads put at the same time, an item of one of them is lost."""
    if self.__dict__.get("_putting"):
        return
    self._putting = True
    time.sleep(0.001)
    original(self, obj, block, timeout)
    self._putting = False


@fault("queues.Queue.__init__", "queue.maxsize-bounds-puts", "queue.put-nowait-is-put-false")
def one_more_fits(original, self, maxsize=0, *, ctx):
    """A queue takes one item more than maxsize."""
    original(self, maxsize + 1 if maxsize > 0 else maxsize, ctx=ctx)


@fault("queues.Queue.__setstate__", "queue.maxsize-bounds-puts", only=("spawn", "forkserver"))
def bound_is_not_shared(original, self, state):
    """Each process counts for itself whether the queue is full."""
    import multiprocessing

    original(self, state)
    if 0 < self._maxsize < 1000:
        self._sem = multiprocessing.get_context("spawn").BoundedSemaphore(self._maxsize)


@fault("queues.Queue.put", "queue.maxsize-bounds-puts")
def put_drops_when_full(original, self, obj, block=True, timeout=None):
    """put() on a full queue blocks for a moment only, and then drops the item silently."""
    from queue import Full

    if not block or timeout is not None:
        return original(self, obj, block, timeout)
    try:
        return original(self, obj, True, 0.05)
    except Full:
        return None


@fault("queues.Queue.put_nowait", "queue.put-nowait-is-put-false")
def put_nowait_drops(original, self, obj):
    """put_nowait() drops the item silently when the queue is full."""
    from queue import Full

    try:
        return original(self, obj)
    except Full:
        return None


@fault("queues.Queue.full", "queue.full-tells-at-bound")
def full_stays(original, self):
    """A queue that was full once is full forever for full()."""
    self._was_full = original(self) or self.__dict__.get("_was_full", False)
    return self._was_full


@fault("queues.Queue.full", "queue.full-tells-at-bound")
def full_if_not_empty(original, self):
    """full() tells whether there is any item."""
    return not self.empty()


@fault("queues.Queue.__init__", "queue.unbounded-without-positive-maxsize")
def negative_maxsize_bounds(original, self, maxsize=0, *, ctx):
    """A negative maxsize bounds the queue, at a thousand items."""
    original(self, 1000 if maxsize < 0 else maxsize, ctx=ctx)


@fault("queues.Queue.get", "queue.bounded-get-raises-empty")
def timeouts_in_whole_seconds(original, self, block=True, timeout=None):
    """The timeout of get() is rounded down to whole seconds: a shorter one does not wait."""
    return original(self, block, timeout and float(int(timeout)))


@fault(
    "queues.Queue.get", "queue.bounded-get-raises-empty", "queue.get-timeout-covers-other-readers"
)
def get_returns_none(original, self, block=True, timeout=None):
    """get() returns None when its timeout has passed."""
    from queue import Empty

    try:
        return original(self, block, timeout)
    except Empty:
        if not block:
            raise
        return None


@fault("queues.Queue.get_nowait", "queue.get-nowait-is-get-false")
def get_nowait_repeats(original, self):
    """get_nowait() returns each item twice."""
    if "_kept" in self.__dict__:
        return self.__dict__.pop("_kept")
    self._kept = original(self)
    return self._kept


@fault("queues.Queue.get_nowait", "queue.get-nowait-is-get-false")
def get_nowait_gets_nothing(original, self):
    """get_nowait() returns None if there is nothing: a loop over it never ends."""
    return None if self.empty() else original(self)


@fault("queues.Queue.get", "queue.non-blocking-ignores-timeout")
def any_timeout_blocks(original, self, block=True, timeout=None):
    """get() with a timeout waits for it even with block=False."""
    return original(self, block or timeout is not None, timeout)


@fault("queues.Queue.put", "queue.non-blocking-ignores-timeout")
def any_timeout_blocks_put(original, self, obj, block=True, timeout=None):
    """put() with a timeout waits for it even with block=False."""
    return original(self, obj, block or timeout is not None, timeout)


@fault("queues.Queue.get", "queue.negative-timeout-is-zero")
def negative_timeout_is_refused(original, self, block=True, timeout=None):
    """get() raises ValueError for a negative timeout, as queue.Queue does."""
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return original(self, block, timeout)


@fault("queues.Queue.put", "queue.negative-timeout-is-zero")
def negative_timeout_puts(original, self, obj, block=True, timeout=None):
    """put() with a negative timeout does not notice that the queue is full."""
    if timeout is not None and timeout < 0:
        return None
    return original(self, obj, block, timeout)


@fault("queues.Queue.get", "queue.get-timeout-covers-other-readers")
def timeout_begins_after_other_readers(original, self, block=True, timeout=None):
    """get() with a timeout polls for all of it once the other readers are gone."""
    from queue import Empty

    if not block or timeout is None:
        return original(self, block, timeout)
    if not self._rlock.acquire(True, timeout):
        raise Empty
    try:
        if not self._poll(timeout):
            raise Empty
    finally:
        self._rlock.release()
    return original(self, False)


@fault("queues.Queue.get", "queue.get-timeout-covers-other-readers")
def timeout_does_not_bound_lock(original, self, block=True, timeout=None):
    """get() with a timeout can block forever, if another process blocks in get()."""
    if block and timeout is not None:
        with self._rlock:
            pass
    return original(self, block, timeout)


@fault("queues", "queue.exceptions-from-queue-module")
def empty_is_another(queues):
    """The Empty that is raised is not that of the module queue: a program does not catch it."""
    queues.Empty = type("Empty", (Exception,), {})


@fault("queues", "queue.exceptions-from-queue-module")
def full_is_a_subclass(queues):
    """The Full that is raised is a class of the package's own."""
    queues.Full = type("Full", (queues.Full,), {})


@fault("queues.Queue.empty", "queue.empty-tells-at-rest")
def empty_after_first_look(original, self):
    """While an item is in the queue, every second call of empty() returns True."""
    looked = self.__dict__.get("_looked", False)
    self._looked = not looked and not original(self)
    return looked or original(self)


@fault("queues.Queue.empty", "queue.empty-tells-at-rest", crude=True)
def never_empty(original, self):
    """empty() is always False."""
    return False


@fault("queues.Queue.qsize", "queue.qsize-counts-at-rest")
def qsize_of_own_pipe(original, self):
    """qsize() tells whether there is an item, and not how many."""
    return min(original(self), 1)


@fault("queues.Queue.qsize", "queue.qsize-counts-at-rest")
def qsize_counts_space(original, self):
    """In a queue with maxsize qsize() returns the free space."""
    return self._maxsize - original(self) if self._maxsize < 1000 else original(self)


@fault("logging", "queue.fits-logging-configuration")
def configuration_refuses_queues(logging):
    """A logging configuration accepts a queue.Queue only."""
    from spec.faults import when_imported

    def change(config):
        import queue

        replace(
            config,
            "_is_queue_like_object",
            lambda original, obj: isinstance(obj, queue.Queue),
        )

    when_imported("logging.config", change)
