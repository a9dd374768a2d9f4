"""Queue: handing objects from any process to any other.

What one process puts, another gets. ``get`` waits until there is something, so it makes no
difference which of them is started first.
"""

from spec.kit import claim

NEEDS = ("semaphores",)


def writer(stage, queue, *items):
    """Put the items."""
    for item in items:
        queue.put(item)


def reader(stage, queue, number):
    """Get so many items; report them."""
    stage.say("asking")
    items = [queue.get() for _ in range(number)]
    stage.say("got")
    return items


@claim("queue.delivers-across-processes", docs="multiprocessing.Queue")
def test_what_one_process_puts_another_gets(mp, stage, program):
    """What one process puts into a Queue, another gets out of it, once and unchanged.

    Falsy items are items too. The tutorial's sample, joined, prints its line.
    """
    items = ["hello world", 0, None, "", {"nested": [1, (2.5, b"x")]}]
    queue = mp.Queue()
    stage.result_of(writer, queue, *items)
    assert stage.result_of(reader, queue, len(items)) == items
    assert queue.empty()

    completed = program.run("sample_queue")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["hello world"]


@claim("queue.get-waits-for-item", docs="multiprocessing.Queue.get")
def test_get_waits_until_something_is_put(mp, stage):
    """get waits until there is something to get, so the reader may be started before the writer.

    The reader is about to ask and has a beat's time to come back with nothing.
    """
    queue = mp.Queue()
    reading = stage.enter(reader, queue, 1)
    reading.expect("asking")
    assert reading.does_not_say("got"), "get returned before anything was put"
    stage.result_of(writer, queue, "hello world")
    assert reading.returns() == ["hello world"]
