"""Queue buffers: the thread that sends items, and what happens to them at the end.

``Queue.put()`` only appends the object to a buffer of the process. A background thread of that
process, the feeder, pickles the objects in the buffer and writes them to the queue's pipe. So
``put()`` does not wait for a reader, and three points surprise people.

An object is pickled a moment after ``put()``: a change in between may still travel with it, and an
object that cannot be pickled is dropped, with a traceback on standard error.

A pipe holds some tens of kilobytes. A process whose buffer holds more does not end before a reader
has got the items: so get them first, and join the process afterwards. A manager's queue has no such
buffer.

``close()`` says that this process puts no more, and ``join_thread()`` then waits until its buffer
is sent. After ``cancel_join_thread()`` the process ends at once, and what is still in its buffer
is lost.
"""

import gc
import sys
import threading
import weakref

from spec.kit import BEAT, OBSERVED, claim, result_or_error
from spec.kit.clock import PATIENCE

NEEDS = ("semaphores",)

LEFT_OUT = {
    "queue.size-undefined-after-close": "what empty() and qsize() do after close() is not promised",
}

# More than the pipe of a queue holds, on any platform.
MUCH = b"x" * 1_000_000


class Gated:
    """An item that cannot be pickled before its gate, an Event, is set: until then it is not sent.

    The items that are put after it stay in the buffer.
    """

    def __init__(self, gate):
        self.gate = gate

    def __reduce__(self):
        assert self.gate.wait(PATIENCE)
        return str, ("gated",)


def count_threads(stage):
    """Report how many threads this process has after each step with a queue, beside the first."""
    observed = {"before": threading.active_count()}
    queue = stage.mp.Queue()
    observed["created"] = threading.active_count()
    result_or_error(queue.get_nowait)
    queue.empty()
    observed["get_nowait()"] = threading.active_count()
    for name in ("put()", "second put()"):
        queue.put(name)
        observed[name] = threading.active_count()
    another = stage.mp.Queue()
    another.put("x")
    observed["put() to another"] = threading.active_count()
    queue.get(timeout=stage.patience)
    return {name: number - observed["before"] for name, number in observed.items()}


@claim("queue.first-put-starts-feeder", docs="multiprocessing#pipes-and-queues")
def test_the_first_put_starts_a_thread(mp, stage):
    """A process has no thread for a queue until it first puts an item; then it has one for each.

    A child counts its threads.
    """
    assert stage.result_of(count_threads) == {
        "before": 0,
        "created": 0,
        "get_nowait()": 0,
        "put()": 1,
        "second put()": 1,
        "put() to another": 2,
    }


@claim("queue.timed-get-finds-fresh-item", docs="multiprocessing#pipes-and-queues")
def test_a_get_with_a_timeout_finds_what_was_just_put(mp, stage):
    """Right after put() the queue may still seem empty; get() with a timeout finds the item.

    While the first item is being pickled, empty() is True and get_nowait() raises Empty; get()
    finds it though that takes one more beat. Then two hundred items are put, each followed by a
    get() with a timeout.
    """
    queue = mp.Queue()
    gate = threading.Event()
    queue.put(Gated(gate))
    try:
        observed = {"empty()": queue.empty(), "get_nowait()": result_or_error(queue.get_nowait)}
        threading.Timer(BEAT, gate.set).start()
        observed["get(timeout)"] = result_or_error(queue.get, timeout=stage.patience)
    finally:
        gate.set()
    assert observed == {"empty()": True, "get_nowait()": "Empty", "get(timeout)": "gated"}

    for number in range(200):
        queue.put(number)
        assert result_or_error(queue.get, timeout=stage.patience) == number


def put_behind_gate(queue, item):
    """Put a Gated object and the item; returns the gate."""
    gate = threading.Event()
    queue.put(Gated(gate))
    queue.put(item)
    return gate


@claim(
    "queue.pickled-later-by-feeder",
    docs="multiprocessing#pipes-and-queues",
    level=OBSERVED,
    contradicts="multiprocessing#pipes-and-queues",
)
def test_an_object_is_pickled_after_put_has_returned(mp, stage):
    """An object is pickled after put() has returned: a change made in between may arrive with it.

    The documentation says that the object is pickled when it is put. A list is changed after it was
    put, while an object that was put before it is being pickled; the receiver gets the changed
    list. A SimpleQueue pickles the list in put().
    """
    queue, simple = mp.Queue(), mp.SimpleQueue()
    item = ["put"]
    gate = put_behind_gate(queue, item)
    try:
        simple.put(item)
        item.append("changed")
    finally:
        gate.set()
    assert queue.get(timeout=stage.patience) == "gated"
    assert queue.get(timeout=stage.patience) == ["put", "changed"]
    assert simple.get() == ["put"]


class Refusing:
    """Refuses to be pickled."""

    def __reduce__(self):
        raise KeyError("this is not to be pickled")


def put_refusing(stage, path):
    """Put objects that cannot be pickled into a Queue(1); report what happens, and standard error.

    The last put() can return only when there is space again.
    """
    sys.stderr = open(path, "w")  # noqa: SIM115
    queue = stage.mp.Queue(1)
    observed = {}
    for name in ("first", "second"):
        observed[name] = result_or_error(queue.put, Refusing(), timeout=stage.patience)
    observed["third, a string"] = result_or_error(queue.put, "item", timeout=stage.patience)
    observed["get()"] = queue.get(timeout=stage.patience)
    observed["second get()"] = result_or_error(queue.get_nowait)
    sys.stderr.close()
    return observed


@claim("queue.unpicklable-item-is-dropped", docs="multiprocessing.Queue.put", level=OBSERVED)
def test_an_object_that_cannot_be_pickled_is_dropped(mp, stage, tmp_path):
    """put() accepts an unpicklable object: it is dropped, with its traceback on standard error.

    Two such objects are put into a Queue(1), and then a string: each put() returns when the place
    of the one before is free again. The string is the only item that arrives.
    """
    path = tmp_path / "stderr"
    assert stage.result_of(put_refusing, str(path)) == {
        "first": None,
        "second": None,
        "third, a string": None,
        "get()": "item",
        "second get()": "Empty",
    }
    text = path.read_text()
    assert text.count("Traceback") == text.count("KeyError: 'this is not to be pickled'") == 2, text


CALLS = {
    "put()": lambda queue: queue.put(1),
    "put(block=False)": lambda queue: queue.put(1, False),
    "put_nowait()": lambda queue: queue.put_nowait(1),
    "get()": lambda queue: queue.get(),
    "get(timeout=1)": lambda queue: queue.get(timeout=1),
    "get_nowait()": lambda queue: queue.get_nowait(),
}


def use_closed_queues(stage, queues):
    """Put an item into each queue and close it; report how calls of put() and get() end."""
    observed = {}
    for kind, queue in queues.items():
        queue.put("before close()")
        queue.close()
        for name, call in CALLS.items():
            observed[f"{kind}, {name}"] = result_or_error(call, queue)
    return observed


@claim("queue.closed-refuses-put-and-get", docs="multiprocessing.Queue.close")
def test_a_closed_queue_refuses_put_and_get(mp, stage):
    """close() makes put() and get() raise ValueError in its process; another may use the queue.

    A child has put an item into each queue, a Queue and a JoinableQueue, and then closes them and
    calls all variants of put() and get(). The test's process gets the item, and puts and gets
    another one.
    """
    queues = {"Queue": mp.Queue(), "JoinableQueue": mp.JoinableQueue()}
    observed = stage.result_of(use_closed_queues, queues)
    assert len(observed) == 2 * len(CALLS)
    assert observed == dict.fromkeys(observed, "ValueError")
    for queue in queues.values():
        assert queue.get(timeout=stage.patience) == "before close()"
        queue.put("after close() in the child")
        assert queue.get(timeout=stage.patience) == "after close() in the child"


def close_and_watch_feeder(stage, queue):
    """Put much, close the queue, and say so when its thread has ended."""
    before = threading.enumerate()
    queue.put(MUCH)
    queue.put("last")
    (feeder,) = (thread for thread in threading.enumerate() if thread not in before)
    queue.close()
    stage.say("closed")
    feeder.join()
    stage.say("the thread has ended")


@claim("queue.close-ends-feeder", docs="multiprocessing.Queue.close")
def test_close_lets_the_thread_end_when_its_buffer_is_sent(mp, stage):
    """After close() a queue's background thread ends when the buffer is sent, not before.

    join_thread() is not called. The child has put more than a pipe holds: its thread goes on for
    at least a beat, and ends when the test gets the items.
    """
    queue = mp.Queue()
    writer = stage.enter(close_and_watch_feeder, queue)
    writer.expect("closed")
    assert writer.does_not_say("the thread has ended"), "it has ended with the items unsent"
    assert [queue.get(timeout=stage.patience) for _ in range(2)] == [MUCH, "last"]
    writer.expect("the thread has ended")
    writer.returns()


def close_unsent(stage, path):
    """Close a queue that no other process has while its buffer is unsent; report standard error."""
    sys.stderr = open(path, "w")  # noqa: SIM115
    queue = stage.mp.Queue()
    gate = put_behind_gate(queue, "item")
    queue.close()
    gate.set()
    queue.join_thread()
    sys.stderr.close()


@claim("queue.close-keeps-pipe-until-sent", docs="multiprocessing.Queue.close", level=OBSERVED)
def test_close_does_not_close_the_pipe_before_the_buffer_is_sent(mp, stage, tmp_path):
    """close() keeps both ends of the pipe open until the buffer is sent: no error is printed.

    A child is the only process that has the queue. Its thread begins to send only after close(),
    and would fail with BrokenPipeError if the reading end were closed by then.
    """
    path = tmp_path / "stderr"
    stage.result_of(close_unsent, str(path))
    assert path.read_text() == ""


def get_when_cued(stage, queue, count):
    """Get that many items when cued; report them."""
    stage.say("up")
    stage.wait_for_cue("get")
    return [queue.get() for _ in range(count)]


def is_collected(reference):
    """Collect garbage; report whether the object of a weak reference is gone."""
    gc.collect()
    return reference() is None


@claim("queue.collected-queue-is-flushed", docs="multiprocessing.Queue.close")
def test_what_was_put_into_a_collected_queue_arrives(mp, stage):
    """A Queue that no variable refers to any more is closed, and all its items still arrive.

    The test puts three hundred items, drops the queue and sees it collected while they are all in
    its buffer. Only then they are sent, and a child that was started before gets them.
    """
    queue = mp.Queue()
    reader = stage.enter(get_when_cued, queue, 301)
    reader.expect("up")
    gate = put_behind_gate(queue, 0)
    for number in range(1, 300):
        queue.put(number)
    reference = weakref.ref(queue)
    del queue
    try:
        stage.wait_until(lambda: is_collected(reference), "the collection of the queue")
    finally:
        gate.set()
    assert reader.returns(cue="get") == ["gated", *range(300)]


def put_much_and_join_thread(stage, queue):
    """Put much, and report how join_thread() ends before close(), and when it returns after it."""
    queue.put(MUCH)
    queue.put("last")
    early = result_or_error(queue.join_thread)
    queue.close()
    stage.say("joining")
    queue.join_thread()
    stage.say("joined")
    return early


def make_queue_and_join_thread(stage, ticket):
    """Do the same with a queue of this process, which a nested actor reads."""
    queue = stage.mp.Queue()
    reader = stage.start((*ticket, queue, 2))
    early = put_much_and_join_thread(stage, queue)
    reader.join()
    return early


@claim("queue.join-thread-flushes-after-close", docs="multiprocessing.Queue.join_thread")
def test_join_thread_returns_when_the_buffer_is_sent(mp, stage):
    """join_thread() raises AssertionError before close(); after it, it blocks until all is sent.

    That is the same in the process that made the queue and in another. The items exceed what the
    pipe holds, and join_thread() does not return within a beat; it returns when they are read.
    """
    queue = mp.Queue()
    writer = stage.enter(put_much_and_join_thread, queue)
    writer.expect("joining")
    assert writer.does_not_say("joined"), "it has returned with the items unsent"
    assert [queue.get(timeout=stage.patience) for _ in range(2)] == [MUCH, "last"]
    writer.expect("joined")
    assert writer.returns() == "AssertionError"

    reader = stage.nested(get_when_cued)
    maker = stage.enter(make_queue_and_join_thread, reader.ticket)
    maker.expect("joining")
    assert maker.does_not_say("joined"), "in the process that made the queue, it has returned"
    reader.cue("get")
    maker.expect("joined")
    assert reader.returns() == [MUCH, "last"]
    assert maker.returns() == "AssertionError"


def put_much(stage, queue, item):
    """Put an item, and say so."""
    queue.put(item)
    stage.say("has put")


@claim(
    "queue.undrained-child-cannot-end",
    docs="multiprocessing#programming-guidelines",
)
def test_a_child_whose_items_are_not_read_does_not_end(mp, stage):
    """A child that has put more than the pipe holds does not end before its items are read.

    join() with a timeout of one beat leaves it alive, without an exit code; when the test has got
    the item, it ends with 0. A child that has put a small item ends although it is not read.
    """
    small, large = mp.Queue(), mp.Queue()
    stage.result_of(put_much, small, "small")
    writer = stage.enter(put_much, large, MUCH)
    writer.expect("has put")
    writer.process.join(BEAT)
    state = writer.process.is_alive(), writer.process.exitcode
    assert state == (True, None), f"alive, exit code: {state}"
    assert large.get(timeout=stage.patience) == MUCH
    writer.returns()
    assert writer.process.exitcode == 0
    assert small.get(timeout=stage.patience) == "small"


def put_and_cancel(stage, queue, when):
    """Call cancel_join_thread() before the first put() or after the last, or never; put items."""
    gate = threading.Event()
    if when == "before":
        queue.cancel_join_thread()
    if when != "never":  # its buffer can never be sent
        queue.put(Gated(gate))
    queue.put("item")
    if when == "after":
        queue.cancel_join_thread()


@claim("queue.cancel-join-thread-loses-data", docs="multiprocessing.Queue.cancel_join_thread")
def test_a_process_that_cancelled_ends_with_its_items_unsent(mp, stage):
    """After cancel_join_thread() a process ends without sending what is in its buffer: it is lost.

    A child calls it before it puts anything, and another after that. The first object in the buffer
    of each is never sent, so nothing that follows is either. The item of a third child, which does
    not call it, is the only one that arrives.
    """
    queue = mp.Queue()
    for when in ("before", "after"):
        stage.result_of(put_and_cancel, queue, when)
    assert result_or_error(queue.get, timeout=BEAT) == "Empty"
    stage.result_of(put_and_cancel, queue, "never")
    assert queue.get(timeout=stage.patience) == "item"
    assert result_or_error(queue.get_nowait) == "Empty"


def cancel_and_join_thread(stage, queue, when):
    """Put much, cancel and close in one order or the other, and join the thread."""
    queue.put(MUCH)
    if when == "before close()":
        queue.cancel_join_thread()
    queue.close()
    if when == "after close()":
        queue.cancel_join_thread()
    queue.join_thread()
    stage.say("joined")


@claim("queue.cancelled-join-thread-does-nothing", docs="multiprocessing.Queue.cancel_join_thread")
def test_join_thread_returns_at_once_after_it_was_cancelled(mp, stage):
    """After cancel_join_thread(), join_thread() does nothing: it returns with items unsent.

    It is called before close(), or between close() and join_thread(). No process reads the items,
    which exceed what the pipe holds.
    """
    for when in ("before close()", "after close()"):
        stage.result_of(cancel_and_join_thread, mp.Queue(), when)


def put_much_into_managed(stage, ticket):
    """Have a nested actor put much into a manager's queue, join it, and get the item."""
    with stage.mp.Manager() as manager:
        queue = manager.Queue()
        writer = stage.start((*ticket, queue, MUCH))
        writer.join(stage.patience)
        return writer.exitcode, queue.get(timeout=stage.patience) == MUCH


@claim(
    "queue.managed-queue-needs-no-draining",
    docs="multiprocessing#pipes-and-queues",
    needs=("addresses",),
)
def test_a_managed_queue_does_not_hold_up_its_writers_end(mp, stage):
    """A child that has put much into a manager's queue ends before it is read; nothing is lost.

    The item is a megabyte, as where a child does not end that has put it into a Queue. An actor
    has the manager; it joins the child, and only then gets the item.
    """
    writer = stage.nested(put_much)
    assert stage.result_of(put_much_into_managed, writer.ticket) == (0, True)


LATE_READER = [
    "the program is done",
    "the item is read",
    "the exit handlers are done",
]


@claim("queue.undrained-child-holds-up-exit", docs="multiprocessing#pipes-and-queues")
def test_a_program_does_not_end_before_its_childs_items_are_read(mp, program):
    """A program does not end while a child's items, more than the pipe holds, are unread.

    A thread reads them only after the program has begun to exit, and a little later. An exit
    handler that runs after those of the package prints the last line: the exit has waited in
    between.
    """
    assert program.lines_of("late_reader", "child") == LATE_READER


@claim(
    "queue.unread-data-holds-up-creator",
    docs="multiprocessing.Queue.join_thread",
    level=OBSERVED,
    contradicts="multiprocessing.Queue.join_thread",
)
def test_the_process_that_made_a_queue_waits_for_its_items_too(mp, program):
    """At exit even the process that created a queue waits until its items are sent.

    The documentation says so of the other processes only. A thread reads the items, more than the
    pipe holds, only after the program has begun to exit. After cancel_join_thread() the program
    ends, although its items are not read at all.
    """
    assert program.lines_of("late_reader", "creator") == LATE_READER
    unread = ["the program is done", "the exit handlers are done"]
    assert program.lines_of("late_reader", "creator, cancelled") == unread
