"""Pipe: two connected ends, each for one process.

``Pipe()`` returns two connections; an object sent on one is received on the other. A pipe is
lighter than a queue, and has two ends only: two processes that use the same end at the same time
may corrupt the data, unless they hold a lock.

By default a pipe is duplex: both ends send and receive, and it makes no difference which end a
process has. With ``duplex=False`` the first end only receives, and the second only sends. That
order surprises people; the wrong end raises OSError.

``recv()`` blocks until there is an object; sending blocks too when the pipe is full. ``recv()``
raises EOFError when the other end is closed, which needs care: the parent has a copy of each end
that it gives to a child, and a forked child has a copy of all. Close what a process does not need.
The calls of an end are in the chapter Connections.
"""

import array
import importlib
import os
import signal
import socket
import threading

from spec.kit import BEAT, OBSERVED, claim, result_or_error
from spec.kit.actors import wait_until_cued


def send_greeting(stage, connection):
    """Send a greeting; report the error, if any."""
    return result_or_error(connection.send, "hello world")


def receive_in_time(stage, connection):
    """Receive one object, waiting for it at most for the patience."""
    if not connection.poll(stage.patience):
        return "nothing came"
    return connection.recv()


def ask_and_receive(stage, connection):
    """Send an object, and receive the answer."""
    connection.send("ping")
    return receive_in_time(stage, connection)


def receive_and_answer(stage, connection):
    """Receive an object, and send an answer."""
    question = receive_in_time(stage, connection)
    connection.send(["pong to", question])
    return question


@claim("pipe.duplex-by-default", docs="multiprocessing.Pipe")
def test_both_ends_of_a_pipe_send_and_receive(mp, stage):
    """By default, both ends of a Pipe() can send and receive.

    One process asks and another answers; then two others do so with the ends swapped.
    """
    for first, second in ((0, 1), (1, 0)):
        ends = mp.Pipe()
        asking = stage.enter(ask_and_receive, ends[first])
        answering = stage.enter(receive_and_answer, ends[second])
        assert answering.returns() == "ping"
        assert asking.returns() == ["pong to", "ping"]


@claim("pipe.one-way-directions", docs="multiprocessing.Pipe")
def test_without_duplex_the_first_end_receives_and_the_second_sends(mp, stage):
    """With Pipe(duplex=False) the first end can only receive, and the second can only send.

    Each call for the other direction raises OSError.
    """
    receiving, sending = mp.Pipe(duplex=False)
    assert result_or_error(receiving.send, "hello world") == "OSError"
    assert result_or_error(sending.poll) == "OSError"
    assert result_or_error(sending.recv) == "OSError"
    assert stage.result_of(send_greeting, sending) is None
    assert stage.result_of(receive_in_time, receiving) == "hello world"


@claim("pipe.sending-first-end-needs-duplex", docs="multiprocessing.Pipe", level=OBSERVED)
def test_sending_on_the_first_end_needs_a_duplex_pipe(mp, stage, program):
    """Sending on the first end works if the pipe is duplex; with duplex=False it raises OSError.

    A whole program that sends on the first end of a Pipe() works for this reason.
    """
    for duplex, error in ((True, None), (False, "OSError")):
        first, second = mp.Pipe(duplex)
        assert stage.result_of(send_greeting, first) == error, f"duplex={duplex}"
        assert second.closed is False

    assert program.lines_of("sample_pipe") == ["hello world"]


@claim("pipe.duplex-ends-are-interchangeable", docs="multiprocessing.Pipe")
def test_either_end_of_a_duplex_pipe_can_be_the_senders(mp, stage):
    """With a duplex pipe it makes no difference which end sends and which end receives.

    One process sends and another receives, with the ends in both orders.
    """
    for first, second in ((0, 1), (1, 0)):
        ends = mp.Pipe(duplex=True)
        sending = stage.enter(send_greeting, ends[first])
        receiving = stage.enter(receive_in_time, ends[second])
        assert sending.returns() is None
        assert receiving.returns() == "hello world"


def send_bytes_through_signals(stage, connection, size):
    """Send one large message, and report each SIGTERM that comes meanwhile."""
    signal.signal(signal.SIGTERM, lambda *_: stage.say("interrupted"))
    message = b"x" * size
    stage.say("sending")
    connection.send_bytes(message)
    stage.say("sent")


def receive_bytes_when_cued(stage, connection):
    """Receive one message when cued; report its size, and how many bytes are as they were sent."""
    stage.wait_for_cue("receive")
    message = connection.recv_bytes()
    return {"size": len(message), "as sent": message.count(b"x")}


@claim(
    "pipe.signals-tear-no-message",
    docs="multiprocessing.connection.Connection.send_bytes",
    needs=("signals",),
)
def test_a_message_arrives_whole_though_signals_interrupt_the_sender(mp, stage):
    """A large message arrives whole, even if a signal interrupts its sender in the middle of it.

    The message is larger than what a pipe can hold, so the sender is in the middle of it until
    the receiver is cued. The signal ends the sender's system call early: the rest has still to be
    written.
    """
    for duplex in (False, True):
        receiving_end, sending_end = mp.Pipe(duplex)
        size = 1024 * 1024
        sending = stage.enter(send_bytes_through_signals, sending_end, size)
        receiving = stage.enter(receive_bytes_when_cued, receiving_end)
        sending.expect("sending")
        assert sending.does_not_say("sent"), f"the pipe can hold all {size} bytes"
        os.kill(sending.pid, signal.SIGTERM)
        sending.expect("interrupted")
        assert receiving.returns(cue="receive") == {"size": size, "as sent": size}
        sending.returns()


def receive_through_signals(stage, connection):
    """Receive two objects, and poll before the second; report each SIGTERM that comes meanwhile."""
    signal.signal(signal.SIGTERM, lambda *_: stage.say("interrupted"))
    stage.say("receiving")
    first = connection.recv()
    stage.say("received")
    stage.say("receiving")
    ready = connection.poll(None)
    stage.say("received")
    return {"first": first, "poll()": ready, "second": connection.recv()}


@claim(
    "pipe.recv-survives-signals",
    docs="multiprocessing.connection.Connection.recv",
    needs=("signals",),
    level=OBSERVED,
)
def test_a_signal_does_not_end_recv(mp, stage):
    """A handled signal does not end recv() or poll(None): they block on until a message comes.

    The receiver is known to block, since it does not say within a beat that it has received
    anything. Then it gets signals, and still blocks after each.
    """
    receiving_end, sending_end = mp.Pipe()
    receiving = stage.enter(receive_through_signals, receiving_end)
    for message in ("first", "second"):
        receiving.expect("receiving")
        assert receiving.does_not_say("received")
        os.kill(receiving.pid, signal.SIGTERM)
        receiving.expect("interrupted")
        assert receiving.does_not_say("received"), "the signal ended the call"
        sending_end.send(message)
        receiving.expect("received")
    assert receiving.returns() == {"first": "first", "poll()": True, "second": "second"}


def receive_in_each_way(stage, connection):
    """Receive a message by each of three calls; say when each begins and ends."""
    buffer = bytearray(10)
    received = []
    for call, *arguments in (
        (connection.recv,),
        (connection.recv_bytes,),
        (connection.recv_bytes_into, buffer),
    ):
        stage.say("receiving")
        received.append(call(*arguments))
        stage.say("received")
    return [*received, bytes(buffer)]


@claim("pipe.recv-blocks-until-message", docs="multiprocessing.connection.Connection.recv")
def test_recv_blocks_until_a_message_comes(mp, stage):
    """recv(), recv_bytes() and recv_bytes_into() block until a message comes.

    One actor calls them one after the other. It does not say within a beat that it has received
    anything, and does so after each message is sent.
    """
    receiving_end, sending_end = mp.Pipe(duplex=False)
    receiving = stage.enter(receive_in_each_way, receiving_end)
    for send, message in (
        (sending_end.send, ["first"]),
        (sending_end.send_bytes, b"second"),
        (sending_end.send_bytes, b"third"),
    ):
        receiving.expect("receiving")
        assert receiving.does_not_say("received")
        send(message)
        receiving.expect("received")
    assert receiving.returns() == [["first"], b"second", 5, b"third\0\0\0\0\0"]


SIZES = (0, 1, 10_000, 16_384, 16_385, 0, 300_000, 2, 2, 100_000)


def send_messages_of_sizes(stage, connections):
    """Send messages of the sizes on each connection; each consists of one byte, its place."""
    for connection in connections:
        for place, size in enumerate(SIZES):
            connection.send_bytes(bytes([place]) * size)


def receive_messages(stage, connections):
    """Receive as many messages from each connection; report the bytes and sizes of each."""
    received = []
    for connection in connections:
        messages = [connection.recv_bytes() for _ in SIZES]
        received.append([(sorted(set(message)), len(message)) for message in messages])
    return received


@claim(
    "pipe.messages-keep-order-and-boundaries",
    docs="multiprocessing.connection.Connection.recv_bytes",
)
def test_messages_arrive_complete_and_in_order(mp, stage):
    """Messages of any size arrive complete and separate, in the order in which they were sent.

    Some are empty, and some are larger than the pipe. Each has bytes of its own, so a part that
    got into another message would be seen.
    """
    receiving_ends, sending_ends = zip(mp.Pipe(False), mp.Pipe(True), strict=True)
    sending = stage.enter(send_messages_of_sizes, sending_ends)
    receiving = stage.enter(receive_messages, receiving_ends)
    expected = [([place] if size else [], size) for place, size in enumerate(SIZES)]
    assert receiving.returns() == [expected, expected]
    sending.returns()


def send_three_and_end(stage, connections):
    """Send three objects on each connection, and end."""
    for connection in connections:
        for number in range(3):
            connection.send(number)


@claim("pipe.buffered-messages-before-eof", docs="multiprocessing.connection.Connection.recv")
def test_messages_come_before_end_of_file(mp, stage):
    """After the other end is closed, recv() returns the messages left, and then raises EOFError.

    The sender has ended, and the test has closed its copy of that end, before anything is
    received. recv_bytes() and recv_bytes_into() raise EOFError too. Something else is raised if
    that end had a message unread: see pipe.unread-messages-reset-duplex-end.
    """
    pairs = [mp.Pipe(False), mp.Pipe(True)]
    stage.result_of(send_three_and_end, [sending_end for _, sending_end in pairs])
    for receiving_end, sending_end in pairs:
        sending_end.close()
        received = [result_or_error(receive_in_time, stage, receiving_end) for _ in range(5)]
        assert received == [0, 1, 2, "EOFError", "EOFError"]
        assert result_or_error(receiving_end.recv_bytes) == "EOFError"
        assert result_or_error(receiving_end.recv_bytes_into, bytearray(1)) == "EOFError"


def hold_ends_until_cued(stage, *connections):
    """Have the connections until cued, and end."""
    stage.say("holding")
    stage.wait_for_cue("leave")


@claim("pipe.eof-needs-every-copy-closed", docs="multiprocessing.connection.Connection.recv")
def test_end_of_file_needs_all_copies_closed(mp, stage):
    """recv() raises EOFError only when each process has closed its copy of the other end.

    A child is given the sending ends of two pipes. The test closes its copy of the first at once:
    end-of-file comes when the child ends. It keeps its copy of the second: end-of-file comes when
    the test closes it, though the child has ended long before.
    """
    (first_receiving, first_sending), (receiving, sending) = mp.Pipe(False), mp.Pipe(False)
    holding = stage.enter(hold_ends_until_cued, first_sending, sending)
    holding.expect("holding")
    first_sending.close()
    observed = {"child has it": (first_receiving.poll(BEAT), receiving.poll())}
    holding.returns(cue="leave")
    assert first_receiving.poll(stage.patience), "no end-of-file after the child ended"
    observed["test has it"] = receiving.poll(BEAT)
    sending.close()
    observed["closed"] = receiving.poll(stage.patience)
    assert observed == {"child has it": (False, False), "test has it": False, "closed": True}
    for end in (first_receiving, receiving):
        assert result_or_error(end.recv) == "EOFError"


@claim(
    "pipe.forked-sibling-delays-eof",
    docs="multiprocessing.connection.Connection.recv",
    level=OBSERVED,
    methods=("fork",),
)
def test_a_forked_sibling_has_a_copy_too(mp, stage):
    """Under fork, a child that was not given an end has a copy of it, which delays EOFError.

    A child is forked while the pipe is open. The sender ends and the test closes its copy: the
    message comes, and end-of-file only when that child ends.
    """
    receiving, sending = mp.Pipe(False)
    sibling = stage.enter(wait_until_cued)
    stage.result_of(send_greeting, sending)
    sending.close()
    assert receive_in_time(stage, receiving) == "hello world"
    assert not receiving.poll(BEAT), "end-of-file came though a child has a copy"
    sibling.returns(cue="leave")
    assert receiving.poll(stage.patience)
    assert result_or_error(receiving.recv) == "EOFError"


def send_much_to_reader_in(stage, own_end, other_end):
    """Close this process's copy of the other end, and send a large message; report the error."""
    other_end.close()
    stage.say("sending")
    error = result_or_error(own_end.send_bytes, bytes(1024 * 1024))
    stage.say("sent")
    return error


@claim(
    "pipe.send-to-closed-reader-fails",
    docs="multiprocessing.connection.Connection.send",
    level=OBSERVED,
)
def test_sending_to_a_closed_end_fails(mp, stage):
    """send() raises BrokenPipeError once the other end is closed, even if it is blocked already.

    The process lives on. A child blocks in the middle of a large message when the test closes the
    only copy of the other end.
    """
    for duplex in (False, True):
        receiving, sending = mp.Pipe(duplex)
        receiving.close()
        for call, message in ((sending.send, "message"), (sending.send_bytes, b"")):
            assert result_or_error(call, message) == "BrokenPipeError"
    receiving, sending = mp.Pipe(duplex=False)
    blocked = stage.enter(send_much_to_reader_in, sending, receiving)
    blocked.expect("sending")
    assert blocked.does_not_say("sent")
    receiving.close()
    assert blocked.returns() == "BrokenPipeError"


@claim(
    "pipe.unread-messages-reset-duplex-end",
    docs="multiprocessing.connection.Connection.recv",
    level=OBSERVED,
    needs=("descriptors",),
    contradicts="multiprocessing.connection.Connection.recv",
)
def test_an_end_closed_with_unread_messages_resets_the_other(mp):
    """On Linux, closing a duplex end with a message unread makes recv() raise ConnectionResetError.

    That is at the other end, and once; after that recv() raises EOFError, as the documentation
    says for all cases. Messages sent before are received first. It does the same as a local
    socket, which is compared. Without an unread message it is EOFError.
    """

    def close_and_receive(duplex, unread):
        first, second = mp.Pipe(duplex)
        ends = (first, second) if duplex else (second, first)
        if unread:
            ends[1].send("unread")
        ends[0].send("last")
        ends[0].close()
        return [result_or_error(ends[1].recv) for _ in range(3)]

    closed, other = socket.socketpair()
    with other:
        other.send(b"unread")
        closed.close()
        reset = result_or_error(other.recv, 1) or "EOFError"
    assert close_and_receive(duplex=True, unread=True) == ["last", reset, "EOFError"]
    assert close_and_receive(duplex=True, unread=False) == ["last", "EOFError", "EOFError"]
    assert close_and_receive(duplex=False, unread=False) == ["last", "EOFError", "EOFError"]


def send_large(stage, connection, size):
    """Send a message of that size."""
    message = b"x" * size
    stage.say("sending")
    connection.send_bytes(message)
    stage.say("sent")


@claim(
    "pipe.big-send-waits-for-reader",
    docs="multiprocessing.connection.Connection.send_bytes",
    level=OBSERVED,
)
def test_sending_a_large_message_blocks_until_it_is_received(mp, stage):
    """Sending a message that is larger than the pipe can hold blocks until it is received.

    It has 33 MiB: with about 32 MiB, says the documentation, sending may fail on some systems.
    A small message does not block.
    """
    receiving_end, sending_end = mp.Pipe()
    size = 33 * 1024 * 1024
    sending_end.send_bytes(b"x" * 1000)
    assert receiving_end.recv_bytes() == b"x" * 1000
    sending = stage.enter(send_large, sending_end, size)
    receiving = stage.enter(receive_bytes_when_cued, receiving_end)
    sending.expect("sending")
    assert sending.does_not_say("sent")
    assert receiving.returns(cue="receive") == {"size": size, "as sent": size}
    sending.expect("sent")
    sending.returns()


def send_and_receive_large(stage, connection, byte):
    """Send a large message in a thread; receive one when cued, and report its bytes and size."""

    large = bytes([byte]) * 2_000_000

    def send():
        connection.send_bytes(large)
        stage.say("sent")

    thread = threading.Thread(target=send)
    thread.start()
    stage.say("sending")
    stage.wait_for_cue("receive")
    message = connection.recv_bytes()
    thread.join()
    return {"bytes": sorted(set(message)), "size": len(message)}


@claim(
    "pipe.ends-do-not-disturb-each-other",
    docs="multiprocessing#exchanging-objects-between-processes",
)
def test_both_ends_can_send_at_the_same_time(mp, stage):
    """Both ends of a duplex pipe can send at the same time; each message arrives complete.

    Neither message fits into the pipe, so both senders are in the middle of theirs when both
    receivers are cued. Each process sends in a thread, and receives in its main thread.
    """
    ends = mp.Pipe()
    both = [stage.enter(send_and_receive_large, end, byte) for byte, end in enumerate(ends)]
    for each in both:
        each.expect("sending")
    assert stage.none_says(both, "sent")
    for each in both:
        each.cue("receive")
    received = [each.returns() for each in both]
    assert received == [{"bytes": [byte], "size": 2_000_000} for byte in (1, 0)]


def send_with_lock_held(stage, connection, lock, byte):
    """Send three large messages, holding the lock for each."""
    stage.say("sending")
    for _ in range(3):
        with lock:
            connection.send_bytes(bytes([byte]) * 200_000)
    stage.say("sent")


def receive_until_error(stage, connection):
    """Receive messages until there is an error; report how often each came, and the error."""
    received: dict[object, int] = {}
    while isinstance(message := result_or_error(connection.recv_bytes), bytes):
        key = (tuple(sorted(set(message))), len(message))
        received[key] = received.get(key, 0) + 1
    return received, message


@claim(
    "pipe.shared-end-needs-lock",
    docs="multiprocessing#exchanging-objects-between-processes",
    needs=("semaphores",),
)
def test_processes_that_hold_a_lock_can_send_on_the_same_end(mp, stage):
    """Processes can send on the same end if each holds a lock meanwhile: all messages arrive.

    Each of two senders has bytes of its own, and no message fits into the pipe: when the receiver
    begins, one sender is in the middle of a message, and the other wants to send. Without a lock
    nothing is promised.
    """
    receiving_end, sending_end = mp.Pipe(duplex=False)
    lock = mp.Lock()
    senders = [stage.enter(send_with_lock_held, sending_end, lock, byte) for byte in (1, 2)]
    sending_end.close()
    for each in senders:
        each.expect("sending")
    assert stage.none_says(senders, "sent")
    received = stage.result_of(receive_until_error, receiving_end)
    assert received == ({((1,), 200_000): 3, ((2,), 200_000): 3}, "EOFError")
    for each in senders:
        each.returns()


def bytes_to_read(connection):
    """How many bytes have arrived at the connection, as the system counts them."""
    termios = importlib.import_module("termios")
    count = array.array("i", [0])
    importlib.import_module("fcntl").ioctl(connection.fileno(), termios.FIONREAD, count)
    return count[0]


def send_small_and_large(stage, connection):
    """Send a small message, and one that does not fit into the pipe."""
    connection.send_bytes(b"complete")
    connection.send_bytes(bytes(1024 * 1024))


@claim(
    "pipe.killed-sender-tears-message",
    docs="multiprocessing#connection-objects",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_the_message_of_a_killed_sender_is_torn(mp, stage):
    """If a sender is killed in the middle of a message, the receiver gets OSError, and no part.

    The message before that is received, and EOFError comes afterwards. The sender is killed when
    more has arrived of the large message than its length, which is sent first, and which alone
    would count as nothing. The message does not fit into the pipe.
    """
    for duplex in (False, True):
        receiving_end, sending_end = mp.Pipe(duplex)
        sender = stage.enter(send_small_and_large, sending_end)
        sending_end.close()
        assert receiving_end.poll(stage.patience)
        messages = [receiving_end.recv_bytes()]
        stage.wait_until(
            lambda end=receiving_end: bytes_to_read(end) > 100, "a part of the message arriving"
        )
        sender.process.kill()
        sender.exit_code()
        messages += [result_or_error(receiving_end.recv_bytes) for _ in range(2)]
        assert messages == [b"complete", "OSError", "EOFError"]
