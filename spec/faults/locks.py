"""What can go wrong with a lock."""

import os
import tempfile

from spec.faults import fault, replace

SYNCHRONIZE = "multiprocessing.synchronize"


def is_of_the_package(frame):
    """Whether a call comes from the package itself, whose own queues and events are to work."""
    return frame.f_globals["__name__"].startswith(("multiprocessing", "threading"))


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


def with_acquire(lock_class, make):
    """Have each new lock use ``make(acquire)`` in the place of its own acquire."""

    def make_methods(original):
        def make_methods(self):
            original(self)
            self.acquire = make(self.acquire)

        return make_methods

    replace(lock_class, "_make_methods", make_methods)


@fault("lock.globals-are-copied", SYNCHRONIZE, "lock.global-shared-under-fork", subtle=True)
def globals_are_copied(synchronize):
    """A forked child shares only the locks it is handed: a global one is a fresh one there."""
    from multiprocessing import process, util

    def handed_over(lock):
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
        if not handed_over(lock):
            fresh = synchronize.Lock(ctx=None)
            lock._semlock = fresh._semlock
            lock._make_methods()

    def init(original):
        def init_and_watch(self, *, ctx):
            original(self, ctx=ctx)
            util.register_after_fork(self, detach)

        return init_and_watch

    replace(synchronize.Lock, "__init__", init)


@fault("lock.owner-takes-it-again", SYNCHRONIZE, "lock.not-recursive", subtle=True)
def owner_takes_it_again(synchronize):
    """Who has the lock may take it again, and is rid of it after the first release."""

    def make(acquire):
        owner = acquire.__self__
        return lambda block=True, timeout=None: owner._is_mine() or acquire(block, timeout)

    with_acquire(synchronize.Lock, make)


def release_if(allowed):
    """A release that raises ValueError unless allowed, told the lock."""

    def release(self):
        if not self._semlock._is_zero() or allowed(self):
            self._semlock.release()
        else:
            raise ValueError("not yours")

    return release


@fault("lock.only-its-owner-releases", SYNCHRONIZE, "lock.anyone-may-release")
def only_its_owner_releases(synchronize):
    """Only the thread that has taken the lock may release it: no lock can be handed on."""
    with_methods(synchronize.Lock, release=release_if(lambda lock: lock._semlock._is_mine()))


@fault("lock.only-its-process-releases", SYNCHRONIZE, "lock.anyone-may-release", subtle=True)
def only_its_process_releases(synchronize):
    """Only the process that has taken the lock may release it, any thread of it."""
    with_methods(synchronize.Lock, release=release_if(lambda lock: lock._semlock._count() > 0))


@fault("lock.children-cannot-release", SYNCHRONIZE, "lock.anyone-may-release", subtle=True)
def children_cannot_release(synchronize):
    """What a parent has taken its child releases without effect; the other way about it works."""
    from multiprocessing.process import parent_process

    def release(self):
        if parent_process() is None or self._semlock._count() > 0 or not self._semlock._is_zero():
            self._semlock.release()

    with_methods(synchronize.Lock, release=release)


@fault("lock.free-twice", SYNCHRONIZE, "lock.releasing-unlocked-fails")
def free_twice(synchronize):
    """A lock that is released too often is free for two: both are inside."""
    replace(
        synchronize.Lock,
        "__init__",
        lambda original: (
            lambda self, *, ctx: synchronize.SemLock.__init__(
                self, synchronize.SEMAPHORE, 1, 1000, ctx=ctx
            )
        ),
    )


@fault(
    "lock.unpickled-free-twice",
    SYNCHRONIZE,
    "lock.releasing-unlocked-fails",
    only=("spawn", "forkserver"),
    subtle=True,
)
def unpickled_free_twice(synchronize):
    """A lock that came to a process by pickle can be released too often: then two are inside."""

    def setstate(original):
        return lambda self, state: original(self, (*state[:2], 1000, state[3]))

    replace(synchronize.Lock, "__setstate__", setstate)


@fault("lock.release-too-many-is-runtime-error", SYNCHRONIZE, "lock.releasing-unlocked-fails")
def release_too_many_is_runtime_error(synchronize):
    """To release a free lock raises what threading raises, not what is documented."""

    def release(self):
        try:
            self._semlock.release()
        except ValueError as error:
            raise RuntimeError(*error.args) from None

    with_methods(synchronize.Lock, release=release)


@fault(
    "lock.release-too-many-is-ignored", SYNCHRONIZE, "lock.releasing-unlocked-fails", subtle=True
)
def release_too_many_is_ignored(synchronize):
    """To release a free lock does nothing: a program that lost count never hears of it."""

    def release(self):
        if self._semlock._is_zero():
            self._semlock.release()

    with_methods(synchronize.Lock, release=release)


@fault("lock.locked-if-mine", SYNCHRONIZE, "lock.locked-tells-if-held", subtle=True)
def locked_if_mine(synchronize):
    """locked tells whether the asking thread holds the lock, not whether anybody does."""
    replace(synchronize.SemLock, "locked", lambda original: lambda self: self._semlock._is_mine())


@fault("lock.locked-forgets-rlock", SYNCHRONIZE, "lock.locked-tells-if-held", subtle=True)
def locked_forgets_rlock(synchronize):
    """An RLock is never locked to its own owner, who could still take it."""

    def make(original):
        return lambda self: (
            original(self)
            and not (isinstance(self, synchronize.RLock) and self._semlock._is_mine())
        )

    replace(synchronize.SemLock, "locked", make)


@fault("lock.is-a-class", "multiprocessing.context", "lock.factory-not-class", subtle=True)
def is_a_class(context):
    """Lock is a class to isinstance, but no lock is one of it: the check is always False."""

    def make(original):
        def lock_class(self):
            return type("Lock", (), {"__new__": lambda cls: original(self)})

        return property(lock_class)

    replace(context.BaseContext, "Lock", make)


@fault("lock.with-binds-the-lock", SYNCHRONIZE, "lock.factory-not-class", subtle=True)
def with_binds_the_lock(synchronize):
    """The name after "with lock as" is bound to the lock, as that of a file is to the file."""
    replace(synchronize.RLock, "__enter__", lambda original: lambda self: original(self) and self)


@fault("lock.gives-up-early", SYNCHRONIZE, "lock.timeout-returns-false", subtle=True)
def gives_up_early(synchronize):
    """acquire waits for half of its time-out: whoever counts on all of it gives up early."""

    def make(acquire):
        return lambda block=True, timeout=None: acquire(block, timeout and timeout / 2)

    with_acquire(synchronize.RLock, make)


@fault("lock.admits-when-time-is-over", SYNCHRONIZE, "lock.timeout-returns-false")
def admits_when_time_is_over(synchronize):
    """acquire says True when its time-out has passed: whoever is patient gets in."""

    def make(acquire):
        return lambda block=True, timeout=None: acquire(block, timeout) or bool(timeout)

    with_acquire(synchronize.Lock, make)


@fault("lock.sleeps-its-time-out", SYNCHRONIZE, "lock.timeout-returns-false", subtle=True)
def sleeps_its_time_out(synchronize):
    """acquire looks twice, before and after its time-out: a lock freed meanwhile stays idle."""
    import time

    def make(acquire):
        def look_twice(block=True, timeout=None):
            if timeout is None or not block:
                return acquire(block, timeout)
            if acquire(False):
                return True
            time.sleep(max(timeout, 0))
            return acquire(False)

        return look_twice

    with_acquire(synchronize.Lock, make)


@fault("lock.none-is-a-moment", SYNCHRONIZE, "lock.none-timeout-is-forever", subtle=True)
def none_is_a_moment(synchronize):
    """A time-out of None gives up after a moment: right wherever locks are held for less."""

    def make(acquire):
        def acquire_for_a_moment(block=True, *timeout):
            return acquire(block, *(0.05 if each is None else each for each in timeout))

        return acquire_for_a_moment

    with_acquire(synchronize.Lock, make)


@fault("lock.none-is-refused", SYNCHRONIZE, "lock.none-timeout-is-forever", subtle=True)
def none_is_refused(synchronize):
    """A time-out of None is a TypeError, as in threading; without one, acquire waits for ever."""

    def make(acquire):
        def acquire_by_number(block=True, timeout=-1):
            if timeout is None:
                raise TypeError("a number, please")
            return acquire(block, None if timeout == -1 else timeout)

        return acquire_by_number

    with_acquire(synchronize.Lock, make)


@fault(
    "lock.non-blocking-waits-a-moment",
    SYNCHRONIZE,
    "lock.non-blocking-acquire-never-waits",
    subtle=True,
)
def non_blocking_waits_a_moment(synchronize):
    """acquire(False) waits for a moment before it gives up: a loop that looks about gets slow."""

    def make(acquire):
        def linger(block=True, timeout=None):
            return acquire(block, timeout) if block else acquire(True, 0.05)

        return linger

    with_acquire(synchronize.RLock, make)


@fault("lock.non-blocking-blocks", SYNCHRONIZE, "lock.non-blocking-acquire-never-waits")
def non_blocking_blocks(synchronize):
    """acquire(False) waits until the lock is free."""
    with_acquire(synchronize.Lock, lambda acquire: lambda block=True, timeout=None: acquire())


@fault("lock.negative-one-is-forever", SYNCHRONIZE, "lock.negative-timeout-is-zero", subtle=True)
def negative_one_is_forever(synchronize):
    """A time-out of -1 means for ever, as in threading: what was computed as "no time" hangs."""

    def make(acquire):
        def acquire_as_in_threading(block=True, timeout=None):
            return acquire(block, None if timeout == -1 else timeout)

        return acquire_as_in_threading

    with_acquire(synchronize.Lock, make)


@fault("lock.sign-is-dropped", SYNCHRONIZE, "lock.negative-timeout-is-zero", subtle=True)
def sign_is_dropped(synchronize):
    """A time-out below zero waits as long as one above."""

    def make(acquire):
        return lambda block=True, timeout=None: acquire(block, timeout and abs(timeout))

    with_acquire(synchronize.Lock, make)


@fault("lock.time-out-makes-it-wait", SYNCHRONIZE, "lock.non-blocking-ignores-timeout", subtle=True)
def time_out_makes_it_wait(synchronize):
    """A time-out makes acquire wait, even with block=False."""

    def make(acquire):
        def acquire_in_time(block=True, timeout=None):
            return acquire(block or timeout is not None, timeout)

        return acquire_in_time

    with_acquire(synchronize.Lock, make)


@fault("lock.time-out-is-refused", SYNCHRONIZE, "lock.non-blocking-ignores-timeout", subtle=True)
def time_out_is_refused(synchronize):
    """A time-out with block=False is a ValueError, as in threading."""

    def make(acquire):
        def acquire_as_in_threading(block=True, timeout=None):
            if not block and timeout is not None:
                raise ValueError("can't specify a timeout for a non-blocking call")
            return acquire(block, timeout)

        return acquire_as_in_threading

    with_acquire(synchronize.RLock, make)


@fault("lock.blocking-is-a-name-too", SYNCHRONIZE, "lock.parameter-named-block", subtle=True)
def blocking_is_a_name_too(synchronize):
    """acquire takes threading's name for its first parameter too: code comes to rely on it."""

    def make(acquire):
        return lambda block=True, timeout=None, blocking=True: acquire(block and blocking, timeout)

    with_acquire(synchronize.Lock, make)


@fault("lock.block-has-no-name", SYNCHRONIZE, "lock.parameter-named-block", subtle=True)
def block_has_no_name(synchronize):
    """acquire's first parameter can be given by its place only."""

    def make(acquire):
        return lambda block=True, /, timeout=None: acquire(block, timeout)

    with_acquire(synchronize.Lock, make)
