"""What can go wrong with joining."""

import os

from spec.faults import fault, replace


@fault(
    "join.returns-at-once",
    "multiprocessing.process",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    "join.sleeps-take-longest-not-sum",
)
def returns_at_once(process):
    """join does not wait: what follows it runs beside the process, not after it."""
    replace(process.BaseProcess, "join", lambda original: lambda self, timeout=None: None)


@fault(
    "join.gives-up-after-a-moment",
    "multiprocessing.process",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    subtle=True,
)
def gives_up_after_a_moment(process):
    """join waits for a moment only, and says nothing of it: right for all that ends quickly."""

    def join(original):
        def join_for_a_moment(self, timeout=None):
            original(self, 0.05 if timeout is None else min(timeout, 0.05))

        return join_for_a_moment

    replace(process.BaseProcess, "join", join)


@fault(
    "join.tells-what-it-saw",
    "multiprocessing.process",
    "join.blocks-until-process-ends",
    "parallelism.process-mirrors-thread-surface",
    subtle=True,
)
def tells_what_it_saw(process):
    """join returns whether the process has ended: code that relies on it fails elsewhere."""

    def join(original):
        def join_and_tell(self, timeout=None):
            original(self, timeout)
            return not self.is_alive()

        return join_and_tell

    replace(process.BaseProcess, "join", join)


@fault("join.oldest-first", "multiprocessing.process", "join.order-is-free", subtle=True)
def oldest_first(process):
    """join first waits for the children that were started before: the order of joins matters."""

    def join(original):
        def join_older_first(self, timeout=None):
            for child in sorted(process._children, key=lambda child: child._identity):
                if child._identity < self._identity:
                    original(child, timeout)
            original(self, timeout)

        return join_older_first

    replace(process.BaseProcess, "join", join)


@fault(
    "join.takes-the-others-status",
    "multiprocessing.popen_fork",
    "join.order-is-free",
    only=("fork", "spawn"),
    subtle=True,
)
def takes_the_others_status(popen_fork):
    """Waiting for one child takes up whichever ends first: the others' exit codes are lost."""

    def poll(original):
        def poll_any(self, flag=os.WNOHANG):
            try:
                while self.returncode is None:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                    if pid == self.pid:
                        self.returncode = os.waitstatus_to_exitcode(status)
                    if pid == 0:
                        break
            except OSError:
                return None
            return original(self, flag)

        return poll_any

    replace(popen_fork.Popen, "poll", poll)
