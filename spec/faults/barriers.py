"""What can go wrong with a barrier."""

import contextlib
import threading

from spec.faults import fault, replace

SYNCHRONIZE = "multiprocessing.synchronize"


@fault("barrier.opens-one-too-early", SYNCHRONIZE, "barrier.opens-when-all-arrived", subtle=True)
def opens_one_too_early(synchronize):
    """A barrier for three opens when two have come."""

    def init(original):
        def init_for_less(self, parties, *args, **kwargs):
            original(self, parties - (parties == 3), *args, **kwargs)

        return init_for_less

    replace(synchronize.Barrier, "__init__", init)


@fault(
    "barrier.all-get-the-same-number", SYNCHRONIZE, "barrier.opens-when-all-arrived", subtle=True
)
def all_get_the_same_number(synchronize):
    """All who pass get the number 0: what one is to do, all do."""
    replace(
        synchronize.Barrier,
        "wait",
        lambda original: lambda self, timeout=None: original(self, timeout) and 0,
    )


@fault("barrier.stays-open", SYNCHRONIZE, "barrier.opens-when-all-arrived", subtle=True)
def stays_open(synchronize):
    """Who has passed once may pass again without the others."""

    def make(original):
        def wait_once(self, timeout=None):
            if "number" not in vars(self):
                self.number = original(self, timeout)
            return self.number

        return wait_once

    replace(synchronize.Barrier, "wait", make)


@fault("barrier.everybody-acts", SYNCHRONIZE, "barrier.action-runs-once")
def everybody_acts(synchronize):
    """Each party does the action: what was to be done once is done by all."""

    def make(original):
        def wait_and_act(self, timeout=None):
            number = original(self, timeout)
            if number < self.parties - 1 and self._action:
                self._action()
            return number

        return wait_and_act

    replace(synchronize.Barrier, "wait", make)


@fault("barrier.acts-too-late", SYNCHRONIZE, "barrier.action-runs-once", subtle=True)
def acts_too_late(synchronize):
    """The action is done when the others have gone on: they do not find what it is to do."""

    def make(original):
        def wait_then_act(self, timeout=None):
            action, self._action = self._action, None
            number = original(self, timeout)
            self._action = action
            if number == self.parties - 1 and action:
                action()
            return number

        return wait_then_act

    replace(synchronize.Barrier, "wait", make)


@fault("barrier.failed-action-opens", SYNCHRONIZE, "barrier.action-runs-once", subtle=True)
def failed_action_opens(synchronize):
    """An action that fails is as good as one that does not: all go on, and nobody hears of it."""

    def make(original):
        def release(self):
            action = self._action

            def act():
                with contextlib.suppress(Exception):
                    action()

            self._action = action and act
            try:
                original(self)
            finally:
                self._action = action

        return release

    replace(synchronize.Barrier, "_release", make)


@fault("barrier.time-out-is-ones-own", SYNCHRONIZE, "barrier.timeout-breaks-it", subtle=True)
def time_out_is_ones_own(synchronize):
    """Who has waited in vain gets its error and goes; the others wait for it for ever."""

    def make(_):
        def wait(self, timeout):
            opened = self._cond.wait_for(lambda: self._state != 0, timeout)
            if not opened or self._state < 0:
                raise threading.BrokenBarrierError

        return wait

    replace(synchronize.Barrier, "_wait", make)


@fault("barrier.default-time-out-is-lost", SYNCHRONIZE, "barrier.timeout-breaks-it", subtle=True)
def default_time_out_is_lost(synchronize):
    """The barrier's own time-out does not reach other processes: they wait for ever."""

    def make(original):
        def setstate(self, state):
            original(self, (*state[:2], None, *state[3:]))

        return setstate

    replace(synchronize.Barrier, "__setstate__", make)


@fault("barrier.default-time-out-wins", SYNCHRONIZE, "barrier.timeout-breaks-it", subtle=True)
def default_time_out_wins(synchronize):
    """The barrier's own time-out is taken instead of the one that wait was given."""
    replace(
        synchronize.Barrier,
        "wait",
        lambda original: lambda self, timeout=None: original(self, self._timeout or timeout),
    )


@fault("barrier.gives-up-early", SYNCHRONIZE, "barrier.timeout-breaks-it", subtle=True)
def gives_up_early(synchronize):
    """The barrier breaks after half of the time-out: who comes in time finds it broken."""
    replace(
        synchronize.Barrier,
        "_wait",
        lambda original: lambda self, timeout: original(self, timeout and timeout / 2),
    )


@fault("barrier.abort-is-a-reset", SYNCHRONIZE, "barrier.abort-breaks-reset-repairs", subtle=True)
def abort_is_a_reset(synchronize):
    """abort sends away who waits; who comes later finds the barrier whole, and waits for ever."""
    replace(synchronize.Barrier, "abort", lambda _: lambda self: threading.Barrier.reset(self))


@fault(
    "barrier.reset-forgets-who-waits",
    SYNCHRONIZE,
    "barrier.abort-breaks-reset-repairs",
    subtle=True,
)
def reset_forgets_who_waits(synchronize):
    """reset repairs a broken barrier, and does nothing to those who wait at a whole one."""

    def make(original):
        def reset_if_broken(self):
            if self.broken:
                original(self)

        return reset_if_broken

    replace(synchronize.Barrier, "reset", make)


@fault("barrier.reset-repairs-nothing", SYNCHRONIZE, "barrier.abort-breaks-reset-repairs")
def reset_repairs_nothing(synchronize):
    """A broken barrier stays broken."""

    def make(original):
        def reset_unless_broken(self):
            if not self.broken:
                original(self)

        return reset_unless_broken

    replace(synchronize.Barrier, "reset", make)


@fault("barrier.reset-breaks-it", SYNCHRONIZE, "barrier.abort-breaks-reset-repairs", subtle=True)
def reset_breaks_it(synchronize):
    """reset of a barrier at which somebody waits sends that one away, and leaves it broken."""

    def make(original):
        def reset_or_break(self):
            if self.n_waiting:
                self.abort()
            else:
                original(self)

        return reset_or_break

    replace(synchronize.Barrier, "reset", make)


def unknown_to_children(synchronize, name, instead):
    """Have a property tell every child ``instead``."""
    from multiprocessing.process import parent_process

    def make(original):
        return property(lambda self: instead if parent_process() else original.fget(self))

    replace(synchronize.Barrier, name, make)


@fault("barrier.children-see-nobody-wait", SYNCHRONIZE, "barrier.state-seen-by-all", subtle=True)
def children_see_nobody_wait(synchronize):
    """n_waiting is 0 in children, whoever waits."""
    unknown_to_children(synchronize, "n_waiting", 0)


@fault("barrier.children-see-it-whole", SYNCHRONIZE, "barrier.state-seen-by-all", subtle=True)
def children_see_it_whole(synchronize):
    """broken is False in children, though the barrier is broken."""
    unknown_to_children(synchronize, "broken", False)


@fault("barrier.those-who-passed-count", SYNCHRONIZE, "barrier.state-seen-by-all", subtle=True)
def those_who_passed_count(synchronize):
    """n_waiting stays at the number of the parties when all have passed."""

    def init(original):
        def init_and_note(self, *args, **kwargs):
            self.most = 0
            original(self, *args, **kwargs)

        return init_and_note

    def make(original):
        def n_waiting(self):
            number = original.fget(self)
            self.most = max(vars(self).get("most", 0), number)
            return self.most

        return property(n_waiting)

    replace(synchronize.Barrier, "__init__", init)
    replace(synchronize.Barrier, "n_waiting", make)


@fault("barrier.error-is-its-own", SYNCHRONIZE, "barrier.error-comes-from-threading", subtle=True)
def error_is_its_own(synchronize):
    """A broken barrier raises another exception of the same name: except clauses miss it."""
    own = type("BrokenBarrierError", (RuntimeError,), {"__module__": SYNCHRONIZE})

    def make(original):
        def wait(self, timeout=None):
            try:
                return original(self, timeout)
            except threading.BrokenBarrierError:
                raise own from None

        return wait

    replace(synchronize.Barrier, "wait", make)


@fault("barrier.for-nobody-is-refused", SYNCHRONIZE, "barrier.zero-parties-accepted", subtle=True)
def for_nobody_is_refused(synchronize):
    """A barrier for nobody is a ValueError, as in threading: code that makes one ends there."""

    def init(original):
        def init_checked(self, parties, *args, **kwargs):
            if parties < 1:
                raise ValueError("parties must be >= 1")
            original(self, parties, *args, **kwargs)

        return init_checked

    replace(synchronize.Barrier, "__init__", init)


@fault("barrier.for-nobody-is-open", SYNCHRONIZE, "barrier.zero-parties-accepted", subtle=True)
def for_nobody_is_open(synchronize):
    """A barrier for nobody lets everybody pass."""

    def make(original):
        return lambda self, timeout=None: original(self, timeout) if self.parties > 0 else 0

    replace(synchronize.Barrier, "wait", make)
