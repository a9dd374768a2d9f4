"""Queue: passing objects from process to process.

Any process that has a ``Queue`` can put objects into it and get objects from it. Objects are
pickled on their way, so the receiver gets an equal copy. Several writers and readers can share a
queue: each object goes to one reader. That makes it the usual way to hand out work and to collect
results.

``get()`` blocks until there is an object, so it makes no difference whether the reader or the
writer starts first.

Objects travel through a background thread and a pipe: a moment may pass after ``put()`` before
another process finds them, and ``empty()`` may be wrong in the meantime.
"""

from spec.kit import claim

NEEDS = ("semaphores",)


def put_each(stage, queue, *items):
    """Put the items."""
    for item in items:
        queue.put(item)


def get_several(stage, queue, count):
    """Get that many items; report them."""
    stage.say("asking")
    items = [queue.get() for _ in range(count)]
    stage.say("got")
    return items


@claim("queue.delivers-across-processes", docs="multiprocessing.Queue")
def test_a_queue_delivers_from_process_to_process(mp, stage, program):
    """Objects that one process puts into a Queue reach another once, unchanged and in order.

    Falsy objects are among them. Afterwards the queue is empty. A whole program with a writer and
    a reader prints the one line that it should.
    """
    items = ["hello world", 0, None, "", {"nested": [1, (2.5, b"x")]}]
    queue = mp.Queue()
    stage.result_of(put_each, queue, *items)
    assert stage.result_of(get_several, queue, len(items)) == items
    assert queue.empty()

    assert program.lines_of("sample_queue") == ["hello world"]


@claim("queue.get-waits-for-item", docs="multiprocessing.Queue.get")
def test_get_blocks_until_an_item_is_put(mp, stage):
    """Queue.get() blocks until there is an item, so the reader can start before the writer.

    The reader has said that it is about to call get(), and must not return from it within a beat.
    Only then the writer starts.
    """
    queue = mp.Queue()
    reading = stage.enter(get_several, queue, 1)
    reading.expect("asking")
    assert reading.does_not_say("got"), "get() returned before anything was put"
    stage.result_of(put_each, queue, "hello world")
    assert reading.returns() == ["hello world"]
