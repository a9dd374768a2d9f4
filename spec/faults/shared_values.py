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


@fault("value.lock-excludes-nobody", SHAREDCTYPES, "value.locked-increments-are-exact")
def lock_excludes_nobody(sharedctypes):
    """The lock of a value is none: of two increments at the same time one is lost."""
    replace(sharedctypes.SynchronizedBase, "get_lock", lambda original: lambda self: NoLock())


@fault(
    "value.acquire-and-release-swapped",
    SHAREDCTYPES,
    "value.wrapper-gives-object-and-lock",
    subtle=True,
)
def acquire_and_release_swapped(sharedctypes):
    """A value's acquire releases its lock: right only for those who use with."""

    def init(original):
        def init_swapped(self, *args, **kwargs):
            original(self, *args, **kwargs)
            self.acquire, self.release = self.release, self.acquire

        return init_swapped

    replace(sharedctypes.SynchronizedBase, "__init__", init)


@fault(
    "value.with-takes-another-lock",
    SHAREDCTYPES,
    "value.wrapper-gives-object-and-lock",
    subtle=True,
)
def with_takes_another_lock(sharedctypes):
    """A with block around a value holds a lock of its own: it excludes no get_lock()."""
    replace(sharedctypes.SynchronizedBase, "__enter__", lambda original: lambda self: True)
    replace(sharedctypes.SynchronizedBase, "__exit__", lambda original: lambda self, *_: None)
