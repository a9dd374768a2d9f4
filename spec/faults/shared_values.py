"""What can go wrong with values in shared memory."""

from spec.faults import fault, replace

SHAREDCTYPES = "multiprocessing.sharedctypes"


class NoLock:
    """Is always free."""

    def acquire(self, block=True, timeout=None):
        return True

    def release(self):
        """There is nothing to release."""

    __enter__ = acquire

    def __exit__(self, *_):
        """There is nothing to release."""


@fault("sharedctypes.SynchronizedBase.get_lock", "value.locked-increments-are-exact", crude=True)
def lock_excludes_nobody(original, self):
    """The lock of a value is none: of two increments at the same time one is lost."""
    return NoLock()


@fault("sharedctypes.SynchronizedBase.__init__", "value.wrapper-gives-object-and-lock")
def acquire_and_release_swapped(original, self, *args, **kwargs):
    """A value's acquire releases its lock: right only for those who use with."""
    original(self, *args, **kwargs)
    self.acquire, self.release = self.release, self.acquire


@fault("sharedctypes", "value.wrapper-gives-object-and-lock")
def with_takes_another_lock(sharedctypes):
    """A with block around a value holds a lock of its own: it excludes no get_lock()."""
    replace(sharedctypes.SynchronizedBase, "__enter__", lambda original, self: True)
    replace(sharedctypes.SynchronizedBase, "__exit__", lambda original, self, *_: None)
