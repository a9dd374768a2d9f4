"""Faults of pipes."""

import contextlib
import os

from spec.faults import fault, replace


@fault(
    "connection.Pipe",
    "pipe.duplex-by-default",
    "pipe.sending-first-end-needs-duplex",
    "pipe.duplex-ends-are-interchangeable",
    crude=True,
)
def always_one_way(original, duplex=True):
    """duplex=True is ignored: the first end cannot send."""
    return original(False)


@fault("connection.Pipe", "pipe.duplex-by-default", "pipe.duplex-ends-are-interchangeable")
def second_end_only_receives(original, duplex=True):
    """The second end of a duplex pipe cannot send: there is no answer to a question."""
    first, second = original(duplex)
    if duplex:
        second._writable = False
    return first, second


@fault(
    "connection.Pipe", "pipe.one-way-directions", "pipe.sending-first-end-needs-duplex", crude=True
)
def always_duplex(original, duplex=True):
    """duplex=False is ignored: a process can write to an end that should be read-only."""
    return original(True)


@fault("connection.Pipe", "pipe.one-way-directions", "pipe.sending-first-end-needs-duplex")
def ends_are_swapped(original, duplex=True):
    """With duplex=False the first end sends, so programs that receive on it fail."""
    return original(duplex) if duplex else original(duplex)[::-1]


@fault("connection.Connection.poll", "pipe.one-way-directions")
def poll_works_on_both_ends(original, self, timeout=0.0):
    """poll() on an end that can only send returns False instead of raising OSError."""
    return self.readable and original(self, timeout)


@fault("connection.Connection._send", "pipe.signals-tear-no-message")
def interrupted_write_is_not_resumed(original, self, buf, write=os.write):
    """The part of a message after a signal is never sent: the receiver blocks forever."""
    return write(self._handle, buf)


@fault("connection.Connection._recv", "pipe.recv-survives-signals")
def interrupted_read_fails(original, self, size):
    """A signal that arrives while recv() blocks ends it with InterruptedError."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)

    def read(handle, count):
        buffer = ctypes.create_string_buffer(count)
        came = library.read(handle, buffer, count)
        if came < 0:
            raise OSError(ctypes.get_errno(), "read")
        return buffer.raw[:came]

    return original(self, size, read)


@fault("connection.Connection.recv", "pipe.recv-blocks-until-message", for_users=True)
def recv_returns_none_at_once(original, self):
    """recv() returns None while no message is there."""
    return original(self) if self.poll() else None


@fault("connection.Connection.recv_bytes_into", "pipe.recv-blocks-until-message", for_users=True)
def recv_into_does_not_block(original, self, buf, offset=0):
    """recv_bytes_into() returns 0 while no message is there, as if an empty one had come."""
    return original(self, buf, offset) if self.poll() else 0


@fault("connection.Connection._send_bytes", "pipe.messages-keep-order-and-boundaries")
def large_message_is_split(original, self, buf):
    """A message of more than 64 KiB arrives as two."""
    if len(buf) > 65536:
        original(self, buf[:65536])
        buf = buf[65536:]
    original(self, buf)


@fault("connection.Connection._send_bytes", "pipe.messages-keep-order-and-boundaries")
def small_message_is_late(original, self, buf):
    """A small message after a large one is sent behind the next, to fill a packet."""
    late = vars(self).pop("late", None)
    if late is None and vars(self).get("large") and 0 < len(buf) < 10:
        self.late = bytes(buf)
        return
    self.large = len(buf) > 100_000
    original(self, buf)
    if late is not None:
        original(self, late)


@fault("connection.Connection.recv", "pipe.buffered-messages-before-eof", for_users=True)
def end_of_file_comes_first(original, self):
    """recv() raises EOFError as soon as the other end is closed: messages left are lost."""
    import select

    asked = select.poll()
    asked.register(self._handle, 0)
    if asked.poll(0):
        raise EOFError
    return original(self)


@fault("connection.Connection.recv", "pipe.buffered-messages-before-eof", for_users=True)
def end_of_file_is_none(original, self):
    """recv() returns None at end-of-file."""
    try:
        return original(self)
    except EOFError:
        return None


@fault("connection", "pipe.eof-needs-every-copy-closed")
def close_announces_the_end(connection):
    """close() in one process ends the messages of all others that have the same end."""

    def close(original, self):
        if self._handle is not None and not self._readable:
            self._send_bytes(b"the end")
        original(self)

    def recv(original, self):
        message = self._recv_bytes().getvalue()
        if message == b"the end":
            raise EOFError
        return connection._ForkingPickler.loads(message)

    replace(connection.Connection, "close", close)
    replace(connection.Connection, "recv", recv)


@fault("connection.Connection.close", "pipe.eof-needs-every-copy-closed")
def close_leaves_a_copy(original, self):
    """close() of an end that can only send leaves a copy open: the other end gets no EOFError."""
    if self._handle is not None and not self._readable:
        os.dup(self._handle)
    original(self)


@fault(
    "process.BaseProcess._bootstrap",
    "pipe.forked-sibling-delays-eof",
    only=("fork",),
)
def child_closes_what_it_was_not_given(original, self, *args, **kwargs):
    """A forked child closes all connections that are not among its arguments."""
    import gc
    from multiprocessing.connection import Connection

    for found in gc.get_objects():
        if type(found) is Connection and found not in self._args:
            found.close()
    return original(self, *args, **kwargs)


@fault("connection.Connection._send", "pipe.send-to-closed-reader-fails")
def broken_pipe_is_ignored(original, self, buf):
    """send() returns although the other end is closed: a program works on for no receiver."""
    with contextlib.suppress(BrokenPipeError):
        original(self, buf)


@fault("connection.Connection._send", "pipe.send-to-closed-reader-fails")
def blocked_send_is_ignored(original, self, buf):
    """A send() that blocks returns when the other end is closed, as if all had been received."""
    try:
        original(self, buf)
    except BrokenPipeError:
        if len(buf) < 1_000_000:
            raise


@fault("connection.Connection._recv", "pipe.unread-messages-reset-duplex-end")
def reset_is_end_of_file(original, self, size):
    """Not a defect: recv() raises EOFError for each closed end, as the documentation says."""
    try:
        return original(self, size)
    except ConnectionResetError:
        raise EOFError from None


@fault("connection.Connection._recv", "pipe.unread-messages-reset-duplex-end")
def closed_end_is_reset(original, self, size):
    """Each end-of-file of a duplex pipe raises ConnectionResetError."""
    try:
        return original(self, size)
    except EOFError:
        if self._writable:
            raise ConnectionResetError from None
        raise


@fault("connection.Connection.send_bytes", "pipe.big-send-waits-for-reader", for_users=True)
def sending_goes_on_behind(original, self, buf, offset=0, size=None):
    """send_bytes() returns at once, and a thread sends: a program's memory fills up."""
    import threading

    threading.Thread(target=original, args=(self, buf, offset, size)).start()


@fault("connection.Connection.send_bytes", "pipe.big-send-waits-for-reader", for_users=True)
def large_message_raises(original, self, buf, offset=0, size=None):
    """A message of more than 32 MiB raises ValueError."""
    if len(buf) > 32 * 1024 * 1024:
        raise ValueError("message too large")
    original(self, buf, offset, size)


@fault("connection", "pipe.ends-do-not-disturb-each-other")
def one_call_at_a_time(connection):
    """A connection cannot receive while it sends: two processes that send at once block forever."""
    import threading
    from weakref import WeakKeyDictionary

    locks: WeakKeyDictionary[object, threading.Lock] = WeakKeyDictionary()
    guard = threading.Lock()

    def locked(original, self, *args):
        with guard:
            lock = locks.setdefault(self, threading.Lock())
        with lock:
            return original(self, *args)

    replace(connection.Connection, "send_bytes", locked)
    replace(connection.Connection, "recv_bytes", locked)


@fault("connection.Connection._send", "pipe.ends-do-not-disturb-each-other")
def sending_takes_what_comes(original, self, buf):
    """While a duplex end blocks in send(), what comes from the other end is thrown away."""
    if len(buf) > 1_500_000:
        import select

        if select.select([self._handle], [], [], 0.05)[0]:
            os.read(self._handle, 1000)
    original(self, buf)


@fault("synchronize", "pipe.shared-end-needs-lock", crude=True)
def lock_of_senders_excludes_nobody(synchronize):
    """A with block of a Lock does not exclude other processes: their messages mix."""

    def enter(original, self):
        return True

    def leave(original, self, *args):
        return None

    replace(synchronize.Lock, "__enter__", enter)
    replace(synchronize.Lock, "__exit__", leave)


@fault("connection.Connection._send", "pipe.shared-end-needs-lock")
def sending_ends_after_the_lock(original, self, buf):
    """send() returns before the last part of a large message is in the pipe."""
    if 100_000 < len(buf) < 300_000:
        import threading

        original(self, buf[:100_000])
        threading.Timer(0.05, original, args=(self, buf[100_000:])).start()
    else:
        original(self, buf)


@fault("connection.Connection._recv", "pipe.killed-sender-tears-message")
def torn_message_is_received(original, self, size):
    """A message whose sender was killed is received in part, as if that were all."""
    parts: list[bytes] = []

    def read(handle, count):
        part = os.read(handle, count) or (parts and bytes(count)) or b""
        parts.append(part)
        return part

    return original(self, size, read)


@fault("connection.Connection._recv", "pipe.killed-sender-tears-message")
def torn_message_is_end_of_file(original, self, size):
    """A message whose sender was killed looks like a regular end of its messages."""
    try:
        return original(self, size)
    except OSError as error:
        if "end of file" in str(error):
            raise EOFError from None
        raise
