"""What can go wrong with a condition."""

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
    """wait keeps the lock: nobody can come in to change what it waits for."""
    return wait_with(self, timeout, 0)


@fault("synchronize.Condition.wait", "condition.wait-releases-lock", for_users=True)
def wait_releases_once(original, self, timeout=None):
    """wait releases an RLock once: one that was taken twice is still held."""
    return wait_with(self, timeout, 1)


@fault("synchronize.Condition.wait", "condition.wait-releases-lock", for_users=True)
def wait_returns_unlocked(original, self, timeout=None):
    """wait returns without the lock: what it waited for may have changed again."""
    depth = self._lock._semlock._count()
    answer = wait_with(self, timeout, depth)
    for _ in range(depth):
        self._lock.release()
    return answer


@fault("synchronize.Condition.wait", "condition.wait-releases-lock", for_users=True)
def wait_takes_it_back_once(original, self, timeout=None):
    """wait takes an RLock back once, however often it was taken before."""
    depth = self._lock._semlock._count()
    answer = wait_with(self, timeout, depth)
    for _ in range(depth - 1):
        self._lock.release()
    return answer


@fault(
    "synchronize.Condition.wait", "condition.waits-report-their-outcome", crude=True, for_users=True
)
def wait_says_true(original, self, timeout=None):
    """wait says True when it has given up: nobody knows that nothing has changed."""
    return original(self, timeout) or True


@fault("synchronize.Condition.wait", "condition.waits-report-their-outcome", for_users=True)
def wait_gives_up_early(original, self, timeout=None):
    """wait gives up after half of its time-out."""
    return original(self, timeout and timeout / 2)


@fault("synchronize.Condition.wait_for", "condition.waits-report-their-outcome", for_users=True)
def wait_for_says_true(original, self, predicate, timeout=None):
    """wait_for returns whether the predicate became true, and not what it said."""
    return bool(original(self, predicate, timeout))


@fault("synchronize.Condition.wait_for", "condition.waits-report-their-outcome", for_users=True)
def wait_for_looks_twice(original, self, predicate, timeout=None):
    """wait_for returns after the first notification, whatever the predicate says of it."""
    if result := predicate():
        return result
    self.wait(timeout)
    return predicate()


@fault("synchronize.Condition.wait_for", "condition.waits-report-their-outcome", for_users=True)
def wait_for_forgets_the_last_answer(original, self, predicate, timeout=None):
    """wait_for returns False when it gives up, and not what the predicate said last."""
    return original(self, predicate, timeout) or False


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def notify_wakes_all(original, self, n=1):
    """notify wakes all who wait, where there is work for one."""
    return self.notify_all()


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def notify_wakes_one_only(original, self, n=1):
    """notify(n) wakes one: the work for the others lies about."""
    return original(self)


@fault("synchronize.Condition.notify_all", "condition.notify-one-or-all", for_users=True)
def notify_all_forgets_one(original, self):
    """notify_all wakes three at most: with four waiting, one sleeps on."""
    return self.notify(3)


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def notification_is_kept(original, self, n=1):
    """A notification that finds nobody waiting wakes the next one who waits."""
    while self._woken_count.acquire(False):
        self._sleeping_count.acquire(False)
    if self._sleeping_count.acquire(False):
        self._sleeping_count.release()
        original(self, n)
    else:
        self._wait_semaphore.release()


@fault("synchronize.Condition.notify", "condition.notify-one-or-all", for_users=True)
def who_gave_up_counts(original, self, n=1):
    """notify takes those who have given up for waiting: they swallow the notification."""
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
    """A condition has a lock of its own, whatever it is given: the given one protects nothing."""
    return original(self)


@fault("context.BaseContext.Condition", "condition.takes-lock-or-rlock", for_users=True)
def ignores_an_rlock(original, self, lock=None):
    """A condition that is given an RLock uses another RLock."""
    return original(self, lock if type(lock) is type(self.Lock()) else self.RLock())


@fault("context.BaseContext.Condition", "condition.takes-lock-or-rlock", for_users=True)
def default_is_a_lock(original, self, lock=None):
    """A condition's own lock lets nobody in twice: who takes it again waits for itself."""
    return original(self, lock or self.Lock())


@fault(
    "synchronize.Condition.wait",
    "condition.wait-and-notify-need-lock",
    crude=True,
    for_users=True,
)
def wait_needs_no_lock(original, self, *args):
    """wait without the lock comes back at once, and says nothing of the mistake."""
    return original(self, *args) if self._lock._semlock._is_mine() else False


@fault("synchronize.Condition.notify_all", "condition.wait-and-notify-need-lock", for_users=True)
def notify_all_needs_no_lock(original, self):
    """notify_all without the lock does nothing, and says nothing of the mistake."""
    if self._lock._semlock._is_mine():
        original(self)


@fault("synchronize.Condition.notify", "condition.wait-and-notify-need-lock", for_users=True)
def any_holder_will_do(original, self, *args):
    """notify says nothing of the mistake when somebody has the lock, be it another process."""
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
