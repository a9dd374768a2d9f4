"""What can go wrong with a semaphore."""

from spec.faults import fault, replace


@fault("semaphore.one-seat-too-many", "multiprocessing.synchronize", "semaphore.at-most-two")
def one_seat_too_many(synchronize):
    """A Semaphore(n) seats n + 1: what was to be protected from the third gets a third."""
    replace(
        synchronize.Semaphore,
        "__init__",
        lambda init: lambda self, value=1, *, ctx: init(self, value + 1, ctx=ctx),
    )
