"""What can go wrong with a pipe."""

import os

from spec.faults import fault, replace

CONNECTION = "multiprocessing.connection"


@fault(
    "pipe.one-way-by-default",
    CONNECTION,
    "pipe.duplex-by-default",
    "pipe.sending-first-end-needs-duplex",
    "pipe.duplex-ends-are-interchangeable",
)
def one_way_by_default(connection):
    """A pipe goes one way only, whatever was asked for."""
    replace(connection, "Pipe", lambda original: lambda duplex=True: original(False))


@fault(
    "pipe.second-end-only-receives",
    CONNECTION,
    "pipe.duplex-by-default",
    "pipe.duplex-ends-are-interchangeable",
    subtle=True,
)
def second_end_only_receives(connection):
    """The second end of a duplex pipe cannot send: there are questions and no answers."""

    def make(original):
        def pipe(duplex=True):
            first, second = original(duplex)
            if duplex:
                second = type(second)(second.fileno(), writable=False)
                original_second.append(second)
            return first, second

        original_second = []
        return pipe

    replace(connection, "Pipe", make)


@fault(
    "pipe.always-duplex",
    CONNECTION,
    "pipe.one-way-directions",
    "pipe.sending-first-end-needs-duplex",
)
def always_duplex(connection):
    """duplex=False is ignored: what was to be read-only can be written to."""
    replace(connection, "Pipe", lambda original: lambda duplex=True: original(True))


@fault(
    "pipe.ends-are-swapped",
    CONNECTION,
    "pipe.one-way-directions",
    "pipe.sending-first-end-needs-duplex",
    subtle=True,
)
def ends_are_swapped(connection):
    """With duplex=False the first end sends: programs for one order fail with the other."""

    def make(original):
        return lambda duplex=True: original(duplex) if duplex else original(duplex)[::-1]

    replace(connection, "Pipe", make)


@fault("pipe.poll-is-allowed-anywhere", CONNECTION, "pipe.one-way-directions", subtle=True)
def poll_is_allowed_anywhere(connection):
    """poll on an end that only sends says that nothing has come, instead of raising."""

    def make(original):
        return lambda self, timeout=0.0: self.readable and original(self, timeout)

    replace(connection.Connection, "poll", make)


@fault(
    "pipe.first-write-is-all",
    CONNECTION,
    "pipe.signals-tear-no-message",
    subtle=True,
)
def first_write_is_all(connection):
    """What a signal keeps from being written is never written: the other end waits for ever."""

    def send(original):
        return lambda self, buf, write=os.write: write(self._handle, buf)

    replace(connection.Connection, "_send", send)
