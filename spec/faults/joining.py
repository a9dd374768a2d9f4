"""What can go wrong with joining."""

import os
import threading
import time

from spec.faults import fault, replace


@fault(
    "process.BaseProcess.join",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    "join.sleeps-take-longest-not-sum",
    "join.timeout-returns-none",
    crude=True,
)
def returns_at_once(original, self, timeout=None):
    """join does not wait: what follows it runs beside the process, not after it."""
    return


@fault(
    "process.BaseProcess.join",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    "join.timeout-returns-none",
)
def gives_up_after_a_moment(original, self, timeout=None):
    """join waits for a moment only, and says nothing of it: right for all that ends quickly."""
    original(self, 0.05 if timeout is None else min(timeout, 0.05))


@fault(
    "process.BaseProcess.join",
    "join.blocks-until-process-ends",
    "join.timeout-returns-none",
    "join.negative-timeout-is-zero",
    "join.may-be-repeated",
    "parallelism.process-mirrors-thread-surface",
)
def tells_what_it_saw(original, self, timeout=None):
    """join returns whether the process has ended: code that relies on it fails elsewhere."""
    original(self, timeout)
    return not self.is_alive()


@fault("process.BaseProcess.join", "join.order-is-free")
def oldest_first(original, self, timeout=None):
    """join first waits for the children that were started before: the order of joins matters."""
    from multiprocessing import process

    for child in sorted(process._children, key=lambda child: child._identity):
        if child._identity < self._identity:
            original(child, timeout)
    original(self, timeout)


@fault("popen_fork.Popen.poll", "join.order-is-free", only=("fork", "spawn"))
def takes_the_others_status(original, self, flag=os.WNOHANG):
    """Waiting for one child takes up whichever ends first: the others' exit codes are lost."""
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


def join_that(process, change):
    """Put ``change(original, self, timeout)`` in the place of join."""

    def join_otherwise(original, self, timeout=None):
        return change(original, self, timeout)

    replace(process.BaseProcess, "join", join_otherwise)


@fault(
    "process",
    "join.timeout-returns-none",
    "join.negative-timeout-is-zero",
    "join.child-waits-for-its-threads",
)
def terminates_when_time_is_out(process):
    """A join that runs out of time terminates the process: who only looked has ended it."""

    def join(original, self, timeout):
        original(self, timeout)
        if timeout is not None and self.is_alive():
            self.terminate()
            original(self)

    join_that(process, join)


@fault("process", "join.timeout-returns-none", crude=True)
def raises_when_time_is_out(process):
    """A join that runs out of time raises TimeoutError: programs that poll break."""

    def join(original, self, timeout):
        original(self, timeout)
        if timeout and timeout > 0 and self.is_alive():
            raise TimeoutError

    join_that(process, join)


@fault("process", "join.negative-timeout-is-zero")
def zero_is_for_ever(process):
    """join(0) waits for the end, as if it had no time-out: who only wants to look is stuck."""
    join_that(process, lambda original, self, timeout: original(self, timeout or None))


@fault("process", "join.negative-timeout-is-zero")
def negative_is_positive(process):
    """A deadline that has passed is waited for as long as it is ago."""
    join_that(
        process,
        lambda original, self, timeout: original(
            self, timeout if timeout is None else abs(timeout)
        ),
    )


@fault("popen_fork.Popen.wait", "join.timeout-held-up-by-grandchild", only=("fork",))
def asks_again_and_again(original, self, timeout=None):
    """join does not wait for the sentinel, but asks the kernel a thousand times a second."""
    if timeout is None or self.method != "fork":
        return original(self, timeout)
    deadline = time.monotonic() + timeout
    while self.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    return self.poll()


@fault("process", "join.may-be-repeated")
def only_once(process):
    """To wait for a process that is known to have ended raises ValueError."""

    def join(original, self, timeout):
        if timeout is None and self._popen is not None and self._popen.returncode is not None:
            raise ValueError
        original(self, timeout)

    join_that(process, join)


@fault("process", "join.may-be-repeated")
def forgets_the_code(process):
    """To wait once more for a process loses its exit code: it seems to run again."""

    def join(original, self, timeout):
        if timeout is None and self._popen is not None and self._popen.returncode is not None:
            self._popen.returncode = None
            self._popen.poll = lambda *_: None
        else:
            original(self, timeout)

    join_that(process, join)


@fault("process", "join.before-start-fails", "join.refused-by-assertion")
def ignored_before_start(process):
    """To join what was never started returns at once: the work is taken for done."""

    def join(original, self, timeout):
        if self._popen is not None or self._parent_pid != os.getpid():
            original(self, timeout)

    join_that(process, join)


@fault("process", "join.self-join-fails", "join.refused-by-assertion")
def oneself_is_ignored(process):
    """A process that joins itself goes on as if it had ended."""

    def join(original, self, timeout):
        if self is not process.current_process():
            original(self, timeout)

    join_that(process, join)


@fault("process", "join.self-join-fails")
def oneself_is_ignored_at_first(process):
    """A program's first process may join itself, and goes on; its children may not."""

    def join(original, self, timeout):
        if self is not process.current_process() or self._parent_pid is not None:
            original(self, timeout)

    join_that(process, join)


@fault("process", "join.self-join-fails", "join.refused-by-assertion", crude=True)
def oneself_waits_for_ever(process):
    """A process that joins itself waits for its own end."""

    def join(original, self, timeout):
        while self is process.current_process() and timeout is None:
            time.sleep(1)
        original(self, timeout)

    join_that(process, join)


@fault("process", "join.refused-by-assertion")
def refused_as_by_threads(process):
    """What join refuses raises RuntimeError: who catches AssertionError misses it."""

    def join(original, self, timeout):
        try:
            original(self, timeout)
        except AssertionError as error:
            raise RuntimeError from error

    join_that(process, join)


@fault("process.BaseProcess.is_alive", "join.alive-between-start-and-end")
def until_there_is_a_code(original, self):
    """A process that was never started counts as alive: it has no exit code yet."""
    return original(self) or (self._popen is None and self.exitcode is None)


@fault("process.BaseProcess.is_alive", "join.is-alive-joins-finished", only=("fork", "spawn"))
def leaves_zombies(original, self):
    """is_alive only looks, and takes nothing up: who polls instead of joining gathers zombies."""
    try:
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, self._popen.pid, flags) is None
    except (AttributeError, OSError):
        return original(self)


@fault("process.BaseProcess.pid", "join.pid-set-by-start")
def is_gone_at_the_end(original, self):
    """pid is None again when the process has ended: what it has logged cannot be found."""
    return original(self) if self.exitcode is None else None


@fault("process.BaseProcess.run", "join.native-id-equals-pid")
def native_id_is_the_parents(original, self):
    """The main thread of a child goes by the number that its parent's has."""
    threading.main_thread()._native_id = os.getppid()
    original(self)


@fault(
    "process.BaseProcess._bootstrap",
    "join.child-waits-for-its-threads",
    "join.exitcode-none-until-end",
    "join.sentinel-ready-at-end",
)
def cuts_off_its_threads(original, self, *args, **kwargs):
    """A child ends when its main thread does: what its other threads had to do stays undone."""
    threading._shutdown = lambda: None
    return original(self, *args, **kwargs)


@fault("process.BaseProcess.run", "join.child-waits-for-its-threads")
def waits_for_daemonic_threads(original, self):
    """A child waits for its daemonic threads too, but for those of its queues: it never ends."""
    original(self)
    for thread in threading.enumerate():
        if thread.daemon and not thread.name.startswith("QueueFeeder"):
            thread.join()
