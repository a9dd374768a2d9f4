"""What can go wrong with a semaphore."""

from spec.faults import fault, replace

SEATS = ("semaphore.at-most-two", "semaphore.five-holders-take-three-waves")


@fault("synchronize.Semaphore.__init__", *SEATS)
def one_seat_too_many(original, self, value=1, *, ctx):
    """A Semaphore(n) seats n + 1: what was to be protected from the third gets a third."""
    return original(self, value + 1, ctx=ctx)


@fault("synchronize.Semaphore.__init__", *SEATS)
def one_seat_only(original, self, value=1, *, ctx):
    """A Semaphore(n) is a lock: only one is inside at a time, whatever n."""
    return original(self, min(value, 1), ctx=ctx)


@fault("synchronize.Semaphore.acquire", "semaphore.at-most-two")
def admits_when_time_is_over(original, self, block=True, timeout=None):
    """acquire says True when its time-out has passed: whoever is patient gets in."""
    return original(self, block, timeout) or bool(timeout)


@fault("synchronize.Semaphore.acquire", "semaphore.at-most-two")
def time_out_is_ignored(original, self, block=True, timeout=None):
    """acquire with a time-out does not wait: who would have got a seat in time is sent away."""
    return original(self, block and timeout is None)


@fault(
    "synchronize.Semaphore.__exit__",
    *SEATS,
    "semaphore.each-holder-acquires-then-releases",
    crude=True,
)
def seats_are_used_up(original, self, *args):
    """A seat that was left stays taken: after n visitors nobody gets in."""
    return


@fault(
    "context.BaseContext.BoundedSemaphore", "semaphore.initial-value-defaults-to-one", crude=True
)
def two_seats_unless_told(original, self, value=2):
    """A BoundedSemaphore has two seats if no number is given: what is to be alone is not."""
    return original(self, value)


@fault("context.BaseContext.Semaphore", "semaphore.initial-value-defaults-to-one", for_users=True)
def zero_is_one(original, self, value=1):
    """A Semaphore(0) has one seat: who was to wait for a first release does not."""
    return original(self, value or 1)


@fault(
    "context.BaseContext.Semaphore",
    "semaphore.value-may-exceed-start",
    crude=True,
    for_users=True,
)
def is_bounded(original, self, value=1):
    """A Semaphore refuses to have more seats than at first, as a BoundedSemaphore does."""
    return self.BoundedSemaphore(value) if value else original(self, 0)


@fault("synchronize.Semaphore.release", "semaphore.value-may-exceed-start", for_users=True)
def foreign_release_is_lost(original, self):
    """The release of a seat that another process has taken is lost, unless no seat is free."""
    if self._semlock._count() > 0 or self._semlock._is_zero():
        original(self)


@fault(
    "synchronize.BoundedSemaphore.__init__", "semaphore.bounded-refuses-extra-release", crude=True
)
def bounded_is_not(original, self, value=1, *, ctx):
    """A BoundedSemaphore is a Semaphore: a program that releases too often never hears of it."""
    from multiprocessing import synchronize

    return synchronize.Semaphore.__init__(self, value, ctx=ctx)


@fault(
    "synchronize.BoundedSemaphore.__setstate__",
    "semaphore.bounded-refuses-extra-release",
    only=("spawn", "forkserver"),
)
def unpickled_is_not_bounded(original, self, state):
    """A BoundedSemaphore that came to a process by pickle has lost its bound there."""
    return original(self, (*state[:2], 1000, state[3]))


@fault("synchronize.BoundedSemaphore.release", "semaphore.bounded-refuses-extra-release")
def bound_is_per_process(original, self):
    """A BoundedSemaphore refuses the release of a seat that another process has taken."""
    if self._semlock._count() < 1:
        raise ValueError("semaphore or lock released too many times")
    self._semlock.release()


@fault("synchronize", "semaphore.bounded-refuses-extra-release")
def extra_release_counts(synchronize):
    """A BoundedSemaphore complains of a release too many, and has one seat more all the same."""

    def init_unbounded(original, self, value=1, *, ctx):
        synchronize.Semaphore.__init__(self, value, ctx=ctx)
        self.bound = value

    def release(original, self):
        full = self._semlock._get_value() >= vars(self).get("bound", 2)
        original(self)
        if full:
            raise ValueError("semaphore or lock released too many times")

    replace(synchronize.BoundedSemaphore, "__init__", init_unbounded)
    replace(synchronize.BoundedSemaphore, "release", release)


@fault("synchronize", "semaphore.get-value-is-current")
def value_counts_own_only(synchronize):
    """get_value knows only of the seats that its own process has taken."""

    def init_and_note(original, self, value=1, *, ctx):
        original(self, value, ctx=ctx)
        self.start = value

    def get_value(original, self):
        if "start" in vars(self):
            return self.start - self._semlock._count()
        return original(self)

    replace(synchronize.Semaphore, "__init__", init_and_note)
    replace(synchronize.Semaphore, "get_value", get_value)


@fault("synchronize.Semaphore.get_value", "semaphore.get-value-is-current")
def value_is_never_zero(original, self):
    """get_value says 1 when no seat is free: who looks before it asks has to wait all the same."""
    return original(self) or 1


@fault("synchronize.SemLock.locked", "semaphore.locked-at-zero")
def locked_if_anybody_inside(original, self):
    """A semaphore is locked as soon as a seat is taken: the others stay empty."""
    from multiprocessing import synchronize

    if isinstance(self, synchronize.Semaphore):
        return self._semlock._get_value() < 2
    return original(self)


@fault("synchronize", "semaphore.killed-holder-keeps-slot", crude=True)
def killed_holder_leaves(synchronize):
    """The seat of a process that was killed comes free: what it did by halves meets the next."""
    import weakref
    from multiprocessing import process

    made: weakref.WeakSet[object] = weakref.WeakSet()

    def init_and_note(original, self, value=1, *, ctx):
        original(self, value, ctx=ctx)
        if value > 1:
            made.add(self)

    def kill_and_release(original, self):
        original(self)
        for semaphore in made:
            semaphore.release()

    replace(synchronize.Semaphore, "__init__", init_and_note)
    replace(process.BaseProcess, "kill", kill_and_release)


@fault("synchronize.Semaphore.release", "semaphore.release-takes-no-count")
def release_takes_a_count(original, self, n=1):
    """release takes a number, as in threading: code comes to rely on what others do not have."""
    for _ in range(n):
        self._semlock.release()


@fault("synchronize.Semaphore.release", "semaphore.release-takes-no-count")
def refused_count_is_added(original, self, *args, **kwargs):
    """release(2) raises TypeError after it has given a seat back."""
    self._semlock.release()
    if args or kwargs:
        raise TypeError("release() takes no arguments")


@fault("synchronize.Semaphore.__init__", "semaphore.negative-start-refused")
def negative_is_zero(original, self, value=1, *, ctx):
    """A negative number of seats is none: a mistake in a sum becomes a wait for ever."""
    return original(self, max(value, 0), ctx=ctx)


@fault("synchronize.BoundedSemaphore.__init__", "semaphore.negative-start-refused")
def negative_is_value_error(original, self, value=1, *, ctx):
    """A negative bound raises what threading raises: who catches OSError is surprised."""
    if value < 0:
        raise ValueError("semaphore initial value must be >= 0")
    original(self, value, ctx=ctx)


@fault("synchronize.BoundedSemaphore.acquire", "semaphore.acquire-follows-lock-rules")
def negative_waits_for_ever(original, self, block=True, timeout=None):
    """A BoundedSemaphore takes a time-out of -1 for "for ever", unlike all others."""
    return original(self, block, None if timeout == -1 else timeout)


@fault("synchronize.Semaphore.acquire", "semaphore.acquire-follows-lock-rules")
def time_out_refused(original, self, block=True, timeout=None):
    """A Semaphore refuses a time-out with block=False, as threading's does."""
    if not block and timeout is not None:
        raise ValueError("can't specify timeout for non-blocking acquire")
    return original(self, block, timeout)


def swap(original, self):
    name, _, rest = original(self).partition("(")
    first, _, second = rest.removesuffix(")>").partition(", ")
    return f"{name}({second}, {first})>"


@fault("synchronize", "semaphore.repr-shows-value")
def repr_swaps_owner(synchronize):
    """The repr of an RLock tells its count in the place of its owner."""
    replace(synchronize.RLock, "__repr__", swap)


@fault("synchronize", "semaphore.repr-shows-value")
def repr_swaps_bound(synchronize):
    """The repr of a BoundedSemaphore tells its bound as its value."""

    def look(original, self):
        value, bound = self._semlock.maxvalue, self._semlock._get_value()
        return f"<{type(self).__name__}(value={value}, maxvalue={bound})>"

    replace(synchronize.BoundedSemaphore, "__repr__", look)


@fault("synchronize.Semaphore.__repr__", "semaphore.repr-shows-value")
def repr_counts_those_inside(original, self):
    """The repr of a Semaphore tells how many seats this process has taken, not the free ones."""
    return f"<{type(self).__name__}(value={self._semlock._count()})>"


@fault("synchronize.Lock.__repr__", "semaphore.repr-shows-value")
def repr_takes_thread_for_process(original, self):
    """The repr of a Lock that another thread of this process holds blames another process."""
    return original(self).replace("OtherThread", "OtherProcess")
