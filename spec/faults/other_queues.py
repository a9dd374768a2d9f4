"""Faults of SimpleQueue and JoinableQueue."""

import threading

from spec.faults import fault


@fault("queues.SimpleQueue.get", "queue.simple-delivers-across-processes")
def simple_get_does_not_wait(original, self):
    """SimpleQueue.get() returns None if there is nothing yet."""
    return None if self.empty() else original(self)


@fault("queues.SimpleQueue.put", "queue.simple-delivers-across-processes")
def simple_put_loses_empty_strings(original, self, obj):
    """An empty string gets lost in a SimpleQueue."""
    if obj != "":
        original(self, obj)


@fault(
    "queues.SimpleQueue.__setstate__", "queue.simple-empty-is-exact", only=("spawn", "forkserver")
)
def simple_empty_fails_in_children(original, self, state):
    """SimpleQueue.empty() raises AttributeError in a spawned child."""
    original(self, state)
    del self._poll


@fault("queues.SimpleQueue.empty", "queue.simple-empty-is-exact")
def simple_empty_notices_own_items_only(original, self):
    """SimpleQueue.empty() is True in a process that has not put anything."""
    return original(self) or not self.__dict__.get("_has_put", False)


@fault("queues.SimpleQueue.get", "queue.simple-lacks-timeout-and-size")
def simple_get_takes_timeout(original, self, block=True, timeout=None):
    """SimpleQueue.get() takes block and timeout, and ignores them."""
    return None if self.empty() else original(self)


@fault("queues", "queue.simple-lacks-timeout-and-size")
def simple_queue_has_qsize(queues):
    """A SimpleQueue has qsize(), which is always 0."""
    queues.SimpleQueue.qsize = lambda self: 0


@fault("queues.SimpleQueue.put", "queue.simple-put-blocks-when-full")
def simple_put_leaves_much_to_a_thread(original, self, obj):
    """SimpleQueue.put() leaves large items to a thread, and returns at once."""
    if isinstance(obj, bytes):
        threading.Thread(target=original, args=(self, obj)).start()
    else:
        original(self, obj)


@fault("queues.SimpleQueue.put", "queue.simple-put-raises-pickling-error")
def simple_put_drops(original, self, obj):
    """SimpleQueue.put() drops an object that cannot be pickled."""
    try:
        original(self, obj)
    except KeyError:
        return


@fault("queues.SimpleQueue.put", "queue.simple-put-raises-pickling-error")
def simple_put_sends_none_first(original, self, obj):
    """SimpleQueue.put() sends None in place of an object that cannot be pickled, and raises."""
    try:
        original(self, obj)
    except KeyError:
        original(self, None)
        raise


@fault("queues.SimpleQueue.close", "queue.simple-closed-refuses-calls")
def simple_close_leaves_reader(original, self):
    """After SimpleQueue.close() items can still be got."""
    self._writer.close()


@fault("queues.SimpleQueue.empty", "queue.simple-closed-refuses-calls")
def closed_simple_queue_is_empty(original, self):
    """empty() of a closed SimpleQueue is True: a loop that waits for an item never ends."""
    return self._reader.closed or original(self)


@fault("queues.JoinableQueue.__init__", "queue.joinable-is-a-queue")
def joinable_queue_is_unbounded(original, self, maxsize=0, *, ctx):
    """maxsize has no effect on a JoinableQueue."""
    original(self, 0, ctx=ctx)


@fault("queues", "queue.joinable-is-a-queue")
def joinable_queue_has_shutdown(queues):
    """A JoinableQueue has shutdown(), and it does nothing."""
    queues.JoinableQueue.shutdown = lambda self, immediate=False: None


@fault("queues.JoinableQueue.get", "queue.joinable-waits-for-task-done")
def got_is_done(original, self, block=True, timeout=None):
    """join() waits only until all items are got: the last of them are still being processed."""
    item = original(self, block, timeout)
    if block and timeout is None:
        self.task_done()
    return item


@fault("queues.JoinableQueue.task_done", "queue.joinable-waits-for-task-done")
def any_task_done_ends_join(original, self):
    """join() returns as soon as one task is done."""
    original(self)
    with self._cond:
        self._cond.notify_all()


@fault("queues.JoinableQueue.task_done", "queue.joinable-waits-for-task-done")
def only_one_joiner_returns(original, self):
    """If several processes call join(), one of them returns, and the others never do."""
    with self._cond:
        if not self._unfinished_tasks.acquire(False):
            raise ValueError("task_done() called too many times")
        if self._unfinished_tasks._semlock._is_zero():
            self._cond.notify()


@fault("queues.JoinableQueue.join", "queue.joinable-waits-for-task-done")
def join_waits_for_a_task(original, self):
    """join() on a queue into which nothing was put waits for the first task."""
    with self._cond:
        self._cond.wait_for(lambda: not self._unfinished_tasks._semlock._is_zero())
    original(self)


@fault("queues.JoinableQueue.task_done", "queue.extra-task-done-fails")
def extra_task_done_is_ignored(original, self):
    """A task_done() too many is silently ignored."""
    try:
        original(self)
    except ValueError:
        return


@fault("queues.JoinableQueue.task_done", "queue.extra-task-done-fails")
def extra_task_done_counts(original, self):
    """A task_done() too many raises ValueError, and makes up for a later one: join() hangs."""
    if self.__dict__.pop("_owed", False):
        return
    try:
        original(self)
    except ValueError:
        self._owed = True
        raise


@fault("queues", "queue.lacks-join-and-shutdown")
def has_shutdown(queues):
    """A Queue has shutdown(), and it does nothing."""
    queues.Queue.shutdown = lambda self, immediate=False: None


@fault("queues", "queue.lacks-join-and-shutdown")
def lacks_put_nowait(queues):
    """put_nowait() is missing."""
    del queues.Queue.put_nowait


@fault("context.assert_spawning", "queue.inherited-but-never-sent", only=("spawn", "forkserver"))
def anything_is_sent(original, obj):
    """A queue can be pickled at any time, and its copy is of no use."""
    return


@fault("queues.Queue.__getstate__", "queue.inherited-but-never-sent")
def sending_raises_type_error(original, self):
    """Sending a queue raises TypeError, and does not say what would be right."""
    try:
        return original(self)
    except RuntimeError:
        raise TypeError("cannot pickle 'Queue' object") from None


@fault("queues.Queue.__init__", "queue.import-error-without-semaphores")
def raises_os_error(original, self, maxsize=0, *, ctx):
    """Where semaphores are missing, creating a Queue raises an exception that tells nothing."""
    try:
        original(self, maxsize, ctx=ctx)
    except ImportError:
        raise OSError("sem_open") from None
