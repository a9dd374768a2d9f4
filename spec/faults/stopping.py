"""What can go wrong with stopping a process from outside."""

import atexit
import os
import signal
import weakref

from spec.faults import fault, replace


@fault("stop.terminate-does-nothing", "multiprocessing.process", "stop.threads-have-no-terminate")
def terminate_does_nothing(process):
    """terminate has no effect: who is to be stopped goes on."""
    replace(process.BaseProcess, "terminate", lambda original: lambda self: None)


@fault(
    "stop.kill-does-nothing",
    "multiprocessing.process",
    "stop.threads-have-no-terminate",
    subtle=True,
)
def kill_does_nothing(process):
    """kill has no effect, while terminate has: what ignores terminate cannot be stopped."""
    replace(process.BaseProcess, "kill", lambda original: lambda self: None)


@fault("stop.threads-have-terminate", "threading", "stop.threads-have-no-terminate", subtle=True)
def threads_have_terminate(threading):
    """Thread has a terminate, which does nothing: code for both relies on it in vain."""
    threading.Thread.terminate = lambda self: None


@fault(
    "stop.terminate-kills",
    "multiprocessing.process",
    "stop.sigterm-handler-runs",
    "stop.terminate-is-asynchronous",
    "stop.terminate-skips-cleanup",
    "stop.kill-cannot-be-caught",
    subtle=True,
)
def terminate_kills(process):
    """terminate does not ask, but kills: who was prepared to be stopped is not asked."""
    replace(process.BaseProcess, "terminate", lambda original: process.BaseProcess.kill)


@fault(
    "stop.kill-asks",
    "multiprocessing.process",
    "stop.kill-cannot-be-caught",
    subtle=True,
)
def kill_asks(process):
    """kill is no more than terminate: what ignores that cannot be stopped."""
    replace(process.BaseProcess, "kill", lambda original: process.BaseProcess.terminate)


@fault(
    "stop.terminate-waits",
    "multiprocessing.process",
    "stop.terminate-is-asynchronous",
    subtle=True,
)
def terminate_waits(process):
    """terminate waits for the end: who stops many stops one after the other."""

    def terminate(original):
        def terminate_and_wait(self):
            original(self)
            self.join()

        return terminate_and_wait

    replace(process.BaseProcess, "terminate", terminate)


def when_terminated(process, tidy_up):
    """Let every child call ``tidy_up`` when it is terminated, and then die of that all the same."""

    def bootstrap(original):
        def bootstrap_prepared(self, *args, **kwargs):
            def die(*_):
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)

            signal.signal(signal.SIGTERM, lambda *_: tidy_up(die))
            return original(self, *args, **kwargs)

        return bootstrap_prepared

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "stop.terminated-tidies-up",
    "multiprocessing.process",
    "stop.terminate-skips-cleanup",
    subtle=True,
)
def terminated_tidies_up(process):
    """finally clauses run in a process that is terminated: what has to end at once does not."""

    class Terminated(BaseException):
        pass

    def unwind(die):
        raise Terminated

    def run(original):
        def run_and_die(self):
            try:
                original(self)
            except Terminated:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)

        return run_and_die

    when_terminated(process, unwind)
    replace(process.BaseProcess, "run", run)


@fault(
    "stop.terminated-runs-exit-handlers",
    "multiprocessing.process",
    "stop.terminate-skips-cleanup",
    subtle=True,
)
def terminated_runs_exit_handlers(process):
    """Exit handlers run in a process that is terminated: what has to end at once does not."""
    handlers = []

    def register(original):
        def register_and_note(handler, *args, **kwargs):
            handlers.append(lambda: handler(*args, **kwargs))
            return original(handler, *args, **kwargs)

        return register_and_note

    def run(original):
        def run_and_note(self):
            replace(atexit, "register", register)  # here: what the parent has is not the child's
            original(self)

        return run_and_note

    def run_handlers(die):
        for handler in reversed(handlers):
            handler()
        die()

    replace(process.BaseProcess, "run", run)
    when_terminated(process, run_handlers)


@fault(
    "stop.terminated-takes-its-children-along",
    "multiprocessing.process",
    "stop.grandchildren-are-orphaned",
    subtle=True,
)
def terminated_takes_its_children_along(process):
    """A process that is terminated terminates its children: nobody has asked for that."""

    def end_children(die):
        for child in process.active_children():
            child.terminate()
        die()

    when_terminated(process, end_children)


@fault(
    "stop.interrupt-terminates",
    "multiprocessing.process",
    "stop.interrupt-raises-keyboard-interrupt",
)
def interrupt_terminates(process):
    """interrupt is no more than terminate: nothing is tidied up."""
    replace(process.BaseProcess, "interrupt", lambda original: process.BaseProcess.terminate)


@fault(
    "stop.interrupt-insists",
    "multiprocessing.process",
    "stop.interrupt-raises-keyboard-interrupt",
    subtle=True,
)
def interrupt_insists(process):
    """A process that lives on after interrupt is terminated: it may not decide for itself."""

    def interrupt(original):
        def interrupt_and_terminate(self):
            original(self)
            self.join(0.2)
            self.terminate()

        return interrupt_and_terminate

    replace(process.BaseProcess, "interrupt", interrupt)


@fault(
    "stop.interrupt-is-no-exception",
    "multiprocessing.process",
    "stop.interrupt-raises-keyboard-interrupt",
    subtle=True,
)
def interrupt_is_no_exception(process):
    """A child does not turn the signal for interrupts into an exception: it dies of it."""

    def bootstrap(original):
        def bootstrap_unprepared(self, *args, **kwargs):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            return original(self, *args, **kwargs)

        return bootstrap_unprepared

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "stop.terminate-rewrites-the-code",
    "multiprocessing.process",
    "stop.finished-process-unaffected",
    subtle=True,
)
def terminate_rewrites_the_code(process):
    """A process that has ended by itself seems terminated when somebody tries it too late."""

    def terminate(original):
        def terminate_late(self):
            original(self)
            if self._popen.returncode is not None:
                self._popen.returncode = -signal.SIGTERM

        return terminate_late

    replace(process.BaseProcess, "terminate", terminate)


@fault(
    "stop.kill-needs-somebody",
    "multiprocessing.process",
    "stop.finished-process-unaffected",
    subtle=True,
)
def kill_needs_somebody(process):
    """kill raises when the process has been joined: it has to be asked whether it is alive."""

    def kill(original):
        def kill_the_living(self):
            if self._popen is not None and self._popen.returncode is not None:
                raise ProcessLookupError
            original(self)

        return kill_the_living

    replace(process.BaseProcess, "kill", kill)


@fault(
    "stop.terminate-ignores-the-unstarted",
    "multiprocessing.process",
    "stop.finished-process-unaffected",
    subtle=True,
)
def terminate_ignores_the_unstarted(process):
    """To terminate what was never started is accepted, and it can be started afterwards."""

    def terminate(original):
        return lambda self: original(self) if self._popen or self._closed else None

    replace(process.BaseProcess, "terminate", terminate)


@fault(
    "stop.interrupt-rewrites-the-code",
    "multiprocessing.process",
    "stop.finished-process-not-interrupted",
    subtle=True,
)
def interrupt_rewrites_the_code(process):
    """A process that has ended by itself seems interrupted when somebody tries it too late."""

    def interrupt(original):
        def interrupt_late(self):
            original(self)
            if self._popen.returncode is not None:
                self._popen.returncode = -signal.SIGINT

        return interrupt_late

    replace(process.BaseProcess, "interrupt", interrupt)


@fault(
    "stop.frees-locks",
    "multiprocessing.synchronize",
    "stop.killed-holder-keeps-lock",
    "stop.killed-reader-blocks-queue",
    subtle=True,
)
def frees_locks(synchronize):
    """Who stops a process frees the locks it may have held: what they guard is half done."""
    from multiprocessing import process

    locks: weakref.WeakSet[object] = weakref.WeakSet()

    def init(original):
        def init_and_note(self, *args, **kwargs):
            original(self, *args, **kwargs)
            locks.add(self)

        return init_and_note

    def stop(original):
        def stop_and_free(self):
            original(self)
            self.join(1)
            for lock in locks:
                if lock._semlock._is_zero():
                    lock._semlock.release()

        return stop_and_free

    replace(synchronize.Lock, "__init__", init)
    replace(process.BaseProcess, "kill", stop)
    replace(process.BaseProcess, "terminate", stop)


@fault(
    "stop.readers-wait-outside",
    "multiprocessing.queues",
    "stop.killed-reader-blocks-queue",
    subtle=True,
)
def readers_wait_outside(queues):
    """Who waits for an item holds no lock: a reader that is killed then harms nobody."""

    def get(original):
        def get_when_there_is_something(self, block=True, timeout=None):
            if block and timeout is None:
                self._reader.poll(None)
            return original(self, block, timeout)

        return get_when_there_is_something

    replace(queues.Queue, "get", get)
