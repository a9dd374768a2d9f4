"""What can go wrong with a semaphore."""

import sys

from spec.faults import fault, replace
from spec.faults.locks import SYNCHRONIZE, is_of_the_package, with_acquire, with_methods

SEATS = ("semaphore.at-most-two", "semaphore.five-holders-take-three-waves")


@fault("semaphore.one-seat-too-many", SYNCHRONIZE, *SEATS, subtle=True)
def one_seat_too_many(synchronize):
    """A Semaphore(n) seats n + 1: what was to be protected from the third gets a third."""
    replace(
        synchronize.Semaphore,
        "__init__",
        lambda init: lambda self, value=1, *, ctx: init(self, value + 1, ctx=ctx),
    )


@fault("semaphore.one-seat-only", SYNCHRONIZE, *SEATS, subtle=True)
def one_seat_only(synchronize):
    """A Semaphore(n) is a lock: only one is inside at a time, whatever n."""
    replace(
        synchronize.Semaphore,
        "__init__",
        lambda init: lambda self, value=1, *, ctx: init(self, min(value, 1), ctx=ctx),
    )


@fault("semaphore.admits-when-time-is-over", SYNCHRONIZE, "semaphore.at-most-two", subtle=True)
def admits_when_time_is_over(synchronize):
    """acquire says True when its time-out has passed: whoever is patient gets in."""

    def make(original):
        def make_methods(self):
            original(self)
            acquire = self.acquire
            self.acquire = lambda block=True, timeout=None: acquire(block, timeout) or bool(timeout)

        return make_methods

    replace(synchronize.Semaphore, "_make_methods", make)


@fault("semaphore.time-out-is-ignored", SYNCHRONIZE, "semaphore.at-most-two", subtle=True)
def time_out_is_ignored(synchronize):
    """acquire with a time-out does not wait: who would have got a seat in time is sent away."""

    def make(original):
        def make_methods(self):
            original(self)
            acquire = self.acquire
            self.acquire = lambda block=True, timeout=None: acquire(block and timeout is None)

        return make_methods

    replace(synchronize.Semaphore, "_make_methods", make)


@fault(
    "semaphore.seats-are-used-up",
    SYNCHRONIZE,
    *SEATS,
    "semaphore.each-holder-acquires-then-releases",
)
def seats_are_used_up(synchronize):
    """A seat that was left stays taken: after n visitors nobody gets in."""
    replace(synchronize.Semaphore, "__exit__", lambda original: lambda self, *args: None)


def made_by_users(context, make):
    """Have ``make(original, context, value)`` make the semaphores that the package does not use.

    Conditions and queues are made of semaphores: they are to stay as they are.
    """

    def semaphore(original):
        def make_semaphore(self, value=1):
            if is_of_the_package(sys._getframe(1)):
                return original(self, value)
            return make(original, self, value)

        return make_semaphore

    replace(context.BaseContext, "Semaphore", semaphore)


CONTEXT = "multiprocessing.context"


@fault("semaphore.two-seats-unless-told", CONTEXT, "semaphore.initial-value-defaults-to-one")
def two_seats_unless_told(context):
    """A BoundedSemaphore has two seats if no number is given: what is to be alone is not."""
    replace(
        context.BaseContext,
        "BoundedSemaphore",
        lambda original: lambda self, value=2: original(self, value),
    )


@fault("semaphore.zero-is-one", CONTEXT, "semaphore.initial-value-defaults-to-one", subtle=True)
def zero_is_one(context):
    """A Semaphore(0) has one seat: who was to wait for a first release does not."""
    made_by_users(context, lambda original, self, value: original(self, value or 1))


@fault("semaphore.is-bounded", CONTEXT, "semaphore.value-may-exceed-start")
def is_bounded(context):
    """A Semaphore refuses to have more seats than at first, as a BoundedSemaphore does."""
    made_by_users(
        context,
        lambda original, self, value: self.BoundedSemaphore(value) if value else original(self, 0),
    )


@fault(
    "semaphore.foreign-release-is-lost",
    SYNCHRONIZE,
    "semaphore.value-may-exceed-start",
    subtle=True,
)
def foreign_release_is_lost(synchronize):
    """The release of a seat that another process has taken is lost, unless no seat is free."""

    def release(self):
        own = self._semlock._count() > 0 or is_of_the_package(sys._getframe(1))
        if own or self._semlock._is_zero():
            self._semlock.release()

    with_methods(synchronize.Semaphore, release=release)


@fault("semaphore.bounded-is-not", SYNCHRONIZE, "semaphore.bounded-refuses-extra-release")
def bounded_is_not(synchronize):
    """A BoundedSemaphore is a Semaphore: a program that releases too often never hears of it."""
    replace(
        synchronize.BoundedSemaphore,
        "__init__",
        lambda _: (
            lambda self, value=1, *, ctx: synchronize.Semaphore.__init__(self, value, ctx=ctx)
        ),
    )


@fault(
    "semaphore.unpickled-is-not-bounded",
    SYNCHRONIZE,
    "semaphore.bounded-refuses-extra-release",
    only=("spawn", "forkserver"),
    subtle=True,
)
def unpickled_is_not_bounded(synchronize):
    """A BoundedSemaphore that came to a process by pickle has lost its bound there."""

    def setstate(original):
        return lambda self, state: original(self, (*state[:2], 1000, state[3]))

    replace(synchronize.BoundedSemaphore, "__setstate__", setstate)


@fault(
    "semaphore.bound-is-per-process",
    SYNCHRONIZE,
    "semaphore.bounded-refuses-extra-release",
    subtle=True,
)
def bound_is_per_process(synchronize):
    """A BoundedSemaphore refuses the release of a seat that another process has taken."""

    def release(self):
        if self._semlock._count() < 1:
            raise ValueError("semaphore or lock released too many times")
        self._semlock.release()

    with_methods(synchronize.BoundedSemaphore, release=release)


@fault(
    "semaphore.extra-release-counts",
    SYNCHRONIZE,
    "semaphore.bounded-refuses-extra-release",
    subtle=True,
)
def extra_release_counts(synchronize):
    """A BoundedSemaphore complains of a release too many, and has one seat more all the same."""

    def init(_):
        def init_unbounded(self, value=1, *, ctx):
            synchronize.Semaphore.__init__(self, value, ctx=ctx)
            self.bound = value

        return init_unbounded

    def release(self):
        full = self._semlock._get_value() >= vars(self).get("bound", 2)
        self._semlock.release()
        if full:
            raise ValueError("semaphore or lock released too many times")

    replace(synchronize.BoundedSemaphore, "__init__", init)
    with_methods(synchronize.BoundedSemaphore, release=release)


@fault(
    "semaphore.value-counts-own-only", SYNCHRONIZE, "semaphore.get-value-is-current", subtle=True
)
def value_counts_own_only(synchronize):
    """get_value knows only of the seats that its own process has taken."""

    def init(original):
        def init_and_note(self, value=1, *, ctx):
            original(self, value, ctx=ctx)
            self.start = value

        return init_and_note

    def make(original):
        def get_value(self):
            if "start" in vars(self):
                return self.start - self._semlock._count()
            return original(self)

        return get_value

    replace(synchronize.Semaphore, "__init__", init)
    replace(synchronize.Semaphore, "get_value", make)


@fault("semaphore.value-is-never-zero", SYNCHRONIZE, "semaphore.get-value-is-current", subtle=True)
def value_is_never_zero(synchronize):
    """get_value says 1 when no seat is free: who looks before it asks has to wait all the same."""
    replace(synchronize.Semaphore, "get_value", lambda original: lambda self: original(self) or 1)


@fault("semaphore.locked-if-anybody-inside", SYNCHRONIZE, "semaphore.locked-at-zero", subtle=True)
def locked_if_anybody_inside(synchronize):
    """A semaphore is locked as soon as a seat is taken: the others stay empty."""

    def make(original):
        def locked(self):
            if isinstance(self, synchronize.Semaphore):
                return self._semlock._get_value() < 2
            return original(self)

        return locked

    replace(synchronize.SemLock, "locked", make)


@fault("semaphore.killed-holder-leaves", SYNCHRONIZE, "semaphore.killed-holder-keeps-slot")
def killed_holder_leaves(synchronize):
    """The seat of a process that was killed comes free: what it did by halves meets the next."""
    import weakref
    from multiprocessing import process

    made: weakref.WeakSet[object] = weakref.WeakSet()

    def init(original):
        def init_and_note(self, value=1, *, ctx):
            original(self, value, ctx=ctx)
            if value > 1:
                made.add(self)

        return init_and_note

    def kill(original):
        def kill_and_release(self):
            original(self)
            for semaphore in made:
                semaphore.release()

        return kill_and_release

    replace(synchronize.Semaphore, "__init__", init)
    replace(process.BaseProcess, "kill", kill)


@fault(
    "semaphore.release-takes-a-count", SYNCHRONIZE, "semaphore.release-takes-no-count", subtle=True
)
def release_takes_a_count(synchronize):
    """release takes a number, as in threading: code comes to rely on what others do not have."""

    def release(self, n=1):
        for _ in range(n):
            self._semlock.release()

    with_methods(synchronize.Semaphore, release=release)


@fault(
    "semaphore.refused-count-is-added", SYNCHRONIZE, "semaphore.release-takes-no-count", subtle=True
)
def refused_count_is_added(synchronize):
    """release(2) raises TypeError after it has given a seat back."""

    def release(self, *args, **kwargs):
        self._semlock.release()
        if args or kwargs:
            raise TypeError("release() takes no arguments")

    with_methods(synchronize.Semaphore, release=release)


@fault("semaphore.negative-is-zero", SYNCHRONIZE, "semaphore.negative-start-refused", subtle=True)
def negative_is_zero(synchronize):
    """A negative number of seats is none: a mistake in a sum becomes a wait for ever."""
    replace(
        synchronize.Semaphore,
        "__init__",
        lambda init: lambda self, value=1, *, ctx: init(self, max(value, 0), ctx=ctx),
    )


@fault(
    "semaphore.negative-is-value-error",
    SYNCHRONIZE,
    "semaphore.negative-start-refused",
    subtle=True,
)
def negative_is_value_error(synchronize):
    """A negative bound raises what threading raises: who catches OSError is surprised."""

    def init(original):
        def init_checked(self, value=1, *, ctx):
            if value < 0:
                raise ValueError("semaphore initial value must be >= 0")
            original(self, value, ctx=ctx)

        return init_checked

    replace(synchronize.BoundedSemaphore, "__init__", init)


@fault(
    "semaphore.negative-waits-for-ever",
    SYNCHRONIZE,
    "semaphore.acquire-follows-lock-rules",
    subtle=True,
)
def negative_waits_for_ever(synchronize):
    """A BoundedSemaphore takes a time-out of -1 for "for ever", unlike all others."""

    def make(acquire):
        def acquire_unlike(block=True, timeout=None):
            return acquire(block, None if timeout == -1 else timeout)

        return acquire_unlike

    with_acquire(synchronize.BoundedSemaphore, make)


@fault(
    "semaphore.time-out-refused", SYNCHRONIZE, "semaphore.acquire-follows-lock-rules", subtle=True
)
def time_out_refused(synchronize):
    """A Semaphore refuses a time-out with block=False, as threading's does."""

    def make(acquire):
        def acquire_as_in_threading(block=True, timeout=None):
            if not block and timeout is not None:
                raise ValueError("can't specify timeout for non-blocking acquire")
            return acquire(block, timeout)

        return acquire_as_in_threading

    with_acquire(synchronize.Semaphore, make)


def swapped(original):
    """The two things that a repr tells, the other way about."""

    def look(self):
        name, _, rest = original(self).partition("(")
        first, _, second = rest.removesuffix(")>").partition(", ")
        return f"{name}({second}, {first})>"

    return look


@fault("semaphore.repr-swaps-owner", SYNCHRONIZE, "semaphore.repr-shows-value", subtle=True)
def repr_swaps_owner(synchronize):
    """The repr of an RLock tells its count in the place of its owner."""
    replace(synchronize.RLock, "__repr__", swapped)


@fault("semaphore.repr-swaps-bound", SYNCHRONIZE, "semaphore.repr-shows-value", subtle=True)
def repr_swaps_bound(synchronize):
    """The repr of a BoundedSemaphore tells its bound as its value."""

    def look(self):
        value, bound = self._semlock.maxvalue, self._semlock._get_value()
        return f"<{type(self).__name__}(value={value}, maxvalue={bound})>"

    replace(synchronize.BoundedSemaphore, "__repr__", lambda _: look)


@fault("semaphore.repr-counts-those-inside", SYNCHRONIZE, "semaphore.repr-shows-value", subtle=True)
def repr_counts_those_inside(synchronize):
    """The repr of a Semaphore tells how many seats this process has taken, not the free ones."""
    replace(
        synchronize.Semaphore,
        "__repr__",
        lambda _: lambda self: f"<{type(self).__name__}(value={self._semlock._count()})>",
    )


@fault(
    "semaphore.repr-takes-thread-for-process",
    SYNCHRONIZE,
    "semaphore.repr-shows-value",
    subtle=True,
)
def repr_takes_thread_for_process(synchronize):
    """The repr of a Lock that another thread of this process holds blames another process."""
    replace(
        synchronize.Lock,
        "__repr__",
        lambda original: lambda self: original(self).replace("OtherThread", "OtherProcess"),
    )
