"""What can go wrong with an event."""

from spec.faults import fault, replace

SYNCHRONIZE = "multiprocessing.synchronize"


@fault("synchronize.Event.set", "event.set-wakes-every-waiter")
def set_wakes_one(original, self):
    """set wakes one of those who wait; the others wait until their time-out, if they have one."""
    with self._cond:
        self._flag.acquire(False)
        self._flag.release()
        self._cond.notify(1)


@fault("synchronize.Event.wait", "event.set-wakes-every-waiter", crude=True)
def wakes_by_itself(original, self, timeout=None):
    """wait comes back after a moment, with True, whether or not the event was set."""
    return original(self, 0.05 if timeout is None else timeout) or True


@fault(
    "synchronize.Event.wait",
    "event.wait-tells-if-set",
    "event.behaves-as-in-threading",
    "event.set-wakes-every-waiter",
)
def wait_says_nothing(original, self, timeout=None):
    """wait returns None, as it did before Python 2.7: nobody knows why it came back."""
    original(self, timeout)


@fault("synchronize.Event.wait", "event.wait-tells-if-set", "event.clear-blocks-later-waits")
def time_out_is_cut_short(original, self, timeout=None):
    """wait waits for a tenth of its time-out: whoever counts on all of it gives up early."""
    return original(self, timeout and timeout / 10)


@fault("synchronize.Event.wait", "event.behaves-as-in-threading")
def negative_time_out_fails(original, self, timeout=None):
    """wait raises ValueError for a negative time-out, instead of taking it for none at all."""
    if timeout is not None and timeout < 0:
        raise ValueError(timeout)
    return original(self, timeout)


@fault("synchronize.Event.set", "event.behaves-as-in-threading")
def set_twice_is_clear(original, self):
    """A second set makes the event clear again: it toggles."""
    if self.is_set():
        self.clear()
    else:
        original(self)


@fault(
    "synchronize.Event.clear",
    "event.clear-blocks-later-waits",
    "event.behaves-as-in-threading",
    crude=True,
)
def clear_does_nothing(original, self):
    """An event once set stays set: later waits do not wait."""
    return


@fault(
    "synchronize.Event.__init__",
    "event.set-wakes-every-waiter",
    "event.wait-tells-if-set",
    "event.child-set-reaches-parent",
    crude=True,
)
def starts_set(original, self, *, ctx):
    """An event is set from the beginning: nobody ever waits for it."""
    original(self, ctx=ctx)
    self.set()


@fault("synchronize", "event.child-set-reaches-parent")
def child_set_is_local(synchronize):
    """What a child sets is set for itself only: its parent waits for ever."""
    from multiprocessing.process import parent_process

    def make(original, self):
        return original(self) if parent_process() is None else None

    replace(synchronize.Event, "set", make)


@fault("synchronize", "event.repr-shows-state")
def repr_knows_own_sets_only(synchronize):
    """The repr of an event says "set" only in the process that has set it."""

    def set_and_note(original, self):
        original(self)
        self.was_set_here = True

    def look(original, self):
        if "was_set_here" in vars(self):
            return original(self)
        return original(self).replace(" set>", " unset>")

    replace(synchronize.Event, "set", set_and_note)
    replace(synchronize.Event, "__repr__", look)
