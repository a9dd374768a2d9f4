"""Faults of stopping a process from outside."""

import atexit
import os
import signal
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
