"""What can go wrong with a barrier."""

import contextlib
import threading

from spec.faults import fault, replace

SYNCHRONIZE = "multiprocessing.synchronize"


@fault("synchronize.Barrier.__init__", "barrier.opens-when-all-arrived")
def opens_one_too_early(original, self, parties, *args, **kwargs):
    """A barrier for three opens when two have come."""
    original(self, parties - (parties == 3), *args, **kwargs)


@fault("synchronize.Barrier.wait", "barrier.opens-when-all-arrived")
def all_get_the_same_number(original, self, timeout=None):
    """All who pass get the number 0: what one is to do, all do."""
    return original(self, timeout) and 0


@fault("synchronize.Barrier.wait", "barrier.opens-when-all-arrived")
def stays_open(original, self, timeout=None):
    """Who has passed once may pass again without the others."""
    if "number" not in vars(self):
        self.number = original(self, timeout)
    return self.number


@fault("synchronize.Barrier.wait", "barrier.action-runs-once", crude=True)
def everybody_acts(original, self, timeout=None):
    """Each party does the action: what was to be done once is done by all."""
    number = original(self, timeout)
    if number < self.parties - 1 and self._action:
        self._action()
    return number


@fault("synchronize.Barrier.wait", "barrier.action-runs-once")
def acts_too_late(original, self, timeout=None):
    """The action is done when the others have gone on: they do not find what it is to do."""
    action, self._action = self._action, None
    number = original(self, timeout)
    self._action = action
    if number == self.parties - 1 and action:
        action()
    return number


@fault("synchronize.Barrier._release", "barrier.action-runs-once")
def failed_action_opens(original, self):
    """An action that fails is as good as one that does not: all go on, and nobody hears of it."""
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
def time_out_is_ones_own(original, self, timeout):
    """Who has waited in vain gets its error and goes; the others wait for it for ever."""
    opened = self._cond.wait_for(lambda: self._state != 0, timeout)
    if not opened or self._state < 0:
        raise threading.BrokenBarrierError


@fault("synchronize.Barrier.__setstate__", "barrier.timeout-breaks-it")
def default_time_out_is_lost(original, self, state):
    """The barrier's own time-out does not reach other processes: they wait for ever."""
    original(self, (*state[:2], None, *state[3:]))


@fault("synchronize.Barrier.wait", "barrier.timeout-breaks-it")
def default_time_out_wins(original, self, timeout=None):
    """The barrier's own time-out is taken instead of the one that wait was given."""
    return original(self, self._timeout or timeout)


@fault("synchronize.Barrier._wait", "barrier.timeout-breaks-it")
def gives_up_early(original, self, timeout):
    """The barrier breaks after half of the time-out: who comes in time finds it broken."""
    return original(self, timeout and timeout / 2)


@fault("synchronize.Barrier.abort", "barrier.abort-breaks-reset-repairs")
def abort_is_a_reset(original, self):
    """abort sends away who waits; who comes later finds the barrier whole, and waits for ever."""
    return threading.Barrier.reset(self)


@fault("synchronize.Barrier.reset", "barrier.abort-breaks-reset-repairs")
def reset_forgets_who_waits(original, self):
    """reset repairs a broken barrier, and does nothing to those who wait at a whole one."""
    if self.broken:
        original(self)


@fault("synchronize.Barrier.reset", "barrier.abort-breaks-reset-repairs", crude=True)
def reset_repairs_nothing(original, self):
    """A broken barrier stays broken."""
    if not self.broken:
        original(self)


@fault("synchronize.Barrier.reset", "barrier.abort-breaks-reset-repairs")
def reset_breaks_it(original, self):
    """reset of a barrier at which somebody waits sends that one away, and leaves it broken."""
    if self.n_waiting:
        self.abort()
    else:
        original(self)


def unknown_to_children(synchronize, name, instead):
    """Have a property tell every child ``instead``."""
    from multiprocessing.process import parent_process

    def make(original, self):
        return instead if parent_process() else original(self)

    replace(synchronize.Barrier, name, make)


@fault("synchronize", "barrier.state-seen-by-all")
def children_see_nobody_wait(synchronize):
    """n_waiting is 0 in children, whoever waits."""
    unknown_to_children(synchronize, "n_waiting", 0)


@fault("synchronize", "barrier.state-seen-by-all")
def children_see_it_whole(synchronize):
    """broken is False in children, though the barrier is broken."""
    unknown_to_children(synchronize, "broken", False)


@fault("synchronize", "barrier.state-seen-by-all")
def those_who_passed_count(synchronize):
    """n_waiting stays at the number of the parties when all have passed."""

    def init_and_note(original, self, *args, **kwargs):
        self.most = 0
        original(self, *args, **kwargs)

    def n_waiting(original, self):
        number = original(self)
        self.most = max(vars(self).get("most", 0), number)
        return self.most

    replace(synchronize.Barrier, "__init__", init_and_note)
    replace(synchronize.Barrier, "n_waiting", n_waiting)


@fault("synchronize", "barrier.error-comes-from-threading")
def error_is_its_own(synchronize):
    """A broken barrier raises another exception of the same name: except clauses miss it."""
    own = type("BrokenBarrierError", (RuntimeError,), {"__module__": SYNCHRONIZE})

    def wait(original, self, timeout=None):
        try:
            return original(self, timeout)
        except threading.BrokenBarrierError:
            raise own from None

    replace(synchronize.Barrier, "wait", wait)


@fault("synchronize.Barrier.__init__", "barrier.zero-parties-accepted")
def for_nobody_is_refused(original, self, parties, *args, **kwargs):
    """A barrier for nobody is a ValueError, as in threading: code that makes one ends there."""
    if parties < 1:
        raise ValueError("parties must be >= 1")
    original(self, parties, *args, **kwargs)


@fault("synchronize.Barrier.wait", "barrier.zero-parties-accepted")
def for_nobody_is_open(original, self, timeout=None):
    """A barrier for nobody lets everybody pass."""
    return original(self, timeout) if self.parties > 0 else 0
