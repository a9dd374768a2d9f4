"""Faults of acquiring."""

from spec.faults import fault

SLOW = (
    "lock.waits-longer-than-seconds",
    "lock.rlock-waits-longer-than-seconds",
    "semaphore.waits-longer-than-seconds",
)


@fault("synchronize.RLock.acquire", "lock.timeout-returns-false")
def gives_up_early(original, self, block=True, timeout=None):
    """acquire() waits for half of its timeout only."""
    return original(self, block, timeout and timeout / 2)


@fault("synchronize.Lock.acquire", "lock.timeout-returns-false", crude=True)
def timeout_returns_true(original, self, block=True, timeout=None):
    """acquire() returns True after its timeout, although the lock is held."""
    return original(self, block, timeout) or bool(timeout)


@fault(
    "synchronize.SemLock.acquire",
    "lock.timeout-returns-false",
    "semaphore.timeout-ends-with-release",
    for_users=True,
)
def sleeps_through_timeout(original, self, block=True, timeout=None):
    """acquire() sleeps for its whole timeout, even if the lock is released before."""
    import time

    if timeout is None or not block:
        return original(self, block, timeout)
    if original(self, False):
        return True
    time.sleep(max(timeout, 0))
    return original(self, False)


@fault("synchronize.Lock.acquire", "lock.none-timeout-is-forever")
def none_is_short(original, self, block=True, *timeout):
    """acquire() with a timeout of None gives up after 50 ms."""
    return original(self, block, *(0.05 if each is None else each for each in timeout))


@fault("synchronize.Lock.acquire", "lock.none-timeout-is-forever")
def none_is_refused(original, self, block=True, timeout=-1):
    """acquire() with a timeout of None raises TypeError, as in threading."""
    if timeout is None:
        raise TypeError("a number, please")
    return original(self, block, None if timeout == -1 else timeout)


@fault("synchronize.SemLock.acquire", *SLOW, for_users=True)
def acquire_waits_one_second(original, self, block=True, timeout=None):
    """acquire() without a timeout gives up after one second, and its caller goes on unlocked."""
    return original(self, block, 1 if block and timeout is None else timeout)


@fault("synchronize.SemLock.__enter__", *SLOW, for_users=True)
def with_waits_one_second(original, self):
    """A with block begins after one second, even if the lock is held."""
    return self._semlock.acquire(True, 1)


@fault("synchronize.Condition.__enter__", "condition.lock-waits-longer-than-seconds")
def with_condition_waits_one_second(original, self):
    """A with block of a Condition begins after one second, even if its lock is held."""
    return self._lock.acquire(True, 1)


@fault("synchronize.RLock.acquire", "lock.non-blocking-acquire-never-waits")
def non_blocking_waits_briefly(original, self, block=True, timeout=None):
    """acquire(False) waits for 50 ms before it returns False, so loops that use it are slow."""
    return original(self, block, timeout) if block else original(self, True, 0.05)


@fault("synchronize.Lock.acquire", "lock.non-blocking-acquire-never-waits", crude=True)
def non_blocking_blocks(original, self, block=True, timeout=None):
    """acquire(False) blocks until the lock is free."""
    return original(self)


@fault("synchronize.Lock.acquire", "lock.negative-timeout-is-zero")
def negative_one_is_forever(original, self, block=True, timeout=None):
    """A timeout of -1 blocks until the lock is free, as in threading."""
    return original(self, block, None if timeout == -1 else timeout)


@fault("synchronize.Lock.acquire", "lock.negative-timeout-is-zero")
def sign_is_ignored(original, self, block=True, timeout=None):
    """A negative timeout waits for its absolute value."""
    return original(self, block, timeout and abs(timeout))


@fault("synchronize.Lock.acquire", "lock.non-blocking-ignores-timeout")
def timeout_overrides_block(original, self, block=True, timeout=None):
    """acquire(False, timeout) waits for its timeout."""
    return original(self, block or timeout is not None, timeout)


@fault("synchronize.RLock.acquire", "lock.non-blocking-ignores-timeout")
def timeout_is_refused(original, self, block=True, timeout=None):
    """acquire(False, timeout) raises ValueError, as in threading."""
    if not block and timeout is not None:
        raise ValueError("can't specify a timeout for a non-blocking call")
    return original(self, block, timeout)


@fault("synchronize.Lock.acquire", "lock.parameter-named-block")
def blocking_is_accepted(original, self, block=True, timeout=None, blocking=True):
    """acquire() accepts threading's parameter blocking too, so programs begin to rely on it."""
    return original(self, block and blocking, timeout)


@fault("synchronize.Lock.acquire", "lock.parameter-named-block")
def block_is_positional_only(original, self, block=True, /, timeout=None):
    """acquire(block=False) raises TypeError."""
    return original(self, block, timeout)


@fault("synchronize.BoundedSemaphore.acquire", "semaphore.acquire-follows-lock-rules")
def semaphores_take_negative_one_as_forever(original, self, block=True, timeout=None):
    """BoundedSemaphore.acquire() blocks forever with a timeout of -1."""
    return original(self, block, None if timeout == -1 else timeout)


@fault("synchronize.Semaphore.acquire", "semaphore.acquire-follows-lock-rules")
def semaphores_refuse_a_timeout(original, self, block=True, timeout=None):
    """Semaphore.acquire(False, timeout) raises ValueError, as in threading."""
    if not block and timeout is not None:
        raise ValueError("can't specify timeout for non-blocking acquire")
    return original(self, block, timeout)
