"""Faults of locks."""

import contextlib
import os
import tempfile
import time
import weakref

from spec.faults import fault, replace

WITH = (
    "lock.with-releases-on-exception",
    "lock.rlock-with-releases-on-exception",
    "semaphore.with-releases-on-exception",
)


@fault(
    "synchronize",
    "lock.with-and-acquire-both-exclude",
    "lock.read-modify-write-is-exact",
    "lock.per-process-lock-excludes-nobody",
    "lock.with-releases-on-exception",
    crude=True,
)
def excludes_nobody(synchronize):
    """Every process gets the lock at once, so shared data is corrupted."""
    for name in ("acquire", "__enter__"):
        replace(synchronize.Lock, name, lambda original, self, *args, **kwargs: True)
    for name in ("release", "__exit__"):
        replace(synchronize.Lock, name, lambda original, self, *args: None)


@fault(
    "synchronize",
    "lock.with-and-acquire-both-exclude",
    "lock.read-modify-write-is-exact",
    "lock.per-process-lock-excludes-nobody",
)
def with_does_not_lock(synchronize):
    """A with block does not acquire the lock, although acquire() does."""
    replace(synchronize.Lock, "__enter__", lambda original, self: True)
    replace(synchronize.Lock, "__exit__", lambda original, self, *args: None)


@fault("synchronize", "lock.with-and-acquire-both-exclude", "lock.with-releases-on-exception")
def first_acquire_is_free(synchronize):
    """The first acquire() in each process succeeds even if the lock is held; later calls block."""

    def acquire(original, self, block=True, timeout=None):
        if not vars(self).get("asked"):
            self.asked = True
            original(self, False)
            return True
        return original(self, block, timeout)

    def release(original, self):
        if self._semlock._is_zero():
            original(self)

    replace(synchronize.Lock, "acquire", acquire)
    replace(synchronize.Lock, "release", release)


@fault(
    "synchronize",
    "lock.with-and-acquire-both-exclude",
    "lock.read-modify-write-is-exact",
    "lock.order-is-free",
    "lock.with-releases-on-exception",
    crude=True,
)
def release_does_nothing(synchronize):
    """Releasing a lock has no effect, so the second process blocks forever."""
    for name in ("release", "__exit__"):
        replace(synchronize.Lock, name, lambda original, self, *args: None)


@fault("synchronize", "lock.order-is-free")
def order_of_start_counts(synchronize):
    """A process gets the lock only when each process that was started before it has had it."""
    from multiprocessing import process

    def mark(number):
        return os.path.join(tempfile.gettempdir(), f"has-not-had-it-{number}")

    def remove(number):
        with contextlib.suppress(OSError):
            os.unlink(mark(number))

    def start(original, self):
        open(mark(self._identity[-1]), "w").close()
        original(self)

    def bootstrap(original, self, *args, **kwargs):
        try:
            return original(self, *args, **kwargs)
        finally:
            remove(self._identity[-1])

    def enter(original, self):
        number = (process.current_process()._identity or (0,))[-1]
        while any(os.path.exists(mark(earlier)) for earlier in range(number)):
            time.sleep(0.001)
        answer = original(self)
        remove(number)
        return answer

    replace(process.BaseProcess, "start", start)
    replace(process.BaseProcess, "_bootstrap", bootstrap)
    replace(synchronize.Lock, "__enter__", enter)


@fault("synchronize", "lock.per-process-lock-excludes-nobody", crude=True)
def all_are_one(synchronize):
    """All locks are the same lock, so a program that uses two of them blocks itself."""
    import fcntl

    def path():
        return os.path.join(os.environ.get("SPEC_RUN_FOLDER", tempfile.gettempdir()), "the-lock")

    def lock_file(original, self):
        self.file = open(path(), "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return True

    replace(synchronize.Lock, "__enter__", lock_file)
    replace(synchronize.Lock, "__exit__", lambda original, self, *args: self.file.close())


@fault("synchronize.SemLock.__exit__", *WITH, for_users=True)
def with_stays_held_on_error(original, self, kind, *args):
    """A with block that an exception leaves does not release the lock."""
    return None if kind else original(self, kind, *args)


@fault("synchronize.SemLock.__exit__", *WITH, for_users=True)
def with_stays_held_on_exit(original, self, kind, *args):
    """A with block that sys.exit() leaves does not release the lock."""
    if kind is None or issubclass(kind, Exception):
        original(self, kind, *args)


@fault("synchronize.Lock.__exit__", "lock.with-releases-on-exception")
def with_hides_errors(original, self, *args):
    """A with block suppresses every exception that is raised inside it."""
    original(self, *args)
    return True


@fault("threading", "lock.threading-lock-excludes-no-process", crude=True)
def threads_share_it_with_processes(threading):
    """A threading.Lock excludes other processes too, so a forked child waits for its parent."""
    import fcntl

    original = threading.Lock

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

        def locked(self):
            return self.inner.locked()

        def release(self):
            self.file.close()
            self.inner.release()

        def _at_fork_reinit(self):  # the standard library asks for it
            self.inner = original()

        def __enter__(self):
            return self.acquire()

        def __exit__(self, *args):
            self.release()

    SharedLock.__module__, SharedLock.__qualname__ = "threading", "Lock"  # it is pickled by name
    threading.Lock = SharedLock


@fault("synchronize", "lock.global-shared-under-fork")
def globals_are_copied(synchronize):
    """A forked child shares only the locks that it receives as arguments; a global lock is new."""
    from multiprocessing import process, util

    def is_an_argument(lock):
        known: set[int] = set()
        ahead = [process.current_process()._args]
        while ahead:
            each = ahead.pop()
            if isinstance(each, tuple | list):
                ahead += each
            elif type(each).__module__.startswith("multiprocessing") and id(each) not in known:
                known.add(id(each))
                ahead += vars(each).values()
            if each is lock:
                return True
        return False

    def detach(lock):
        if not is_an_argument(lock):
            fresh = synchronize.Lock(ctx=None)
            lock._semlock = fresh._semlock
            lock._make_methods()

    def init_and_watch(original, self, *, ctx):
        original(self, ctx=ctx)
        util.register_after_fork(self, detach)

    replace(synchronize.Lock, "__init__", init_and_watch)


@fault("synchronize.Lock.acquire", "lock.not-recursive")
def is_recursive(original, self, block=True, timeout=None):
    """The holder of a Lock can acquire it again, and the first release() frees it."""
    return self._semlock._is_mine() or original(self, block, timeout)


def release_if(allowed, release, lock):
    """Release a lock, or raise ValueError if it is held and that is not ``allowed``."""
    if lock._semlock._is_zero() and not allowed:
        raise ValueError("not yours")
    release(lock)


@fault("synchronize.Lock.release", "lock.anyone-may-release", crude=True)
def only_its_thread_releases(original, self):
    """Only the thread that acquired the lock may release it."""
    release_if(self._semlock._is_mine(), original, self)


@fault("synchronize.Lock.release", "lock.anyone-may-release")
def only_its_process_releases(original, self):
    """Only the process that acquired the lock may release it, with any of its threads."""
    release_if(self._semlock._count() > 0, original, self)


@fault("synchronize.Lock.release", "lock.anyone-may-release")
def children_cannot_release(original, self):
    """A child's release() of a lock that its parent acquired has no effect."""
    from multiprocessing.process import parent_process

    if parent_process() is None or self._semlock._count() > 0 or not self._semlock._is_zero():
        original(self)


@fault("synchronize.Lock.__init__", "lock.releasing-unlocked-fails", crude=True)
def extra_release_counts(original, self, *, ctx):
    """After a release() too many, two processes can hold the lock."""
    from multiprocessing import synchronize

    return synchronize.SemLock.__init__(self, synchronize.SEMAPHORE, 1, 1000, ctx=ctx)


@fault(
    "synchronize.Lock.__setstate__", "lock.releasing-unlocked-fails", only=("spawn", "forkserver")
)
def extra_release_counts_if_unpickled(original, self, state):
    """After a release() too many of an unpickled lock, two processes can hold it."""
    return original(self, (*state[:2], 1000, state[3]))


@fault("synchronize.Lock.release", "lock.releasing-unlocked-fails", crude=True)
def extra_release_raises_runtime_error(original, self):
    """Releasing a free lock raises RuntimeError, as in threading, and not ValueError."""
    try:
        original(self)
    except ValueError as error:
        raise RuntimeError(*error.args) from None


@fault("synchronize.Lock.release", "lock.releasing-unlocked-fails")
def extra_release_is_ignored(original, self):
    """Releasing a free lock is silently ignored, so the mistake is not found."""
    if self._semlock._is_zero():
        original(self)


@fault("synchronize.SemLock.locked", "lock.locked-tells-if-held")
def locked_only_for_holder(original, self):
    """locked() returns True only in the thread that holds the lock."""
    return self._semlock._is_mine()


@fault("synchronize.SemLock.locked", "lock.locked-tells-if-held")
def locked_ignores_own_lock(original, self):
    """locked() returns False in the thread that holds the lock."""
    return original(self) and not self._semlock._is_mine()


@fault("context", "lock.factory-not-class")
def is_a_class(context):
    """Lock is a class, but no lock is an instance of it: isinstance() is always False."""
    create = context.BaseContext.Lock

    def lock_class(self):
        return type("Lock", (), {"__new__": lambda cls: create(self)})

    context.BaseContext.Lock = property(lock_class)


@fault("synchronize.RLock.__enter__", "lock.factory-not-class")
def with_binds_the_lock(original, self):
    """The name after "with lock as" is bound to the lock, and not to True."""
    return original(self) and self


@fault("synchronize", "lock.excludes-threads-too", "semaphore.threads-count-too")
def threads_get_in(synchronize):
    """A thread gets a lock or semaphore that another thread of its process holds."""
    import threading

    guests = set()

    def acquire(original, self, block=True, timeout=None):
        if original(self, False):
            return True
        if self._semlock._count() > 0 and not self._semlock._is_mine():
            guests.add((id(self), threading.get_ident()))
            return True
        return original(self, block, timeout)

    def release(original, self):
        guest = (id(self), threading.get_ident())
        if guest in guests:
            guests.remove(guest)
        else:
            original(self)

    replace(synchronize.SemLock, "acquire", acquire, for_users=True)
    replace(synchronize.SemLock, "release", release, for_users=True)


@fault(
    "synchronize.SemLock.__enter__",
    "lock.excludes-threads-too",
    "lock.rlock-with-and-acquire-exclude",
    for_users=True,
)
def with_lets_threads_in(original, self):
    """A with block does not wait for a Lock that another thread of its process holds."""
    if self._semlock._count() > 0 and not self._semlock._is_mine():
        return True
    return original(self)


@fault("synchronize", "lock.with-and-acquire-both-exclude")
def release_lets_in_all(synchronize):
    """A release() lets in all processes that wait: of three, two are inside at once."""
    import threading

    def folder():
        return os.environ.get("SPEC_RUN_FOLDER", tempfile.gettempdir())

    def name_of(lock):
        return f"waits-{lock._semlock.name or lock._semlock.handle}".replace("/", "")

    def acquire(original, self, block=True, timeout=None):
        if original(self, False):
            return True
        if not block:
            return False
        mark = os.path.join(folder(), f"{name_of(self)}-{os.getpid()}-{threading.get_ident()}")
        open(mark, "w").close()
        try:
            return original(self, block, timeout)
        finally:
            os.unlink(mark)

    def release(original, self):
        waiting = [name for name in os.listdir(folder()) if name.startswith(f"{name_of(self)}-")]
        for _ in range(max(1, len(waiting))):
            original(self)

    def init(original, self, *, ctx):
        synchronize.SemLock.__init__(self, synchronize.SEMAPHORE, 1, 9, ctx=ctx)

    replace(synchronize.Lock, "__init__", init)
    replace(synchronize.Lock, "acquire", acquire)
    replace(synchronize.Lock, "release", release)
    replace(synchronize.Lock, "__enter__", lambda original, self: self.acquire())
    replace(synchronize.Lock, "__exit__", lambda original, self, *args: self.release())


@fault("synchronize.SemLock.__init__", "lock.outlives-creators-reference")
def dropping_releases(original, self, *args, **kwargs):
    """A lock is released when its creator drops it, even if another process holds it."""
    original(self, *args, **kwargs)
    if type(self).__name__ == "Lock":
        weakref.finalize(self, release_if_held, self._semlock, os.getpid())


def release_if_held(semlock, creator):
    """Release what is held, in the process that has created it."""
    if os.getpid() == creator and semlock._is_zero():
        semlock.release()


@fault(
    "synchronize.SemLock.__setstate__",
    "lock.outlives-creators-reference",
    only=("forkserver", "spawn"),
)
def opened_at_first_use(original, self, state):
    """A child opens a lock at its first use: that fails if its creator has dropped it by then."""
    if type(self).__name__ != "Semaphore":
        original(self, state)
        return

    class Unopened:
        def __getattr__(opening, name):
            original(self, state)
            return getattr(self._semlock, name)

    self._semlock = Unopened()
    self._is_fork_ctx = False
    self.acquire = lambda *args, **kwargs: self._semlock.acquire(*args, **kwargs)
    self.release = lambda: self._semlock.release()
