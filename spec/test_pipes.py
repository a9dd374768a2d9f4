"""Pipe: two connected ends.

``Pipe()`` gives two connections, and what is sent on one is received on the other. It is duplex
by default: both ends send and receive. With ``duplex=False`` the first end only receives, and
the second only sends.
"""

import os
import signal

from spec.kit import OBSERVED, claim


def sender(stage, connection):
    """Send a greeting; report how that went."""
    try:
        connection.send("hello world")
    except OSError:
        return "OSError"
    return "sent"


def receiver(stage, connection):
    """Receive one message, waiting for it as long as the patience lasts."""
    if not connection.poll(stage.patience):
        return "nothing came"
    return connection.recv()


def opener(stage, connection):
    """Send, and receive the answer."""
    connection.send("ping")
    return receiver(stage, connection)


def answerer(stage, connection):
    """Receive, and answer."""
    question = receiver(stage, connection)
    connection.send(["pong to", question])
    return question


@claim("pipe.duplex-by-default", docs="multiprocessing.Pipe")
def test_both_ends_of_a_pipe_send_and_receive(mp, stage):
    """Both ends of a Pipe() send and receive: a process at either end can have a conversation."""
    for first, second in ((0, 1), (1, 0)):
        ends = mp.Pipe()
        opening = stage.enter(opener, ends[first])
        answering = stage.enter(answerer, ends[second])
        assert answering.returns() == "ping"
        assert opening.returns() == ["pong to", "ping"]


def refuses(call, *args):
    """Whether the call raises OSError."""
    try:
        call(*args)
    except OSError:
        return True
    return False


@claim("pipe.one-way-directions", docs="multiprocessing.Pipe")
def test_without_duplex_the_first_end_receives_and_the_second_sends(mp, stage):
    """With duplex=False the first end is for receiving only, and the second for sending only.

    What an end is not for raises OSError.
    """
    receiving, sending = mp.Pipe(duplex=False)
    assert refuses(receiving.send, "hello world")
    assert refuses(sending.poll)
    assert refuses(sending.recv)
    assert stage.result_of(sender, sending) == "sent"
    assert stage.result_of(receiver, receiving) == "hello world"


@claim("pipe.sending-first-end-needs-duplex", docs="multiprocessing.Pipe", level=OBSERVED)
def test_code_that_sends_on_the_first_end_needs_a_duplex_pipe(mp, stage, program):
    """To send on the first end works with a duplex pipe and raises OSError with duplex=False.

    The tutorial's sample sends on the first end, and so works only as it is.
    """
    for duplex, result in ((True, "sent"), (False, "OSError")):
        first, second = mp.Pipe(duplex)
        assert stage.result_of(sender, first) == result
        assert second.closed is False

    completed = program.run("sample_pipe")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["hello world"]


@claim("pipe.duplex-ends-are-interchangeable", docs="multiprocessing.Pipe")
def test_either_end_of_a_duplex_pipe_may_be_the_senders(mp, stage):
    """Which end of a duplex pipe sends makes no difference: swapped, they work the same."""
    for first, second in ((0, 1), (1, 0)):
        ends = mp.Pipe(duplex=True)
        sending = stage.enter(sender, ends[first])
        receiving = stage.enter(receiver, ends[second])
        assert sending.returns() == "sent"
        assert receiving.returns() == "hello world"


def send_much(stage, connection, size):
    """Send one large message, and note each signal that comes meanwhile."""
    signal.signal(signal.SIGTERM, lambda *_: stage.say("interrupted"))
    stage.say("sending")
    connection.send_bytes(b"x" * size)
    stage.say("sent")


def receive_when_cued(stage, connection):
    """Receive one message when cued; report its size, and how much of it is as it was sent."""
    stage.wait_for_cue("receive")
    message = connection.recv_bytes()
    return len(message), message.count(b"x")


@claim(
    "pipe.signals-tear-no-message",
    docs="multiprocessing.connection.Connection.send_bytes",
    needs=("signals",),
)
def test_a_message_comes_whole_though_signals_interrupt_the_sender(mp, stage):
    """A large message comes whole though a signal interrupts its sender in the middle of it.

    The message is larger than what a pipe holds, so the sender is in the middle of it as long as
    nobody receives. The system call then ends early, and what is left has still to be written.
    """
    for duplex in (False, True):
        receiving, sending = mp.Pipe(duplex)
        size = 1024 * 1024
        sender = stage.enter(send_much, sending, size)
        receiver = stage.enter(receive_when_cued, receiving)
        sender.expect("sending")
        assert sender.does_not_say("sent"), "the pipe holds it all"
        os.kill(sender.pid, signal.SIGTERM)
        sender.expect("interrupted")
        receiver.cue("receive")
        assert receiver.returns() == (size, size)
        sender.returns()
