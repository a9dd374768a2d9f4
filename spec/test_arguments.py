"""Arguments: what crosses the boundary between two processes.

Nothing is shared by itself. What is passed as ``args`` reaches the child as a copy: made by the
fork of the whole memory, or by pickling. Either way it is made when the process is started.

Under fork anything can be passed, as nothing is pickled. Under the other start methods the
whole process object is: what pickle refuses, ``start`` refuses. Functions and classes travel by
name only, so the child has to be able to import them; and a global variable is in the child
what the import makes it.

Some things can be passed to a child, and in no other way: locks and all that is made with them.
"""

import gc
import os
import pickle
import threading
import time
import weakref

from spec.kit import OBSERVED, TICK, claim, perform, result_or_error


def receive(stage, gift):
    """Report the gift as it came, then change it and report it again."""
    stage.say("came", dict(gift), list(gift["inner"]))
    gift["new"] = True
    gift["inner"].append("changed")
    return gift


@claim("argument.arrives-as-copy", docs="multiprocessing.Process")
def test_an_argument_arrives_as_an_equal_copy(mp, stage):
    """An argument arrives as an equal copy: to change it, at any depth, leaves the original alone.

    A thread, the control, is given the object itself.
    """
    gift = {"inner": ["given"]}
    actor = stage.enter(receive, gift)
    assert actor.expect("came") == ({"inner": ["given"]}, ["given"])
    assert actor.returns() == {"inner": ["given", "changed"], "new": True}
    assert gift == {"inner": ["given"]}, "the original has changed"

    stage.enter(receive, gift, by=threading.Thread).returns()
    assert gift == {"inner": ["given", "changed"], "new": True}


def read_when_cued(stage, notes):
    """Report the notes when cued."""
    stage.wait_for_cue("read")
    return notes


def start_between_changes(stage, by):
    """Change an argument before and after the start; what the actor has then."""
    notes = ["constructed"]
    actor = stage.prepare(read_when_cued, notes, by=by)
    notes.append("before start")
    actor.process.start()
    notes.append("after start")
    actor.cue("read")
    return actor.returns()


@claim("argument.snapshot-at-start", docs="multiprocessing.Process.start", level=OBSERVED)
def test_an_argument_is_copied_when_the_process_is_started(mp, stage):
    """An argument is copied by start: what was changed before is seen, and nothing later is.

    The last change comes before the process looks. A thread, the control, sees it.
    """
    assert start_between_changes(stage, mp.Process) == ["constructed", "before start"]
    assert start_between_changes(stage, threading.Thread)[-1] == "after start"


MOOD = "as imported"


def tell_mood(stage):
    """Report a global variable when cued."""
    stage.wait_for_cue("tell")
    return MOOD


@claim(
    "argument.globals-reimported-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_a_global_is_what_the_import_makes_it_unless_forked(mp, stage):
    """A global has, in a forked child, its value at the start; in others, that of the import.

    It is bound anew between construction and start, and once more after the start.
    """
    global MOOD
    actor = stage.prepare(tell_mood)
    try:
        MOOD = "as started"
        actor.process.start()
        MOOD = "too late"
        actor.cue("tell")
        told = actor.returns()
    finally:
        MOOD = "as imported"
    assert told == ("as started" if mp.get_start_method() == "fork" else "as imported")


class Unwilling:
    """Refuses to be pickled."""

    def __reduce__(self):
        raise TypeError


def use(stage, add, file, lock, numbers, unwilling):
    """Report what a function, a file, a lock and a generator do here."""
    stage.say("is", type(unwilling).__name__)
    return add(1), file.readline(), lock.acquire(False), next(numbers)


@claim(
    "argument.fork-passes-without-pickling",
    docs="multiprocessing#contexts-and-start-methods",
    methods=("fork",),
)
def test_fork_passes_anything(mp, stage, tmp_path):
    """A forked process is given its target and arguments as they are: nothing is pickled.

    Each would be refused by pickle: a nested function, both as target and as argument, a file
    in the midst of being read, a held lock, a generator that has begun, and an object that
    refuses on principle.
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
        things = (add, file, lock, numbers, Unwilling())
        assert all(
            isinstance(result_or_error(pickle.dumps, thing), str) for thing in (run, *things)
        )
        actor = stage.enter(use, *things, by=by_nested)
        assert actor.expect("is") == "Unwilling"
        assert actor.returns() == (42, "second\n", False, 2)


def nothing(*args, **kwargs):
    """Take anything, and do nothing."""


def burdened(process, burden):
    """The process, with one attribute more."""
    process.burden = burden
    return process


def try_to_start(mp, thing):
    """Give a thing to processes in four ways, and try to start them.

    Gives what pickle says of it, what start says, the pids, and whether any is listed as a child.
    """
    processes = {
        "target": mp.Process(target=thing),
        "argument": mp.Process(target=nothing, args=(1, [thing])),
        "keyword": mp.Process(target=nothing, kwargs={"key": thing}),
        "attribute": burdened(mp.Process(), thing),
    }
    return (
        result_or_error(pickle.dumps, thing),
        {how: result_or_error(each.start) for how, each in processes.items()},
        {how: each.pid for how, each in processes.items()},
        bool(set(processes.values()) & set(mp.active_children())),
    )


def try_to_start_each(stage):
    """Try to start processes with things that pickle refuses; report what came of it.

    An actor does it: Windows has made the process before the thing is refused.
    """
    with open(os.devnull, "w") as file:
        refused = {
            "function": lambda: None,
            "lock": threading.Lock(),
            "generator": (letter for letter in "text"),
            "file": file,
        }
        return {what: try_to_start(stage.mp, thing) for what, thing in refused.items()}


@claim(
    "argument.unpicklable-raises-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
    methods=("spawn", "forkserver"),
)
def test_what_pickle_refuses_start_refuses(mp, stage):
    """What pickle refuses, as target, argument or attribute, start refuses with the same error.

    No child is left, and the process has not been started. Which error it is depends on the
    thing, and on the version of Python.
    """
    for what, (expected, observed, pids, listed) in stage.result_of(try_to_start_each).items():
        assert expected in ("PicklingError", "AttributeError", "TypeError"), what
        assert observed == dict.fromkeys(observed, expected), what
        assert pids == dict.fromkeys(observed), what
        assert not listed, what


@claim("argument.target-importable-unless-forked", docs="multiprocessing.Process")
def test_a_target_has_to_be_importable_unless_forked(mp, program):
    """A target that is typed, or given with -c, is found by a forked child and by no other.

    There is no file that the child could import it from: the child fails, or the fork server
    does already. The same program, run from its file, is the control.
    """
    method = mp.get_start_method()
    ran, failed = ["hello", "exit code 0"], ["exit code 1"]
    observed = {
        "file": program.run("homeless").lines,
        "typed": program.run_typed("homeless").lines,
        "given": program.run_given("homeless").lines,
    }
    if method == "forkserver" and observed["typed"] == ["not started"]:
        observed["typed"] = failed
    without_file = ran if method == "fork" else failed
    assert observed == {"file": ran, "typed": without_file, "given": without_file}


class Token:
    """Something that can be watched going away."""


def keep(stage, token):
    """Hold the token until cued."""
    stage.say("holding")
    stage.wait_for_cue("let go")


def is_kept(stage, by):
    """Whether the starter still has what it hands over, while it is used by the actor."""
    token = Token()
    watched = weakref.ref(token)
    actor = stage.prepare(keep, token, by=by)
    del token
    actor.process.start()
    actor.expect("holding")
    gc.collect()
    kept = watched() is not None
    actor.cue("let go")
    actor.returns()
    return kept


class Gate:
    """Where a child waits in the midst of unpickling its arguments, until there is a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return wait_at_gate, (self.path,)


def wait_at_gate(path):
    """Give the gate when it is open."""
    while not os.path.exists(path):
        time.sleep(TICK)
    return Gate(path)


def take(stage, gate, semaphore):
    """Acquire the semaphore without waiting."""
    return semaphore.acquire(False)


def hand_over(stage, path, kept):
    """Hand over a semaphore that is kept, or not, by the caller; how the child ends."""
    semaphores = [stage.mp.Semaphore()]
    actor = stage.prepare(take, Gate(str(path)), semaphores[0])
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
    """start lets go of the arguments in the parent: a semaphore that nobody else keeps is gone.

    While the child is still held back at its first argument, the parent has lost the second,
    and with it the semaphore's name, by which all but a forked child would find it. It works
    when the parent keeps the semaphore. A thread, the control, shares what its starter has.
    """
    observed = {
        "kept for a process": is_kept(stage, mp.Process),
        "kept for a thread": is_kept(stage, threading.Thread),
        "exit code, semaphore kept": hand_over(stage, tmp_path / "first", kept=True),
        "exit code, semaphore not kept": hand_over(stage, tmp_path / "second", kept=False),
    }
    assert observed == {
        "kept for a process": False,
        "kept for a thread": True,
        "exit code, semaphore kept": 0,
        "exit code, semaphore not kept": 0 if mp.get_start_method() == "fork" else 1,
    }


# What only children can be given, one of each kind.
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


def send_each(stage, bequest):
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
    put = [result_or_error(queue.put, thing) for thing in (*each.values(), "plain")]
    first_is_plain = queue.get(timeout=stage.patience) == "plain"
    heir = mp.Process(target=perform, args=(*bequest, each))
    heir.start()
    heir.join()
    return observed, put, first_is_plain


def use_each(stage, each):
    """Use some of what came."""
    return {
        "Lock": each["Lock"].acquire(False),
        "Event": each["Event"].is_set(),
        "Barrier": each["Barrier"].wait(),
        "Queue": each["Queue"].put("plain"),
        "Value": each["Value"].value,
        "RawArray": list(each["RawArray"]),
        "in all": len(each),
    }


REFUSED = dict.fromkeys(("Pipe", "SimpleQueue", "Pool"), "RuntimeError")


@claim(
    "argument.primitives-travel-by-inheritance-only",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_primitives_travel_by_inheritance_only(mp, stage):
    """Locks, queues and shared memory go to a child as arguments; sent, they raise RuntimeError.

    A pipe, a SimpleQueue and a pool raise it in the sender. A Queue pickles what it is given in
    a thread of its own: put raises nothing, and the thing never comes.
    """
    heir = stage.nested(use_each)
    observed, put, first_is_plain = stage.result_of(send_each, heir.ticket)
    assert observed == dict.fromkeys(PRIMITIVES, REFUSED)
    assert set(put) == {None}
    assert first_is_plain, "something else came out of the queue"
    assert heir.returns() == {
        "Lock": True,
        "Event": False,
        "Barrier": 0,
        "Queue": None,
        "Value": 7,
        "RawArray": [7],
        "in all": len(PRIMITIVES),
    }


def sent(mp, thing):
    """Send something through a pipe; what came of that, and whether anything arrived."""
    reader, writer = mp.Pipe(False)
    with reader, writer:
        return result_or_error(writer.send, thing), reader.poll()


@claim(
    "argument.process-object-cannot-be-sent",
    docs="multiprocessing.Process",
    level=OBSERVED,
)
def test_a_process_object_cannot_be_sent(mp):
    """A Process object cannot be sent to another process: TypeError.

    A name, the control, can.
    """
    process = mp.Process()
    assert sent(mp, process) == ("TypeError", False)
    assert result_or_error(pickle.dumps, process) == "TypeError"
    assert sent(mp, process.name) == (None, True)


def give_connections(stage, connection, queue):
    """Send the far ends of two pipes, one by each way; what comes back along them."""
    near = []
    for give in (connection.send, queue.put):
        mine, far = stage.mp.Pipe()
        give(far)
        near.append(mine)
        mine.send("there")
    return [mine.recv() for mine in near]


def take_connections(stage, connection, queue):
    """Receive two connections, one by each way; what comes along them, and answer."""
    taken = [connection.recv(), queue.get()]
    came = [each.recv() for each in taken]
    for each in taken:
        each.send("and back")
    return came


@claim(
    "argument.connections-can-be-sent",
    docs="multiprocessing.connection.Connection",
    needs=("addresses", "semaphores"),
)
def test_connections_can_be_sent(mp, stage):
    """A connection can be handed to a child, sent along another or put into a queue, and works.

    Two processes are given the ends of a pipe, and a queue. One sends the other, by each, the
    end of a further pipe. Along these a word goes there, and another back.
    """
    giving, taking = mp.Pipe()
    queue = mp.Queue()
    with giving, taking:
        giver = stage.enter(give_connections, giving, queue)
        taker = stage.enter(take_connections, taking, queue)
        assert taker.returns() == ["there", "there"]
        assert giver.returns() == ["and back", "and back"]


def has_key(stage, key):
    """Report whether this process, and one that it makes, has this authentication key."""
    mine = stage.mp.current_process().authkey
    return [bytes(mine) == key, bytes(stage.mp.Process().authkey) == key]


@claim(
    "argument.authkey-inherited-not-sent",
    docs="multiprocessing#authentication-keys",
    level=OBSERVED,
)
def test_the_authentication_key_is_inherited_and_never_sent(mp, stage):
    """A child has its parent's authentication key, 32 bytes, which refuses to be pickled.

    It is an argument here, as plain bytes, to be compared with: those can be pickled.
    """
    key = mp.current_process().authkey
    assert len(key) == 32
    assert stage.result_of(has_key, bytes(key)) == [True, True]
    assert sent(mp, key) == ("TypeError", False)
    assert result_or_error(pickle.dumps, key) == "TypeError"


@claim("argument.authkey-replaceable-before-start", docs="multiprocessing.Process.authkey")
def test_the_authentication_key_can_be_replaced(mp, stage):
    """authkey may be set before the start to other bytes, which the child then has; no text may.

    The parent keeps its own.
    """
    own = bytes(mp.current_process().authkey)
    actor = stage.prepare(has_key, b"another")
    actor.process.authkey = b"another"
    assert result_or_error(setattr, actor.process, "authkey", "a text") == "TypeError"
    actor.process.start()
    assert actor.returns() == [True, True]
    assert mp.current_process().authkey == own
    assert stage.result_of(has_key, b"another") == [False, False]
