"""Faults of queue buffers."""

import os
import time

from spec.faults import fault


@fault("queues.Queue.__init__", "queue.first-put-starts-feeder")
def every_queue_has_a_thread(original, self, maxsize=0, *, ctx):
    """A queue has a thread as soon as it is created: forking afterwards is not safe."""
    original(self, maxsize, ctx=ctx)
    self._start_thread()


@fault("queues.Queue.put", "queue.pickled-later-by-feeder")
def lists_are_copied_by_put(original, self, obj, block=True, timeout=None):
    """A list arrives as it was when it was put."""
    import copy

    original(self, copy.deepcopy(obj) if isinstance(obj, list) else obj, block, timeout)


@fault("queues.Queue.put", "queue.unpicklable-item-is-dropped")
def put_raises_pickling_errors(original, self, obj, block=True, timeout=None):
    """put() raises the error of an object that cannot be pickled."""
    from multiprocessing.reduction import ForkingPickler

    if type(obj).__name__ == "Refusing":
        ForkingPickler.dumps(obj)
    original(self, obj, block, timeout)


@fault("queues.Queue._feed", "queue.unpicklable-item-is-dropped")
def dropped_item_keeps_its_place(original, *args):
    """An object that cannot be pickled keeps its place in a bounded queue, so put() blocks."""

    class KeptPlaces:
        def release(self):
            return

    original(*args[:-1], KeptPlaces())


@fault("queues.Queue._feed", "queue.unpicklable-item-is-dropped")
def dropped_item_ends_the_thread(original, *args):
    """After an object that cannot be pickled nothing that a process puts arrives."""
    *others, report, places = args

    def report_and_end(error, item):
        report(error, item)
        raise SystemExit

    original(*others, report_and_end, places)


@fault("queues.Queue._on_queue_feeder_error", "queue.unpicklable-item-is-dropped")
def drops_silently(original, error, item):
    """An object that cannot be pickled is dropped, and no traceback says so."""
    return


@fault("queues.Queue.put", "queue.closed-refuses-put-and-get")
def closed_put_raises_assertion_error(original, self, obj, block=True, timeout=None):
    """put() on a closed queue raises AssertionError, and with the option -O nothing."""
    assert not self._closed
    original(self, obj, block, timeout)


@fault("queues.JoinableQueue.put", "queue.closed-refuses-put-and-get")
def closed_joinable_queue_takes_items(original, self, obj, block=True, timeout=None):
    """put() on a closed JoinableQueue loses the item silently."""
    if not self._closed:
        original(self, obj, block, timeout)


@fault("queues.Queue.get", "queue.closed-refuses-put-and-get")
def closed_get_raises_os_error(original, self, block=True, timeout=None):
    """get() on a closed queue raises OSError."""
    if self._closed:
        raise OSError("handle is closed")
    return original(self, block, timeout)


@fault("queues.Queue.close", "queue.close-ends-feeder")
def close_only_refuses(original, self):
    """close() leaves the thread running until the process ends."""
    self._closed = True


@fault(
    "queues.Queue._finalize_close",
    "queue.close-ends-feeder",
    "queue.join-thread-flushes-after-close",
    "queue.collected-queue-is-flushed",
)
def close_empties_the_buffer(original, buffer, notempty):
    """close() drops what is still in the buffer."""
    buffer.clear()
    original(buffer, notempty)


@fault("queues.Queue.close", "queue.close-keeps-pipe-until-sent")
def close_closes_the_reader(original, self):
    """close() closes the reading end at once, and the thread prints BrokenPipeError."""
    self._reader.close()
    original(self)


@fault("queues.Queue._start_thread", "queue.collected-queue-is-flushed")
def collection_empties_the_buffer(original, self):
    """When the last variable that refers to a queue is gone, its buffer is dropped."""
    import weakref

    original(self)
    weakref.finalize(self, self._buffer.clear).atexit = False


@fault("queues.Queue.join_thread", "queue.join-thread-flushes-after-close")
def join_thread_closes(original, self):
    """join_thread() on a queue that is not closed does nothing: an error stays unseen."""
    if self._closed:
        original(self)


@fault("queues.Queue.join_thread", "queue.join-thread-flushes-after-close")
def only_maker_joins_thread(original, self):
    """join_thread() returns at once in a process that has not created the queue."""
    if os.getpid() == self._opid or not self._closed:
        original(self)


@fault(
    "queues.Queue._start_thread",
    "queue.join-thread-flushes-after-close",
    "queue.unread-data-holds-up-creator",
)
def maker_does_not_join_thread(original, self):
    """The process that created a queue does not wait for its thread, and data is lost."""
    original(self)
    if os.getpid() == self._opid and self._jointhread is not None:
        self._jointhread.cancel()


@fault(
    "queues.Queue._start_thread",
    "queue.undrained-child-cannot-end",
    "queue.undrained-child-holds-up-exit",
)
def children_do_not_join_thread(original, self):
    """A process that did not create the queue ends with its items unsent: they are lost."""
    original(self)
    if os.getpid() != self._opid and self._jointhread is not None:
        self._jointhread.cancel()


@fault("queues.Queue._start_thread", "queue.undrained-child-cannot-end")
def children_exit_at_once(original, self):
    """A child that has put much ends with an exit code other than 0, its items lost."""
    from multiprocessing.util import Finalize

    original(self)
    if os.getpid() != self._opid:
        Finalize(None, os._exit, (3,), exitpriority=-4)


@fault(
    "queues.Queue.cancel_join_thread",
    "queue.cancel-join-thread-loses-data",
    "queue.cancelled-join-thread-does-nothing",
    "queue.unread-data-holds-up-creator",
)
def cancel_does_nothing(original, self):
    """cancel_join_thread() has no effect: the process does not end."""
    return


@fault("queues.Queue.cancel_join_thread", "queue.cancel-join-thread-loses-data")
def cancel_comes_too_early(original, self):
    """cancel_join_thread() has no effect if nothing was put yet."""
    if self._thread is not None:
        original(self)


@fault("queues.Queue.join_thread", "queue.cancelled-join-thread-does-nothing")
def join_thread_ignores_cancel(original, self):
    """join_thread() waits for the thread, even after cancel_join_thread()."""
    original(self)
    if self._thread is not None:
        self._thread.join()


@fault("managers.BaseProxy._callmethod", "queue.managed-queue-needs-no-draining")
def managed_put_waits_for_reader(original, self, methodname, args=(), kwds=None):
    """put() into a manager's queue returns only when the item was got."""
    answer = original(self, methodname, args, kwds or {})
    if methodname == "put":
        while original(self, "qsize"):
            time.sleep(0.01)
    return answer


@fault("managers.BaseProxy._callmethod", "queue.managed-queue-needs-no-draining")
def managed_queue_cuts_items(original, self, methodname, args=(), kwds=None):
    """A manager's queue keeps only as much of an item as a pipe would hold."""
    if methodname == "put":
        args = (args[0][:65_536], *args[1:])
    return original(self, methodname, args, kwds or {})


@fault("queues.Queue.get", "queue.timed-get-finds-fresh-item")
def timed_get_looks_once(original, self, block=True, timeout=None):
    """get() with a timeout looks at once and when its timeout has passed, but not in between."""
    from queue import Empty

    if not block or timeout is None:
        return original(self, block, timeout)
    try:
        return original(self, False)
    except Empty:
        time.sleep(min(timeout, 0.5))
        raise
