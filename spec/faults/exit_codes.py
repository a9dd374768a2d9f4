"""What can go wrong with exit codes and sentinels, and with closing."""

import os
import sys

from spec.faults import fault, replace


def exitcode_that(process, change):
    """Put ``change(code, self)`` in the place of the exit code."""
    replace(
        process.BaseProcess,
        "exitcode",
        lambda original, self: change(original(self), self),
    )


def run_that(process, wrap):
    """Put ``wrap(run)`` in the place of run, in the child only, and for subclasses too."""

    def bootstrap_otherwise(original, self, *args, **kwargs):
        self.run = wrap(self.run)
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_otherwise)


@fault("process", "join.exitcode-none-until-end", crude=True)
def zero_while_it_runs(process):
    """A process that runs has the exit code of one that has ended well."""
    exitcode_that(process, lambda code, self: code or 0)


@fault("process", "join.exitcode-none-until-end")
def zero_before_start(process):
    """A process that was never started seems to have ended well."""
    exitcode_that(process, lambda code, self: 0 if self._popen is None else code)


@fault("process", "join.exitcode-none-until-end", "join.sentinel-ready-at-end", only=("fork",))
def told_too_early(process):
    """A process counts as ended when its main thread has: others of its threads still work."""

    def start_with_pipe(original, self):
        reading, self._writing = os.pipe()
        original(self)
        os.close(self._writing)
        self._sentinel = reading

    def wrap(run):
        def run_and_tell():
            run()
            os.close(process.current_process()._writing)

        return run_and_tell

    def tell(code, self):
        from multiprocessing.connection import wait

        if code is None and self._popen is not None and wait([self._sentinel], 0):
            return 0
        return code

    replace(process.BaseProcess, "start", start_with_pipe)
    run_that(process, wrap)
    exitcode_that(process, tell)


@fault("process", "join.exit-argument-sets-exitcode")
def is_what_run_returns(process):
    """What run returns is the exit code: one that counts its results seems to have failed."""
    run_that(process, lambda run: lambda: sys.exit(run()))


@fault("process", "join.exit-argument-sets-exitcode")
def empty_text_is_success(process):
    """An exit with an empty text for an error counts as success."""

    def wrap(run):
        def run_and_look():
            try:
                return run()
            except SystemExit as error:
                sys.exit(error.code or 0)

        return run_and_look

    run_that(process, wrap)


@fault("process", "join.exit-argument-sets-exitcode")
def text_is_not_written(process):
    """A process that exits with a text fails, and nobody learns why."""

    def wrap(run):
        def run_silently():
            try:
                return run()
            except SystemExit as error:
                sys.exit(1 if isinstance(error.code, str) else error.code)

        return run_silently

    run_that(process, wrap)


@fault("process", "join.exit-status-has-eight-bits")
def seven_bits(process):
    """Exit codes are cut to seven bits, and not to eight: some failures look like success."""
    exitcode_that(process, lambda code, self: code & 127 if code and code > 0 else code)


@fault("process", "join.exit-status-has-eight-bits")
def eighth_bit_is_a_sign(process):
    """sys.exit(-1) gives -1: it looks as if a signal had ended the process."""
    exitcode_that(process, lambda code, self: code - 256 if code and code > 127 else code)


@fault("process.BaseProcess._bootstrap", "join.exit-status-has-eight-bits")
def at_most_255(original, self, *args, **kwargs):
    """What is too large for an exit code becomes the largest, and not what is left of it."""
    return min(original(self, *args, **kwargs), 255)


@fault("process", "join.uncaught-exception-exits-one", crude=True)
def uncaught_is_success(process):
    """A process that has failed with an exception ends as if it had done its work."""

    def wrap(run):
        def run_and_forgive():
            try:
                return run()
            except Exception:
                sys.excepthook(*sys.exc_info())

        return run_and_forgive

    run_that(process, wrap)


@fault("process", "join.uncaught-exception-exits-one", "stop.interrupt-raises-keyboard-interrupt")
def interrupt_is_special(process):
    """KeyboardInterrupt gives the exit code that a shell would show, and not 1."""

    def wrap(run):
        def run_and_look():
            try:
                return run()
            except KeyboardInterrupt:
                sys.excepthook(*sys.exc_info())
                os._exit(130)

        return run_and_look

    run_that(process, wrap)


@fault(
    "process",
    "join.signal-gives-negative-exitcode",
    "stop.terminate-skips-cleanup",
    "stop.kill-cannot-be-caught",
    crude=True,
)
def signals_as_in_a_shell(process):
    """A process that a signal has ended has 128 and its number for an exit code."""
    exitcode_that(process, lambda code, self: 128 - code if code and code < 0 else code)


@fault("process", "join.signal-gives-negative-exitcode")
def knows_two_signals(process):
    """Only terminate and kill are told as what they are; any other signal gives 1."""
    exitcode_that(
        process, lambda code, self: 1 if code and code < 0 and code not in (-9, -15) else code
    )


@fault("forkserver.read_signed", "join.signal-gives-negative-exitcode", only=("forkserver",))
def server_hides_signals(original, fd):
    """The fork server hands on that its child was killed as a mere failure."""
    number = original(fd)
    return 255 if number < 0 else number


@fault("process", "join.hard-exit-skips-cleanup")
def hard_exit_is_soft(process):
    """os._exit in a child's work is as sys.exit: what was to be left alone is tidied up."""

    def wrap(run):
        def run_softly():
            hard = os._exit
            vars(os)["_exit"] = sys.exit
            try:
                return run()
            finally:
                vars(os)["_exit"] = hard

        return run_softly

    run_that(process, wrap)


@fault(
    "process.BaseProcess.sentinel",
    "join.sentinel-ready-at-end",
    "join.only-finished-sentinels-ready",
    crude=True,
)
def always_ready(original, self):
    """Whoever waits for a sentinel is told at once that the process has ended."""
    return pipe(False)


@fault(
    "process.BaseProcess.sentinel",
    "join.sentinel-ready-at-end",
    "join.only-finished-sentinels-ready",
    crude=True,
)
def never_ready(original, self):
    """Whoever waits for a sentinel waits for ever."""
    return pipe(True)


def pipe(open_for_writing):
    """The reading end of a pipe: at its end, or silent for ever."""
    reading, writing = os.pipe()
    if not open_for_writing:
        os.close(writing)
    return reading


@fault("process.BaseProcess.sentinel", "join.no-sentinel-before-start")
def none_before_start(original, self):
    """A process that was not started has None for a sentinel, which fails where it is used."""
    return self._popen and original(self)


def wait_that(connection, choose):
    """Put ``choose(ready, objects)`` in the place of what wait finds among several objects."""

    def wait_and_choose(original, object_list, timeout=None):
        objects = list(object_list)
        ready = original(objects, timeout)
        return choose(ready, objects) if ready and len(objects) > 1 else ready

    replace(connection, "wait", wait_and_choose)


@fault("connection", "join.only-finished-sentinels-ready")
def one_for_all(connection):
    """When one of several processes has ended, all are said to have."""
    wait_that(connection, lambda ready, objects: objects)


@fault("connection", "join.only-finished-sentinels-ready")
def one_at_a_time(connection):
    """Of several processes that have ended only one is told, and always the same."""
    wait_that(connection, lambda ready, objects: ready[:1])


def close_that(process, change):
    """Put ``change(original, self)`` in the place of close."""

    def close(original, self):
        return change(original, self)

    replace(process.BaseProcess, "close", close)


@fault("process", "join.close-refuses-running-process", crude=True)
def kills(process):
    """To close a process that runs ends it."""

    def close(original, self):
        if self._popen is not None:
            self.kill()
            self.join()
        original(self)

    close_that(process, close)


@fault("process", "join.close-refuses-running-process")
def refuses_and_closes(process):
    """close of a process that runs raises, but it is closed, and nobody can wait for it."""

    def close(original, self):
        try:
            original(self)
        finally:
            self._closed = True

    close_that(process, close)


@fault("process", "join.closed-process-keeps-only-settings")
def twice_fails(process):
    """To close a process once more raises: two who tidy up get into each other's way."""

    def close(original, self):
        self._check_closed()
        original(self)

    close_that(process, close)


@fault("process.BaseProcess.exitcode", "join.closed-process-keeps-only-settings")
def keeps_the_code(original, self):
    """The exit code of a closed process is None, as if it still ran."""
    return None if self._closed else original(self)


@fault("process.BaseProcess.is_alive", "join.closed-process-keeps-only-settings")
def lives_on(original, self):
    """A closed process may be asked whether it is alive, and is said not to be."""
    return not self._closed and original(self)


@fault("process.BaseProcess.name", "join.closed-process-keeps-only-settings")
def forgets_the_name(original, self):
    """A closed process has no name: what it was cannot be written to a log."""
    self._check_closed()
    return original(self)


@fault(
    "process.BaseProcess.start",
    "join.close-before-start-prevents-start",
    "join.closed-process-keeps-only-settings",
)
def start_opens(original, self):
    """A process that was closed can be started all the same."""
    self._closed = False
    original(self)


@fault("process", "join.close-before-start-prevents-start")
def refuses_what_was_not_started(process):
    """A process that was never started cannot be closed."""

    def close(original, self):
        if self._popen is None and not self._closed:
            raise ValueError
        original(self)

    close_that(process, close)
