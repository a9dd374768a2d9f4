"""Faults of barriers."""

import contextlib
import threading

from spec.faults import fault, replace


@fault("synchronize.Barrier.__init__", "barrier.opens-when-all-arrived")
def opens_one_too_early(original, self, parties, *args, **kwargs):
    """A barrier for three parties opens when two have arrived."""
    original(self, parties - (parties == 3), *args, **kwargs)


@fault("synchronize.Barrier.wait", "barrier.opens-when-all-arrived")
def all_get_zero(original, self, timeout=None):
    """wait() returns 0 to all parties, so what one party should do is done by all of them."""
    return original(self, timeout) and 0


@fault("synchronize.Barrier.wait", "barrier.opens-when-all-arrived")
def stays_open(original, self, timeout=None):
    """A party that has passed once passes again without the other parties."""
    if "number" not in vars(self):
        self.number = original(self, timeout)
    return self.number


@fault("synchronize.Barrier.wait", "barrier.action-runs-once", crude=True)
def every_party_acts(original, self, timeout=None):
    """Every party runs the action."""
    number = original(self, timeout)
    if number < self.parties - 1 and self._action:
        self._action()
    return number


@fault("synchronize.Barrier.wait", "barrier.action-runs-once")
def acts_too_late(original, self, timeout=None):
    """The action runs after the other parties have passed, so they miss its result."""
    action, self._action = self._action, None
    number = original(self, timeout)
    self._action = action
    if number == self.parties - 1 and action:
        action()
    return number


@fault("synchronize.Barrier._release", "barrier.action-runs-once")
def action_errors_are_ignored(original, self):
    """An exception in the action is silently ignored, and all parties pass."""
    action = self._action

    def act():
        with contextlib.suppress(Exception):
            action()

    self._action = action and act
    try:
        original(self)
    finally:
        self._action = action


@fault("synchronize.Barrier._wait", "barrier.timeout-breaks-it")
def timeout_does_not_break_it(original, self, timeout):
    """A wait() that times out raises its error, but the other waiters block forever."""
    opened = self._cond.wait_for(lambda: self._state != 0, timeout)
    if not opened or self._state < 0:
        raise threading.BrokenBarrierError


@fault("synchronize.Barrier.__setstate__", "barrier.timeout-breaks-it")
def own_timeout_is_lost(original, self, state):
    """The timeout of the barrier itself is ignored, so its waiters block forever."""
    original(self, (*state[:2], None, *state[3:]))


@fault("synchronize.Barrier.wait", "barrier.timeout-breaks-it")
def own_timeout_wins(original, self, timeout=None):
    """The timeout of the barrier itself is used instead of the one that is given to wait()."""
    return original(self, self._timeout or timeout)


@fault("synchronize.Barrier._wait", "barrier.timeout-breaks-it")
def breaks_too_early(original, self, timeout):
    """The barrier breaks after half of the timeout."""
    return original(self, timeout and timeout / 2)


@fault("synchronize.Barrier.abort", "barrier.abort-breaks-reset-repairs")
def abort_is_a_reset(original, self):
    """abort() does not break the barrier for later waiters, so they block forever."""
    return threading.Barrier.reset(self)


@fault("synchronize.Barrier.reset", "barrier.abort-breaks-reset-repairs")
def reset_ignores_waiters(original, self):
    """reset() of a barrier that is not broken has no effect on its waiters."""
    if self.broken:
        original(self)


@fault("synchronize.Barrier.reset", "barrier.abort-breaks-reset-repairs", crude=True)
def reset_repairs_nothing(original, self):
    """A broken barrier stays broken after reset()."""
    if not self.broken:
        original(self)


@fault("synchronize.Barrier.reset", "barrier.abort-breaks-reset-repairs")
def reset_breaks_it(original, self):
    """reset() of a barrier that has waiters leaves it broken."""
    if self.n_waiting:
        self.abort()
    else:
        original(self)


@fault("synchronize.Barrier.n_waiting", "barrier.state-seen-by-all")
def children_see_no_waiters(original, self):
    """n_waiting is always 0 in children."""
    from multiprocessing.process import parent_process

    return 0 if parent_process() else original(self)


@fault("synchronize.Barrier.broken", "barrier.state-seen-by-all")
def children_see_it_unbroken(original, self):
    """broken is always False in children."""
    from multiprocessing.process import parent_process

    return False if parent_process() else original(self)


@fault("synchronize", "barrier.state-seen-by-all")
def n_waiting_never_falls(synchronize):
    """n_waiting keeps its highest value when all parties have passed."""

    def init_and_note(original, self, *args, **kwargs):
        self.most = 0
        original(self, *args, **kwargs)

    def n_waiting(original, self):
        number = original(self)
        self.most = max(vars(self).get("most", 0), number)
        return self.most

    replace(synchronize.Barrier, "__init__", init_and_note)
    replace(synchronize.Barrier, "n_waiting", n_waiting)


class BrokenBarrierError(RuntimeError):
    """Not the one of threading."""


@fault("synchronize.Barrier.wait", "barrier.error-comes-from-threading")
def raises_its_own_error(original, self, timeout=None):
    """A broken barrier raises another BrokenBarrierError, which threading's does not catch."""
    try:
        return original(self, timeout)
    except threading.BrokenBarrierError:
        raise BrokenBarrierError from None


@fault("synchronize.Barrier.__init__", "barrier.zero-parties-accepted")
def zero_parties_are_refused(original, self, parties, *args, **kwargs):
    """Barrier(0) raises ValueError, as in threading."""
    if parties < 1:
        raise ValueError("parties must be >= 1")
    original(self, parties, *args, **kwargs)


@fault("synchronize.Barrier.wait", "barrier.zero-parties-accepted")
def zero_parties_let_all_pass(original, self, timeout=None):
    """A barrier for no parties lets every process pass."""
    return original(self, timeout) if self.parties > 0 else 0


@fault("synchronize.Barrier.wait", "barrier.timeout-breaks-it")
def shorter_timeout_wins(original, self, timeout=None):
    """The shorter of the barrier's timeout and that of wait() is used, so it breaks too early."""
    given = [each for each in (timeout, self._timeout) if each is not None]
    return original(self, min(given) if given else None)


@fault("synchronize.Barrier.wait", "barrier.waits-longer-than-seconds")
def wait_is_one_second(original, self, timeout=None):
    """A barrier without a timeout breaks after one second."""
    return original(self, 1 if timeout is None and self._timeout is None else timeout)


@fault("synchronize.Barrier.wait", "barrier.opens-when-all-arrived")
def threads_take_turns(original, self, timeout=None):
    """A thread cannot come while another of its process waits, so the barrier never opens."""
    with vars(self).setdefault("turn", threading.Lock()):
        return original(self, timeout)


@fault(
    "synchronize.Barrier._break", "barrier.timeout-breaks-it", "barrier.abort-breaks-reset-repairs"
)
def breaking_wakes_one(original, self):
    """A barrier that breaks wakes only one of its waiters; the others block forever."""
    self._state = -2
    self._cond.notify(1)


@fault("synchronize.Barrier.reset", "barrier.abort-breaks-reset-repairs")
def reset_wakes_one(original, self):
    """reset() wakes only one of the barrier's waiters; the others block forever."""
    notify_all = self._cond.notify_all
    self._cond.notify_all = self._cond.notify
    try:
        original(self)
    finally:
        self._cond.notify_all = notify_all
