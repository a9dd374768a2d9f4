"""What can go wrong with a pipe."""

import os

from spec.faults import fault

CONNECTION = "multiprocessing.connection"


@fault(
    "connection.Pipe",
    "pipe.duplex-by-default",
    "pipe.sending-first-end-needs-duplex",
    "pipe.duplex-ends-are-interchangeable",
    crude=True,
)
def one_way_by_default(original, duplex=True):
    """A pipe goes one way only, whatever was asked for."""
    return original(False)


@fault("connection.Pipe", "pipe.duplex-by-default", "pipe.duplex-ends-are-interchangeable")
def second_end_only_receives(original, duplex=True):
    """The second end of a duplex pipe cannot send: there are questions and no answers."""
    first, second = original(duplex)
    if duplex:
        second._writable = False
    return first, second


@fault(
    "connection.Pipe", "pipe.one-way-directions", "pipe.sending-first-end-needs-duplex", crude=True
)
def always_duplex(original, duplex=True):
    """duplex=False is ignored: what was to be read-only can be written to."""
    return original(True)


@fault("connection.Pipe", "pipe.one-way-directions", "pipe.sending-first-end-needs-duplex")
def ends_are_swapped(original, duplex=True):
    """With duplex=False the first end sends: programs for one order fail with the other."""
    return original(duplex) if duplex else original(duplex)[::-1]


@fault("connection.Connection.poll", "pipe.one-way-directions")
def poll_is_allowed_anywhere(original, self, timeout=0.0):
    """poll on an end that only sends says that nothing has come, instead of raising."""
    return self.readable and original(self, timeout)


@fault("connection.Connection._send", "pipe.signals-tear-no-message")
def first_write_is_all(original, self, buf, write=os.write):
    """What a signal keeps from being written is never written: the other end waits for ever."""
    return write(self._handle, buf)
