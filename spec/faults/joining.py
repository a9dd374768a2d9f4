"""What can go wrong with joining."""

import os
import threading
import time

from spec.faults import fault, replace


@fault(
    "join.returns-at-once",
    "multiprocessing.process",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    "join.sleeps-take-longest-not-sum",
    "join.timeout-returns-none",
)
def returns_at_once(process):
    """join does not wait: what follows it runs beside the process, not after it."""
    replace(process.BaseProcess, "join", lambda original: lambda self, timeout=None: None)


@fault(
    "join.gives-up-after-a-moment",
    "multiprocessing.process",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    "join.timeout-returns-none",
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
    "join.timeout-returns-none",
    "join.negative-timeout-is-zero",
    "join.may-be-repeated",
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


def join_that(process, change):
    """Put ``change(original, self, timeout)`` in the place of join."""

    def join(original):
        def join_otherwise(self, timeout=None):
            return change(original, self, timeout)

        return join_otherwise

    replace(process.BaseProcess, "join", join)


@fault(
    "join.terminates-when-time-is-out",
    "multiprocessing.process",
    "join.timeout-returns-none",
    "join.negative-timeout-is-zero",
    "join.child-waits-for-its-threads",
    subtle=True,
)
def terminates_when_time_is_out(process):
    """A join that runs out of time terminates the process: who only looked has ended it."""

    def join(original, self, timeout):
        original(self, timeout)
        if timeout is not None and self.is_alive():
            self.terminate()
            original(self)

    join_that(process, join)


@fault("join.raises-when-time-is-out", "multiprocessing.process", "join.timeout-returns-none")
def raises_when_time_is_out(process):
    """A join that runs out of time raises TimeoutError: programs that poll break."""

    def join(original, self, timeout):
        original(self, timeout)
        if timeout and timeout > 0 and self.is_alive():
            raise TimeoutError

    join_that(process, join)


@fault(
    "join.zero-is-for-ever",
    "multiprocessing.process",
    "join.negative-timeout-is-zero",
    subtle=True,
)
def zero_is_for_ever(process):
    """join(0) waits for the end, as if it had no time-out: who only wants to look is stuck."""
    join_that(process, lambda original, self, timeout: original(self, timeout or None))


@fault(
    "join.negative-is-positive",
    "multiprocessing.process",
    "join.negative-timeout-is-zero",
    subtle=True,
)
def negative_is_positive(process):
    """A deadline that has passed is waited for as long as it is ago."""
    join_that(
        process,
        lambda original, self, timeout: original(
            self, timeout if timeout is None else abs(timeout)
        ),
    )


@fault(
    "join.asks-again-and-again",
    "multiprocessing.popen_fork",
    "join.timeout-held-up-by-grandchild",
    only=("fork",),
    subtle=True,
)
def asks_again_and_again(popen_fork):
    """join does not wait for the sentinel, but asks the kernel a thousand times a second."""

    def wait(original):
        def ask(self, timeout=None):
            if timeout is None or self.method != "fork":
                return original(self, timeout)
            deadline = time.monotonic() + timeout
            while self.poll() is None and time.monotonic() < deadline:
                time.sleep(0.001)
            return self.poll()

        return ask

    replace(popen_fork.Popen, "wait", wait)


@fault("join.only-once", "multiprocessing.process", "join.may-be-repeated", subtle=True)
def only_once(process):
    """To wait for a process that is known to have ended raises ValueError."""

    def join(original, self, timeout):
        if timeout is None and self._popen is not None and self._popen.returncode is not None:
            raise ValueError
        original(self, timeout)

    join_that(process, join)


@fault("join.forgets-the-code", "multiprocessing.process", "join.may-be-repeated", subtle=True)
def forgets_the_code(process):
    """To wait once more for a process loses its exit code: it seems to run again."""

    def join(original, self, timeout):
        if timeout is None and self._popen is not None and self._popen.returncode is not None:
            self._popen.returncode = None
            self._popen.poll = lambda *_: None
        else:
            original(self, timeout)

    join_that(process, join)


@fault(
    "join.ignored-before-start",
    "multiprocessing.process",
    "join.before-start-fails",
    "join.refused-by-assertion",
    subtle=True,
)
def ignored_before_start(process):
    """To join what was never started returns at once: the work is taken for done."""

    def join(original, self, timeout):
        if self._popen is not None or self._parent_pid != os.getpid():
            original(self, timeout)

    join_that(process, join)


@fault(
    "join.oneself-is-ignored",
    "multiprocessing.process",
    "join.self-join-fails",
    "join.refused-by-assertion",
    subtle=True,
)
def oneself_is_ignored(process):
    """A process that joins itself goes on as if it had ended."""

    def join(original, self, timeout):
        if self is not process.current_process():
            original(self, timeout)

    join_that(process, join)


@fault(
    "join.oneself-is-ignored-at-first",
    "multiprocessing.process",
    "join.self-join-fails",
    subtle=True,
)
def oneself_is_ignored_at_first(process):
    """A program's first process may join itself, and goes on; its children may not."""

    def join(original, self, timeout):
        if self is not process.current_process() or self._parent_pid is not None:
            original(self, timeout)

    join_that(process, join)


@fault(
    "join.oneself-waits-for-ever",
    "multiprocessing.process",
    "join.self-join-fails",
    "join.refused-by-assertion",
)
def oneself_waits_for_ever(process):
    """A process that joins itself waits for its own end."""

    def join(original, self, timeout):
        while self is process.current_process() and timeout is None:
            time.sleep(1)
        original(self, timeout)

    join_that(process, join)


@fault(
    "join.refused-as-by-threads",
    "multiprocessing.process",
    "join.refused-by-assertion",
    subtle=True,
)
def refused_as_by_threads(process):
    """What join refuses raises RuntimeError: who catches AssertionError misses it."""

    def join(original, self, timeout):
        try:
            original(self, timeout)
        except AssertionError as error:
            raise RuntimeError from error

    join_that(process, join)


@fault(
    "alive.until-there-is-a-code",
    "multiprocessing.process",
    "join.alive-between-start-and-end",
    subtle=True,
)
def until_there_is_a_code(process):
    """A process that was never started counts as alive: it has no exit code yet."""

    def is_alive(original):
        return lambda self: original(self) or (self._popen is None and self.exitcode is None)

    replace(process.BaseProcess, "is_alive", is_alive)


@fault(
    "alive.leaves-zombies",
    "multiprocessing.process",
    "join.is-alive-joins-finished",
    only=("fork", "spawn"),
    subtle=True,
)
def leaves_zombies(process):
    """is_alive only looks, and takes nothing up: who polls instead of joining gathers zombies."""

    def is_alive(original):
        def look(self):
            try:
                flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
                return os.waitid(os.P_PID, self._popen.pid, flags) is None
            except (AttributeError, OSError):
                return original(self)

        return look

    replace(process.BaseProcess, "is_alive", is_alive)


@fault("pid.is-gone-at-the-end", "multiprocessing.process", "join.pid-set-by-start", subtle=True)
def is_gone_at_the_end(process):
    """pid is None again when the process has ended: what it has logged cannot be found."""

    def pid(original):
        return property(lambda self: original.fget(self) if self.exitcode is None else None)

    replace(process.BaseProcess, "pid", pid)


@fault(
    "pid.native-id-is-the-parents",
    "multiprocessing.process",
    "join.native-id-equals-pid",
    subtle=True,
)
def native_id_is_the_parents(process):
    """The main thread of a child goes by the number that its parent's has."""

    def run(original):
        def run_as_parent(self):
            threading.main_thread()._native_id = os.getppid()
            original(self)

        return run_as_parent

    replace(process.BaseProcess, "run", run)


@fault(
    "child.cuts-off-its-threads",
    "multiprocessing.process",
    "join.child-waits-for-its-threads",
    "join.exitcode-none-until-end",
    "join.sentinel-ready-at-end",
    subtle=True,
)
def cuts_off_its_threads(process):
    """A child ends when its main thread does: what its other threads had to do stays undone."""

    def bootstrap(original):
        def bootstrap_hastily(self, *args, **kwargs):
            threading._shutdown = lambda: None
            return original(self, *args, **kwargs)

        return bootstrap_hastily

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "child.waits-for-daemonic-threads",
    "multiprocessing.process",
    "join.child-waits-for-its-threads",
    subtle=True,
)
def waits_for_daemonic_threads(process):
    """A child waits for its daemonic threads too, but for those of its queues: it never ends."""

    def run(original):
        def run_and_wait(self):
            original(self)
            for thread in threading.enumerate():
                if thread.daemon and not thread.name.startswith("QueueFeeder"):
                    thread.join()

        return run_and_wait

    replace(process.BaseProcess, "run", run)
