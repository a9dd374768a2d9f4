"""What can go wrong with a lock that its owner may take again."""

from spec.faults import fault, replace

# At its end a semaphore of this module would close another's.
KEPT: list[object] = []


@fault("synchronize.RLock.acquire", "lock.rlock-owner-may-reenter", crude=True)
def is_a_lock(original, self, block=True, timeout=None):
    """An RLock cannot be taken again: a function that calls itself waits for itself."""
    return not self._semlock._is_mine() and original(self, block, timeout)


@fault("synchronize.RLock.release", "lock.rlock-owner-may-reenter")
def first_release_frees(original, self):
    """The first release frees the lock, however often it was taken."""
    self._semlock.release()
    while self._semlock._is_mine():
        self._semlock.release()


@fault("synchronize", "lock.rlock-owner-may-reenter")
def frees_one_too_early(synchronize):
    """A lock that was taken more than twice is free one release too early."""

    def acquire(original, self, block=True, timeout=None):
        admitted = original(self, block, timeout)
        if self._semlock._count() > 2:
            self.deep = True
        return admitted

    def release(original, self):
        original(self)
        if self._semlock._count() == 1 and vars(self).pop("deep", False):
            original(self)

    replace(synchronize.RLock, "acquire", acquire)
    replace(synchronize.RLock, "release", release)


@fault("synchronize.RLock.__exit__", "lock.rlock-owner-may-reenter")
def with_does_not_count(original, self, *args):
    """The end of a with block frees the lock altogether, also for who had it before."""
    while self._semlock._is_mine():
        original(self, *args)


@fault("synchronize.RLock.acquire", "lock.rlock-owner-is-one-thread")
def process_is_owner(original, self, block=True, timeout=None):
    """All threads of the owner's process get in: they are not kept apart."""
    return self._semlock._count() > 0 or original(self, block, timeout)


@fault(
    "synchronize",
    "lock.rlock-owner-is-one-thread",
    "lock.rlock-release-needs-owner",
    only=("fork",),
)
def fork_inherits_ownership(synchronize):
    """A process forked by the owner takes itself for the owner: both are inside."""
    from multiprocessing import util

    def init_unwatched(original, self, *, ctx):
        register = util.register_after_fork
        util.register_after_fork = lambda *args: None
        try:
            original(self, ctx=ctx)
        finally:
            util.register_after_fork = register

    replace(synchronize.RLock, "__init__", init_unwatched)


@fault("synchronize.RLock.release", "lock.rlock-release-needs-owner", crude=True)
def release_is_runtime_error(original, self):
    """To release another's RLock raises what threading raises, not what is documented."""
    try:
        original(self)
    except AssertionError as error:
        raise RuntimeError(*error.args) from None


@fault("synchronize.RLock.release", "lock.rlock-release-needs-owner")
def release_too_many_is_ignored(original, self):
    """To release an RLock that is free does nothing: who has lost count never hears of it."""
    if self._semlock._is_zero():
        original(self)


@fault("synchronize.RLock.release", "lock.rlock-release-needs-owner")
def release_refuses_and_frees(original, self):
    """To release another's RLock raises the right error, and frees the lock all the same."""
    from multiprocessing import synchronize

    try:
        original(self)
    except AssertionError:
        semlock = self._semlock
        if semlock._is_zero():
            plain = type(semlock)._rebuild(semlock.handle, synchronize.SEMAPHORE, 1, semlock.name)
            plain.release()
            KEPT.append(plain)
        raise
