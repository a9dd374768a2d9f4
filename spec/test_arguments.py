"""Arguments: how a child receives its target, its arguments and global variables.

Nothing is shared automatically. The objects in ``args`` and ``kwargs`` reach the child as copies,
which ``start()`` makes: by forking the whole memory, or by pickling.

Under fork any object can be passed, because nothing is pickled. Under spawn and forkserver the
whole Process object is pickled: for an object that pickle refuses, ``start()`` raises pickle's
error. Functions and classes are pickled by name, so the child has to be able to import them. A
global variable has the value that the import gives it, not the one that the parent has assigned
since.

Locks, queues, Value and Array can be passed as arguments, but they cannot be sent through a pipe
or a queue later; connections can. Likewise an unstarted Process can be passed as an argument and
cannot be sent, because it contains the authentication key.
"""

import gc
import os
import pickle
import threading
import time
import weakref

from spec.kit import OBSERVED, TICK, claim, perform, result_or_error


def report_and_change(stage, given):
    """Report a dict as it came, then change it at two depths and report it again."""
    came = {**given, "inner": list(given["inner"])}
    given["new"] = True
    given["inner"].append("changed")
    return {"came": came, "changed": given}


@claim("argument.arrives-as-copy", docs="multiprocessing.Process")
def test_an_argument_arrives_as_an_equal_copy(mp, stage):
    """A dict arrives as an equal copy: changes to it in the child, at any depth, stay in the child.

    A thread receives the dict itself, and changes it.
    """
    given = {"inner": ["given"]}
    changed = {"inner": ["given", "changed"], "new": True}
    came_and_changed = {"came": {"inner": ["given"]}, "changed": changed}
    assert stage.result_of(report_and_change, given) == came_and_changed
    assert given == {"inner": ["given"]}, "the original has changed"

    assert stage.result_of(report_and_change, given, by=threading.Thread) == came_and_changed
    assert given == changed, "the thread has changed a copy"


def report_lists_when_cued(stage, notes, named):
    """Report two lists when cued."""
    stage.wait_for_cue("report")
    return {"args": notes, "kwargs": named}


def start_between_changes(stage, by):
    """Change two arguments before and after start(); the arguments that the actor then reports."""
    notes, named = ["created"], ["created"]
    actor = stage.prepare(report_lists_when_cued, notes, by=by, kwargs={"named": named})
    for each in (notes, named):
        each.append("before start()")
    actor.process.start()
    for each in (notes, named):
        each.append("after start()")
    return actor.returns(cue="report")


@claim("argument.snapshot-at-start", docs="multiprocessing.Process.start", level=OBSERVED)
def test_an_argument_is_copied_when_the_process_is_started(mp, stage):
    """A list argument is copied by start(): the child sees changes made before it, but none after.

    One list is in args and another in kwargs. The child reports them only after the last change.
    A thread sees that change.
    """
    observed = {
        "Process": start_between_changes(stage, mp.Process),
        "Thread": start_between_changes(stage, threading.Thread),
    }
    before = ["created", "before start()"]
    after = [*before, "after start()"]
    assert observed == {
        "Process": {"args": before, "kwargs": before},
        "Thread": {"args": after, "kwargs": after},
    }


GLOBAL = "at import"


def report_global_when_cued(stage):
    """Report a global variable when cued."""
    stage.wait_for_cue("report")
    return GLOBAL


@claim(
    "argument.globals-reimported-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_a_global_is_what_the_import_makes_it_unless_forked(mp, stage):
    """A forked child sees a global's value at start(); other children, its value at import.

    The global is assigned between the creation of the Process and start(), and again after it.
    """
    global GLOBAL
    actor = stage.prepare(report_global_when_cued)
    try:
        GLOBAL = "at start()"
        actor.process.start()
        GLOBAL = "after start()"
        reported = actor.returns(cue="report")
    finally:
        GLOBAL = "at import"
    assert reported == ("at start()" if mp.get_start_method() == "fork" else "at import")


class Unpicklable:
    """Refuses to be pickled."""

    def __reduce__(self):
        raise TypeError


def use_unpicklable(stage, add, file, lock, numbers, unpicklable):
    """Use objects that pickle refuses, and report the results."""
    return {
        "add(1)": add(1),
        "file.readline()": file.readline(),
        "lock.acquire(False)": lock.acquire(False),
        "next(numbers)": next(numbers),
        "class": type(unpicklable).__name__,
    }


@claim(
    "argument.fork-passes-without-pickling",
    docs="multiprocessing#contexts-and-start-methods",
    methods=("fork",),
)
def test_fork_passes_any_object(mp, stage, tmp_path):
    """Under fork, target and arguments are not pickled: any object can be passed.

    Pickle would refuse each of these: a nested function, both as target and as argument, a file
    that is half read, a held lock, a generator that has begun, and an object that refuses it.
    """
    path = tmp_path / "lines"
    path.write_text("first\nsecond\n")
    step = 41
    lock = threading.Lock()
    numbers = (number for number in (1, 2))
    next(numbers)

    def add(number):
        return number + step

    def run(*args):
        perform(*args)

    def by_nested(target, args):
        return mp.Process(target=run, args=args)

    with lock, open(path) as file:
        file.readline()
        arguments = (add, file, lock, numbers, Unpicklable())
        for each in (run, *arguments):
            assert isinstance(result_or_error(pickle.dumps, each), str), f"pickle accepts {each}"
        assert stage.result_of(use_unpicklable, *arguments, by=by_nested) == {
            "add(1)": 42,
            "file.readline()": "second\n",
            "lock.acquire(False)": False,
            "next(numbers)": 2,
            "class": "Unpicklable",
        }


def accept_anything(*args, **kwargs):
    """Accept any arguments, and do nothing with them."""


def with_attribute(process, value):
    """The process, with ``value`` as an attribute of its own."""
    process.attribute = value
    return process


def try_to_start(mp, unpicklable):
    """Try to start processes that contain an object that pickle refuses, in four ways."""
    processes = {
        "target": mp.Process(target=unpicklable),
        "argument": mp.Process(target=accept_anything, args=(1, [unpicklable])),
        "keyword": mp.Process(target=accept_anything, kwargs={"key": unpicklable}),
        "attribute": with_attribute(mp.Process(), unpicklable),
    }
    return {
        "dumps()": result_or_error(pickle.dumps, unpicklable),
        "start()": {way: result_or_error(each.start) for way, each in processes.items()},
        "pid": {way: each.pid for way, each in processes.items()},
        "any in active_children()": bool(set(processes.values()) & set(mp.active_children())),
    }


def try_to_start_each(stage):
    """Try to start processes with several objects that pickle refuses; report the results.

    An actor does it, because Windows creates the process before the object is refused.
    """
    with open(os.devnull, "w") as file:
        refused = {
            "function": lambda: None,
            "lock": threading.Lock(),
            "generator": (letter for letter in "text"),
            "file": file,
        }
        return {kind: try_to_start(stage.mp, each) for kind, each in refused.items()}


@claim(
    "argument.unpicklable-raises-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
    methods=("spawn", "forkserver"),
)
def test_start_raises_what_pickle_raises(mp, stage):
    """Under spawn and forkserver, start() raises pickle's error for an unpicklable Process.

    The object that pickle refuses is the target, an argument or an attribute. No child is left,
    and the Process counts as not started. Whether the error is PicklingError, AttributeError or
    TypeError depends on the object, and on the version of Python.
    """
    for kind, observed in stage.result_of(try_to_start_each).items():
        error = observed["dumps()"]
        assert error in ("PicklingError", "AttributeError", "TypeError"), f"{kind}: {error}"
        ways = ("target", "argument", "keyword", "attribute")
        assert observed == {
            "dumps()": error,
            "start()": dict.fromkeys(ways, error),
            "pid": dict.fromkeys(ways),
            "any in active_children()": False,
        }, kind


@claim("argument.target-importable-unless-forked", docs="multiprocessing.Process")
def test_a_target_has_to_be_importable_unless_forked(mp, program):
    """A target defined in "python -c" or on standard input works only under fork.

    There is no file that the child could import the target from, so the child fails, or already
    the fork server does. From its file, the same program works under every start method.
    """
    method = mp.get_start_method()
    ran, failed = ["hello", "exit code 0"], ["exit code 1"]
    observed = {
        "from its file": program.run("homeless").lines,
        "on standard input": program.run_typed("homeless").lines,
        "with -c": program.run_given("homeless").lines,
    }
    if method == "forkserver" and observed["on standard input"] == ["not started"]:
        observed["on standard input"] = failed
    without_file = ran if method == "fork" else failed
    assert observed == {
        "from its file": ran,
        "on standard input": without_file,
        "with -c": without_file,
    }


class Token:
    """An object that a weak reference can refer to."""


def hold_token_until_cued(stage, token):
    """Hold the token until cued."""
    stage.say("holding")
    stage.wait_for_cue("let go")


def starter_keeps_argument(stage, by, keyword=False):
    """Whether an argument still exists in the starting process while the actor uses it."""
    token = Token()
    watched = weakref.ref(token)
    if keyword:
        actor = stage.prepare(hold_token_until_cued, by=by, kwargs={"token": token})
    else:
        actor = stage.prepare(hold_token_until_cued, token, by=by)
    del token
    actor.process.start()
    actor.expect("holding")
    gc.collect()
    kept = watched() is not None
    actor.returns(cue="let go")
    return kept


class Gate:
    """An argument that holds up the child, which unpickles it, until a file exists."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return wait_at_gate, (self.path,)


def wait_at_gate(path):
    """Return the gate when the file exists."""
    while not os.path.exists(path):
        time.sleep(TICK)
    return Gate(path)


def acquire_behind_gate(stage, gate, semaphore):
    """Acquire the semaphore without blocking."""
    return semaphore.acquire(False)


def exit_code_behind_gate(stage, path, kept):
    """Pass a semaphore to a child, with or without keeping it; the exit code of the child."""
    semaphores = [stage.mp.Semaphore()]
    actor = stage.prepare(acquire_behind_gate, Gate(str(path)), semaphores[0])
    if not kept:
        semaphores.clear()
    actor.process.start()
    gc.collect()
    path.touch()
    return actor.exit_code()


@claim(
    "argument.start-drops-parent-reference",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    needs=("semaphores", "named-semaphores"),
)
def test_start_drops_the_parents_reference(mp, stage, tmp_path):
    """start() drops the parent's references to args: a semaphore kept nowhere else is destroyed.

    It drops those to kwargs too. While the child waits at the gate, its first argument, the parent
    drops the second, the semaphore, and so removes its name. Only a forked child can do without
    the name; others fail, unless the parent has kept the semaphore. A thread shares its arguments
    with its starter.
    """
    observed = {
        "argument kept for a process": starter_keeps_argument(stage, mp.Process),
        "keyword kept for a process": starter_keeps_argument(stage, mp.Process, keyword=True),
        "argument kept for a thread": starter_keeps_argument(stage, threading.Thread),
        "exit code, semaphore kept": exit_code_behind_gate(stage, tmp_path / "first", kept=True),
        "exit code, not kept": exit_code_behind_gate(stage, tmp_path / "second", kept=False),
    }
    assert observed == {
        "argument kept for a process": False,
        "keyword kept for a process": False,
        "argument kept for a thread": True,
        "exit code, semaphore kept": 0,
        "exit code, not kept": 0 if mp.get_start_method() == "fork" else 1,
    }


# One of each kind that can be passed to a child and not be sent.
PRIMITIVES = {
    "Lock": lambda mp: mp.Lock(),
    "RLock": lambda mp: mp.RLock(),
    "Semaphore": lambda mp: mp.Semaphore(),
    "BoundedSemaphore": lambda mp: mp.BoundedSemaphore(),
    "Event": lambda mp: mp.Event(),
    "Condition": lambda mp: mp.Condition(),
    "Barrier": lambda mp: mp.Barrier(1),
    "Queue": lambda mp: mp.Queue(),
    "JoinableQueue": lambda mp: mp.JoinableQueue(),
    "SimpleQueue": lambda mp: mp.SimpleQueue(),
    "Value": lambda mp: mp.Value("i", 7),
    "Array": lambda mp: mp.Array("i", [7]),
    "RawValue": lambda mp: mp.RawValue("i", 7),
    "RawArray": lambda mp: mp.RawArray("i", [7]),
}


def send_and_pass_each(stage, ticket):
    """Try to send one of each kind, in four ways; then start a child with all as arguments."""
    mp = stage.mp
    each = {kind: make(mp) for kind, make in PRIMITIVES.items()}
    reader, writer = mp.Pipe(False)
    simple_queue = mp.SimpleQueue()
    with reader, writer, mp.Pool(1) as pool:
        observed = {
            kind: {
                "Pipe": result_or_error(writer.send, thing),
                "SimpleQueue": result_or_error(simple_queue.put, thing),
                "Pool": result_or_error(pool.apply_async(abs, (thing,)).get, stage.patience),
            }
            for kind, thing in each.items()
        }
    queue = mp.Queue()
    put = [result_or_error(queue.put, thing) for thing in (*each.values(), "a string")]
    came = queue.get(timeout=stage.patience)
    stage.start((*ticket, each)).join()
    return {
        "sent": observed,
        "Queue.put()": sorted(set(map(repr, put))),
        "first from the Queue": came if came == "a string" else type(came).__name__,
    }


def use_each(stage, each):
    """Use some of the objects; report the results."""
    return {
        "Lock": each["Lock"].acquire(False),
        "Event": each["Event"].is_set(),
        "Barrier": each["Barrier"].wait(),
        "Queue": each["Queue"].put("a string"),
        "Value": each["Value"].value,
        "RawArray": list(each["RawArray"]),
        "how many": len(each),
    }


REFUSED = dict.fromkeys(("Pipe", "SimpleQueue", "Pool"), "RuntimeError")


@claim(
    "argument.primitives-travel-by-inheritance-only",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_primitives_travel_by_inheritance_only(mp, stage):
    """Locks, queues, Value and Array can be passed as arguments, but send() raises RuntimeError.

    So do SimpleQueue.put() and, in the result, Pool.apply_async(). A Queue pickles in a thread of
    its own: put() returns None, and the object never comes out of the queue. The string, which
    was put last, comes first.
    """
    child = stage.nested(use_each)
    assert stage.result_of(send_and_pass_each, child.ticket) == {
        "sent": dict.fromkeys(PRIMITIVES, REFUSED),
        "Queue.put()": ["None"],
        "first from the Queue": "a string",
    }
    assert child.returns() == {
        "Lock": True,
        "Event": False,
        "Barrier": 0,
        "Queue": None,
        "Value": 7,
        "RawArray": [7],
        "how many": len(PRIMITIVES),
    }


def pickle_and_send(mp, thing):
    """Pickle a thing, and send it through a pipe; the errors, and whether anything arrived."""
    reader, writer = mp.Pipe(False)
    with reader, writer:
        pickled = result_or_error(pickle.dumps, thing)
        return {
            "dumps()": pickled if isinstance(pickled, str) else None,
            "send()": result_or_error(writer.send, thing),
            "arrived": reader.poll(),
        }


NOT_SENT = {"dumps()": "TypeError", "send()": "TypeError", "arrived": False}


@claim(
    "argument.process-object-cannot-be-sent",
    docs="multiprocessing.Process",
    level=OBSERVED,
)
def test_a_process_object_cannot_be_sent(mp):
    """Sending a Process object through a pipe raises TypeError.

    So does pickling it, since the Process contains the authentication key. Its name can be sent.
    As an argument of another Process, an unstarted Process can be passed: see
    process.only-creator-starts-and-joins.
    """
    process = mp.Process()
    assert pickle_and_send(mp, process) == NOT_SENT
    assert pickle_and_send(mp, process.name) == {"dumps()": None, "send()": None, "arrived": True}


def send_connections(stage, connection, queue):
    """Send an end of two new pipes, one through each; report the answers to a message."""
    own_ends = {}
    for way, send in (("connection", connection.send), ("queue", queue.put)):
        own_ends[way], other_end = stage.mp.Pipe()
        send(other_end)
        own_ends[way].send("message")
    return {way: each.recv() for way, each in own_ends.items()}


def receive_connections(stage, connection, queue):
    """Receive a connection through each; report the messages that come, and answer them."""
    received = {"connection": connection.recv(), "queue": queue.get()}
    came = {way: each.recv() for way, each in received.items()}
    for each in received.values():
        each.send("answer")
    return came


@claim(
    "argument.connections-can-be-sent",
    docs="multiprocessing.connection.Connection",
    needs=("addresses", "semaphores"),
)
def test_connections_can_be_sent(mp, stage):
    """A Connection can be passed as an argument, or sent through a pipe or a Queue, and works.

    Two children receive as arguments the two ends of a pipe, and a queue. Through each, the first
    child sends the second the end of a new pipe. Then a message and an answer are sent through
    the new pipes.
    """
    first_end, second_end = mp.Pipe()
    queue = mp.Queue()
    with first_end, second_end:
        sender = stage.enter(send_connections, first_end, queue)
        receiver = stage.enter(receive_connections, second_end, queue)
        assert receiver.returns() == {"connection": "message", "queue": "message"}
        assert sender.returns() == {"connection": "answer", "queue": "answer"}


def compare_authkeys(stage, key):
    """Report whether this process, and one that it creates, have the authentication key."""
    return {
        "child": bytes(stage.mp.current_process().authkey) == key,
        "grandchild": bytes(stage.mp.Process().authkey) == key,
    }


@claim(
    "argument.authkey-inherited-not-sent",
    docs="multiprocessing#authentication-keys",
    level=OBSERVED,
)
def test_the_authentication_key_is_inherited_and_never_sent(mp, stage):
    """A child inherits its parent's authkey, by default 32 bytes; sending it raises TypeError.

    Pickling it does too. The child receives a copy as plain bytes, which can be pickled, for
    comparison.
    """
    key = mp.current_process().authkey
    assert len(key) == 32
    assert stage.result_of(compare_authkeys, bytes(key)) == {"child": True, "grandchild": True}
    assert pickle_and_send(mp, key) == NOT_SENT


@claim("argument.authkey-replaceable-before-start", docs="multiprocessing.Process.authkey")
def test_the_authentication_key_can_be_replaced(mp, stage):
    """authkey can be set to other bytes before start(): the child has them, its parent does not.

    The parent keeps its own key, which its next child inherits.
    """
    own = bytes(mp.current_process().authkey)
    actor = stage.prepare(compare_authkeys, b"another")
    actor.process.authkey = b"another"
    actor.process.start()
    assert actor.returns() == {"child": True, "grandchild": True}
    assert mp.current_process().authkey == own
    assert stage.result_of(compare_authkeys, b"another") == {"child": False, "grandchild": False}


@claim("argument.authkey-must-be-bytes", docs="multiprocessing.Process.authkey", level=OBSERVED)
def test_an_authentication_key_has_to_be_bytes(mp):
    """Setting authkey to a str raises TypeError; the key does not change."""
    process = mp.Process()
    process.authkey = b"bytes"
    assert result_or_error(setattr, process, "authkey", "a string") == "TypeError"
    assert process.authkey == b"bytes"


def start_between_keys(stage, ticket):
    """Create a child, change the authentication key, and start the child."""
    own = stage.mp.current_process()
    own.authkey = b"first"
    child = stage.mp.Process(target=perform, args=ticket)
    own.authkey = b"second"
    child.start()
    child.join()


@claim("argument.authkey-taken-at-construction", docs="multiprocessing.Process.authkey")
def test_a_process_takes_the_authentication_key_when_it_is_created(mp, stage):
    """A Process takes its creator's authkey when it is created, not when it is started.

    The creator's key is changed in between. An actor does it, so that the test keeps its own key.
    """
    child = stage.nested(compare_authkeys, b"first")
    stage.result_of(start_between_keys, child.ticket)
    assert child.returns() == {"child": True, "grandchild": True}
