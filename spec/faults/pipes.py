"""Faults of pipes."""

import os

from spec.faults import fault


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
