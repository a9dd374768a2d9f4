"""Connections: the calls of one end of a pipe.

A ``Connection`` sends and receives whole messages. ``send()`` and ``recv()`` are for objects, which
travel as pickles; ``send_bytes()``, ``recv_bytes()`` and ``recv_bytes_into()`` are for raw bytes.
``Pipe()`` makes connections, and so do ``Listener`` and ``Client``.

A connection is a context manager. It is closed when it is garbage
collected: keep a reference as long as you need it. ``poll()`` is in the chapter after this.

Some points surprise people. ``recv()`` unpickles whatever comes: use it with trusted processes
only. After ``recv_bytes(maxlength)`` has refused a message, the connection cannot be read any more.
``recv_bytes_into()`` with an array of integers loses the bytes that do not fill a whole integer.

Most proofs have both ends in one process: a small message stays in the pipe until it is received.
"""

import array
import gc
import os
import pickle
import select
import socket
import threading

from spec.kit import OBSERVED, TICK, claim, result_or_error, submodule


def received_now(connection, call="recv", *args):
    """The result or the error of a receiving call; "nothing" if no message is there.

    It does not block: poll() is asked first. Its own OSError counts as that of the call.
    """
    ready = result_or_error(connection.poll)
    if ready is True:
        return result_or_error(getattr(connection, call), *args)
    return ready or "nothing"


class Note:
    """An object of a class of this module, which can be pickled by name."""

    def __init__(self, text):
        self.text = text


@claim("pipe.objects-arrive-as-copies", docs="multiprocessing.connection.Connection.send")
def test_an_equal_copy_of_each_object_arrives(mp):
    """send() and recv() carry any picklable object: an equal copy arrives.

    Objects that count as false are received too. Two references to one object are two references
    to one copy. A change after send() does not reach the copy, though it is received later.
    """
    sending, receiving = mp.Pipe()
    inner = ["é", 2.5, None, {1, 2}]
    objects: tuple[object, ...] = (
        (None, False, {"key": b"\0", 2**100: (), "type": int, "function": received_now}),
        None,
        False,
        0,
        "",
        b"",
        [],
    )
    for sent in objects:
        sending.send(sent)
        copy = received_now(receiving)
        assert (type(copy), copy) == (type(sent), sent)

    original = Note("first")
    sending.send([inner, inner, original])
    inner.append("later")
    original.text = "later"
    first, second, note = received_now(receiving)
    assert first is second
    assert first == ["é", 2.5, None, {1, 2}]
    assert (type(note), note.text) == (Note, "first")


class Unpicklable:
    """Pickling it raises an exception of its own."""

    def __reduce__(self):
        raise ZeroDivisionError


@claim(
    "pipe.unpicklable-send-raises",
    docs="multiprocessing.connection.Connection.send",
    level=OBSERVED,
)
def test_sending_an_unpicklable_object_raises_the_error_of_pickle(mp):
    """send() of an object that cannot be pickled raises pickle's error and sends nothing.

    The same objects are given to pickle.dumps(), also deep in a large list, whose beginning could
    have been sent. Afterwards the connection works.
    """
    sending, receiving = mp.Pipe()
    for unpicklable in (threading.Lock(), Unpicklable(), [b"x" * 1000, [Unpicklable()]]):
        error = result_or_error(pickle.dumps, unpicklable)
        assert isinstance(error, str)
        assert result_or_error(sending.send, unpicklable) == error
        assert not receiving.poll(), f"something arrived though send() raised {error}"
    sending.send("picklable")
    assert received_now(receiving) == "picklable"


def outcomes_of_calls(connection):
    """The result or the error of each call of a connection."""
    return {
        "send()": result_or_error(connection.send, "message"),
        "send_bytes()": result_or_error(connection.send_bytes, b"message"),
        "recv()": result_or_error(connection.recv),
        "recv_bytes()": result_or_error(connection.recv_bytes),
        "recv_bytes_into()": result_or_error(connection.recv_bytes_into, bytearray(10)),
        "poll()": result_or_error(connection.poll),
        "fileno()": result_or_error(connection.fileno),
        "wait()": result_or_error(submodule("connection").wait, [connection], 0),
    }


@claim(
    "pipe.closed-connection-refuses-calls",
    docs="multiprocessing.connection.Connection.close",
    level=OBSERVED,
)
def test_a_closed_connection_refuses_each_call(mp):
    """After close() every call of a connection raises OSError, except another close().

    Its attribute closed is False before, and True after that. A message that was there is lost.
    """
    for duplex in (False, True):
        for end in (0, 1):
            ends = mp.Pipe(duplex)
            if duplex:
                ends[1 - end].send("unread")
            connection = ends[end]
            before = connection.closed
            assert (connection.close(), connection.close()) == (None, None)
            assert (before, connection.closed) == (False, True)
            outcomes = outcomes_of_calls(connection)
            assert outcomes == dict.fromkeys(outcomes, "OSError")


@claim("pipe.with-closes-connection", docs="multiprocessing.connection.Connection")
def test_a_with_block_closes_the_connection(mp):
    """A "with connection" block returns the connection, and closes it even on an exception.

    The exception comes out of the block. The other end sees that the connection is closed.
    """
    for error in (None, ValueError):
        connection, other_end = mp.Pipe()
        came_out = None
        try:
            with connection as entered:
                inside = {"same": entered is connection, "closed": connection.closed}
                if error:
                    raise error
        except ValueError as caught:
            came_out = type(caught)
        assert inside == {"same": True, "closed": False}
        assert (came_out, connection.closed) == (error, True)
        assert received_now(other_end) == "EOFError"


@claim("pipe.collected-connection-is-closed", docs="multiprocessing.connection.Connection.close")
def test_a_connection_that_is_collected_is_closed(mp):
    """A connection that is garbage collected is closed: recv() at the other end raises EOFError.

    A message that was sent before is still received. Of two ends, the one that is kept stays open.
    """
    for duplex in (False, True):
        receiving, sending = mp.Pipe(duplex)
        kept_receiving, kept = mp.Pipe(duplex)
        sending.send("last")
        del sending
        gc.collect()
        assert [received_now(receiving) for _ in range(2)] == ["last", "EOFError"]
        assert (received_now(kept_receiving), kept.closed) == ("nothing", False)


def readable(connection):
    """Whether select() reports the connection's descriptor, given as an integer."""
    descriptor = connection.fileno()
    return select.select([descriptor], [], [], 0)[0] == [descriptor]


@claim(
    "pipe.fileno-works-with-select",
    docs="multiprocessing.connection.Connection.fileno",
    needs=("descriptors",),
)
def test_fileno_can_be_given_to_select(mp):
    """On POSIX, fileno() is the file descriptor, which select() reports when a message is there.

    It is an integer that does not change, and another one for each end. The descriptor is closed
    with the connection.
    """
    for duplex in (False, True):
        receiving, sending = mp.Pipe(duplex)
        descriptor = receiving.fileno()
        observed = {"empty": readable(receiving)}
        sending.send("message")
        observed["sent"] = readable(receiving)
        receiving.recv()
        observed["received"] = readable(receiving)
        assert observed == {"empty": False, "sent": True, "received": False}
        assert type(descriptor) is int
        assert descriptor == receiving.fileno() != sending.fileno()
        assert os.fstat(descriptor)
        receiving.close()
        assert result_or_error(os.fstat, descriptor) == "OSError"


SLICES = {
    (): b"abcdef",
    (0,): b"abcdef",
    (2,): b"cdef",
    (6,): b"",
    (2, 3): b"cde",
    (2, 4): b"cdef",
    (1, 0): b"",
    (0, None): b"abcdef",
}


@claim("pipe.bytes-travel-raw", docs="multiprocessing.connection.Connection.send_bytes")
def test_bytes_arrive_as_they_are(mp):
    """send_bytes(buffer, offset, size) sends that part of the bytes; recv_bytes() returns it.

    Without size it is the rest, without offset all. Empty messages arrive too. The buffer can be
    bytes, a bytearray or a memoryview.
    """
    for duplex in (False, True):
        receiving, sending = mp.Pipe(duplex)
        for kind in (bytes, bytearray, memoryview):
            came = {}
            for part in SLICES:
                sending.send_bytes(kind(b"abcdef"), *part)
                came[part] = received_now(receiving, "recv_bytes")
            assert came == SLICES, f"of {kind.__name__}: {came}"
        assert not receiving.poll()


BAD_SLICES = {
    (-1,): "ValueError",
    (7,): "ValueError",
    (2, -1): "ValueError",
    (2, 5): "ValueError",
    (6, 1): "ValueError",
}


@claim(
    "pipe.bad-slice-is-refused",
    docs="multiprocessing.connection.Connection.send_bytes",
    level=OBSERVED,
)
def test_a_slice_outside_the_buffer_is_refused(mp):
    """send_bytes() with offset or size outside the buffer raises ValueError and sends nothing.

    A string instead of bytes raises TypeError. recv_bytes() with a negative maxlength raises
    ValueError, and the next call receives the message.
    """
    receiving, sending = mp.Pipe()
    refused = {part: result_or_error(sending.send_bytes, b"abcdef", *part) for part in BAD_SLICES}
    assert refused == BAD_SLICES
    assert result_or_error(sending.send_bytes, "a string") == "TypeError"
    assert not receiving.poll()
    sending.send_bytes(b"message")
    assert received_now(receiving, "recv_bytes", -1) == "ValueError"
    assert received_now(receiving, "recv_bytes") == b"message"


@claim(
    "pipe.maxlength-overrun-ends-reading",
    docs="multiprocessing.connection.Connection.recv_bytes",
)
def test_a_message_longer_than_maxlength_ends_reading(mp):
    """If a message exceeds maxlength, recv_bytes(maxlength) and all later reading raise OSError.

    A message of maxlength bytes is received. After the error a duplex end is open and can still
    send; an end that could only receive is closed. So the next message is lost too.
    """
    for duplex in (False, True):
        receiving, sending = mp.Pipe(duplex)
        for message in (b"12345", bytes(6), b"next"):
            sending.send_bytes(message)
        observed = {
            "length 5": received_now(receiving, "recv_bytes", 5),
            "length 6": received_now(receiving, "recv_bytes", 5),
            "recv_bytes()": received_now(receiving, "recv_bytes"),
            "recv()": received_now(receiving),
            "closed": receiving.closed,
            "send()": result_or_error(receiving.send, "back"),
            "came back": duplex and received_now(sending),
        }
        assert observed == {
            "length 5": b"12345",
            "length 6": "OSError",
            "recv_bytes()": "OSError",
            "recv()": "OSError",
            "closed": not duplex,
            "send()": None if duplex else "OSError",
            "came back": duplex and "back",
        }


def received_into(connection, buffer, *offset):
    """The result or the error of recv_bytes_into(), as of received_now(), and the buffer."""
    result = received_now(connection, "recv_bytes_into", buffer, *offset)
    return result, bytes(buffer)


@claim("pipe.short-buffer-loses-nothing", docs="multiprocessing.BufferTooShort")
def test_a_buffer_that_is_too_short_loses_nothing(mp):
    """If a buffer is too short for recv_bytes_into(), BufferTooShort.args[0] is the whole message.

    The buffer does not change, and the connection can be read. A message that just fits is written
    into it. Its end may be too short because of an offset.
    """
    receiving, sending = mp.Pipe()
    buffer = bytearray(b"......")
    for message, offset in ((b"1234567", 0), (b"12345", 2), (b"x" * 5000, 0)):
        sending.send_bytes(message)
        assert receiving.poll()
        came = None
        try:
            receiving.recv_bytes_into(buffer, offset)
        except mp.BufferTooShort as error:
            came = error.args
        assert (came, bytes(buffer)) == ((message,), b"......")
    sending.send_bytes(b"1234")
    assert received_into(receiving, buffer, 2) == (4, b"..1234")
    sending.send_bytes(b"123456")
    assert received_into(receiving, buffer) == (6, b"123456")


@claim(
    "pipe.arrays-travel-as-bytes",
    docs="multiprocessing.connection.Connection.recv_bytes_into",
)
def test_an_array_is_sent_and_filled_by_its_bytes(mp):
    """send_bytes() and recv_bytes_into() take arrays; they count sizes and offsets in bytes.

    An array of five integers is sent as its bytes. It is written into an array of ten, from the
    beginning or from the second integer; the rest does not change. Of a further message only the
    second and third integers are sent.
    """
    receiving, sending = mp.Pipe()
    numbers = array.array("i", range(1, 6))
    item = numbers.itemsize
    for offset, expected in (
        (0, [1, 2, 3, 4, 5, 0, 0, 0, 0, 0]),
        (item, [0, 1, 2, 3, 4, 5, 0, 0, 0, 0]),
    ):
        target = array.array("i", [0] * 10)
        sending.send_bytes(numbers)
        assert received_now(receiving, "recv_bytes_into", target, offset) == 5 * item
        assert target.tolist() == expected
    sending.send_bytes(numbers, item, 2 * item)
    assert received_now(receiving, "recv_bytes") == numbers[1:3].tobytes()


@claim(
    "pipe.partial-items-are-lost",
    docs="multiprocessing.connection.Connection.recv_bytes_into",
    level=OBSERVED,
    contradicts="multiprocessing.connection.Connection.recv_bytes_into",
)
def test_bytes_that_fill_no_whole_item_are_lost(mp):
    """recv_bytes_into() an array of integers writes whole items only, yet counts all bytes.

    According to the documentation the message is written into the buffer from that offset, in
    bytes. A message of one byte more than an integer loses that byte, one byte less than an
    integer loses all, and an offset within an integer is rounded down. The same messages are
    complete in a bytearray.
    """
    receiving, sending = mp.Pipe()
    item = array.array("i").itemsize
    for size, offset, written in ((item + 1, 0, item), (item - 1, 0, 0), (item, 1, item)):
        message = bytes(range(1, size + 1))
        whole = bytearray(3 * item)
        whole[offset : offset + size] = message
        part = message[:written].ljust(3 * item, b"\0")
        for buffer, expected in (
            (bytearray(3 * item), bytes(whole)),
            (array.array("i", [0] * 3), part),
        ):
            sending.send_bytes(message)
            assert received_into(receiving, buffer, offset) == (size, expected)
            assert not receiving.poll()


@claim(
    "pipe.receive-buffer-is-checked",
    docs="multiprocessing.connection.Connection.recv_bytes_into",
)
def test_an_offset_outside_the_buffer_is_refused(mp):
    """recv_bytes_into() refuses a negative or too large offset: ValueError, and no message is lost.

    The next call receives the message. A buffer that cannot be written raises TypeError, and that
    comes too late: its message is gone.
    """
    receiving, sending = mp.Pipe()
    buffer = bytearray(b"......")
    sending.send_bytes(b"1")
    for offset in (-1, 7, 100):
        assert received_into(receiving, buffer, offset) == ("ValueError", b"......")
    assert received_into(receiving, buffer, 5) == (1, b".....1")
    sending.send_bytes(b"2")
    assert received_into(receiving, b"......") == ("TypeError", b"......")
    assert received_into(receiving, buffer) == ("nothing", b".....1")


@claim(
    "pipe.offset-may-equal-length",
    docs="multiprocessing.connection.Connection.recv_bytes_into",
    level=OBSERVED,
    contradicts="multiprocessing.connection.Connection.recv_bytes_into",
)
def test_an_offset_may_be_the_length_of_the_buffer(mp):
    """recv_bytes_into() accepts an offset equal to the buffer's length: an empty message fits.

    According to the documentation the offset must be less. A longer message raises
    BufferTooShort with the message, which is received that way.
    """
    receiving, sending = mp.Pipe()
    buffer = bytearray(b"......")
    sending.send_bytes(b"")
    assert received_into(receiving, buffer, 6) == (0, b"......")
    sending.send_bytes(b"1")
    assert received_into(receiving, buffer, 6) == ("BufferTooShort", b"......")
    assert not receiving.poll()


@claim(
    "pipe.object-messages-are-pickles",
    docs="multiprocessing.connection.Connection.recv",
    level=OBSERVED,
)
def test_a_sent_object_is_a_message_with_its_pickle(mp):
    """send(obj) sends obj's pickle, which recv_bytes() returns; recv() unpickles any bytes.

    Bytes that are no pickle raise UnpicklingError, and an empty message raises EOFError although
    the other end is open. The next message is received in each case.
    """
    receiving, sending = mp.Pipe()
    sending.send(["an", "object"])
    pickled = received_now(receiving, "recv_bytes")
    assert pickle.loads(pickled) == ["an", "object"]
    observed = {}
    for name, message in (
        ("its pickle", pickled),
        ("another pickle", pickle.dumps("other", 0)),
        ("no pickle", b"not a pickle"),
        ("empty", b""),
        ("pickle after that", pickled),
    ):
        sending.send_bytes(message)
        observed[name] = received_now(receiving)
    assert observed == {
        "its pickle": ["an", "object"],
        "another pickle": "other",
        "no pickle": "UnpicklingError",
        "empty": "EOFError",
        "pickle after that": ["an", "object"],
    }


def tell_whether_pipes_block(stage):
    """Set a default timeout for sockets, and make pipes; report whether their descriptors block."""
    socket.setdefaulttimeout(TICK)
    ends = [*stage.mp.Pipe(False), *stage.mp.Pipe(True)]
    timeout = socket.socket().gettimeout()
    return {"socket": timeout, "pipes": [os.get_blocking(end.fileno()) for end in ends]}  # type: ignore[attr-defined,unused-ignore]


@claim(
    "pipe.default-socket-timeout-is-ignored",
    docs="multiprocessing.Pipe",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_a_default_timeout_of_sockets_does_not_matter(mp, stage):
    """socket.setdefaulttimeout() has no effect on a Pipe(): its calls block without a timeout.

    A child sets the default, and makes both kinds of pipes. The system is asked whether their
    descriptors block: a call on one that does not raises BlockingIOError. A new socket has the
    timeout.
    """
    observed = stage.result_of(tell_whether_pipes_block)
    assert observed == {"socket": TICK, "pipes": [True] * 4}
