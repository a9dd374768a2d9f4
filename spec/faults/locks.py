"""What can go wrong with a lock."""

import os
import tempfile

from spec.faults import fault, replace

SYNCHRONIZE = "multiprocessing.synchronize"


def with_methods(lock_class, **methods):
    """Have each new lock, in whichever process, use other methods for acquire and release."""

    def make(original):
        def make_methods(self):
            original(self)
            for name, method in methods.items():
                setattr(self, name, method.__get__(self))

        return make_methods

    replace(lock_class, "_make_methods", make)


@fault(
    "lock.excludes-nobody",
    SYNCHRONIZE,
    "lock.with-and-acquire-both-exclude",
    "lock.read-modify-write-is-exact",
    "lock.per-process-lock-excludes-nobody",
    "lock.with-releases-on-exception",
)
def excludes_nobody(synchronize):
    """Everybody gets the lock: what it was to protect is torn."""
    with_methods(
        synchronize.Lock,
        acquire=lambda self, block=True, timeout=None: True,
        release=lambda self: None,
    )
    replace(synchronize.Lock, "__enter__", lambda original: lambda self: True)
    replace(synchronize.Lock, "__exit__", lambda original: lambda self, *args: None)


@fault(
    "lock.with-does-not-lock",
    SYNCHRONIZE,
    "lock.with-and-acquire-both-exclude",
    "lock.read-modify-write-is-exact",
    "lock.per-process-lock-excludes-nobody",
    subtle=True,
)
def with_does_not_lock(synchronize):
    """A with block does not take the lock; acquire and release do."""
    replace(synchronize.Lock, "__enter__", lambda original: lambda self: True)
    replace(synchronize.Lock, "__exit__", lambda original: lambda self, *args: None)


@fault(
    "lock.first-acquire-is-free",
    SYNCHRONIZE,
    "lock.with-and-acquire-both-exclude",
    "lock.with-releases-on-exception",
    subtle=True,
)
def first_acquire_is_free(synchronize):
    """A process's first acquire succeeds whoever holds the lock: only later ones wait."""

    def acquire(self, block=True, timeout=None):
        if not vars(self).get("asked"):
            self.asked = True
            self._semlock.acquire(False)
            return True
        return self._semlock.acquire(block, timeout)

    def release(self):
        if self._semlock._is_zero():
            self._semlock.release()

    with_methods(synchronize.Lock, acquire=acquire, release=release)


@fault(
    "lock.never-comes-free",
    SYNCHRONIZE,
    "lock.with-and-acquire-both-exclude",
    "lock.read-modify-write-is-exact",
    "lock.order-is-free",
    "lock.with-releases-on-exception",
)
def never_comes_free(synchronize):
    """release has no effect: whoever asks second waits for ever."""
    with_methods(synchronize.Lock, release=lambda self: None)
    replace(synchronize.Lock, "__exit__", lambda original: lambda self, *args: None)


@fault("lock.younger-wait-for-elder", SYNCHRONIZE, "lock.order-is-free", subtle=True)
def younger_wait_for_elder(synchronize):
    """A process started later gets the lock only after one started before has had it."""

    def enter(original):
        def enter_in_turn(self):
            from multiprocessing.process import current_process

            path = os.path.join(tempfile.gettempdir(), "elder-was-here")
            number = current_process()._identity[-1] if current_process()._identity else 1
            if number % 2:
                open(path, "w").close()
            while not os.path.exists(path):
                pass
            return original(self)

        return enter_in_turn

    replace(synchronize.Lock, "__enter__", enter)


@fault("lock.all-are-one", SYNCHRONIZE, "lock.per-process-lock-excludes-nobody")
def all_are_one(synchronize):
    """All locks are one lock: a program with two of them waits for itself."""
    import fcntl

    def path():
        return os.path.join(os.environ.get("SPEC_RUN_FOLDER", tempfile.gettempdir()), "the-lock")

    def enter(_):
        def enter_one(self):
            self.file = open(path(), "w")
            fcntl.flock(self.file, fcntl.LOCK_EX)
            return True

        return enter_one

    replace(synchronize.Lock, "__enter__", enter)
    replace(synchronize.Lock, "__exit__", lambda original: lambda self, *args: self.file.close())


@fault("lock.with-keeps-it-on-error", SYNCHRONIZE, "lock.with-releases-on-exception", subtle=True)
def with_keeps_it_on_error(synchronize):
    """A with block that is left by an exception leaves the lock held."""
    replace(
        synchronize.Lock,
        "__exit__",
        lambda original: lambda self, kind, *args: None if kind else original(self, kind, *args),
    )


@fault("lock.with-keeps-it-on-exit", SYNCHRONIZE, "lock.with-releases-on-exception", subtle=True)
def with_keeps_it_on_exit(synchronize):
    """A with block that is left by sys.exit leaves the lock held; by an error it does not."""

    def leave(original):
        def leave_unless_exit(self, kind, *args):
            if kind is None or issubclass(kind, Exception):
                original(self, kind, *args)

        return leave_unless_exit

    replace(synchronize.Lock, "__exit__", leave)


@fault("lock.with-swallows-errors", SYNCHRONIZE, "lock.with-releases-on-exception", subtle=True)
def with_swallows_errors(synchronize):
    """A with block swallows what is raised inside: the error never comes to light."""

    def leave(original):
        def leave_in_silence(self, *args):
            original(self, *args)
            return True

        return leave_in_silence

    replace(synchronize.Lock, "__exit__", leave)


@fault("lock.threads-lock-is-for-all", "threading", "lock.threading-lock-excludes-no-process")
def threads_lock_is_for_all(threading):
    """threading.Lock excludes other processes too: a forked child waits for its parent."""
    import fcntl

    def make(original):
        class SharedLock:
            def __init__(self, path=None):
                self.path = path or tempfile.mkstemp()[1]
                self.inner = original()

            def __reduce__(self):
                return threading.Lock, (self.path,)

            def acquire(self, *args):
                got = self.inner.acquire(*args)
                if got:
                    self.file = open(self.path, "w")
                    fcntl.flock(self.file, fcntl.LOCK_EX)
                return got

            def release(self):
                self.file.close()
                self.inner.release()

            def __enter__(self):
                return self.acquire()

            def __exit__(self, *args):
                self.release()

        return SharedLock

    replace(threading, "Lock", make)
