"""Faults of RLocks."""

from spec.faults import fault, replace

# Semaphores that stay open: the end of such an object would close the one that it was made from.
KEPT: list[object] = []


@fault("synchronize.RLock.acquire", "lock.rlock-owner-may-reenter", crude=True)
def is_not_recursive(original, self, block=True, timeout=None):
    """The owner of an RLock cannot acquire it again, so a recursive function blocks forever."""
    return not self._semlock._is_mine() and original(self, block, timeout)


@fault("synchronize.RLock.release", "lock.rlock-owner-may-reenter")
def first_release_frees(original, self):
    """The first release() frees the RLock, however often it was acquired."""
    original(self)
    while self._semlock._is_mine():
        original(self)


@fault("synchronize", "lock.rlock-owner-may-reenter")
def frees_one_too_early(synchronize):
    """An RLock that was acquired more than twice is free one release() too early."""

    def acquire(original, self, block=True, timeout=None):
        acquired = original(self, block, timeout)
        if self._semlock._count() > 2:
            self.deep = True
        return acquired

    def release(original, self):
        original(self)
        if self._semlock._count() == 1 and vars(self).pop("deep", False):
            original(self)

    replace(synchronize.RLock, "acquire", acquire)
    replace(synchronize.RLock, "release", release)


@fault("synchronize.RLock.__exit__", "lock.rlock-owner-may-reenter")
def with_frees_completely(original, self, *args):
    """The end of a with block frees the RLock, even if its owner had acquired it before."""
    while self._semlock._is_mine():
        original(self, *args)


@fault("synchronize.RLock.acquire", "lock.rlock-owner-is-one-thread")
def process_is_owner(original, self, block=True, timeout=None):
    """Every thread of the owner's process can acquire the RLock."""
    return self._semlock._count() > 0 or original(self, block, timeout)


@fault(
    "synchronize",
    "lock.rlock-owner-is-one-thread",
    "lock.rlock-release-needs-owner",
    only=("fork",),
)
def fork_inherits_ownership(synchronize):
    """A child that is forked by the owner of an RLock owns it too."""
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
def refusal_is_runtime_error(original, self):
    """Releasing an RLock without owning it raises RuntimeError, as in threading."""
    try:
        original(self)
    except AssertionError as error:
        raise RuntimeError(*error.args) from None


@fault("synchronize.RLock.release", "lock.rlock-release-needs-owner")
def extra_release_is_ignored(original, self):
    """Releasing a free RLock is silently ignored, so the mistake is not found."""
    if self._semlock._is_zero():
        original(self)


@fault("synchronize.RLock.release", "lock.rlock-release-needs-owner")
def refused_release_frees(original, self):
    """Releasing an RLock without owning it raises AssertionError and frees it nevertheless."""
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


@fault("synchronize", "lock.rlock-with-and-acquire-exclude", "lock.rlock-owner-may-reenter")
def with_does_nothing(synchronize):
    """A with block neither acquires nor releases the RLock, although acquire() does."""
    replace(synchronize.RLock, "__enter__", lambda original, self: True, for_users=True)
    replace(synchronize.RLock, "__exit__", lambda original, self, *args: None, for_users=True)


@fault("synchronize", "lock.rlock-with-and-acquire-exclude")
def with_does_not_wait(synchronize):
    """A with block begins even if another process owns the RLock."""

    def leave(original, self, *args):
        if self._semlock._is_mine():
            original(self, *args)

    def enter(original, self):
        return self._semlock.acquire(False) or True

    replace(synchronize.RLock, "__enter__", enter, for_users=True)
    replace(synchronize.RLock, "__exit__", leave, for_users=True)


@fault("synchronize.RLock.__exit__", "lock.rlock-with-releases-on-exception", for_users=True)
def error_frees_completely(original, self, kind, *args):
    """A with block that an exception leaves frees the RLock, even if it was owned before."""
    original(self, kind, *args)
    while kind and self._semlock._is_mine():
        original(self, kind, *args)


@fault("synchronize.RLock.locked", "rlock.locked-until-last-release")
def locked_if_acquired_twice(original, self):
    """locked() returns False in the owner as soon as one release() frees the lock."""
    return original(self) and self._semlock._count() != 1


@fault("synchronize.RLock.locked", "rlock.locked-until-last-release")
def locked_ignores_other_owners(original, self):
    """locked() returns True only in the thread that owns the RLock."""
    return self._semlock._is_mine()
