"""What can go wrong with a lock that its owner may take again."""

from spec.faults import fault, replace
from spec.faults.locks import SYNCHRONIZE, with_acquire, with_methods


@fault("rlock.is-a-lock", SYNCHRONIZE, "lock.rlock-owner-may-reenter")
def is_a_lock(synchronize):
    """An RLock cannot be taken again: a function that calls itself waits for itself."""

    def make(acquire):
        lock = acquire.__self__
        return lambda block=True, timeout=None: not lock._is_mine() and acquire(block, timeout)

    with_acquire(synchronize.RLock, make)


@fault("rlock.first-release-frees", SYNCHRONIZE, "lock.rlock-owner-may-reenter", subtle=True)
def first_release_frees(synchronize):
    """The first release frees the lock, however often it was taken."""

    def release(self):
        self._semlock.release()
        while self._semlock._is_mine():
            self._semlock.release()

    with_methods(synchronize.RLock, release=release)


@fault("rlock.frees-one-too-early", SYNCHRONIZE, "lock.rlock-owner-may-reenter", subtle=True)
def frees_one_too_early(synchronize):
    """A lock that was taken more than twice is free one release too early."""

    def release(self):
        self._semlock.release()
        if self._semlock._count() == 1 and vars(self).pop("deep", False):
            self._semlock.release()

    def make(original):
        def make_methods(self):
            original(self)
            acquire = self._semlock.acquire

            def acquire_and_count(block=True, timeout=None):
                admitted = acquire(block, timeout)
                if self._semlock._count() > 2:
                    self.deep = True
                return admitted

            self.acquire = acquire_and_count
            self.release = release.__get__(self)

        return make_methods

    replace(synchronize.RLock, "_make_methods", make)


@fault("rlock.with-does-not-count", SYNCHRONIZE, "lock.rlock-owner-may-reenter", subtle=True)
def with_does_not_count(synchronize):
    """The end of a with block frees the lock altogether, also for who had it before."""

    def leave(original):
        def leave_altogether(self, *args):
            while self._semlock._is_mine():
                original(self, *args)

        return leave_altogether

    replace(synchronize.RLock, "__exit__", leave)


@fault("rlock.process-is-owner", SYNCHRONIZE, "lock.rlock-owner-is-one-thread", subtle=True)
def process_is_owner(synchronize):
    """All threads of the owner's process get in: they are not kept apart."""

    def make(acquire):
        lock = acquire.__self__

        def acquire_as_process(block=True, timeout=None):
            return lock._count() > 0 or acquire(block, timeout)

        return acquire_as_process

    with_acquire(synchronize.RLock, make)


@fault(
    "rlock.fork-inherits-ownership",
    SYNCHRONIZE,
    "lock.rlock-owner-is-one-thread",
    "lock.rlock-release-needs-owner",
    only=("fork",),
    subtle=True,
)
def fork_inherits_ownership(synchronize):
    """A process forked by the owner takes itself for the owner: both are inside."""
    from multiprocessing import util

    def init(original):
        def init_unwatched(self, *, ctx):
            register = util.register_after_fork
            util.register_after_fork = lambda *args: None
            try:
                original(self, ctx=ctx)
            finally:
                util.register_after_fork = register

        return init_unwatched

    replace(synchronize.RLock, "__init__", init)


def with_release(synchronize, refuse):
    """Have the release of an RLock that is not one's own do what ``refuse(lock, error)`` does."""

    def release(self):
        try:
            self._semlock.release()
        except AssertionError as error:
            refuse(self, error)

    with_methods(synchronize.RLock, release=release)


@fault("rlock.release-is-runtime-error", SYNCHRONIZE, "lock.rlock-release-needs-owner")
def release_is_runtime_error(synchronize):
    """To release another's RLock raises what threading raises, not what is documented."""

    def refuse(lock, error):
        raise RuntimeError(*error.args)

    with_release(synchronize, refuse)


@fault(
    "rlock.release-too-many-is-ignored", SYNCHRONIZE, "lock.rlock-release-needs-owner", subtle=True
)
def release_too_many_is_ignored(synchronize):
    """To release an RLock that is free does nothing: who has lost count never hears of it."""

    def refuse(lock, error):
        if lock._semlock._is_zero():
            raise error

    with_release(synchronize, refuse)


@fault(
    "rlock.release-refuses-and-frees", SYNCHRONIZE, "lock.rlock-release-needs-owner", subtle=True
)
def release_refuses_and_frees(synchronize):
    """To release another's RLock raises the right error, and frees the lock all the same."""
    kept = []  # at its end it would close the semaphore, which is another's

    def refuse(lock, error):
        semlock = lock._semlock
        if semlock._is_zero():
            plain = type(semlock)._rebuild(semlock.handle, synchronize.SEMAPHORE, 1, semlock.name)
            plain.release()
            kept.append(plain)
        raise error

    with_release(synchronize, refuse)
