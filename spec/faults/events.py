"""What can go wrong with an event."""

from spec.faults import fault, replace

SYNCHRONIZE = "multiprocessing.synchronize"


@fault("event.set-wakes-one", SYNCHRONIZE, "event.set-wakes-every-waiter", subtle=True)
def set_wakes_one(synchronize):
    """set wakes one of those who wait; the others wait until their time-out, if they have one."""

    def make(_):
        def set_for_one(self):
            with self._cond:
                self._flag.acquire(False)
                self._flag.release()
                self._cond.notify(1)

        return set_for_one

    replace(synchronize.Event, "set", make)


@fault("event.wakes-by-itself", SYNCHRONIZE, "event.set-wakes-every-waiter")
def wakes_by_itself(synchronize):
    """wait comes back after a moment, with True, whether or not the event was set."""
    replace(
        synchronize.Event,
        "wait",
        lambda original: (
            lambda self, timeout=None: original(self, 0.05 if timeout is None else timeout) or True
        ),
    )


@fault(
    "event.wait-says-nothing",
    SYNCHRONIZE,
    "event.wait-tells-if-set",
    "event.behaves-as-in-threading",
    "event.set-wakes-every-waiter",
    subtle=True,
)
def wait_says_nothing(synchronize):
    """wait returns None, as it did before Python 2.7: nobody knows why it came back."""

    def make(original):
        def wait(self, timeout=None):
            original(self, timeout)

        return wait

    replace(synchronize.Event, "wait", make)


@fault(
    "event.time-out-is-cut-short",
    SYNCHRONIZE,
    "event.wait-tells-if-set",
    "event.clear-blocks-later-waits",
    subtle=True,
)
def time_out_is_cut_short(synchronize):
    """wait waits for a tenth of its time-out: whoever counts on all of it gives up early."""

    def make(original):
        def wait(self, timeout=None):
            return original(self, timeout and timeout / 10)

        return wait

    replace(synchronize.Event, "wait", make)


@fault("event.negative-time-out-fails", SYNCHRONIZE, "event.behaves-as-in-threading", subtle=True)
def negative_time_out_fails(synchronize):
    """wait raises ValueError for a negative time-out, instead of taking it for none at all."""

    def make(original):
        def wait(self, timeout=None):
            if timeout is not None and timeout < 0:
                raise ValueError(timeout)
            return original(self, timeout)

        return wait

    replace(synchronize.Event, "wait", make)


@fault("event.set-twice-is-clear", SYNCHRONIZE, "event.behaves-as-in-threading", subtle=True)
def set_twice_is_clear(synchronize):
    """A second set makes the event clear again: it toggles."""

    def make(original):
        def toggle(self):
            if self.is_set():
                self.clear()
            else:
                original(self)

        return toggle

    replace(synchronize.Event, "set", make)


@fault(
    "event.clear-does-nothing",
    SYNCHRONIZE,
    "event.clear-blocks-later-waits",
    "event.behaves-as-in-threading",
)
def clear_does_nothing(synchronize):
    """An event once set stays set: later waits do not wait."""
    replace(synchronize.Event, "clear", lambda original: lambda self: None)


@fault(
    "event.starts-set",
    SYNCHRONIZE,
    "event.set-wakes-every-waiter",
    "event.wait-tells-if-set",
    "event.child-set-reaches-parent",
)
def starts_set(synchronize):
    """An event is set from the beginning: nobody ever waits for it."""

    def make(original):
        def init(self, *, ctx):
            original(self, ctx=ctx)
            self.set()

        return init

    replace(synchronize.Event, "__init__", make)


@fault("event.child-set-is-local", SYNCHRONIZE, "event.child-set-reaches-parent", subtle=True)
def child_set_is_local(synchronize):
    """What a child sets is set for itself only: its parent waits for ever."""
    from multiprocessing.process import parent_process

    def make(original):
        return lambda self: original(self) if parent_process() is None else None

    replace(synchronize.Event, "set", make)


@fault("event.repr-knows-own-sets-only", SYNCHRONIZE, "event.repr-shows-state", subtle=True)
def repr_knows_own_sets_only(synchronize):
    """The repr of an event says "set" only in the process that has set it."""

    def note(original):
        def set_and_note(self):
            original(self)
            self.was_set_here = True

        return set_and_note

    def make(original):
        def look(self):
            if "was_set_here" in vars(self):
                return original(self)
            return original(self).replace(" set>", " unset>")

        return look

    replace(synchronize.Event, "set", note)
    replace(synchronize.Event, "__repr__", make)
