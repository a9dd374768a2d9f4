"""Faults of conditions."""

from spec.faults import fault


def wait_with(condition, timeout, depth):
    """Wait as the package does, with the lock released ``depth`` times meanwhile."""
    condition._sleeping_count.release()
    for _ in range(depth):
        condition._lock.release()
    try:
        return condition._wait_semaphore.acquire(True, timeout)
    finally:
        condition._woken_count.release()
        for _ in range(depth):
            condition._lock.acquire()


@fault("synchronize.Condition.wait", "condition.wait-releases-lock", crude=True, for_users=True)
def wait_keeps_the_lock(original, self, timeout=None):
    """wait() keeps the lock, so no process can change the state that it waits for."""
    return wait_with(self, timeout, 0)


@fault("synchronize.Condition.wait", "condition.wait-releases-lock", for_users=True)
def wait_releases_once(original, self, timeout=None):
    """wait() releases an RLock only once, so it stays held if it was acquired twice."""
    return wait_with(self, timeout, 1)


@fault("synchronize.Condition.wait", "condition.wait-releases-lock", for_users=True)
def wait_returns_unlocked(original, self, timeout=None):
    """wait() returns without the lock, so the state may have changed again."""
    depth = self._lock._semlock._count()
    answer = wait_with(self, timeout, depth)
    for _ in range(depth):
        self._lock.release()
    return answer


@fault("synchronize.Condition.wait", "condition.wait-releases-lock", for_users=True)
def wait_reacquires_once(original, self, timeout=None):
    """wait() re-acquires an RLock only once, however often it was acquired before."""
    depth = self._lock._semlock._count()
    answer = wait_with(self, timeout, depth)
    for _ in range(depth - 1):
        self._lock.release()
    return answer


@fault(
    "synchronize.Condition.wait", "condition.waits-report-their-outcome", crude=True, for_users=True
)
def wait_always_returns_true(original, self, timeout=None):
    """wait() returns True after its timeout too."""
    return original(self, timeout) or True


@fault("synchronize.Condition.wait", "condition.waits-report-their-outcome", for_users=True)
def wait_gives_up_early(original, self, timeout=None):
    """wait() waits for half of its timeout only."""
    return original(self, timeout and timeout / 2)


@fault("synchronize.Condition.wait_for", "condition.waits-report-their-outcome", for_users=True)
def wait_for_returns_bool(original, self, predicate, timeout=None):
    """wait_for() returns True or False, and not its predicate's value."""
    return bool(original(self, predicate, timeout))


@fault("synchronize.Condition.wait_for", "condition.waits-report-their-outcome", for_users=True)
def wait_for_calls_twice(original, self, predicate, timeout=None):
    """wait_for() returns after the first notification, even if its predicate is still false."""
    if result := predicate():
        return result
    self.wait(timeout)
    return predicate()


@fault("synchronize.Condition.wait_for", "condition.waits-report-their-outcome", for_users=True)
def wait_for_returns_false(original, self, predicate, timeout=None):
    """wait_for() returns False on timeout, and not its predicate's last value."""
    return original(self, predicate, timeout) or False


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def notify_wakes_all(original, self, n=1):
    """notify() wakes all waiters, although there is work for only one."""
    return self.notify_all()


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def notify_ignores_its_number(original, self, n=1):
    """notify(n) wakes only one waiter."""
    return original(self)


@fault("synchronize.Condition.notify_all", "condition.notify-one-or-all", for_users=True)
def notify_all_wakes_three(original, self):
    """notify_all() wakes at most three waiters."""
    return self.notify(3)


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def notification_is_stored(original, self, n=1):
    """A notification without a waiter wakes the next process that waits."""
    while self._woken_count.acquire(False):
        self._sleeping_count.acquire(False)
    if self._sleeping_count.acquire(False):
        self._sleeping_count.release()
        original(self, n)
    else:
        self._wait_semaphore.release()


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def timed_out_waiters_count(original, self, n=1):
    """notify() counts waiters that have timed out, so the notification is lost."""
    while n > 0 and self._woken_count.acquire(False):
        self._sleeping_count.acquire(False)
        n -= 1
    original(self, n)


@fault(
    "context.BaseContext.Condition",
    "condition.takes-lock-or-rlock",
    crude=True,
    for_users=True,
)
def ignores_its_lock(original, self, lock=None):
    """A condition ignores the lock that it is given, which then protects nothing."""
    return original(self)


@fault("context.BaseContext.Condition", "condition.takes-lock-or-rlock", for_users=True)
def ignores_an_rlock(original, self, lock=None):
    """A condition that is given an RLock uses another RLock."""
    return original(self, lock if type(lock) is type(self.Lock()) else self.RLock())


@fault("context.BaseContext.Condition", "condition.takes-lock-or-rlock", for_users=True)
def default_is_a_lock(original, self, lock=None):
    """A condition's own lock is not recursive, so acquiring it twice blocks forever."""
    return original(self, lock or self.Lock())


@fault(
    "synchronize.Condition.wait",
    "condition.wait-and-notify-need-lock",
    crude=True,
    for_users=True,
)
def wait_needs_no_lock(original, self, *args):
    """wait() without the lock returns False at once, so the mistake is not found."""
    return original(self, *args) if self._lock._semlock._is_mine() else False


@fault("synchronize.Condition.notify_all", "condition.wait-and-notify-need-lock", for_users=True)
def notify_all_needs_no_lock(original, self):
    """notify_all() without the lock is silently ignored, so the mistake is not found."""
    if self._lock._semlock._is_mine():
        original(self)


@fault("synchronize.Condition.notify", "condition.wait-and-notify-need-lock", for_users=True)
def notify_accepts_any_holder(original, self, *args):
    """notify() without the lock is silently ignored while another process holds it."""
    if self._lock._semlock._is_mine() or not self._lock._semlock._is_zero():
        original(self, *args)


@fault("synchronize.Condition.notify", "condition.wait-and-notify-need-lock", for_users=True)
def raises_runtime_error(original, self, n=1):
    """notify() without the lock raises RuntimeError, as in threading, not AssertionError."""
    if not self._lock._semlock._is_mine():
        raise RuntimeError("cannot notify on un-acquired lock")
    original(self, n)


@fault("synchronize.Condition.wait_for", "condition.wait-and-notify-need-lock", for_users=True)
def true_needs_the_lock(original, self, predicate, timeout=None):
    """wait_for() needs the lock even if the predicate is true at once."""
    assert self._lock._semlock._is_mine()
    return original(self, predicate, timeout)


@fault("synchronize.Condition.wait_for", "condition.wait-for-timeout-is-total", for_users=True)
def notification_restarts_timeout(original, self, predicate, timeout=None):
    """Each notification gives wait_for() its whole timeout again, so it may never return."""
    while not (result := predicate()):
        if not self.wait(timeout):
            return predicate()
    return result


@fault("synchronize.Condition.wait_for", "condition.wait-for-timeout-is-total", for_users=True)
def notification_halves_timeout(original, self, predicate, timeout=None):
    """A notification ends wait_for() when half of its timeout is over."""
    import time

    if timeout is None:
        return original(self, predicate)
    end = time.monotonic() + timeout
    while not (result := predicate()) and (left := end - time.monotonic()) > 0:
        if self.wait(left) and left < timeout / 2:
            return predicate()
    return result


@fault("synchronize.Condition.wait", "condition.waits-report-their-outcome", for_users=True)
def wait_sleeps_through_timeout(original, self, timeout=None):
    """wait() with a long timeout waits for the whole of it, even if it is notified before."""
    import time

    answer = original(self, timeout)
    if answer and timeout is not None:
        time.sleep(timeout)
    return answer


@fault("synchronize.Condition.wait", "condition.waits-longer-than-seconds", for_users=True)
def wait_is_one_second(original, self, timeout=None):
    """wait() without a timeout returns after one second, although it is not notified."""
    return original(self, 1 if timeout is None else timeout)


@fault("synchronize.Condition.wait_for", "condition.waits-longer-than-seconds", for_users=True)
def wait_for_is_one_second(original, self, predicate, timeout=None):
    """wait_for() without a timeout returns after one second, although it is not notified."""
    return original(self, predicate, 1 if timeout is None else timeout)


@fault("synchronize.Condition.__exit__", "condition.with-releases-on-exception", for_users=True)
def with_stays_held_on_error(original, self, kind, *args):
    """A with block that an exception leaves does not release the condition's lock."""
    return None if kind else original(self, kind, *args)


@fault("synchronize.Condition.__exit__", "condition.with-releases-on-exception", for_users=True)
def with_hides_errors(original, self, *args):
    """A with block suppresses every exception that is raised inside it."""
    original(self, *args)
    return True


@fault("synchronize.Condition.wait", "condition.notify-one-or-all", for_users=True)
def threads_do_not_wait(original, self, timeout=None):
    """wait() in a thread other than the main thread returns at once."""
    import threading

    return original(self, timeout if threading.current_thread() is threading.main_thread() else 0)
