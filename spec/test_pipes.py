"""Pipe: two connected ends, each for one process.

``Pipe()`` returns two connections; an object sent on one is received on the other. A pipe is
lighter than a queue, and has two ends only: two processes that use the same end at the same time
may corrupt the data.

By default a pipe is duplex: both ends send and receive, and it makes no difference which end a
process has. With ``duplex=False`` the first end only receives, and the second only sends. That
order surprises people; the wrong end raises OSError.

``recv()`` blocks until there is an object; ``poll(timeout)`` tells whether there is one. Sending
blocks too when the pipe is full.
"""

import os
import signal

from spec.kit import OBSERVED, claim, result_or_error


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
    stage.say("sending")
    connection.send_bytes(b"x" * size)
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
