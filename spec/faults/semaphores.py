"""What can go wrong with a semaphore."""

from spec.faults import fault, replace

SYNCHRONIZE = "multiprocessing.synchronize"
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
