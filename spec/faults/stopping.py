"""What can go wrong with stopping a process from outside."""

import atexit
import os
import signal
import weakref

from spec.faults import fault, replace


@fault("process.BaseProcess.terminate", "stop.threads-have-no-terminate", crude=True)
def terminate_does_nothing(original, self):
    """terminate has no effect: who is to be stopped goes on."""
    return


@fault("process.BaseProcess.kill", "stop.threads-have-no-terminate")
def kill_does_nothing(original, self):
    """kill has no effect, while terminate has: what ignores terminate cannot be stopped."""
    return


@fault("threading", "stop.threads-have-no-terminate")
def threads_have_terminate(threading):
    """Thread has a terminate, which does nothing: code for both relies on it in vain."""
    threading.Thread.terminate = lambda self: None


@fault(
    "process.BaseProcess.terminate",
    "stop.sigterm-handler-runs",
    "stop.terminate-is-asynchronous",
    "stop.terminate-skips-cleanup",
    "stop.kill-cannot-be-caught",
)
def terminate_kills(original, self):
    """terminate does not ask, but kills: who was prepared to be stopped is not asked."""
    self.kill()


@fault("process.BaseProcess.kill", "stop.kill-cannot-be-caught")
def kill_asks(original, self):
    """kill is no more than terminate: what ignores that cannot be stopped."""
    self.terminate()


@fault("process.BaseProcess.terminate", "stop.terminate-is-asynchronous")
def terminate_waits(original, self):
    """terminate waits for the end: who stops many stops one after the other."""
    original(self)
    self.join()


def when_terminated(process, tidy_up):
    """Let every child call ``tidy_up`` when it is terminated, and then die of that all the same."""

    def bootstrap_prepared(original, self, *args, **kwargs):
        def die(*_):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

        signal.signal(signal.SIGTERM, lambda *_: tidy_up(die))
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_prepared)


@fault("process", "stop.terminate-skips-cleanup")
def terminated_tidies_up(process):
    """finally clauses run in a process that is terminated: what has to end at once does not."""

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

    when_terminated(process, unwind)
    replace(process.BaseProcess, "run", run_and_die)


@fault("process", "stop.terminate-skips-cleanup")
def terminated_runs_exit_handlers(process):
    """Exit handlers run in a process that is terminated: what has to end at once does not."""
    handlers = []

    def register_and_note(original, handler, *args, **kwargs):
        handlers.append(lambda: handler(*args, **kwargs))
        return original(handler, *args, **kwargs)

    def run_and_note(original, self):
        replace(
            atexit, "register", register_and_note
        )  # here: what the parent has is not the child's
        original(self)

    def run_handlers(die):
        for handler in reversed(handlers):
            handler()
        die()

    replace(process.BaseProcess, "run", run_and_note)
    when_terminated(process, run_handlers)


@fault("process", "stop.grandchildren-are-orphaned")
def terminated_takes_its_children_along(process):
    """A process that is terminated terminates its children: nobody has asked for that."""

    def end_children(die):
        for child in process.active_children():
            child.terminate()
        die()

    when_terminated(process, end_children)


@fault("process.BaseProcess.interrupt", "stop.interrupt-raises-keyboard-interrupt", crude=True)
def interrupt_terminates(original, self):
    """interrupt is no more than terminate: nothing is tidied up."""
    self.terminate()


@fault("process.BaseProcess.interrupt", "stop.interrupt-raises-keyboard-interrupt")
def interrupt_insists(original, self):
    """A process that lives on after interrupt is terminated: it may not decide for itself."""
    original(self)
    self.join(0.2)
    self.terminate()


@fault("process.BaseProcess._bootstrap", "stop.interrupt-raises-keyboard-interrupt")
def interrupt_is_no_exception(original, self, *args, **kwargs):
    """A child does not turn the signal for interrupts into an exception: it dies of it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return original(self, *args, **kwargs)


@fault("process.BaseProcess.terminate", "stop.finished-process-unaffected")
def terminate_rewrites_the_code(original, self):
    """A process that has ended by itself seems terminated when somebody tries it too late."""
    original(self)
    if self._popen.returncode is not None:
        self._popen.returncode = -signal.SIGTERM


@fault("process.BaseProcess.kill", "stop.finished-process-unaffected")
def kill_needs_somebody(original, self):
    """kill raises when the process has been joined: it has to be asked whether it is alive."""
    if self._popen is not None and self._popen.returncode is not None:
        raise ProcessLookupError
    original(self)


@fault("process.BaseProcess.terminate", "stop.finished-process-unaffected")
def terminate_ignores_the_unstarted(original, self):
    """To terminate what was never started is accepted, and it can be started afterwards."""
    return original(self) if self._popen or self._closed else None


@fault("process.BaseProcess.interrupt", "stop.finished-process-not-interrupted")
def interrupt_rewrites_the_code(original, self):
    """A process that has ended by itself seems interrupted when somebody tries it too late."""
    original(self)
    if self._popen.returncode is not None:
        self._popen.returncode = -signal.SIGINT


@fault("synchronize", "stop.killed-holder-keeps-lock", "stop.killed-reader-blocks-queue")
def frees_locks(synchronize):
    """Who stops a process frees the locks it may have held: what they guard is half done."""
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
def readers_wait_outside(original, self, block=True, timeout=None):
    """Who waits for an item holds no lock: a reader that is killed then harms nobody."""
    if block and timeout is None:
        self._reader.poll(None)
    return original(self, block, timeout)
