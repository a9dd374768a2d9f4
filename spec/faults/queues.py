"""What can go wrong with a queue."""

from spec.faults import fault, replace

QUEUES = "multiprocessing.queues"


@fault(
    "queue.loses-everything", QUEUES, "queue.delivers-across-processes", "queue.get-waits-for-item"
)
def loses_everything(queues):
    """What is put is never there: who gets waits for ever."""
    replace(queues.Queue, "put", lambda original: lambda self, obj, *args, **kwargs: None)


@fault("queue.loses-falsy-items", QUEUES, "queue.delivers-across-processes", subtle=True)
def loses_falsy_items(queues):
    """0, None and the empty string get lost on their way."""

    def make(original):
        def put(self, obj, *args, **kwargs):
            if obj:
                original(self, obj, *args, **kwargs)

        return put

    replace(queues.Queue, "put", make)


@fault("queue.delivers-twice", QUEUES, "queue.delivers-across-processes", subtle=True)
def delivers_twice(queues):
    """Some items come twice: what is done for an item is done again."""

    def make(original):
        def put(self, obj, *args, **kwargs):
            original(self, obj, *args, **kwargs)
            if isinstance(obj, dict):
                original(self, obj, *args, **kwargs)

        return put

    replace(queues.Queue, "put", make)


@fault("queue.get-does-not-wait", QUEUES, "queue.get-waits-for-item")
def get_does_not_wait(queues):
    """get raises Empty when there is nothing yet: the reader has to be started second."""

    def make(original):
        def get(self, block=True, timeout=None):
            return original(self, False)

        return get

    replace(queues.Queue, "get", make)


@fault("queue.get-gives-up", QUEUES, "queue.get-waits-for-item", subtle=True)
def get_gives_up(queues):
    """get comes back with None when nothing has come in a moment."""

    def make(original):
        def get(self, block=True, timeout=None):
            from queue import Empty

            try:
                return original(self, block, 0.05 if timeout is None else timeout)
            except Empty:
                return None

        return get

    replace(queues.Queue, "get", make)
