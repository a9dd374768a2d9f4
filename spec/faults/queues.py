"""Faults of queues."""

from spec.faults import fault


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
