"""What can go wrong with a condition."""

import sys

from spec.faults import fault, replace
from spec.faults.locks import SYNCHRONIZE, is_of_the_package

CONTEXT = "multiprocessing.context"


def for_users(owner, name, make):
    """Put ``make(original)`` in the place of a method, but for calls from the package itself."""

    def choose(original):
        faulty = make(original)

        def method(self, *args, **kwargs):
            chosen = original if is_of_the_package(sys._getframe(1)) else faulty
            return chosen(self, *args, **kwargs)

        return method

    replace(owner, name, choose)


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


@fault("condition.wait-keeps-the-lock", SYNCHRONIZE, "condition.wait-releases-lock")
def wait_keeps_the_lock(synchronize):
    """wait keeps the lock: nobody can come in to change what it waits for."""
    for_users(
        synchronize.Condition,
        "wait",
        lambda _: lambda self, timeout=None: wait_with(self, timeout, 0),
    )


@fault("condition.wait-releases-once", SYNCHRONIZE, "condition.wait-releases-lock", subtle=True)
def wait_releases_once(synchronize):
    """wait releases an RLock once: one that was taken twice is still held."""
    for_users(
        synchronize.Condition,
        "wait",
        lambda _: lambda self, timeout=None: wait_with(self, timeout, 1),
    )


@fault("condition.wait-returns-unlocked", SYNCHRONIZE, "condition.wait-releases-lock", subtle=True)
def wait_returns_unlocked(synchronize):
    """wait returns without the lock: what it waited for may have changed again."""

    def make(_):
        def wait_once(self, timeout=None):
            depth = self._lock._semlock._count()
            answer = wait_with(self, timeout, depth)
            for _ in range(depth):
                self._lock.release()
            return answer

        return wait_once

    for_users(synchronize.Condition, "wait", make)


@fault(
    "condition.wait-takes-it-back-once", SYNCHRONIZE, "condition.wait-releases-lock", subtle=True
)
def wait_takes_it_back_once(synchronize):
    """wait takes an RLock back once, however often it was taken before."""

    def make(_):
        def wait_and_take_once(self, timeout=None):
            depth = self._lock._semlock._count()
            answer = wait_with(self, timeout, depth)
            for _ in range(depth - 1):
                self._lock.release()
            return answer

        return wait_and_take_once

    for_users(synchronize.Condition, "wait", make)


@fault("condition.wait-says-true", SYNCHRONIZE, "condition.waits-report-their-outcome")
def wait_says_true(synchronize):
    """wait says True when it has given up: nobody knows that nothing has changed."""

    def make(original):
        return lambda self, timeout=None: original(self, timeout) or True

    for_users(synchronize.Condition, "wait", make)


@fault(
    "condition.wait-gives-up-early",
    SYNCHRONIZE,
    "condition.waits-report-their-outcome",
    subtle=True,
)
def wait_gives_up_early(synchronize):
    """wait gives up after half of its time-out."""

    def make(original):
        return lambda self, timeout=None: original(self, timeout and timeout / 2)

    for_users(synchronize.Condition, "wait", make)


@fault(
    "condition.wait-for-says-true",
    SYNCHRONIZE,
    "condition.waits-report-their-outcome",
    subtle=True,
)
def wait_for_says_true(synchronize):
    """wait_for returns whether the predicate became true, and not what it said."""

    def make(original):
        def wait_for(self, predicate, timeout=None):
            return bool(original(self, predicate, timeout))

        return wait_for

    for_users(synchronize.Condition, "wait_for", make)


@fault(
    "condition.wait-for-looks-twice",
    SYNCHRONIZE,
    "condition.waits-report-their-outcome",
    subtle=True,
)
def wait_for_looks_twice(synchronize):
    """wait_for returns after the first notification, whatever the predicate says of it."""

    def make(_):
        def wait_for(self, predicate, timeout=None):
            if result := predicate():
                return result
            self.wait(timeout)
            return predicate()

        return wait_for

    for_users(synchronize.Condition, "wait_for", make)


@fault(
    "condition.wait-for-forgets-the-last-answer",
    SYNCHRONIZE,
    "condition.waits-report-their-outcome",
    subtle=True,
)
def wait_for_forgets_the_last_answer(synchronize):
    """wait_for returns False when it gives up, and not what the predicate said last."""

    def make(original):
        def wait_for(self, predicate, timeout=None):
            return original(self, predicate, timeout) or False

        return wait_for

    for_users(synchronize.Condition, "wait_for", make)


@fault("condition.notify-wakes-all", SYNCHRONIZE, "condition.notify-one-or-all", subtle=True)
def notify_wakes_all(synchronize):
    """notify wakes all who wait, where there is work for one."""
    for_users(synchronize.Condition, "notify", lambda original: lambda self, n=1: self.notify_all())


@fault("condition.notify-wakes-one-only", SYNCHRONIZE, "condition.notify-one-or-all", subtle=True)
def notify_wakes_one_only(synchronize):
    """notify(n) wakes one: the work for the others lies about."""
    for_users(synchronize.Condition, "notify", lambda original: lambda self, n=1: original(self))


@fault("condition.notify-all-forgets-one", SYNCHRONIZE, "condition.notify-one-or-all", subtle=True)
def notify_all_forgets_one(synchronize):
    """notify_all wakes three at most: with four waiting, one sleeps on."""
    for_users(synchronize.Condition, "notify_all", lambda original: lambda self: self.notify(3))


@fault("condition.notification-is-kept", SYNCHRONIZE, "condition.notify-one-or-all", subtle=True)
def notification_is_kept(synchronize):
    """A notification that finds nobody waiting wakes the next one who waits."""

    def notify(original):
        def notify_or_keep(self, n=1):
            while self._woken_count.acquire(False):
                self._sleeping_count.acquire(False)
            if self._sleeping_count.acquire(False):
                self._sleeping_count.release()
                original(self, n)
            else:
                self._wait_semaphore.release()

        return notify_or_keep

    for_users(synchronize.Condition, "notify", notify)


@fault("condition.who-gave-up-counts", SYNCHRONIZE, "condition.notify-one-or-all", subtle=True)
def who_gave_up_counts(synchronize):
    """notify takes those who have given up for waiting: they swallow the notification."""

    def notify(original):
        def notify_too_few(self, n=1):
            while n > 0 and self._woken_count.acquire(False):
                self._sleeping_count.acquire(False)
                n -= 1
            original(self, n)

        return notify_too_few

    for_users(synchronize.Condition, "notify", notify)


def condition_made(context, make):
    """Have users' conditions made with the lock that ``make(context, lock)`` gives."""

    def condition(original):
        def make_condition(self, lock=None):
            if is_of_the_package(sys._getframe(1)):
                return original(self, lock)
            return original(self, make(self, lock))

        return make_condition

    replace(context.BaseContext, "Condition", condition)


@fault("condition.ignores-its-lock", CONTEXT, "condition.takes-lock-or-rlock")
def ignores_its_lock(context):
    """A condition has a lock of its own, whatever it is given: the given one protects nothing."""
    condition_made(context, lambda self, lock: None)


@fault("condition.ignores-an-rlock", CONTEXT, "condition.takes-lock-or-rlock", subtle=True)
def ignores_an_rlock(context):
    """A condition that is given an RLock uses another RLock."""
    condition_made(
        context, lambda self, lock: lock if type(lock) is type(self.Lock()) else self.RLock()
    )


@fault("condition.default-is-a-lock", CONTEXT, "condition.takes-lock-or-rlock", subtle=True)
def default_is_a_lock(context):
    """A condition's own lock lets nobody in twice: who takes it again waits for itself."""
    condition_made(context, lambda self, lock: lock or self.Lock())


def unless_held(synchronize, name, silent, is_held):
    """Have a method return ``silent`` without complaint to who does not hold the lock."""

    def make(original):
        def method(self, *args):
            return original(self, *args) if is_held(self._lock._semlock) else silent

        return method

    for_users(synchronize.Condition, name, make)


@fault("condition.wait-needs-no-lock", SYNCHRONIZE, "condition.wait-and-notify-need-lock")
def wait_needs_no_lock(synchronize):
    """wait without the lock comes back at once, and says nothing of the mistake."""
    unless_held(synchronize, "wait", False, lambda semlock: semlock._is_mine())


@fault(
    "condition.notify-all-needs-no-lock",
    SYNCHRONIZE,
    "condition.wait-and-notify-need-lock",
    subtle=True,
)
def notify_all_needs_no_lock(synchronize):
    """notify_all without the lock does nothing, and says nothing of the mistake."""
    unless_held(synchronize, "notify_all", None, lambda semlock: semlock._is_mine())


@fault(
    "condition.any-holder-will-do",
    SYNCHRONIZE,
    "condition.wait-and-notify-need-lock",
    subtle=True,
)
def any_holder_will_do(synchronize):
    """notify says nothing of the mistake when somebody has the lock, be it another process."""
    unless_held(
        synchronize, "notify", None, lambda semlock: semlock._is_mine() or not semlock._is_zero()
    )


@fault(
    "condition.raises-runtime-error",
    SYNCHRONIZE,
    "condition.wait-and-notify-need-lock",
    subtle=True,
)
def raises_runtime_error(synchronize):
    """To notify without the lock raises what threading raises: who catches the other is lost."""

    def make(original):
        def notify(self, n=1):
            if not self._lock._semlock._is_mine():
                raise RuntimeError("cannot notify on un-acquired lock")
            original(self, n)

        return notify

    for_users(synchronize.Condition, "notify", make)


@fault(
    "condition.true-needs-the-lock",
    SYNCHRONIZE,
    "condition.wait-and-notify-need-lock",
    subtle=True,
)
def true_needs_the_lock(synchronize):
    """wait_for needs the lock even when there is nothing to wait for."""

    def make(original):
        def wait_for(self, predicate, timeout=None):
            assert self._lock._semlock._is_mine()
            return original(self, predicate, timeout)

        return wait_for

    for_users(synchronize.Condition, "wait_for", make)
