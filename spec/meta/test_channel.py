"""The channel: frames arrive complete and in order, even if they arrive in parts."""

import socket

import pytest

from spec.kit import channel
from spec.kit.channel import Channel, connect, listen


@pytest.fixture
def ends():
    """Both ends of a connection."""
    with listen("no file is needed here") as server:
        ours = connect(server.getsockname())
        theirs, _ = server.accept()
    channels = Channel(ours), Channel(theirs)
    yield channels
    for end in channels:
        end.close()


def test_frames_arrive_whole_and_in_order(ends):
    ours, theirs = ends
    sent = [("word",), ("values", 1, 2.5, None, b"x"), ("much", "x" * 10_000)]
    for frame in sent:
        ours.send(*frame)
    arrived: list[tuple[object, ...]] = []
    while len(arrived) < len(sent):
        theirs.read()
        arrived += theirs.frames()
    assert arrived == sent


def test_a_frame_that_was_cut_is_taken_when_its_rest_has_come(ends):
    ours, theirs = ends
    ours.send("word", "x" * 100)
    whole = theirs.socket.recv(1000)
    for place in range(len(whole)):
        ours.socket.sendall(whole[place : place + 1])
        theirs.read()
        assert list(theirs.frames()) == ([("word", "x" * 100)] if place == len(whole) - 1 else [])


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", ""),
        (b"Current thread 0x1 (most", ""),
        (b"Current thread 0x1 (most recent call first):\n", ""),
        (b'Thread 0x1:\n  File "a", line 1 in f\n  Fil', 'Thread 0x1:\n  File "a", line 1 in f'),
        (b'Thread 0x1:\n  File "a", line 1 in f\n', 'Thread 0x1:\n  File "a", line 1 in f'),
    ],
)
def test_a_stack_is_text_as_far_as_its_lines_have_come(ends, sent, text):
    ours, theirs = ends
    ours.send("word")
    ours.socket.sendall(sent)
    theirs.read()
    assert list(theirs.frames()) == [("word",)]
    assert theirs.text() == text


def test_only_plain_data_is_evidence(ends):
    with pytest.raises(ValueError, match="unmarshallable"):
        ends[0].send("word", object())


def test_the_end_is_told(ends):
    ours, theirs = ends
    ours.close()
    ours.close()
    theirs.read()
    assert theirs.ended


class Refusing:
    """A resource that cannot be closed in a fork, like a kqueue before 3.11.7 and 3.12.1."""

    def close(self) -> None:
        raise OSError("Bad file descriptor")


class Closing:
    """A resource that notes whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_what_cannot_be_closed_in_a_fork_does_not_keep_the_rest_open(monkeypatch):
    others = [Closing(), Closing()]
    monkeypatch.setattr(channel, "_not_for_forks", {others[0], Refusing(), others[1]})
    channel._close_in_fork()
    assert [other.closed for other in others] == [True, True]
    assert channel._not_for_forks == set()


@pytest.mark.parametrize("kind", ["abstract", "file", "loopback"])
def test_a_listener_is_reached_wherever_it_is(monkeypatch, tmp_path, kind):
    """It is abstract on Linux, else a file, or on the loopback interface for a too long path."""
    bind = socket.socket.bind

    def bind_as_elsewhere(self, address):
        if address == "" and kind != "abstract":
            raise FileNotFoundError
        bind(self, address)

    monkeypatch.setattr(socket.socket, "bind", bind_as_elsewhere)
    with listen(str(tmp_path / ("x" * 200 if kind == "loopback" else "x"))) as server:
        assert isinstance(server.getsockname(), tuple) == (kind == "loopback")
        assert (tmp_path / "x").exists() == (kind == "file")
        with connect(server.getsockname()):
            server.accept()[0].close()


def test_silence_is_bounded(ends):
    ends[0].socket.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ends[0].read()
