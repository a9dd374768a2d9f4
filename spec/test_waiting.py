"""poll() and wait(): waiting for a message of one connection, or of several.

``connection.poll(timeout)`` tells whether ``recv()`` would return at once, and waits for that if it
is given a timeout. ``multiprocessing.connection.wait(objects, timeout)`` blocks until at least one
of the objects is ready, and returns the list of those that are. Use it for a process that receives
from several others, instead of one thread for each. An object is a connection, a connected socket,
or the sentinel of a process.

A connection or a socket is ready if there is something to receive, and also if its other end is
closed. So receive one message from each ready connection, and give up those whose ``recv()``
raises EOFError. Neither call receives anything itself: a ready object stays ready until then.

On POSIX, wait() is like ``select.select()`` for reading: it takes any file descriptor, but has no
limit of 1024 descriptors.
"""

import importlib
import os
import signal
import socket

from spec.kit import BEAT, OBSERVED, TICK, claim, result_or_error, submodule
from spec.kit.actors import wait_until_cued


def poll_in_each_way(stage, connection):
    """Report what poll() returns while nothing comes; then poll longer, and say when it is over."""
    at_once = {
        "poll()": connection.poll(),
        "poll(0)": connection.poll(0),
        "poll(-1)": connection.poll(-1),
    }
    with stage.span("a beat"):
        at_once["poll(BEAT)"] = connection.poll(BEAT)
    stage.say("nothing came", at_once)
    answers = []
    for timeout in (None, 10 * stage.patience):
        stage.say("polling")
        answer = connection.poll(timeout)
        stage.say("polled")
        answers.append({"poll": answer, "again": connection.poll(), "recv()": connection.recv()})
    return answers


@claim("pipe.poll-waits-as-asked", docs="multiprocessing.connection.Connection.poll")
def test_poll_waits_as_long_as_it_is_asked_to(mp, stage):
    """poll() never blocks; poll(t) blocks up to t seconds for a message, poll(None) until it comes.

    Without a message, poll(t) returns False, not before t seconds, and at once if t is negative.
    The last timeout is ten times as long as the stage waits: poll() has to return because the
    message comes. The message stays in the pipe.
    """
    receiving, sending = mp.Pipe(duplex=False)
    poller = stage.enter(poll_in_each_way, receiving)
    at_once = poller.expect("nothing came")
    assert at_once == dict.fromkeys(("poll()", "poll(0)", "poll(-1)", "poll(BEAT)"), False)
    assert poller.spans["a beat"].seconds >= BEAT - TICK
    for message in ("first", "second"):
        poller.expect("polling")
        assert poller.does_not_say("polled"), "poll() returned before a message came"
        sending.send(message)
        poller.expect("polled")
    assert poller.returns() == [
        {"poll": True, "again": True, "recv()": "first"},
        {"poll": True, "again": True, "recv()": "second"},
    ]


@claim(
    "pipe.poll-true-at-end-of-file",
    docs="multiprocessing.connection.Connection.poll",
    level=OBSERVED,
    contradicts="multiprocessing.connection.Connection.poll",
)
def test_poll_returns_true_at_end_of_file(mp):
    """poll() returns True if nothing is left and the other end is closed; recv() raises EOFError.

    According to the documentation, poll() returns whether there is any data to be read. There is
    none, and poll() returns True as often as it is called.
    """
    for duplex in (False, True):
        receiving, sending = mp.Pipe(duplex)
        before = receiving.poll()
        sending.close()
        assert (before, receiving.poll(), receiving.poll(BEAT)) == (False, True, True)
        assert result_or_error(receiving.recv) == "EOFError"
        assert receiving.poll() is True


def ready_among(things, timeout=0):
    """The names of the things, a dict, that wait() returns, sorted."""
    found = submodule("connection").wait(list(things.values()), timeout)
    return sorted(name for name, thing in things.items() for each in found if each is thing)


@claim("pipe.wait-returns-ready-subset", docs="multiprocessing.connection.wait")
def test_wait_returns_those_that_are_ready(mp, stage):
    """connection.wait() returns all ready ones of the given connections, sockets and sentinels.

    Ready are those with something to receive, those whose other end is closed, and the sentinel of
    a process that has ended. wait() returns the objects themselves, and they stay ready. The
    process is joined last: under forkserver join() reads what makes its sentinel ready.
    """
    child = stage.enter(wait_until_cued)
    ends = {name: mp.Pipe(duplex) for name, duplex in (("one-way", False), ("duplex", True))}
    ends |= {f"{name} with message": mp.Pipe(name == "duplex") for name in list(ends)}
    ends |= {f"{name} closed": mp.Pipe(name == "duplex") for name in list(ends)[:2]}
    sockets = {"socket": socket.socketpair(), "socket with bytes": socket.socketpair()}
    things = {name: pair[0] for name, pair in (*ends.items(), *sockets.items())}
    things["sentinel"] = child.process.sentinel
    for name, (_, sending) in ends.items():
        if name.endswith("message"):
            sending.send("message")
        if name.endswith("closed"):
            sending.close()
    sockets["socket with bytes"][1].send(b"bytes")

    expected = sorted(name for name in things if name.endswith(("message", "closed", "bytes")))
    assert ready_among(things, stage.patience) == expected
    child.cue("leave")
    assert ready_among({"sentinel": things["sentinel"]}, stage.patience) == ["sentinel"]
    assert ready_among(things, stage.patience) == sorted([*expected, "sentinel"])
    for each in expected:
        if each.endswith("message"):
            assert things[each].recv() == "message"
    left = [name for name in expected if not name.endswith("message")]
    assert ready_among(things) == sorted([*left, "sentinel"])
    child.returns()
    for pair in sockets.values():
        for end in pair:
            end.close()


def call_wait_in_each_way(stage, connection):
    """Report what wait() returns while nothing comes; then wait longer, and say when it is over."""
    wait = submodule("connection").wait
    at_once = {"wait(0)": wait([connection], 0), "wait(-1)": wait([connection], -1)}
    with stage.span("a beat"):
        at_once["wait(BEAT)"] = wait([connection], BEAT)
    stage.say("nothing came", at_once)
    answers = []
    for timeout in (None, 10 * stage.patience):
        stage.say("waiting")
        ready = wait([connection], timeout) == [connection]
        stage.say("ready")
        answers.append((ready, connection.recv()))
    return answers


@claim("pipe.wait-blocks-as-asked", docs="multiprocessing.connection.wait")
def test_wait_blocks_as_long_as_it_is_asked_to(mp, stage):
    """connection.wait() blocks until an object is ready, and returns [] after its timeout.

    It returns the empty list at once if t is zero or negative. The last timeout is ten times as
    long as the stage waits: wait() has to return because the message comes.
    """
    receiving, sending = mp.Pipe(duplex=False)
    waiter = stage.enter(call_wait_in_each_way, receiving)
    at_once = waiter.expect("nothing came")
    assert at_once == {"wait(0)": [], "wait(-1)": [], "wait(BEAT)": []}
    assert waiter.spans["a beat"].seconds >= BEAT - TICK
    for message in ("first", "second"):
        waiter.expect("waiting")
        assert waiter.does_not_say("ready"), "wait() returned before a message came"
        sending.send(message)
        waiter.expect("ready")
    assert waiter.returns() == [(True, "first"), (True, "second")]


def send_numbers(stage, connection, name, count):
    """Send that many messages, each with the name and its number; close the connection."""
    for number in range(count):
        connection.send((name, number))
    connection.close()


@claim("pipe.wait-collects-until-eof", docs="multiprocessing.connection")
def test_a_loop_with_wait_receives_all_messages(mp, stage):
    """A loop over connection.wait(readers) gets each message of several children, then EOFError.

    It is the documentation's example: the parent closes its copies of the sending ends, and
    removes a reader from the list when recv() raises EOFError. The children send different
    numbers of messages. Those of each child come in order.
    """
    counts = {"first": 1, "second": 0, "third": 5}
    readers = []
    senders = []
    for name, count in counts.items():
        reader, writer = mp.Pipe(duplex=False)
        senders.append(stage.enter(send_numbers, writer, name, count))
        writer.close()
        readers.append(reader)

    received: dict[str, list[int]] = {name: [] for name in counts}
    ended = 0
    while readers:
        ready = submodule("connection").wait(readers, stage.patience)
        assert ready, f"nothing came any more; received so far: {received}"
        for reader in ready:
            try:
                name, number = reader.recv()
            except EOFError:
                readers.remove(reader)
                ended += 1
            else:
                received[name].append(number)
    assert received == {name: list(range(count)) for name, count in counts.items()}
    assert ended == len(counts)
    for sender in senders:
        sender.returns()


def wait_through_signals(stage, connection):
    """Wait with a timeout while a timer sends signals; then wait until the message comes."""
    wait = submodule("connection").wait
    came = []
    timers = importlib.import_module("signal")  # the type checker knows none for Windows
    timers.signal(timers.SIGALRM, lambda *_: came.append("a signal"))
    timers.setitimer(timers.ITIMER_REAL, BEAT / 4, BEAT / 4)
    with stage.span("three beats"):
        ready = wait([connection], 3 * BEAT)
    timers.setitimer(timers.ITIMER_REAL, 0)
    stage.say("timed out", ready, bool(came))

    signal.signal(signal.SIGTERM, lambda *_: stage.say("interrupted"))
    stage.say("waiting")
    ready = wait([connection], 10 * stage.patience)
    stage.say("ready")
    return ready == [connection]


@claim("pipe.wait-survives-signals", docs="multiprocessing.connection.wait", needs=("signals",))
def test_a_signal_does_not_end_wait(mp, stage):
    """A handled signal does not end connection.wait(), which blocks on for the rest of its timeout.

    A timer sends signals while an actor waits for three beats: wait() returns the empty list, not
    before that time. Then the actor waits without end, as far as the stage can tell. It gets a
    signal and still waits, until the message comes.
    """
    receiving, sending = mp.Pipe(duplex=False)
    waiter = stage.enter(wait_through_signals, receiving)
    assert waiter.expect("timed out") == ([], True)
    assert waiter.spans["three beats"].seconds >= 3 * BEAT - TICK
    waiter.expect("waiting")
    assert waiter.does_not_say("ready")
    os.kill(waiter.pid, signal.SIGTERM)
    waiter.expect("interrupted")
    assert waiter.does_not_say("ready"), "the signal ended wait()"
    sending.send("message")
    assert waiter.returns() is True


@claim(
    "pipe.wait-takes-any-descriptor",
    docs="multiprocessing.connection.wait",
    needs=("descriptors",),
)
def test_wait_takes_descriptors_and_files(mp):
    """On POSIX, connection.wait() takes any file descriptor, or any object with fileno().

    It returns that very object. A descriptor as an integer and a file are given, each of a pipe
    of the system with a byte in it and of one without.
    """
    pipes = {name: os.pipe() for name in ("descriptor", "empty descriptor", "file", "empty file")}
    things = {name: reading for name, (reading, _) in pipes.items() if name.endswith("descriptor")}
    files = {name: open(pipes[name][0], "rb", 0) for name in ("file", "empty file")}  # noqa: SIM115
    assert ready_among(things | files) == []
    for name in ("descriptor", "file"):
        os.write(pipes[name][1], b"x")
    assert ready_among(things | files) == ["descriptor", "file"]
    for file in files.values():
        file.close()
    for descriptor in (*things.values(), *(writing for _, writing in pipes.values())):
        os.close(descriptor)


def wait_for_no_object(stage):
    """Wait for an empty list of objects, for a beat and not at all."""
    wait = submodule("connection").wait
    at_once = [wait([], 0), wait((), -1)]
    with stage.span("a beat"):
        return [*at_once, wait([], BEAT)]


@claim(
    "pipe.wait-for-nothing-times-out",
    docs="multiprocessing.connection.wait",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_wait_for_an_empty_list_times_out(mp, stage):
    """On POSIX, connection.wait([], t) returns [] after t seconds: it does not return at once.

    If t is zero or negative, it returns at once. On Windows it always does, up to Python 3.14.
    """
    waiter = stage.enter(wait_for_no_object)
    assert waiter.returns() == [[], [], []]
    assert waiter.spans["a beat"].seconds >= BEAT - TICK


def occupy_low_descriptors():
    """Open so many files that the next descriptor of this process is above 1024."""
    resource = importlib.import_module("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard))
    while os.open(os.devnull, os.O_RDONLY) < 1024:
        pass


def poll_high_descriptors(stage):
    """Make pipes with high descriptors; report which calls work."""
    occupy_low_descriptors()
    observed = []
    for duplex in (False, True):
        receiving, sending = stage.mp.Pipe(duplex)
        high = min(receiving.fileno(), sending.fileno()) >= 1024
        before = receiving.poll()
        sending.send("message")
        ready = submodule("connection").wait([receiving], stage.patience) == [receiving]
        observed.append([high, before, receiving.poll(), ready, receiving.recv()])
    return observed


@claim(
    "pipe.high-descriptors-can-be-polled",
    docs="multiprocessing.connection.Connection.poll",
    level=OBSERVED,
    needs=("descriptors", "high-descriptors"),
)
def test_a_connection_with_a_high_descriptor_can_be_polled(mp, stage):
    """poll() and wait() work with file descriptors of 1024 and more, which select() refuses.

    A child opens many files before it makes the pipes.
    """
    assert stage.result_of(poll_high_descriptors) == [[True, False, True, True, "message"]] * 2


def send_high_descriptor(stage):
    """Send an end with a high descriptor through a pipe; report what comes through what arrived."""
    occupy_low_descriptors()
    receiving, sending = stage.mp.Pipe()
    end, other_end = stage.mp.Pipe()
    sending.send(end)
    arrived = receiving.recv()
    other_end.send("message")
    numbers = {end.fileno(), arrived.fileno()}
    return min(numbers) >= 1024, len(numbers), arrived.poll(stage.patience) and arrived.recv()


@claim(
    "pipe.high-descriptors-can-be-sent",
    docs="multiprocessing.connection.Connection.send",
    level=OBSERVED,
    needs=("descriptors", "high-descriptors", "addresses"),
)
def test_a_connection_with_a_high_descriptor_can_be_sent(mp, stage):
    """A Connection with a file descriptor of 256 and more can be sent through a pipe.

    A child sends it to itself: a connection with another descriptor arrives, and it works.
    """
    assert stage.result_of(send_high_descriptor) == (True, 2, "message")
