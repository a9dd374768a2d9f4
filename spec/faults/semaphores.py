"""Faults of semaphores."""

from spec.faults import fault, replace

LIMITS = ("semaphore.at-most-two", "semaphore.five-holders-take-three-waves")


@fault("synchronize.Semaphore.__init__", *LIMITS)
def one_too_many(original, self, value=1, *, ctx):
    """A Semaphore(n) admits n + 1 processes."""
    return original(self, value + 1, ctx=ctx)


@fault("synchronize.Semaphore.__init__", *LIMITS)
def one_only(original, self, value=1, *, ctx):
    """A Semaphore(n) admits only one process at a time, whatever n is."""
    return original(self, min(value, 1), ctx=ctx)


@fault("synchronize.Semaphore.acquire", "semaphore.at-most-two")
def timeout_returns_true(original, self, block=True, timeout=None):
    """acquire() returns True after its timeout, although the semaphore is not free."""
    return original(self, block, timeout) or bool(timeout)


@fault("synchronize.Semaphore.acquire", "semaphore.at-most-two")
def timeout_is_zero(original, self, block=True, timeout=None):
    """acquire() with a timeout does not wait: it returns False at once if the value is 0."""
    return original(self, block and timeout is None)


@fault(
    "synchronize.Semaphore.__exit__",
    *LIMITS,
    "semaphore.each-holder-acquires-then-releases",
    crude=True,
)
def with_never_releases(original, self, *args):
    """A with block does not release the semaphore: after n blocks, every process is kept out."""
    return


@fault(
    "context.BaseContext.BoundedSemaphore", "semaphore.initial-value-defaults-to-one", crude=True
)
def starts_at_two(original, self, value=2):
    """A BoundedSemaphore starts at 2 by default, so two processes get in instead of one."""
    return original(self, value)


@fault("context.BaseContext.Semaphore", "semaphore.initial-value-defaults-to-one", for_users=True)
def zero_is_one(original, self, value=1):
    """A Semaphore(0) starts at 1, so acquire() does not wait for the first release()."""
    return original(self, value or 1)


@fault(
    "context.BaseContext.Semaphore",
    "semaphore.value-may-exceed-start",
    crude=True,
    for_users=True,
)
def is_bounded(original, self, value=1):
    """A Semaphore refuses to exceed its initial value, as a BoundedSemaphore does."""
    return self.BoundedSemaphore(value) if value else original(self, 0)


@fault("synchronize.Semaphore.release", "semaphore.value-may-exceed-start", for_users=True)
def foreign_release_is_lost(original, self):
    """release() of what another process acquired has no effect, unless the value is 0."""
    if self._semlock._count() > 0 or self._semlock._is_zero():
        original(self)


@fault(
    "synchronize.BoundedSemaphore.__init__", "semaphore.bounded-refuses-extra-release", crude=True
)
def bound_is_missing(original, self, value=1, *, ctx):
    """A BoundedSemaphore has no bound, so a release() too many is not found."""
    from multiprocessing import synchronize

    return synchronize.Semaphore.__init__(self, value, ctx=ctx)


@fault(
    "synchronize.BoundedSemaphore.__setstate__",
    "semaphore.bounded-refuses-extra-release",
    only=("spawn", "forkserver"),
)
def bound_is_lost_by_pickling(original, self, state):
    """An unpickled BoundedSemaphore has no bound."""
    return original(self, (*state[:2], 1000, state[3]))


@fault("synchronize.BoundedSemaphore.release", "semaphore.bounded-refuses-extra-release")
def bound_is_per_process(original, self):
    """A BoundedSemaphore refuses a release() by a process that has not acquired it."""
    if self._semlock._count() < 1:
        raise ValueError("semaphore or lock released too many times")
    self._semlock.release()


@fault("synchronize", "semaphore.bounded-refuses-extra-release")
def extra_release_counts(synchronize):
    """A BoundedSemaphore raises ValueError on a release() too many, but its value still rises."""

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
def value_ignores_other_processes(synchronize):
    """get_value() ignores what other processes have acquired."""

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
    """get_value() returns 1 when the value is 0, so a program that relies on it blocks."""
    return original(self) or 1


@fault("synchronize.BoundedSemaphore.locked", "semaphore.bounded-locked-at-zero")
def bounded_is_locked_below_its_bound(original, self):
    """locked() of a BoundedSemaphore is True whenever any process holds it."""
    return self._semlock._get_value() < self._semlock.maxvalue


@fault("synchronize.SemLock.locked", "semaphore.locked-at-zero", "semaphore.bounded-locked-at-zero")
def locked_too_early(original, self):
    """locked() returns True at value 1 already."""
    from multiprocessing import synchronize

    if isinstance(self, synchronize.Semaphore):
        return self._semlock._get_value() < 2
    return original(self)


@fault("synchronize", "semaphore.killed-holder-keeps-slot", crude=True)
def kill_releases(synchronize):
    """kill() releases the semaphore, so another process finds work that is half done."""
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
    """release() takes a number, as in threading, so programs begin to rely on it."""
    for _ in range(n):
        self._semlock.release()


@fault("synchronize.Semaphore.release", "semaphore.release-takes-no-count")
def refused_release_counts(original, self, *args, **kwargs):
    """release(2) raises TypeError and releases the semaphore once."""
    self._semlock.release()
    if args or kwargs:
        raise TypeError("release() takes no arguments")


@fault("synchronize.Semaphore.__init__", "semaphore.negative-start-refused")
def negative_is_zero(original, self, value=1, *, ctx):
    """Semaphore(-1) starts at 0, so a wrong calculation makes a program block forever."""
    return original(self, max(value, 0), ctx=ctx)


@fault("synchronize.BoundedSemaphore.__init__", "semaphore.negative-start-refused")
def negative_raises_value_error(original, self, value=1, *, ctx):
    """BoundedSemaphore(-1) raises ValueError, as in threading, and not OSError."""
    if value < 0:
        raise ValueError("semaphore initial value must be >= 0")
    original(self, value, ctx=ctx)


@fault("synchronize.RLock.__repr__", "semaphore.repr-shows-value")
def repr_swaps_owner_and_count(original, self):
    """repr() of an RLock shows its count in the place of its owner, and vice versa."""
    name, _, rest = original(self).partition("(")
    owner, _, count = rest.removesuffix(")>").partition(", ")
    return f"{name}({count}, {owner})>"


@fault("synchronize.BoundedSemaphore.__repr__", "semaphore.repr-shows-value")
def repr_swaps_value_and_bound(original, self):
    """repr() of a BoundedSemaphore shows its bound as its value, and vice versa."""
    value, bound = self._semlock.maxvalue, self._semlock._get_value()
    return f"<{type(self).__name__}(value={value}, maxvalue={bound})>"


@fault("synchronize.Semaphore.__repr__", "semaphore.repr-shows-value")
def repr_counts_acquired(original, self):
    """repr() of a Semaphore shows how often this process has acquired it, and not its value."""
    return f"<{type(self).__name__}(value={self._semlock._count()})>"


@fault("synchronize.Lock.__repr__", "semaphore.repr-shows-value")
def repr_takes_thread_for_process(original, self):
    """repr() of a Lock that another thread of this process holds names another process."""
    return original(self).replace("OtherThread", "OtherProcess")
