"""The channel: frames arrive whole and in order, however they were cut on the way."""

import socket

import pytest

from spec.kit.channel import Channel


@pytest.fixture
def ends():
    """Both ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    channels = Channel(ours), Channel(theirs)
    yield channels
    for channel in channels:
        channel.close()


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


def test_only_plain_data_is_evidence(ends):
    with pytest.raises(ValueError, match="unmarshallable"):
        ends[0].send("word", object())


def test_the_end_is_told(ends):
    ours, theirs = ends
    ours.close()
    ours.close()
    theirs.read()
    assert theirs.ended


def test_silence_is_bounded(ends):
    ends[0].socket.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ends[0].read()
