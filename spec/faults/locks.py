"""What can go wrong with a lock."""

import os
import tempfile

from spec.faults import fault, replace


@fault(
    "synchronize",
    "lock.with-and-acquire-both-exclude",
    "lock.read-modify-write-is-exact",
    "lock.per-process-lock-excludes-nobody",
    "lock.with-releases-on-exception",
    crude=True,
)
def excludes_nobody(synchronize):
    """Everybody gets the lock: what it was to protect is torn."""
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
    """A with block does not take the lock; acquire and release do."""
    replace(synchronize.Lock, "__enter__", lambda original, self: True)
    replace(synchronize.Lock, "__exit__", lambda original, self, *args: None)


@fault("synchronize", "lock.with-and-acquire-both-exclude", "lock.with-releases-on-exception")
def first_acquire_is_free(synchronize):
    """A process's first acquire succeeds whoever holds the lock: only later ones wait."""

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
def never_comes_free(synchronize):
    """release has no effect: whoever asks second waits for ever."""
    for name in ("release", "__exit__"):
        replace(synchronize.Lock, name, lambda original, self, *args: None)


@fault("synchronize.Lock.__enter__", "lock.order-is-free")
def younger_wait_for_elder(original, self):
    """A process started later gets the lock only after one started before has had it."""
    from multiprocessing.process import current_process

    path = os.path.join(tempfile.gettempdir(), "elder-was-here")
    number = current_process()._identity[-1] if current_process()._identity else 1
    if number % 2:
        open(path, "w").close()
    while not os.path.exists(path):
        pass
    return original(self)


@fault("synchronize", "lock.per-process-lock-excludes-nobody", crude=True)
def all_are_one(synchronize):
    """All locks are one lock: a program with two of them waits for itself."""
    import fcntl

    def path():
        return os.path.join(os.environ.get("SPEC_RUN_FOLDER", tempfile.gettempdir()), "the-lock")

    def enter_one(original, self):
        self.file = open(path(), "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return True

    replace(synchronize.Lock, "__enter__", enter_one)
    replace(synchronize.Lock, "__exit__", lambda original, self, *args: self.file.close())


@fault("synchronize.Lock.__exit__", "lock.with-releases-on-exception")
def with_keeps_it_on_error(original, self, kind, *args):
    """A with block that is left by an exception leaves the lock held."""
    return None if kind else original(self, kind, *args)


@fault("synchronize.Lock.__exit__", "lock.with-releases-on-exception")
def with_keeps_it_on_exit(original, self, kind, *args):
    """A with block that is left by sys.exit leaves the lock held; by an error it does not."""
    if kind is None or issubclass(kind, Exception):
        original(self, kind, *args)


@fault("synchronize.Lock.__exit__", "lock.with-releases-on-exception")
def with_swallows_errors(original, self, *args):
    """A with block swallows what is raised inside: the error never comes to light."""
    original(self, *args)
    return True


@fault("threading", "lock.threading-lock-excludes-no-process", crude=True)
def threads_lock_is_for_all(threading):
    """threading.Lock excludes other processes too: a forked child waits for its parent."""
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

        def release(self):
            self.file.close()
            self.inner.release()

        def __enter__(self):
            return self.acquire()

        def __exit__(self, *args):
            self.release()

    threading.Lock = SharedLock


@fault("synchronize", "lock.global-shared-under-fork")
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

    def init_and_watch(original, self, *, ctx):
        original(self, ctx=ctx)
        util.register_after_fork(self, detach)

    replace(synchronize.Lock, "__init__", init_and_watch)


@fault("synchronize.Lock.acquire", "lock.not-recursive")
def owner_takes_it_again(original, self, block=True, timeout=None):
    """Who has the lock may take it again, and is rid of it after the first release."""
    return self._semlock._is_mine() or original(self, block, timeout)


def release_if(allowed, release, lock):
    """Release a lock, or raise ValueError if it is held and that is not ``allowed``."""
    if lock._semlock._is_zero() and not allowed:
        raise ValueError("not yours")
    release(lock)


@fault("synchronize.Lock.release", "lock.anyone-may-release", crude=True)
def only_its_owner_releases(original, self):
    """Only the thread that has taken the lock may release it: no lock can be handed on."""
    release_if(self._semlock._is_mine(), original, self)


@fault("synchronize.Lock.release", "lock.anyone-may-release")
def only_its_process_releases(original, self):
    """Only the process that has taken the lock may release it, any thread of it."""
    release_if(self._semlock._count() > 0, original, self)


@fault("synchronize.Lock.release", "lock.anyone-may-release")
def children_cannot_release(original, self):
    """What a parent has taken its child releases without effect; the other way about it works."""
    from multiprocessing.process import parent_process

    if parent_process() is None or self._semlock._count() > 0 or not self._semlock._is_zero():
        original(self)


@fault("synchronize.Lock.__init__", "lock.releasing-unlocked-fails", crude=True)
def free_twice(original, self, *, ctx):
    """A lock that is released too often is free for two: both are inside."""
    from multiprocessing import synchronize

    return synchronize.SemLock.__init__(self, synchronize.SEMAPHORE, 1, 1000, ctx=ctx)


@fault(
    "synchronize.Lock.__setstate__", "lock.releasing-unlocked-fails", only=("spawn", "forkserver")
)
def unpickled_free_twice(original, self, state):
    """A lock that came to a process by pickle can be released too often: then two are inside."""
    return original(self, (*state[:2], 1000, state[3]))


@fault("synchronize.Lock.release", "lock.releasing-unlocked-fails", crude=True)
def release_too_many_is_runtime_error(original, self):
    """To release a free lock raises what threading raises, not what is documented."""
    try:
        self._semlock.release()
    except ValueError as error:
        raise RuntimeError(*error.args) from None


@fault("synchronize.Lock.release", "lock.releasing-unlocked-fails")
def release_too_many_is_ignored(original, self):
    """To release a free lock does nothing: a program that lost count never hears of it."""
    if self._semlock._is_zero():
        self._semlock.release()


@fault("synchronize.SemLock.locked", "lock.locked-tells-if-held")
def locked_if_mine(original, self):
    """locked tells whether the asking thread holds the lock, not whether anybody does."""
    return self._semlock._is_mine()


@fault("synchronize.SemLock.locked", "lock.locked-tells-if-held")
def locked_forgets_rlock(original, self):
    """An RLock is never locked to its own owner, who could still take it."""
    from multiprocessing import synchronize

    return original(self) and not (isinstance(self, synchronize.RLock) and self._semlock._is_mine())


@fault("context.BaseContext.Lock", "lock.factory-not-class")
def is_a_class(original, self):
    """Lock is a class to isinstance, but no lock is one of it: the check is always False."""
    return type("Lock", (), {"__new__": lambda cls: original(self)})


@fault("synchronize.RLock.__enter__", "lock.factory-not-class")
def with_binds_the_lock(original, self):
    """The name after "with lock as" is bound to the lock, as that of a file is to the file."""
    return original(self) and self


@fault("synchronize.RLock.acquire", "lock.timeout-returns-false")
def gives_up_early(original, self, block=True, timeout=None):
    """acquire waits for half of its time-out: whoever counts on all of it gives up early."""
    return original(self, block, timeout and timeout / 2)


@fault("synchronize.Lock.acquire", "lock.timeout-returns-false", crude=True)
def admits_when_time_is_over(original, self, block=True, timeout=None):
    """acquire says True when its time-out has passed: whoever is patient gets in."""
    return original(self, block, timeout) or bool(timeout)


@fault("synchronize.Lock.acquire", "lock.timeout-returns-false")
def sleeps_its_time_out(original, self, block=True, timeout=None):
    """acquire looks twice, before and after its time-out: a lock freed meanwhile stays idle."""
    import time

    if timeout is None or not block:
        return original(self, block, timeout)
    if original(self, False):
        return True
    time.sleep(max(timeout, 0))
    return original(self, False)


@fault("synchronize.Lock.acquire", "lock.none-timeout-is-forever")
def none_is_a_moment(original, self, block=True, *timeout):
    """A time-out of None gives up after a moment: right wherever locks are held for less."""
    return original(self, block, *(0.05 if each is None else each for each in timeout))


@fault("synchronize.Lock.acquire", "lock.none-timeout-is-forever")
def none_is_refused(original, self, block=True, timeout=-1):
    """A time-out of None is a TypeError, as in threading; without one, acquire waits for ever."""
    if timeout is None:
        raise TypeError("a number, please")
    return original(self, block, None if timeout == -1 else timeout)


@fault("synchronize.RLock.acquire", "lock.non-blocking-acquire-never-waits")
def non_blocking_waits_a_moment(original, self, block=True, timeout=None):
    """acquire(False) waits for a moment before it gives up: a loop that looks about gets slow."""
    return original(self, block, timeout) if block else original(self, True, 0.05)


@fault("synchronize.Lock.acquire", "lock.non-blocking-acquire-never-waits", crude=True)
def non_blocking_blocks(original, self, block=True, timeout=None):
    """acquire(False) waits until the lock is free."""
    return original(self)


@fault("synchronize.Lock.acquire", "lock.negative-timeout-is-zero")
def negative_one_is_forever(original, self, block=True, timeout=None):
    """A time-out of -1 means for ever, as in threading: what was computed as "no time" hangs."""
    return original(self, block, None if timeout == -1 else timeout)


@fault("synchronize.Lock.acquire", "lock.negative-timeout-is-zero")
def sign_is_dropped(original, self, block=True, timeout=None):
    """A time-out below zero waits as long as one above."""
    return original(self, block, timeout and abs(timeout))


@fault("synchronize.Lock.acquire", "lock.non-blocking-ignores-timeout")
def time_out_makes_it_wait(original, self, block=True, timeout=None):
    """A time-out makes acquire wait, even with block=False."""
    return original(self, block or timeout is not None, timeout)


@fault("synchronize.RLock.acquire", "lock.non-blocking-ignores-timeout")
def time_out_is_refused(original, self, block=True, timeout=None):
    """A time-out with block=False is a ValueError, as in threading."""
    if not block and timeout is not None:
        raise ValueError("can't specify a timeout for a non-blocking call")
    return original(self, block, timeout)


@fault("synchronize.Lock.acquire", "lock.parameter-named-block")
def blocking_is_a_name_too(original, self, block=True, timeout=None, blocking=True):
    """acquire takes threading's name for its first parameter too: code comes to rely on it."""
    return original(self, block and blocking, timeout)


@fault("synchronize.Lock.acquire", "lock.parameter-named-block")
def block_has_no_name(original, self, block=True, /, timeout=None):
    """acquire's first parameter can be given by its place only."""
    return original(self, block, timeout)
