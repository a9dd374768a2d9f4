"""Faults of joining."""

import os
import threading
import time

from spec.faults import fault

ONE_READER = threading.Lock()


@fault(
    "process.BaseProcess.join",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    "join.sleeps-take-longest-not-sum",
    "join.timeout-returns-none",
    crude=True,
)
def returns_at_once(original, self, timeout=None):
    """join() does not wait: the code after it runs beside the process, not after it."""
    return


@fault(
    "process.BaseProcess.join",
    "join.blocks-until-process-ends",
    "join.orders-what-follows",
    "join.timeout-returns-none",
)
def gives_up_after_a_moment(original, self, timeout=None):
    """join() gives up after a moment: it is right only for processes that end quickly."""
    original(self, 0.05 if timeout is None else min(timeout, 0.05))


@fault(
    "process.BaseProcess.join",
    "join.blocks-until-process-ends",
    "join.timeout-returns-none",
    "join.negative-timeout-is-zero",
    "join.may-be-repeated",
    "parallelism.process-mirrors-thread-surface",
)
def returns_whether_it_ended(original, self, timeout=None):
    """join() returns whether the process has ended: code that relies on it fails elsewhere."""
    original(self, timeout)
    return not self.is_alive()


@fault("process.BaseProcess.join", "join.never-gives-up")
def gives_up_after_a_second(original, self, timeout=None):
    """join() gives up after a second: the code after it runs beside a process that takes longer."""
    original(self, 1.0 if timeout is None else timeout)


@fault("process.BaseProcess.join", "join.long-timeout-is-kept")
def waits_for_a_second_at_most(original, self, timeout=None):
    """join(timeout) waits for a second at most: a process that takes longer seems to hang."""
    original(self, timeout if timeout is None else min(timeout, 1.0))


@fault("process.BaseProcess.join", "join.several-threads-may-join")
def only_one_thread_waits(original, self, timeout=None):
    """join() returns at once while another thread joins the same process."""
    if vars(self).setdefault("_joining", []):
        return
    self._joining.append(timeout)
    try:
        original(self, timeout)
    finally:
        self._joining.pop()


@fault("popen_forkserver.Popen.poll", "join.joiners-lose-forkserver-exitcode")
def joiners_share_the_exit_code(original, self, flag=os.WNOHANG):
    """Any number of threads can join and see the same exit code: the claim is out of date."""
    from multiprocessing.connection import wait

    wait([self.sentinel], 0 if flag == os.WNOHANG else None)
    with ONE_READER:
        return original(self)


@fault("process.BaseProcess.join", "join.timeout-ends-with-process")
def sleeps_for_the_whole_timeout(original, self, timeout=None):
    """join(timeout) takes the whole timeout if the process runs at its beginning."""
    if timeout is not None and timeout > 0 and self.is_alive():
        time.sleep(timeout)
    original(self, timeout)


@fault("process.BaseProcess.join", "join.order-is-free")
def oldest_first(original, self, timeout=None):
    """join() waits first for the children that were started before: the order of joins matters."""
    from multiprocessing import process

    for child in sorted(process._children, key=lambda child: child._identity):
        if child._identity < self._identity:
            original(child, timeout)
    original(self, timeout)


@fault("process.BaseProcess.join", "join.order-is-free")
def youngest_first(original, self, timeout=None):
    """join() waits first for the children that were started later: the order of joins matters."""
    from multiprocessing import process

    for child in sorted(process._children, key=lambda child: child._identity):
        if child._identity > self._identity:
            original(child, timeout)
    original(self, timeout)


@fault("popen_fork.Popen.poll", "join.order-is-free", only=("fork", "spawn"))
def takes_any_exit_status(original, self, flag=os.WNOHANG):
    """Waiting for a child takes the exit status of any child: exit codes are lost."""
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


@fault(
    "process.BaseProcess.join",
    "join.timeout-returns-none",
    "join.negative-timeout-is-zero",
    "join.child-waits-for-its-threads",
)
def timeout_terminates(original, self, timeout=None):
    """A join() that times out terminates the process: a look at it is enough to end it."""
    original(self, timeout)
    if timeout is not None and self.is_alive():
        self.terminate()
        original(self)


@fault("process.BaseProcess.join", "join.timeout-returns-none", crude=True)
def timeout_raises(original, self, timeout=None):
    """A join() that times out raises TimeoutError: programs that poll break."""
    original(self, timeout)
    if timeout and timeout > 0 and self.is_alive():
        raise TimeoutError


@fault("process.BaseProcess.join", "join.negative-timeout-is-zero")
def zero_means_forever(original, self, timeout=None):
    """join(0) waits for the end, as if it had no timeout: a program that polls is stuck."""
    original(self, timeout or None)


@fault("process.BaseProcess.join", "join.negative-timeout-is-zero")
def negative_means_positive(original, self, timeout=None):
    """A join() with a deadline in the past waits as long as that is ago."""
    original(self, timeout if timeout is None else abs(timeout))


@fault("popen_fork.Popen.wait", "join.timeout-held-up-by-grandchild", only=("fork",))
def polls_the_kernel(original, self, timeout=None):
    """join() does not wait for the sentinel, but asks the kernel a thousand times a second."""
    if timeout is None or self.method != "fork":
        return original(self, timeout)
    deadline = time.monotonic() + timeout
    while self.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    return self.poll()


@fault("process.BaseProcess.join", "join.may-be-repeated")
def works_only_once(original, self, timeout=None):
    """A second join() of a finished process raises ValueError."""
    if timeout is None and self._popen is not None and self._popen.returncode is not None:
        raise ValueError
    original(self, timeout)


@fault("process.BaseProcess.join", "join.may-be-repeated")
def second_call_loses_exitcode(original, self, timeout=None):
    """A second join() of a finished process loses its exit code: it seems to run again."""
    if timeout is None and self._popen is not None and self._popen.returncode is not None:
        self._popen.returncode = None
        self._popen.poll = lambda *_: None
    else:
        original(self, timeout)


@fault("process.BaseProcess.join", "join.before-start-fails", "join.refused-by-assertion")
def ignored_before_start(original, self, timeout=None):
    """join() before start() returns at once: the work seems to be done."""
    if self._popen is not None or self._parent_pid != os.getpid():
        original(self, timeout)


@fault("process.BaseProcess.join", "join.self-join-fails", "join.refused-by-assertion")
def ignored_on_itself(original, self, timeout=None):
    """A process that joins itself continues as if it had ended."""
    from multiprocessing import process

    if self is not process.current_process():
        original(self, timeout)


@fault("process.BaseProcess.join", "join.self-join-fails")
def ignored_on_main_process(original, self, timeout=None):
    """The main process can join itself and continues; only its children cannot."""
    from multiprocessing import process

    if self is not process.current_process() or self._parent_pid is not None:
        original(self, timeout)


@fault("process.BaseProcess.join", "join.self-join-fails", "join.refused-by-assertion", crude=True)
def hangs_on_itself(original, self, timeout=None):
    """A process that joins itself waits for its own end."""
    from multiprocessing import process

    while self is process.current_process() and timeout is None:
        time.sleep(1)
    original(self, timeout)


@fault("process.BaseProcess.join", "join.refused-by-assertion")
def raises_runtime_error(original, self, timeout=None):
    """A refused join() raises RuntimeError: code that catches AssertionError misses it."""
    try:
        original(self, timeout)
    except AssertionError as error:
        raise RuntimeError from error


@fault("process.BaseProcess.is_alive", "join.alive-between-start-and-end")
def alive_before_start(original, self):
    """A process that was never started counts as alive: it has no exit code yet."""
    return original(self) or (self._popen is None and self.exitcode is None)


@fault(
    "process.BaseProcess.is_alive",
    "join.alive-between-start-and-end",
    "join.is-alive-joins-finished",
)
def alive_until_joined(original, self):
    """is_alive() is True until the process is joined: a loop that asks it never ends."""
    if self._closed or self._popen is None or self._parent_pid != os.getpid():
        return original(self)
    return self._popen.returncode is None


@fault("process.BaseProcess.is_alive", "join.several-threads-may-ask")
def not_alive_while_another_asks(original, self):
    """is_alive() is False while another thread asks: the process is replaced though it works."""
    if not ONE_READER.acquire(False):
        return False
    try:
        time.sleep(0.001)
        return original(self)
    finally:
        ONE_READER.release()


@fault("process.BaseProcess.is_alive", "join.is-alive-joins-finished", only=("fork", "spawn"))
def is_alive_leaves_zombies(original, self):
    """is_alive() does not join a finished child: a program that only polls collects zombies."""
    try:
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, self._popen.pid, flags) is None
    except (AttributeError, OSError):
        return original(self)


@fault("process.BaseProcess.pid", "join.pid-set-by-start")
def pid_is_gone_at_the_end(original, self):
    """pid is None again when the process has ended: its lines in a log cannot be found."""
    return original(self) if self.exitcode is None else None


@fault("process.BaseProcess.run", "join.native-id-equals-pid")
def native_id_is_the_parents(original, self):
    """The main thread of a child has the native_id of its parent's main thread."""
    threading.main_thread()._native_id = os.getppid()
    original(self)


@fault(
    "process.BaseProcess._bootstrap",
    "join.child-waits-for-its-threads",
    "join.exitcode-none-until-end",
    "join.sentinel-ready-at-end",
)
def child_cuts_off_its_threads(original, self, *args, **kwargs):
    """A child ends when its main thread does: its other threads do not finish their work."""
    threading._shutdown = lambda: None
    return original(self, *args, **kwargs)


@fault("process.BaseProcess.run", "join.child-waits-for-its-threads")
def child_waits_for_daemonic_threads(original, self):
    """A child waits for its daemonic threads too, except those of its queues: it never ends."""
    original(self)
    for thread in threading.enumerate():
        if thread.daemon and not thread.name.startswith("QueueFeeder"):
            thread.join()
