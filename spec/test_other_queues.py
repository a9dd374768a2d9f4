"""SimpleQueue and JoinableQueue: a queue with less, and a queue with more.

A ``SimpleQueue`` is a pipe with locks: ``put()`` pickles the object and writes it to the pipe
itself. So nothing is left to do when a process ends, ``empty()`` is right at once, and an object
that cannot be pickled is the caller's error. On the other hand ``put()`` blocks while the pipe is
full, and neither ``put()`` nor ``get()`` has a timeout.

A ``JoinableQueue`` is a ``Queue`` that counts unfinished tasks. Each ``put()`` adds one. A reader
calls ``task_done()`` for each item when it has processed it, and ``join()`` blocks until all are
done. Use it to wait for the work, rather than for the processes that do it. An item for which no
process calls ``task_done()``, because its reader has failed or was killed, blocks ``join()``
forever.
"""

import pickle
import queue as queue_module
import threading

from spec.kit import OBSERVED, claim, reached, result_or_error, submodule

NEEDS = ("semaphores",)

# The queue for threads, to which the package's are compared.
TheirQueue = queue_module.Queue[object]

# More than a pipe holds, on any platform.
MUCH = b"x" * 1_000_000


def get_all_simply(stage, queue, count):
    """Get that many items from a SimpleQueue; report them."""
    stage.say("getting")
    items = [queue.get() for _ in range(count)]
    stage.say("got")
    return items


def put_all_simply(stage, queue, *items):
    """Put the items into a SimpleQueue."""
    for item in items:
        queue.put(item)


@claim("queue.simple-delivers-across-processes", docs="multiprocessing.SimpleQueue.get")
def test_a_simple_queue_delivers_from_process_to_process(mp, stage):
    """SimpleQueue.get() blocks until there is an item; items of a process come once and in order.

    The reader does not return from get() within a beat, and only then the writer starts. Falsy
    objects are among the items.
    """
    items = ["hello world", 0, None, "", {"nested": [1, (2.5, b"x")]}]
    queue = mp.SimpleQueue()
    reader = stage.enter(get_all_simply, queue, len(items))
    reader.expect("getting")
    assert reader.does_not_say("got"), "get() returned before anything was put"
    stage.result_of(put_all_simply, queue, *items)
    assert reader.returns() == items
    assert queue.empty()


def get_if_any(queue):
    """The next item of a SimpleQueue, or "nothing" if it is empty: it never blocks."""
    return "nothing" if queue.empty() else queue.get()


def ask_and_put_simply(stage, queue):
    """Report empty() before and after an item is put, and after it is got; put another item."""
    observed = {"new": queue.empty()}
    queue.put(None)
    observed["one item"] = queue.empty()
    get_if_any(queue)
    observed["got"] = queue.empty()
    queue.put(0)
    return observed


@claim("queue.simple-empty-is-exact", docs="multiprocessing.SimpleQueue.empty")
def test_empty_of_a_simple_queue_is_right_at_once(mp, stage):
    """SimpleQueue.empty() is False as soon as put() has returned, and True when all is got.

    A child puts and gets an item, and puts another, which the test's process finds.
    """
    queue = mp.SimpleQueue()
    observed = stage.result_of(ask_and_put_simply, queue)
    observed["put by a child"] = queue.empty()
    assert get_if_any(queue) == 0
    observed["got from a child"] = queue.empty()
    assert observed == {
        "new": True,
        "one item": False,
        "got": True,
        "put by a child": False,
        "got from a child": True,
    }


@claim("queue.simple-lacks-timeout-and-size", docs="multiprocessing.SimpleQueue")
def test_a_simple_queue_has_four_methods(mp):
    """A SimpleQueue has only put(), get(), empty() and close(): no timeout, no maxsize, no size.

    Its methods and its constructor take no further arguments.
    """
    queue = mp.SimpleQueue()
    assert {name for name in dir(queue) if name[0] != "_"} == {"put", "get", "empty", "close"}
    queue.put("the item")
    observed = {
        "put(1, False)": result_or_error(queue.put, 1, False),
        "put(1, timeout=1)": result_or_error(queue.put, 1, timeout=1),
        "get(False)": result_or_error(queue.get, False),
        "get(timeout=1)": result_or_error(queue.get, timeout=1),
        "SimpleQueue(1)": result_or_error(mp.SimpleQueue, 1),
    }
    assert observed == dict.fromkeys(observed, "TypeError")
    assert get_if_any(queue) == "the item"


def put_much_simply(stage, queue):
    """Put an item into a SimpleQueue that exceeds what its pipe holds."""
    stage.say("putting")
    queue.put(MUCH)
    stage.say("has put")


def get_length_simply(stage, queue):
    """Get an item from a SimpleQueue; report its length."""
    return len(queue.get())


@claim("queue.simple-put-blocks-when-full", docs="multiprocessing.SimpleQueue.put", level=OBSERVED)
def test_put_of_a_simple_queue_blocks_while_the_pipe_is_full(mp, stage):
    """SimpleQueue.put() blocks while the item, more than the pipe holds, is not being read.

    A child puts it, and put() does not return within a beat; it returns when another child gets the
    item. A small item is put without a reader.
    """
    queue = mp.SimpleQueue()
    writer = stage.enter(put_much_simply, queue)
    writer.expect("putting")
    assert writer.does_not_say("has put"), "put() has returned with the item unread"
    assert stage.result_of(get_length_simply, queue) == len(MUCH)
    writer.expect("has put")
    writer.returns()

    stage.result_of(put_all_simply, queue, "small")
    assert get_if_any(queue) == "small"


class RefusingSimply:
    """Refuses to be pickled."""

    def __reduce__(self):
        raise KeyError("this is not to be pickled")


@claim(
    "queue.simple-put-raises-pickling-error", docs="multiprocessing.SimpleQueue.put", level=OBSERVED
)
def test_put_of_a_simple_queue_raises_the_error_of_pickle(mp):
    """Unlike Queue.put(), SimpleQueue.put() raises the error if an object cannot be pickled.

    Two objects are refused, one by its class and one by pickle. Nothing of them is in the queue,
    and it can be used as before.
    """
    queue = mp.SimpleQueue()
    assert result_or_error(queue.put, RefusingSimply()) == "KeyError"
    assert result_or_error(queue.put, threading.Lock()) == result_or_error(
        pickle.dumps, threading.Lock()
    )
    assert queue.empty()
    queue.put("the item")
    assert get_if_any(queue) == "the item"


def close_and_use_simply(stage, queue):
    """Close a SimpleQueue that contains an item; report how further calls end."""
    queue.put("before close()")
    queue.close()
    return {
        "put()": result_or_error(queue.put, 1),
        "get()": result_or_error(queue.get),
        "empty()": result_or_error(queue.empty),
        "close()": result_or_error(queue.close),
    }


@claim("queue.simple-closed-refuses-calls", docs="multiprocessing.SimpleQueue.close")
def test_a_closed_simple_queue_refuses_calls(mp, stage):
    """After SimpleQueue.close() put(), get() and empty() raise OSError; other processes go on.

    A child closes it. A second close() does nothing, and the test gets the item that the child has
    put. The documentation promises OSError for empty() only.
    """
    queue = mp.SimpleQueue()
    assert stage.result_of(close_and_use_simply, queue) == {
        "put()": "OSError",
        "get()": "OSError",
        "empty()": "OSError",
        "close()": None,
    }
    assert get_if_any(queue) == "before close()"
    assert queue.empty() is True


@claim(
    "queue.lacks-join-and-shutdown",
    docs="multiprocessing.Queue",
    changes={"3.13": "queue.Queue has got shutdown(), which a Queue lacks"},
)
def test_a_queue_lacks_some_methods_of_queue_queue(mp, stage):
    """A Queue has the public methods of queue.Queue except task_done(), join() and shutdown().

    In return it has close(), join_thread() and cancel_join_thread(). ``queue.Queue`` itself has
    shutdown() since Python 3.13.
    """

    def methods(queue):
        return {
            name for name in dir(queue) if name[0] != "_" and callable(getattr(queue, name, None))
        }

    own, threads = methods(mp.Queue()), methods(queue_module.Queue())
    shutdown = {"shutdown"} if reached("3.13") else set()
    assert threads - own == {"task_done", "join", *shutdown}
    assert own - threads == {"close", "join_thread", "cancel_join_thread"}
    assert not hasattr(mp.Queue(), "shutdown")


@claim("queue.joinable-is-a-queue", docs="multiprocessing.JoinableQueue")
def test_a_joinable_queue_is_a_queue_with_two_methods_more(mp, stage):
    """A JoinableQueue is a Queue that has join() and task_done() as well; maxsize bounds it too.

    It lacks shutdown(), which ``queue.Queue`` has since Python 3.13.
    """
    queue = mp.JoinableQueue(1)
    plain = mp.Queue()
    assert isinstance(queue, type(plain))
    assert isinstance(queue, submodule("queues").Queue)
    more = {name for name in dir(queue) if name[0] != "_"} - set(dir(plain))
    assert more == {"join", "task_done"}
    observed = {
        "get_nowait()": result_or_error(queue.get_nowait),
        "put()": result_or_error(queue.put, "the item"),
        "put_nowait()": result_or_error(queue.put_nowait, 1),
        "full()": queue.full(),
        "get()": result_or_error(queue.get, timeout=stage.patience),
    }
    assert observed == {
        "get_nowait()": "Empty",
        "put()": None,
        "put_nowait()": "Full",
        "full()": True,
        "get()": "the item",
    }


def join_queue(stage, queue):
    """Join the queue."""
    stage.say("joining")
    queue.join()
    stage.say("joined")


def do_tasks(stage, queue, count):
    """Get that many items; for each, when cued, call task_done()."""
    for _ in range(count):
        queue.get()
    stage.say("got all")
    for _ in range(count):
        stage.wait_for_cue("finish one")
        queue.task_done()
        stage.say("finished one")


@claim("queue.joinable-waits-for-task-done", docs="multiprocessing.JoinableQueue.join")
def test_join_returns_when_each_item_has_its_task_done(mp, stage):
    """JoinableQueue.join() blocks until task_done() was called for each item that was put.

    Two processes and a thread call join() while three items are unfinished. None returns within a
    beat when another process has got all items, nor when it has called task_done() for two of them;
    all return after the third. Before anything is put, and afterwards, join() returns at once.
    """
    queue = mp.JoinableQueue()
    stage.result_of(join_queue, queue)
    for item in range(3):
        queue.put(item)
    joiners = [
        stage.enter(join_queue, queue, by=by) for by in (mp.Process, mp.Process, threading.Thread)
    ]
    for each in joiners:
        each.expect("joining")
    worker = stage.enter(do_tasks, queue, 3)
    worker.expect("got all")
    assert stage.none_says(joiners, "joined"), "it has returned when all items were got"
    for _ in range(2):
        worker.cue("finish one")
        worker.expect("finished one")
    assert stage.none_says(joiners, "joined"), "it has returned with a task unfinished"
    worker.returns(cue="finish one")
    for each in joiners:
        each.returns()
    stage.result_of(join_queue, queue, by=threading.Thread)


def finish_tasks(stage, queue, count):
    """Call task_done() that often; report the results."""
    return [result_or_error(queue.task_done) for _ in range(count)]


@claim("queue.extra-task-done-fails", docs="multiprocessing.JoinableQueue.task_done")
def test_task_done_fails_if_called_more_often_than_items_were_put(mp, stage):
    """task_done() raises ValueError when it is called more often than items were put.

    Two items are put, and a process that has got none calls task_done() three times. The call too
    many has no effect: an item that is put later counts again. The same holds in the module queue.
    """
    for by, queue in (
        (mp.Process, mp.JoinableQueue()),
        (threading.Thread, TheirQueue()),
    ):
        assert result_or_error(queue.task_done) == "ValueError"
        for item in (1, 2):
            queue.put(item)
            queue.get(timeout=stage.patience)
        assert stage.result_of(finish_tasks, queue, 3, by=by) == [None, None, "ValueError"]
        queue.put(3)
        queue.get(timeout=stage.patience)
        assert [result_or_error(queue.task_done) for _ in range(2)] == [None, "ValueError"]


def send_queues_elsewhere(stage, queues):
    """Put into each queue; report how it ends to send it through another, and to a pool's task."""
    observed: dict[str, str] = {}
    with stage.mp.Pool(1) as pool:
        for kind, queue in queues.items():
            queue.put("inherited")
            sent = pool.apply_async(id, (queue,))
            observed |= {
                f"{kind} through a SimpleQueue": result_or_error(stage.mp.SimpleQueue().put, queue),
                f"{kind} to a Pool": result_or_error(sent.get, stage.patience),
            }
    return observed


@claim("queue.inherited-but-never-sent", docs="multiprocessing#programming-guidelines")
def test_a_queue_is_inherited_and_cannot_be_sent(mp, stage):
    """A queue is passed to a process at its start; sending it to a process raises RuntimeError.

    A child to which queues of each kind were passed puts an item into each. Then it passes them to
    another queue, and to tasks of a pool.
    """
    queues = {
        "Queue": mp.Queue(),
        "JoinableQueue": mp.JoinableQueue(),
        "SimpleQueue": mp.SimpleQueue(),
    }
    observed = stage.result_of(send_queues_elsewhere, queues)
    assert len(observed) == 6
    assert observed == dict.fromkeys(observed, "RuntimeError")
    for queue in queues.values():
        assert not queue.empty()
        assert queue.get() == "inherited"


@claim("queue.import-error-without-semaphores", docs="multiprocessing.Queue")
def test_a_queue_needs_semaphores(mp, program):
    """Where the system has no shared semaphores, creating a Queue raises ImportError.

    The program makes the package believe so. A JoinableQueue and a SimpleQueue raise it too.
    """
    assert program.table_of("no_semaphores") == dict.fromkeys(
        ("Queue()", "Queue(1)", "JoinableQueue()", "SimpleQueue()"), "ImportError"
    )
