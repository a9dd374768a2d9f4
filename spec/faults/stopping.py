"""Faults of stopping a process from outside."""

import atexit
import os
import signal
import threading
import time
import weakref

from spec.faults import fault, replace


@fault("process.BaseProcess.terminate", "stop.threads-have-no-terminate", crude=True)
def terminate_does_nothing(original, self):
    """terminate() has no effect: the process continues to run."""
    return


@fault("process.BaseProcess.kill", "stop.threads-have-no-terminate")
def kill_does_nothing(original, self):
    """kill() has no effect: a process that ignores SIGTERM cannot be stopped."""
    return


@fault("threading", "stop.threads-have-no-terminate")
def threads_have_terminate(threading):
    """Thread has a method terminate() that does nothing: code relies on it in vain."""
    threading.Thread.terminate = lambda self: None


@fault(
    "process.BaseProcess.terminate",
    "stop.sigterm-handler-runs",
    "stop.terminate-is-asynchronous",
    "stop.terminate-skips-cleanup",
    "stop.kill-cannot-be-caught",
)
def terminate_kills(original, self):
    """terminate() kills: a process with a SIGTERM handler is not asked."""
    self.kill()


@fault("process.BaseProcess.kill", "stop.kill-cannot-be-caught")
def kill_asks(original, self):
    """kill() only terminates: a process that ignores SIGTERM cannot be stopped."""
    self.terminate()


@fault("process.BaseProcess.terminate", "stop.terminate-is-asynchronous")
def terminate_waits(original, self):
    """terminate() waits for the end: stopping many processes takes long."""
    original(self)
    self.join()


@fault("process.BaseProcess.terminate", "stop.sigterm-handler-runs")
def terminate_asks_twice(original, self):
    """terminate() sends SIGTERM twice: a handler that takes a second one as an order gives up."""
    original(self)
    time.sleep(0.05)
    original(self)


def a_second_later(action):
    """Call ``action`` after a second, in a thread that nothing waits for."""
    timer = threading.Timer(1.0, action)
    timer.daemon = True
    timer.start()


@fault("process.BaseProcess.terminate", "stop.terminate-never-insists")
def terminate_kills_a_second_later(original, self):
    """A process that has not ended one second after terminate() is killed in the midst of it."""
    original(self)
    a_second_later(self._popen.kill)


@fault("process.BaseProcess.terminate", "stop.terminate-never-insists")
def terminate_asks_again_a_second_later(original, self):
    """A process that has not ended one second after terminate() gets SIGTERM again."""
    original(self)
    a_second_later(self._popen.terminate)


@fault("process", "stop.terminate-works-from-start")
def terminate_too_early_is_lost(process):
    """A terminate() in the first moment after start() has no effect: the process runs on."""

    def start_and_note(original, self):
        original(self)
        self._started_at = time.monotonic()

    def terminate_when_up(original, self):
        if time.monotonic() - vars(self).get("_started_at", 0.0) > 0.01:
            original(self)

    replace(process.BaseProcess, "start", start_and_note)
    replace(process.BaseProcess, "terminate", terminate_when_up)


def is_paused(process):
    """Whether the process is stopped by a signal, as /proc shows it."""
    with open(f"/proc/{process.pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


@fault("process.BaseProcess.is_alive", "stop.paused-process-is-alive")
def paused_is_not_alive(original, self):
    """A process that SIGSTOP has stopped counts as ended: it is replaced, and later goes on."""
    return original(self) and not (self.pid != os.getpid() and is_paused(self))


@fault("popen_fork.Popen.poll", "stop.paused-process-is-alive", only=("fork", "spawn"))
def paused_has_exitcode(original, self, flag=os.WNOHANG):
    """A process that SIGSTOP has stopped has the exit code -SIGSTOP, and its end is never seen."""
    if self.returncode is None:
        pid, status = os.waitpid(self.pid, flag | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            self.returncode = -os.WSTOPSIG(status)
        elif pid:
            self.returncode = os.waitstatus_to_exitcode(status)
    return self.returncode


@fault("process.BaseProcess.terminate", "stop.kill-ends-paused-process", only=("fork", "spawn"))
def terminate_continues(original, self):
    """terminate() continues a paused process, which then ends: a debugger loses it."""
    original(self)
    os.kill(self.pid, signal.SIGCONT)


@fault("process.BaseProcess.kill", "stop.kill-ends-paused-process", only=("fork", "spawn"))
def kill_spares_paused(original, self):
    """kill() has no effect on a process that SIGSTOP has stopped: it stays forever."""
    if not (self.is_alive() and is_paused(self)):
        original(self)


def handle_sigterm(process, handle):
    """Let every child call ``handle(die)`` at SIGTERM; ``die()`` lets SIGTERM end it."""

    def bootstrap_prepared(original, self, *args, **kwargs):
        def die(*_):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

        signal.signal(signal.SIGTERM, lambda *_: handle(die))
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_prepared)


@fault("process", "stop.terminate-skips-cleanup")
def terminate_runs_finally_clauses(process):
    """A terminated process runs its finally clauses, and so does not end at once."""

    class Terminated(BaseException):
        pass

    def unwind(die):
        raise Terminated

    def run_and_die(original, self):
        try:
            original(self)
        except Terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    handle_sigterm(process, unwind)
    replace(process.BaseProcess, "run", run_and_die)


@fault("process", "stop.terminate-skips-cleanup")
def terminate_runs_exit_handlers(process):
    """A terminated process runs its exit handlers, and so does not end at once."""
    handlers = []

    def register_and_note(original, handler, *args, **kwargs):
        handlers.append(lambda: handler(*args, **kwargs))
        return original(handler, *args, **kwargs)

    def run_and_note(original, self):
        # here, so that the parent's handlers are not noted
        replace(atexit, "register", register_and_note)
        original(self)

    def run_handlers(die):
        for handler in reversed(handlers):
            handler()
        die()

    replace(process.BaseProcess, "run", run_and_note)
    handle_sigterm(process, run_handlers)


@fault("process", "stop.grandchildren-are-orphaned")
def terminate_ends_grandchildren(process):
    """A terminated process terminates its children too, though they still have work to do."""

    def end_children(die):
        for child in process.active_children():
            child.terminate()
        die()

    handle_sigterm(process, end_children)


@fault("process.BaseProcess.kill", "stop.grandchildren-are-orphaned")
def kill_ends_grandchildren(original, self):
    """kill() ends the process group of the child, and so the children that it has started."""
    if os.getpgid(self.pid) == self.pid:
        os.killpg(self.pid, signal.SIGKILL)
    else:
        original(self)


@fault("process", "stop.grandchildren-are-orphaned")
def terminate_ends_the_group(process):
    """A child leads a process group, and terminate() ends all of it: its children too."""

    def bootstrap_as_leader(original, self, *args, **kwargs):
        if process.current_process().name == "MainProcess":
            os.setpgid(0, 0)
        return original(self, *args, **kwargs)

    def end_group(original, self):
        try:
            os.killpg(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            original(self)

    replace(process.BaseProcess, "_bootstrap", bootstrap_as_leader)
    replace(process.BaseProcess, "terminate", end_group)


@fault("process.BaseProcess.interrupt", "stop.interrupt-obeys-sigint-handler", crude=True)
def interrupt_ignores_handlers(original, self):
    """interrupt() ends a process by another signal: its SIGINT handler does not run."""
    self.terminate()


@fault("process.BaseProcess.interrupt", "stop.interrupt-obeys-sigint-handler")
def interrupt_ends_deaf_processes(original, self):
    """A process that ignores SIGINT is terminated a moment later."""
    original(self)
    self.join(0.2)
    self.terminate()


@fault("process.BaseProcess.interrupt", "stop.interrupt-raises-keyboard-interrupt", crude=True)
def interrupt_terminates(original, self):
    """interrupt() only terminates: the process does no cleanup."""
    self.terminate()


@fault("process.BaseProcess.interrupt", "stop.interrupt-raises-keyboard-interrupt")
def interrupt_insists(original, self):
    """A process that catches KeyboardInterrupt and continues is terminated a moment later."""
    original(self)
    self.join(0.2)
    self.terminate()


@fault("process.BaseProcess._bootstrap", "stop.interrupt-raises-keyboard-interrupt")
def interrupt_raises_nothing(original, self, *args, **kwargs):
    """interrupt() raises no KeyboardInterrupt in a child: the signal ends it without cleanup."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return original(self, *args, **kwargs)


@fault("process.BaseProcess.terminate", "stop.finished-process-unaffected")
def terminate_changes_exitcode(original, self):
    """terminate() after the end changes the exit code: the process seems to be terminated."""
    original(self)
    if self._popen.returncode is not None:
        self._popen.returncode = -signal.SIGTERM


@fault("process.BaseProcess.kill", "stop.finished-process-unaffected")
def kill_raises_after_join(original, self):
    """kill() raises ProcessLookupError after join(): is_alive() has to be asked first."""
    if self._popen is not None and self._popen.returncode is not None:
        raise ProcessLookupError
    original(self)


@fault("process.BaseProcess.terminate", "stop.finished-process-unaffected")
def terminate_is_ignored_before_start(original, self):
    """terminate() before start() is silently ignored, and the process can still be started."""
    return original(self) if self._popen or self._closed else None


@fault("process.BaseProcess.interrupt", "stop.finished-process-not-interrupted")
def interrupt_changes_exitcode(original, self):
    """interrupt() after the end changes the exit code: the process seems to be interrupted."""
    original(self)
    if self._popen.returncode is not None:
        self._popen.returncode = -signal.SIGINT


@fault("synchronize", "stop.killed-holder-keeps-lock", "stop.killed-reader-blocks-queue")
def terminate_and_kill_free_locks(synchronize):
    """Stopping a process frees the locks that it held: the data that they guard is half written."""
    from multiprocessing import process

    locks: weakref.WeakSet[object] = weakref.WeakSet()

    def init_and_note(original, self, *args, **kwargs):
        original(self, *args, **kwargs)
        locks.add(self)

    def stop_and_free(original, self):
        original(self)
        self.join(1)
        for lock in locks:
            if lock._semlock._is_zero():
                lock._semlock.release()

    replace(synchronize.Lock, "__init__", init_and_note)
    replace(process.BaseProcess, "kill", stop_and_free)
    replace(process.BaseProcess, "terminate", stop_and_free)


@fault("queues.Queue.get", "stop.killed-reader-blocks-queue")
def readers_wait_without_lock(original, self, block=True, timeout=None):
    """A reader that waits for an item holds no lock: a killed reader blocks no other reader."""
    if block and timeout is None:
        self._reader.poll(None)
    return original(self, block, timeout)
