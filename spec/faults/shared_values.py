"""Faults of values in shared memory."""

from spec.faults import fault, replace


class NoLock:
    """A lock that is always free."""

    def acquire(self, block=True, timeout=None):
        return True

    def release(self):
        """Do nothing."""

    __enter__ = acquire

    def __exit__(self, *_):
        """Do nothing."""


@fault("sharedctypes.SynchronizedBase.get_lock", "value.locked-increments-are-exact", crude=True)
def lock_excludes_no_process(original, self):
    """get_lock() returns a lock that excludes no process: increments get lost."""
    return NoLock()


@fault("sharedctypes.SynchronizedBase.__init__", "value.wrapper-gives-object-and-lock")
def acquire_and_release_swapped(original, self, *args, **kwargs):
    """acquire() of a value releases its lock, and release() acquires it."""
    original(self, *args, **kwargs)
    self.acquire, self.release = self.release, self.acquire


@fault("sharedctypes", "value.wrapper-gives-object-and-lock")
def with_takes_no_lock(sharedctypes):
    """A with block around a value does not hold its lock."""
    replace(sharedctypes.SynchronizedBase, "__enter__", lambda original, self: True)
    replace(sharedctypes.SynchronizedBase, "__exit__", lambda original, self, *_: None)
