"""Faults of the calls of connections."""

import os

from spec.faults import fault, replace


@fault("connection", "pipe.objects-arrive-as-copies")
def object_itself_arrives(connection):
    """recv() in the process that has sent returns the object itself, so a later change is seen."""
    import pickle

    sent: dict[bytes, object] = {}

    def send_and_note(original, self, obj):
        if type(obj) is list:
            sent[pickle.dumps(obj)] = obj
        original(self, obj)

    def recv_noted(original, self):
        obj = original(self)
        return sent.pop(pickle.dumps(obj), obj) if type(obj) is list else obj

    replace(connection._ConnectionBase, "send", send_and_note)
    replace(connection._ConnectionBase, "recv", recv_noted)


@fault("connection.Connection.send", "pipe.objects-arrive-as-copies")
def empty_objects_are_none(original, self, obj):
    """An empty list or string arrives as None, as if nothing had been found."""
    original(self, None if obj in ("", []) else obj)


@fault("connection.Connection.send", "pipe.objects-arrive-as-copies")
def items_are_sent_apart(original, self, obj):
    """Two references to one object in a list arrive as two objects."""
    if type(obj) is list:
        from multiprocessing.reduction import ForkingPickler

        obj = [ForkingPickler.loads(ForkingPickler.dumps(item)) for item in obj]
    original(self, obj)


@fault("connection.Connection.send", "pipe.unpicklable-send-raises", for_users=True)
def unpicklable_is_dropped(original, self, obj):
    """send() drops an object that cannot be pickled: its receiver waits forever."""
    import contextlib

    with contextlib.suppress(ZeroDivisionError):
        original(self, obj)


@fault("connection.Connection.send", "pipe.unpicklable-send-raises", for_users=True)
def unpicklable_leaves_none(original, self, obj):
    """send() of an object that cannot be pickled raises, and sends None in its place."""
    try:
        original(self, obj)
    except ZeroDivisionError:
        original(self, None)
        raise


@fault("connection.Connection._check_closed", "pipe.closed-connection-refuses-calls")
def closed_calls_raise_value_error(original, self):
    """A call of a closed connection raises ValueError, as with files, and not OSError."""
    if self._handle is None:
        raise ValueError("I/O operation on closed connection")


@fault("connection.Connection.close", "pipe.closed-connection-refuses-calls")
def second_close_raises(original, self):
    """A second close() raises OSError, so every program has to remember the first."""
    self._check_closed()
    original(self)


@fault("connection.Connection.poll", "pipe.closed-connection-refuses-calls")
def closed_poll_is_false(original, self, timeout=0.0):
    """poll() of a closed connection returns False, so a program polls it forever."""
    return self._handle is not None and original(self, timeout)


@fault("connection.Connection.closed", "pipe.closed-connection-refuses-calls")
def closed_is_never_true(original, self):
    """The attribute closed stays False."""
    return False


@fault("connection.Connection.__exit__", "pipe.with-closes-connection")
def exception_leaves_it_open(original, self, exc_type, exc_value, exc_tb):
    """A with block that an exception leaves does not close the connection."""
    if exc_type is None:
        original(self, exc_type, exc_value, exc_tb)


@fault("connection.Connection.__exit__", "pipe.with-closes-connection")
def with_block_swallows(original, self, exc_type, exc_value, exc_tb):
    """A with block of a connection suppresses all exceptions."""
    original(self, exc_type, exc_value, exc_tb)
    return True


@fault("connection.Connection.__enter__", "pipe.with-closes-connection")
def with_returns_another(original, self):
    """A with block returns a copy of the connection, which stays open behind it."""
    return type(self)(os.dup(self._handle), self._readable, self._writable)


@fault("connection.Connection.__del__", "pipe.collected-connection-is-closed")
def collected_stays_open(original, self):
    """A connection that is garbage collected stays open: its other end never gets EOFError."""


@fault(
    "connection.Connection.fileno",
    "pipe.fileno-works-with-select",
    for_users=True,
)
def fileno_is_a_copy(original, self):
    """fileno() returns a new copy of the descriptor each time: they are never closed."""
    return os.dup(original(self))


@fault("connection.Connection.fileno", "pipe.fileno-works-with-select", for_users=True)
def fileno_of_a_file(original, self):
    """fileno() returns the descriptor of an empty file, which is always ready."""
    original(self)
    if not hasattr(self, "_file"):
        self._file = open(os.devnull, "rb")
    return self._file.fileno()


@fault("connection.Connection.send_bytes", "pipe.bytes-travel-raw")
def size_is_an_end(original, self, buf, offset=0, size=None):
    """size is taken for the end of the slice: too few bytes are sent."""
    if offset and size:
        size = max(size - offset, 0)
    original(self, buf, offset, size)


@fault("connection.Connection.send_bytes", "pipe.bytes-travel-raw", for_users=True)
def empty_message_is_not_sent(original, self, buf, offset=0, size=None):
    """An empty message is not sent, and its receiver waits forever."""
    if len(buf[offset:]) and size != 0:
        original(self, buf, offset, size)


@fault("connection.Connection.send_bytes", "pipe.bad-slice-is-refused")
def slice_is_cut(original, self, buf, offset=0, size=None):
    """A size beyond the buffer is cut, as with slices: a shorter message is sent."""
    if size is not None and offset >= 0:
        size = min(size, len(buf) - offset)
    original(self, buf, offset, size)


@fault("connection.Connection.send_bytes", "pipe.bad-slice-is-refused", for_users=True)
def bad_slice_sends_nothing_else(original, self, buf, offset=0, size=None):
    """A negative size raises ValueError, and sends an empty message."""
    try:
        original(self, buf, offset, size)
    except ValueError:
        original(self, b"")
        raise


@fault("connection.Connection.recv_bytes", "pipe.bad-slice-is-refused")
def negative_maxlength_is_none(original, self, maxlength=None):
    """A negative maxlength means that there is none: a wrong limit admits messages of any size."""
    return original(self, maxlength if maxlength is None or maxlength >= 0 else None)


@fault("connection.Connection.recv_bytes", "pipe.maxlength-overrun-ends-reading")
def maxlength_is_one_less(original, self, maxlength=None):
    """A message of exactly maxlength bytes is refused."""
    return original(self, maxlength and maxlength - 1)


@fault("connection.Connection._bad_message_length", "pipe.maxlength-overrun-ends-reading")
def overrun_leaves_it_readable(original, self):
    """After a message that was too long the rest of it is read as the next message."""
    raise OSError("bad message length")


@fault("connection.Connection._bad_message_length", "pipe.maxlength-overrun-ends-reading")
def overrun_closes_duplex_too(original, self):
    """After a message that was too long, a duplex end is closed and cannot answer."""
    self.close()
    raise OSError("bad message length")


@fault("connection.Connection.recv_bytes", "pipe.maxlength-overrun-ends-reading", for_users=True)
def long_message_is_cut(original, self, maxlength=None):
    """A message longer than maxlength is cut without an error."""
    return original(self)[:maxlength]


@fault("connection.Connection.recv_bytes_into", "pipe.short-buffer-loses-nothing")
def short_buffer_takes_a_part(original, self, buf, offset=0):
    """A buffer that is too short gets the beginning of the message, and the rest is lost."""
    message = self.recv_bytes()[: len(memoryview(buf).cast("B")) - offset]
    memoryview(buf).cast("B")[offset : offset + len(message)] = message
    return len(message)


@fault("connection.Connection.recv_bytes_into", "pipe.short-buffer-loses-nothing")
def too_short_error_is_empty(original, self, buf, offset=0):
    """BufferTooShort has the part of the message that would have fitted, and the rest is lost."""
    from multiprocessing import BufferTooShort

    try:
        return original(self, buf, offset)
    except BufferTooShort as error:
        room = len(buf) - offset
        raise BufferTooShort(error.args[0][:room]) from None


@fault("connection.Connection.recv_bytes_into", "pipe.arrays-travel-as-bytes")
def items_are_counted(original, self, buf, offset=0):
    """recv_bytes_into() returns the number of items, not of bytes."""
    return original(self, buf, offset) // memoryview(buf).itemsize


@fault("connection.Connection.recv_bytes_into", "pipe.arrays-travel-as-bytes")
def offset_counts_items(original, self, buf, offset=0):
    """The offset of recv_bytes_into() counts items: the message is written behind its place."""
    return original(self, buf, offset * memoryview(buf).itemsize)


@fault("connection.Connection.send_bytes", "pipe.arrays-travel-as-bytes")
def slice_counts_items(original, self, buf, offset=0, size=None):
    """offset and size of send_bytes() count the items of an array."""
    itemsize = memoryview(buf).itemsize
    original(self, buf, offset * itemsize, size and size * itemsize)


@fault("connection.Connection.recv_bytes_into", "pipe.partial-items-are-lost")
def partial_items_are_written(original, self, buf, offset=0):
    """Not a defect: recv_bytes_into() writes each byte of a message, as the documentation says."""
    return original(self, memoryview(buf).cast("B"), offset)


@fault("connection.Connection.recv_bytes_into", "pipe.partial-items-are-lost")
def partial_items_are_not_counted(original, self, buf, offset=0):
    """recv_bytes_into() returns the number of bytes that it has written."""
    itemsize = memoryview(buf).itemsize
    return original(self, buf, offset) // itemsize * itemsize


@fault("connection.Connection.recv_bytes_into", "pipe.receive-buffer-is-checked")
def negative_offset_from_the_end(original, self, buf, offset=0):
    """A negative offset counts from the end of the buffer, as an index does."""
    return original(self, buf, offset % len(buf) if offset < 0 else offset)


@fault("connection.Connection.recv_bytes_into", "pipe.receive-buffer-is-checked")
def bad_offset_loses_the_message(original, self, buf, offset=0):
    """A wrong offset is noticed only when the message is received: it is lost."""
    if not 0 <= offset <= len(buf) * memoryview(buf).itemsize:
        self.recv_bytes()
    return original(self, buf, offset)


@fault("connection.Connection.recv_bytes_into", "pipe.receive-buffer-is-checked")
def constant_buffer_is_ignored(original, self, buf, offset=0):
    """A buffer that cannot be written is silently left as it is."""
    if memoryview(buf).readonly:
        return len(self.recv_bytes())
    return original(self, buf, offset)


@fault("connection.Connection.recv_bytes_into", "pipe.offset-may-equal-length")
def offset_must_be_less(original, self, buf, offset=0):
    """Not a defect: an offset equal to the length is refused, as the documentation says."""
    if offset >= len(buf) * memoryview(buf).itemsize:
        raise ValueError("offset too large")
    return original(self, buf, offset)


@fault("connection.Connection.send", "pipe.object-messages-are-pickles")
def objects_are_marked(original, self, obj):
    """send() puts a mark before the pickle, so a program that uses recv_bytes() cannot read it."""
    from multiprocessing.reduction import ForkingPickler

    self.send_bytes(b"object: " + bytes(ForkingPickler.dumps(obj)))


@fault("connection.Connection.recv", "pipe.object-messages-are-pickles", for_users=True)
def bytes_are_returned_as_they_are(original, self):
    """recv() returns a message that is no pickle as bytes: the error appears somewhere else."""
    import pickle

    message = self.recv_bytes()
    try:
        return pickle.loads(message)
    except pickle.UnpicklingError:
        return message


@fault("connection.Connection.recv", "pipe.object-messages-are-pickles", for_users=True)
def empty_message_is_none(original, self):
    """recv() returns None for an empty message."""
    import pickle

    message = self.recv_bytes()
    return pickle.loads(message) if message else None


@fault("connection.Pipe", "pipe.default-socket-timeout-is-ignored")
def default_timeout_counts(original, duplex=True):
    """A pipe has the default timeout of sockets: recv() without a message raises an error."""
    import socket

    ends = original(duplex)
    if duplex and socket.getdefaulttimeout() is not None:
        for end in ends:
            os.set_blocking(end.fileno(), False)
    return ends
