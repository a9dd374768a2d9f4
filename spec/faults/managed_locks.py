"""Faults of locks and the like in a manager."""

import contextlib

from spec.faults import fault, replace


@fault("managers.AcquirerProxy.release", "manager.lock-errors-match-threading")
def extra_release_is_ignored(original, self):
    """Releasing a managed lock that is free has no effect."""
    with contextlib.suppress(RuntimeError):
        original(self)


@fault("managers.AcquirerProxy.acquire", "manager.lock-errors-match-threading")
def negative_timeout_is_zero(original, self, blocking=True, timeout=None):
    """A negative timeout of a managed lock is taken as 0."""
    return original(self, blocking, None if timeout is None else max(timeout, 0))


@fault("managers.AcquirerProxy.__enter__", "manager.lock-excludes-processes")
def with_does_not_block(original, self):
    """A "with lock" block does not wait until the managed lock is free."""
    return self.acquire(False)


@fault("managers.AcquirerProxy.acquire", "manager.lock-excludes-processes")
def acquire_does_not_block(original, self, blocking=True, timeout=None):
    """acquire() without a timeout does not wait until the managed lock is free."""
    return original(self, False if timeout is None else blocking, timeout)


@fault("managers.BaseProxy.__reduce__", "manager.lock-travels-to-pool-tasks")
def lock_travels_by_inheritance_only(original, self):
    """A managed lock can be passed only to a new process."""
    from multiprocessing.context import assert_spawning

    if type(self).__name__ == "AcquirerProxy":
        assert_spawning(self)
    return original(self)


@fault("managers.AcquirerProxy.release", "manager.rlock-owner-may-reenter")
def rlock_is_released_at_once(original, self):
    """One release() frees a managed RLock, however often its owner acquired it."""
    original(self)
    if self._token.typeid == "RLock":
        with contextlib.suppress(RuntimeError):
            while True:
                original(self)


@fault("managers.AcquirerProxy.release", "manager.rlock-owner-may-reenter")
def rlock_release_needs_no_owner(original, self):
    """release() of a managed RLock by another process does not raise an exception."""
    try:
        original(self)
    except RuntimeError:
        if self._token.typeid != "RLock":
            raise


@fault("managers.EventProxy.clear", "manager.synchronisers-behave-as-threading")
def event_is_not_cleared(original, self):
    """clear() of a managed Event has no effect."""
    return


@fault("managers.ConditionProxy.wait_for", "manager.synchronisers-behave-as-threading")
def wait_for_returns_true(original, self, predicate, timeout=None):
    """wait_for() of a managed Condition returns True instead of the predicate's value."""
    return bool(original(self, predicate, timeout))


@fault("managers.BarrierProxy.reset", "manager.synchronisers-behave-as-threading")
def barrier_stays_broken(original, self):
    """reset() of a managed Barrier has no effect."""
    return


@fault("managers.SyncManager.BoundedSemaphore", "manager.synchronisers-behave-as-threading")
def semaphore_has_no_bound(original, self, value=1):
    """A managed BoundedSemaphore does not notice a release() too many."""
    return self.Semaphore(value)


@fault("managers.AcquirerProxy.locked", "manager.locked-tells-if-held")
def rlock_is_never_locked(original, self):
    """locked() of a managed RLock returns False while it is held."""
    return self._token.typeid != "RLock" and original(self)


@fault("managers.SyncManager.Semaphore", "manager.semaphore-limits-holders")
def admits_one_too_many(original, self, value=1):
    """A managed Semaphore(n) admits n + 1 processes."""
    return original(self, value + 1)


@fault("managers.EventProxy.wait", "manager.event-wakes-all-waiters")
def wait_returns_at_once(original, self, timeout=None):
    """wait() of a managed Event without a timeout returns at once."""
    return original(self, timeout or 0)


@fault("managers.EventProxy.wait", "manager.event-wakes-all-waiters")
def wait_returns_none(original, self, timeout=None):
    """wait() of a managed Event returns None, not True, when it was woken."""
    original(self, timeout)


@fault("managers.EventProxy.wait", "manager.call-waits-longer-than-seconds")
def wait_gives_up(original, self, timeout=None):
    """wait() of a managed Event without a timeout gives up after a second."""
    return original(self, 1 if timeout is None else timeout)


@fault("managers", "manager.threads-do-not-block-each-other")
def threads_take_turns(module):
    """While a thread waits in a proxy's method, all other threads that use proxies wait too."""
    import threading

    turn = threading.RLock()

    def call(original, self, methodname, args=(), kwds=None):
        with turn:
            return original(self, methodname, args, kwds or {})

    replace(module.BaseProxy, "_callmethod", call)


@fault("managers.ConditionProxy.notify", "manager.condition-wakes-waiters")
def notify_wakes_all(original, self, n=1):
    """notify() of a managed Condition wakes all waiters."""
    return self.notify_all()


@fault("managers.ConditionProxy.notify_all", "manager.condition-wakes-waiters")
def notify_all_wakes_one(original, self):
    """notify_all() of a managed Condition wakes one waiter."""
    return self._callmethod("notify", (1,))


@fault("managers.SyncManager.Condition", "manager.condition-takes-managed-lock")
def condition_has_its_own_lock(original, self, lock=None):
    """A managed Condition ignores the lock that it is given."""
    return original(self)


@fault("managers", "manager.barrier-action-runs-in-server")
def waiter_runs_the_action(module):
    """The action of a managed Barrier runs in the process that created the barrier."""

    def make(original, self, parties, action=None, timeout=None):
        proxy = original(self, parties, None, timeout)
        proxy.action = action
        return proxy

    def wait(original, self, timeout=None):
        place = original(self, timeout)
        if getattr(self, "action", None):
            self.action()
            self.action = None
        return place

    replace(module.SyncManager, "Barrier", make)
    replace(module.BarrierProxy, "wait", wait)
