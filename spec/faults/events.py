"""Faults of events."""

from spec.faults import fault, replace


@fault("synchronize.Event.set", "event.set-wakes-every-waiter")
def set_wakes_one(original, self):
    """set() wakes only one waiter; the other waiters block until their timeout, if any."""
    with self._cond:
        self._flag.acquire(False)
        self._flag.release()
        self._cond.notify(1)


@fault("synchronize.Event.wait", "event.set-wakes-every-waiter", crude=True)
def wakes_by_itself(original, self, timeout=None):
    """wait() returns True after 50 ms, even if the event is not set."""
    return original(self, 0.05 if timeout is None else timeout) or True


@fault(
    "synchronize.Event.wait",
    "event.wait-tells-if-set",
    "event.behaves-as-in-threading",
    "event.set-wakes-every-waiter",
)
def wait_returns_none(original, self, timeout=None):
    """wait() returns None, so its caller cannot tell a timeout from a set event."""
    original(self, timeout)


@fault("synchronize.Event.wait", "event.wait-tells-if-set", "event.clear-blocks-later-waits")
def gives_up_early(original, self, timeout=None):
    """wait() waits for a tenth of its timeout only."""
    return original(self, timeout and timeout / 10)


@fault("synchronize.Event.wait", "event.behaves-as-in-threading")
def negative_timeout_is_refused(original, self, timeout=None):
    """wait() raises ValueError for a negative timeout."""
    if timeout is not None and timeout < 0:
        raise ValueError(timeout)
    return original(self, timeout)


@fault("synchronize.Event.set", "event.behaves-as-in-threading")
def set_toggles(original, self):
    """A second set() clears the event."""
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
    """clear() has no effect, so later calls of wait() do not block."""
    return


@fault(
    "synchronize.Event.__init__",
    "event.set-wakes-every-waiter",
    "event.wait-tells-if-set",
    "event.child-set-reaches-parent",
    crude=True,
)
def starts_set(original, self, *, ctx):
    """A new event is set, so wait() never blocks."""
    original(self, ctx=ctx)
    self.set()


@fault("synchronize.Event.set", "event.child-set-reaches-parent")
def set_in_child_is_lost(original, self):
    """set() in a child has no effect, so its parent waits forever."""
    from multiprocessing.process import parent_process

    if parent_process() is None:
        original(self)


@fault("synchronize", "event.repr-shows-state")
def repr_ignores_other_processes(synchronize):
    """repr() of an event shows "set" only in the process that has set it."""

    def set_and_note(original, self):
        original(self)
        self.was_set_here = True

    def show(original, self):
        if "was_set_here" in vars(self):
            return original(self)
        return original(self).replace(" set>", " unset>")

    replace(synchronize.Event, "set", set_and_note)
    replace(synchronize.Event, "__repr__", show)


@fault("synchronize", "event.clear-blocks-later-waits")
def clear_in_child_stays_there(synchronize):
    """clear() in a child has an effect in that child only, so other processes do not wait."""
    import time
    from multiprocessing.process import parent_process

    def init(original, self, *, ctx):
        original(self, ctx=ctx)
        self.sets = ctx.Semaphore(0)

    def is_masked(event):
        return vars(event).get("cleared_at", -1) == event.sets.get_value()

    def set_and_count(original, self):
        self.sets.release()
        original(self)

    def clear(original, self):
        if parent_process() is None:
            original(self)
        else:
            self.cleared_at = self.sets.get_value()

    def is_set(original, self):
        return not is_masked(self) and original(self)

    def wait(original, self, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        while is_masked(self):
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(0.005)
        return original(self, end and max(0, end - time.monotonic()))

    for name, function in (
        ("__init__", init),
        ("set", set_and_count),
        ("clear", clear),
        ("is_set", is_set),
        ("wait", wait),
    ):
        replace(synchronize.Event, name, function)


@fault("synchronize.Event.wait", "event.behaves-as-in-threading", for_users=True)
def sleeps_through_timeout(original, self, timeout=None):
    """wait() sleeps for its whole timeout, even if the event is set before."""
    import time

    if timeout is None or timeout <= 0 or self.is_set():
        return original(self, timeout)
    time.sleep(timeout)
    return self.is_set()


@fault("synchronize.Event.wait", "event.waits-longer-than-seconds", for_users=True)
def wait_is_one_second(original, self, timeout=None):
    """wait() without a timeout returns after one second, although the event is not set."""
    return original(self, 1 if timeout is None else timeout)


@fault("synchronize.Event.wait", "event.quick-clear-can-make-wait-false", for_users=True)
def woken_wait_is_true(original, self, timeout=None):
    """wait() that set() wakes returns True, as in threading, even if clear() came first."""
    return original(self, timeout) or timeout is None


@fault("synchronize.Event.wait", "event.set-wakes-every-waiter", for_users=True)
def threads_do_not_wait(original, self, timeout=None):
    """wait() in a thread other than the main thread returns at once."""
    import threading

    return original(self, timeout if threading.current_thread() is threading.main_thread() else 0)
