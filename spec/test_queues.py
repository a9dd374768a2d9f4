"""Queue: passing objects from process to process.

Any process that has a ``Queue`` can put objects into it and get objects from it. Objects are
pickled on their way, so the receiver gets an equal copy. Several writers and readers can share a
queue: each object goes to one reader. That makes it the usual way to hand out work and to collect
results.

``get()`` blocks until there is an object, so it makes no difference whether the reader or the
writer starts first. A reader cannot tell that no more will come, unless the writer puts an object
that says so, one for each reader. With ``maxsize``, ``put()`` blocks while the queue is full.

Objects travel through a background thread and a pipe: a moment may pass after ``put()`` before
another process finds them, and ``empty()`` may be wrong in the meantime. The chapter Queue buffers
tells more of that thread, and of its effect on the end of a process.

A Queue has the methods of ``queue.Queue``, except ``task_done()``, ``join()`` and ``shutdown()``.
It is passed to a process as an argument; it cannot be sent through another queue.
"""

import queue as queue_module
import threading
import time
from itertools import chain

from spec.kit import BEAT, OBSERVED, TICK, claim, result_or_error

NEEDS = ("semaphores",)

# The queue for threads, to which the package's is compared.
TheirQueue = queue_module.Queue[object]


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


def put_pairs(stage, queue, name, count):
    """Put pairs of the name and a number below ``count``, every fifth with much data.

    Say so when half of them are put.
    """
    for number in range(count):
        if number == count // 2:
            stage.say("half")
        queue.put((name, number, b"x" * (20_000 if number % 5 == 0 else 0)))


@claim("queue.fifo-per-producer", docs="multiprocessing#pipes-and-queues")
def test_the_items_of_each_process_come_in_its_order(mp, stage):
    """All items that one process puts are got in that order, whatever other processes put.

    Two writers put a hundred items each, large and small ones. The test begins to get them when
    each writer has put half of its items, more than the pipe holds, and goes on while the others
    are being put. Between the writers any order is allowed.
    """
    queue = mp.Queue()
    writers = [stage.enter(put_pairs, queue, name, 100) for name in ("Ann", "Tom")]
    for each in writers:
        each.expect("half")
    items = [queue.get(timeout=stage.patience) for _ in range(200)]
    for each in writers:
        each.returns()
    for name in ("Ann", "Tom"):
        numbers = [number for writer, number, _ in items if writer == name]
        assert numbers == list(range(100)), f"the items of {name}: {numbers}"


def change_both_copies(queue, patience):
    """Put a dict twice, get both copies and change them; report the dict and the copies."""
    original = {"inner": [1]}
    for _ in range(2):
        queue.put(original)
    first, second = (queue.get(timeout=patience) for _ in range(2))
    assert first == second == original
    first["inner"].append(2)
    second["new"] = True
    return {"original": original, "first": first, "second": second}


@claim("queue.items-are-copies", docs="multiprocessing#pipes-and-queues")
def test_an_item_is_a_copy_even_in_the_same_process(mp, stage):
    """Queue.get() returns an equal copy, even in the process that put the object.

    The same object is put twice. Both copies are changed, at two depths, and neither the original
    nor the other copy changes. Unlike ``queue.Queue``, which passes on the object itself.
    """
    changed = {"inner": [1, 2], "new": True}
    assert change_both_copies(mp.Queue(), stage.patience) == {
        "original": {"inner": [1]},
        "first": {"inner": [1, 2]},
        "second": {"inner": [1], "new": True},
    }
    observed = change_both_copies(TheirQueue(), stage.patience)
    assert observed == dict.fromkeys(("original", "first", "second"), changed)


def get_until_sentinel(stage, queue, sentinel):
    """Get items until the sentinel comes; report them."""
    stage.say("getting")
    items = list(iter(queue.get, sentinel))
    stage.say("got the sentinel")
    return items


@claim("queue.each-item-got-once", docs="multiprocessing.Queue")
def test_each_item_goes_to_one_of_several_readers(mp, stage):
    """If several processes get items from a queue, each item goes to exactly one of them.

    Three readers are in get() when the first of sixty items is put. Together they have got each
    of them once, and each reader has got its own in the order in which they were put.
    """
    queue = mp.Queue()
    readers = [stage.enter(get_until_sentinel, queue, None) for _ in range(3)]
    for each in readers:
        each.expect("getting")
    for item in [*range(60), None, None, None]:
        queue.put(item)
    got = [each.returns() for each in readers]
    assert sorted(chain(*got)) == list(range(60)), f"the readers got {got}"
    assert [sorted(items) for items in got] == got, f"the readers got {got}"


@claim("queue.sentinel-ends-each-consumer", docs="multiprocessing.Queue")
def test_a_sentinel_for_each_reader_ends_them_all(mp, stage):
    """Readers that stop at a sentinel all end after one sentinel for each, when all items are got.

    Three readers loop over ``iter(queue.get, "STOP")``. Two sentinels follow six items: two readers
    end, and the third does not within one beat. It ends after the third sentinel.
    """
    queue = mp.Queue()
    readers = [stage.enter(get_until_sentinel, queue, "STOP") for _ in range(3)]
    for item in [*range(6), "STOP", "STOP"]:
        queue.put(item)
    ended = []
    for _ in range(2):
        going = [each for each in readers if each not in ended]
        ended.append(stage.first_to_say(going, "got the sentinel"))
    (last,) = (each for each in readers if each not in ended)
    assert last.does_not_say("got the sentinel"), "two sentinels have ended three readers"
    queue.put("STOP")
    assert sorted(chain(*(each.returns() for each in readers))) == list(range(6))
    assert result_or_error(queue.get_nowait) == "Empty"


def share_among_threads(stage, queue):
    """Put 200 items in each of three threads, and get them in three; report what each got."""

    def put_some(first):
        for number in range(first, first + 200):
            queue.put(number)

    def get_some(items):
        items += [queue.get() for _ in range(200)]

    got: list[list[int]] = [[], [], []]
    threads = [threading.Thread(target=get_some, args=(items,)) for items in got]
    threads += [threading.Thread(target=put_some, args=(first,)) for first in (0, 200, 400)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@claim("queue.threads-may-share", docs="multiprocessing#exchanging-objects-between-processes")
def test_threads_of_one_process_may_share_a_queue(mp, stage):
    """Several threads of a process may use a queue at once: each item is got exactly once.

    Three threads put two hundred items each, and three others get as many.
    """
    got = stage.result_of(share_among_threads, mp.Queue())
    assert sorted(chain(*got)) == list(range(600))


def overfill(stage, queue, space):
    """Fill the space in the queue; report how further calls of put() end; put one more item."""
    for number in range(space):
        queue.put(number)
    observed = {"put(block=False)": result_or_error(queue.put, "no", block=False)}
    with stage.span("waiting"):
        observed["put(timeout=BEAT)"] = result_or_error(queue.put, "no", True, BEAT)
    stage.say("full", observed)
    queue.put("late")
    stage.say("put")


@claim("queue.maxsize-bounds-puts", docs="multiprocessing.Queue.put")
def test_put_blocks_while_the_queue_is_full(mp, stage):
    """put() on a full queue blocks until an item is got; it raises Full after its timeout, if any.

    A Queue(3) has an item of the test's process and two of a child, whose further calls raise Full,
    with block=False and, not before the timeout, with a timeout. Its last put() does not return
    within a beat, and returns after the test has got an item. The refused items never come.
    """
    queue = mp.Queue(3)
    queue.put("first")
    writer = stage.enter(overfill, queue, 2)
    assert writer.expect("full") == {"put(block=False)": "Full", "put(timeout=BEAT)": "Full"}
    seconds = writer.spans["waiting"].seconds
    assert seconds >= BEAT - TICK, f"put() with a timeout gave up after {seconds} s"
    assert writer.does_not_say("put"), "a Queue(3) has taken a fourth item"
    items = [queue.get(timeout=stage.patience)]
    writer.expect("put")
    items += [queue.get(timeout=stage.patience) for _ in range(3)]
    writer.returns()
    assert sorted(map(str, items)) == ["0", "1", "first", "late"]
    assert result_or_error(queue.get_nowait) == "Empty"


@claim("queue.put-nowait-is-put-false", docs="multiprocessing.Queue.put_nowait")
def test_put_nowait_puts_or_raises_full(mp, stage):
    """put_nowait() puts an item if there is space, or raises queue.Full without blocking.

    So it does again after an item was got.
    """
    queue = mp.Queue(1)
    observed = {
        "empty": result_or_error(queue.put_nowait, "first"),
        "full": result_or_error(queue.put_nowait, "refused"),
        "got": queue.get(timeout=stage.patience),
        "empty again": result_or_error(queue.put_nowait, "second"),
        "got then": queue.get(timeout=stage.patience),
    }
    assert observed == {
        "empty": None,
        "full": "Full",
        "got": "first",
        "empty again": None,
        "got then": "second",
    }


@claim("queue.full-tells-at-bound", docs="multiprocessing.Queue.full")
def test_full_is_true_when_maxsize_items_are_in(mp, stage):
    """full() is True when maxsize items are in the queue, else False; without maxsize, False.

    The first item comes from the test's process and the second from a child. Nothing is put or got
    while full() is called.
    """
    bounded, unbounded = mp.Queue(2), mp.Queue()
    observed = {"new": bounded.full()}
    bounded.put(1)
    observed["one item"] = bounded.full()
    stage.result_of(put_each, bounded, 2)
    observed["two items"] = bounded.full()
    bounded.get(timeout=stage.patience)
    observed["one got"] = bounded.full()
    unbounded.put(1)
    observed["without maxsize"] = unbounded.full()
    assert observed == {
        "new": False,
        "one item": False,
        "two items": True,
        "one got": False,
        "without maxsize": False,
    }
    for queue in (bounded, unbounded):
        queue.get(timeout=stage.patience)


def put_thousands(stage, queues):
    """Put five thousand items into each queue, unread; report for each whether it is full."""
    for queue in queues:
        for number in range(5000):
            queue.put(number, False)
        queue.cancel_join_thread()
    return [queue.full() for queue in queues]


@claim("queue.unbounded-without-positive-maxsize", docs="multiprocessing.Queue")
def test_a_queue_takes_thousands_of_items_unless_maxsize_is_positive(mp, stage):
    """A queue whose maxsize is 0, negative or omitted takes thousands of items without blocking.

    A child puts five thousand, with block=False, which raises Full where a queue is full.
    """
    queues = [mp.Queue(), mp.Queue(0), mp.Queue(maxsize=-1)]
    assert stage.result_of(put_thousands, queues) == [False] * 3


def get_within_bounds(stage, queue):
    """Report how bounded calls of get() end, and how long those with a timeout took."""
    observed = {
        "get(False)": result_or_error(queue.get, False),
        "get(block=False)": result_or_error(queue.get, block=False),
    }
    with stage.span("get(timeout=BEAT)"):
        observed["get(timeout=BEAT)"] = result_or_error(queue.get, timeout=BEAT)
    with stage.span("get(True, BEAT)"):
        observed["get(True, BEAT)"] = result_or_error(queue.get, True, BEAT)
    return observed


@claim("queue.bounded-get-raises-empty", docs="multiprocessing.Queue.get")
def test_a_bounded_get_raises_empty(mp, stage):
    """get() on an empty queue raises queue.Empty with block=False, or when its timeout has passed.

    With a timeout it is not raised before. It is the same in a child as in the process that made
    the queue; here a child calls get(), on a queue that was never used, and on one whose only item
    was got.
    """
    used = mp.Queue()
    used.put(1)
    used.get(timeout=stage.patience)
    for name, queue in (("new", mp.Queue()), ("used", used)):
        reader = stage.enter(get_within_bounds, queue)
        observed = reader.returns()
        assert observed == dict.fromkeys(observed, "Empty"), f"{name}: {observed}"
        for call, span in reader.spans.items():
            assert span.seconds >= BEAT - TICK, f"{name}: {call} took {span.seconds} s"


@claim("queue.get-nowait-is-get-false", docs="multiprocessing.Queue.get_nowait")
def test_get_nowait_gets_or_raises_empty(mp, stage):
    """get_nowait() returns an item that has arrived, or raises queue.Empty without blocking.

    The item comes from a child that has ended; the test asks until it has arrived.
    """
    queue = mp.Queue()
    assert result_or_error(queue.get_nowait) == "Empty"
    stage.result_of(put_each, queue, "the item")
    stage.wait_until(lambda: not queue.empty(), "the arrival of the item")
    assert result_or_error(queue.get_nowait) == "the item"
    assert result_or_error(queue.get_nowait) == "Empty"


def pass_useless_timeouts(stage, empty, full):
    """Call get() and put() with block=False and a timeout that exceeds the patience."""
    far = 10 * stage.patience
    return {
        "get(False, far)": result_or_error(empty.get, False, far),
        "get(block=False, timeout=far)": result_or_error(empty.get, block=False, timeout=far),
        "put(1, False, far)": result_or_error(full.put, 1, False, far),
        "put(1, block=False, timeout=far)": result_or_error(full.put, 1, block=False, timeout=far),
    }


@claim("queue.non-blocking-ignores-timeout", docs="multiprocessing.Queue.get")
def test_a_timeout_is_ignored_with_block_false(mp, stage):
    """With block=False, get() and put() ignore their timeout: they raise Empty or Full at once.

    The timeout is ten times the patience, so an actor that waited for it would not be waited for.
    """
    full = mp.Queue(1)
    full.put("the item")
    observed = stage.result_of(pass_useless_timeouts, mp.Queue(), full)
    assert observed == {
        "get(False, far)": "Empty",
        "get(block=False, timeout=far)": "Empty",
        "put(1, False, far)": "Full",
        "put(1, block=False, timeout=far)": "Full",
    }
    assert full.get(timeout=stage.patience) == "the item"


def pass_negative_timeouts(stage, empty, full):
    """Call get() and put() with a negative timeout."""
    return {
        "get(timeout=-1)": result_or_error(empty.get, timeout=-1),
        "put(timeout=-1)": result_or_error(full.put, 1, timeout=-1),
    }


def made_full(queue):
    """The queue, with one item put into it."""
    queue.put("the item")
    return queue


@claim("queue.negative-timeout-is-zero", docs="multiprocessing.Queue.get", level=OBSERVED)
def test_a_negative_timeout_is_zero(mp, stage):
    """get() and put() take a negative timeout as zero; those of queue.Queue raise ValueError."""
    full = made_full(mp.Queue(1))
    threads = TheirQueue(), made_full(TheirQueue(1))
    observed = {
        "multiprocessing": stage.result_of(pass_negative_timeouts, mp.Queue(), full),
        "queue": stage.result_of(pass_negative_timeouts, *threads, by=threading.Thread),
    }
    assert observed == {
        "multiprocessing": {"get(timeout=-1)": "Empty", "put(timeout=-1)": "Full"},
        "queue": {"get(timeout=-1)": "ValueError", "put(timeout=-1)": "ValueError"},
    }
    assert full.get(timeout=stage.patience) == "the item"


def get_with_timeout(stage, queue, *timeout):
    """Say "asking", and get an item with the timeout, if any; report the item or the error."""
    stage.say("asking")
    with stage.span("getting"):
        item = result_or_error(queue.get, True, *timeout)
    stage.say("got")
    return item


def get_with_timeout_when_cued(stage, queue, timeout):
    """When cued, get an item with the timeout; report as :func:`get_with_timeout` does."""
    stage.say("up")
    stage.wait_for_cue("get")
    return get_with_timeout(stage, queue, timeout)


@claim("queue.get-timeout-covers-other-readers", docs="multiprocessing.Queue.get")
def test_a_timeout_includes_the_wait_for_other_readers(mp, stage):
    """The timeout of get() includes the time in which other readers block in get().

    First a reader blocks without a timeout, and another raises Empty nevertheless. Then a reader
    has been in get() for a beat, with a timeout of three, when another calls it with three as well.
    The witness is one performance in which the second takes less than four and a half beats, and
    less than two after the first: it would take five, and three, if its timeout began when the
    first gives up.
    """
    queue = mp.Queue()
    blocked = stage.enter(get_with_timeout, queue)
    blocked.expect("asking")
    assert blocked.does_not_say("got")
    assert stage.result_of(get_with_timeout, queue, BEAT) == "Empty"
    queue.put("the item")
    assert blocked.returns() == "the item"

    def gives_up_in_time(beat):
        readers = [stage.enter(get_with_timeout_when_cued, queue, 3 * beat) for _ in range(2)]
        for each in readers:
            each.expect("up")
        readers[0].cue("get")
        readers[0].expect("asking")
        time.sleep(beat)
        readers[1].cue("get")
        assert [each.returns() for each in readers] == ["Empty", "Empty"]
        first, second = (each.spans["getting"] for each in readers)
        assert second.seconds >= 3 * beat - TICK, f"get() gave up after {second.seconds} s"
        return second.seconds < 4.5 * beat and second.end < first.end + 2 * beat

    assert stage.at_some_beat(gives_up_in_time), "get() never gave up in time"


def raised_by(call, *args):
    """The type of the exception that the call raises."""
    try:
        call(*args)
    except Exception as error:
        return type(error)
    raise AssertionError(f"{call.__name__}() raised nothing")


@claim("queue.exceptions-from-queue-module", docs="multiprocessing#pipes-and-queues")
def test_empty_and_full_are_those_of_the_module_queue(mp, stage):
    """A Queue raises the module queue's Empty and Full, which multiprocessing does not export."""
    queue = mp.Queue(1)
    assert raised_by(queue.get_nowait) is queue_module.Empty
    queue.put("the item")
    assert raised_by(queue.put_nowait, 1) is queue_module.Full
    assert queue.get(timeout=stage.patience) == "the item"
    assert [name for name in ("Empty", "Full") if hasattr(mp, name)] == []


@claim("queue.empty-tells-at-rest", docs="multiprocessing.Queue.empty")
def test_empty_is_false_while_an_item_is_in_the_queue(mp, stage):
    """empty() is False while an item that has arrived is in the queue, and True when all are got.

    Two items come from a child that has ended. After the first was got, the second has to arrive,
    so the test asks until empty() says so; then it stays False until the item is got.
    """
    queue = mp.Queue()
    observed = {"new": queue.empty()}
    stage.result_of(put_each, queue, None, 0)
    for name in ("two items", "one got"):
        stage.wait_until(lambda: not queue.empty(), "the arrival of an item")
        observed[name] = [queue.empty() for _ in range(3)]
        queue.get(timeout=stage.patience)
    observed["all got"] = queue.empty()
    assert observed == {
        "new": True,
        "two items": [False] * 3,
        "one got": [False] * 3,
        "all got": True,
    }


@claim("queue.qsize-counts-at-rest", docs="multiprocessing.Queue.qsize", needs=("semaphore-value",))
def test_qsize_is_the_number_of_items(mp, stage):
    """qsize() counts the items in a queue that no process is using at the moment.

    The first item comes from the test's process, the others from a child.
    """
    observed = {}
    for name, queue in (("with maxsize", mp.Queue(3)), ("without", mp.Queue())):
        sizes = [queue.qsize()]
        queue.put(0)
        sizes.append(queue.qsize())
        stage.result_of(put_each, queue, 1, 2)
        sizes.append(queue.qsize())
        for _ in range(3):
            queue.get(timeout=stage.patience)
            sizes.append(queue.qsize())
        observed[name] = sizes
    assert observed == {"with maxsize": [0, 1, 3, 2, 1, 0], "without": [0, 1, 3, 2, 1, 0]}


def log_into_queue(stage, queue):
    """Configure logging with the queue, and log a line."""
    import logging.config

    handler = {"class": "logging.handlers.QueueHandler", "queue": queue}
    root = {"handlers": ["queue"], "level": "INFO"}
    logging.config.dictConfig({"version": 1, "handlers": {"queue": handler}, "root": root})
    logging.info("a line of %s", "the child")


@claim(
    "queue.fits-logging-configuration",
    docs="logging.handlers.QueueHandler",
    level=OBSERVED,
    since="3.12.4, 3.13",
)
def test_a_logging_configuration_takes_a_queue(mp, stage):
    """logging.config.dictConfig() accepts a Queue for a QueueHandler.

    A child is configured so, and logs a line; the test gets it.
    """
    queue = mp.Queue()
    stage.result_of(log_into_queue, queue)
    assert queue.get(timeout=stage.patience).getMessage() == "a line of the child"
