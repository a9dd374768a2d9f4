"""What can go wrong with exit codes and sentinels, and with closing."""

import os
import sys

from spec.faults import fault, replace


def exitcode_that(process, change):
    """Put ``change(code, self)`` in the place of the exit code."""
    replace(
        process.BaseProcess,
        "exitcode",
        lambda original: property(lambda self: change(original.fget(self), self)),
    )


def run_that(process, wrap):
    """Put ``wrap(run)`` in the place of run, in the child only, and for subclasses too."""

    def bootstrap(original):
        def bootstrap_otherwise(self, *args, **kwargs):
            self.run = wrap(self.run)
            return original(self, *args, **kwargs)

        return bootstrap_otherwise

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault("exitcode.zero-while-it-runs", "multiprocessing.process", "join.exitcode-none-until-end")
def zero_while_it_runs(process):
    """A process that runs has the exit code of one that has ended well."""
    exitcode_that(process, lambda code, self: code or 0)


@fault(
    "exitcode.zero-before-start",
    "multiprocessing.process",
    "join.exitcode-none-until-end",
    subtle=True,
)
def zero_before_start(process):
    """A process that was never started seems to have ended well."""
    exitcode_that(process, lambda code, self: 0 if self._popen is None else code)


@fault(
    "exitcode.told-too-early",
    "multiprocessing.process",
    "join.exitcode-none-until-end",
    "join.sentinel-ready-at-end",
    only=("fork",),
    subtle=True,
)
def told_too_early(process):
    """A process counts as ended when its main thread has: others of its threads still work."""

    def start(original):
        def start_with_pipe(self):
            reading, self._writing = os.pipe()
            original(self)
            os.close(self._writing)
            self._sentinel = reading

        return start_with_pipe

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

    replace(process.BaseProcess, "start", start)
    run_that(process, wrap)
    exitcode_that(process, tell)


@fault(
    "exitcode.is-what-run-returns",
    "multiprocessing.process",
    "join.exit-argument-sets-exitcode",
    subtle=True,
)
def is_what_run_returns(process):
    """What run returns is the exit code: one that counts its results seems to have failed."""
    run_that(process, lambda run: lambda: sys.exit(run()))


@fault(
    "exitcode.empty-text-is-success",
    "multiprocessing.process",
    "join.exit-argument-sets-exitcode",
    subtle=True,
)
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


@fault(
    "exitcode.text-is-not-written",
    "multiprocessing.process",
    "join.exit-argument-sets-exitcode",
    subtle=True,
)
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


@fault(
    "exitcode.seven-bits",
    "multiprocessing.process",
    "join.exit-status-has-eight-bits",
    subtle=True,
)
def seven_bits(process):
    """Exit codes are cut to seven bits, and not to eight: some failures look like success."""
    exitcode_that(process, lambda code, self: code & 127 if code and code > 0 else code)


@fault(
    "exitcode.eighth-bit-is-a-sign",
    "multiprocessing.process",
    "join.exit-status-has-eight-bits",
    subtle=True,
)
def eighth_bit_is_a_sign(process):
    """sys.exit(-1) gives -1: it looks as if a signal had ended the process."""
    exitcode_that(process, lambda code, self: code - 256 if code and code > 127 else code)


@fault(
    "exitcode.at-most-255",
    "multiprocessing.process",
    "join.exit-status-has-eight-bits",
    subtle=True,
)
def at_most_255(process):
    """What is too large for an exit code becomes the largest, and not what is left of it."""

    def bootstrap(original):
        return lambda self, *args, **kwargs: min(original(self, *args, **kwargs), 255)

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "exitcode.uncaught-is-success",
    "multiprocessing.process",
    "join.uncaught-exception-exits-one",
)
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


@fault(
    "exitcode.interrupt-is-special",
    "multiprocessing.process",
    "join.uncaught-exception-exits-one",
    "stop.interrupt-raises-keyboard-interrupt",
    subtle=True,
)
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
    "exitcode.signals-as-in-a-shell",
    "multiprocessing.process",
    "join.signal-gives-negative-exitcode",
    "stop.terminate-skips-cleanup",
    "stop.kill-cannot-be-caught",
)
def signals_as_in_a_shell(process):
    """A process that a signal has ended has 128 and its number for an exit code."""
    exitcode_that(process, lambda code, self: 128 - code if code and code < 0 else code)


@fault(
    "exitcode.knows-two-signals",
    "multiprocessing.process",
    "join.signal-gives-negative-exitcode",
    subtle=True,
)
def knows_two_signals(process):
    """Only terminate and kill are told as what they are; any other signal gives 1."""
    exitcode_that(
        process, lambda code, self: 1 if code and code < 0 and code not in (-9, -15) else code
    )


@fault(
    "exitcode.server-hides-signals",
    "multiprocessing.forkserver",
    "join.signal-gives-negative-exitcode",
    only=("forkserver",),
    subtle=True,
)
def server_hides_signals(forkserver):
    """The fork server hands on that its child was killed as a mere failure."""

    def read_and_hide(original):
        def read(fd):
            number = original(fd)
            return 255 if number < 0 else number

        return read

    replace(forkserver, "read_signed", read_and_hide)


@fault(
    "exitcode.hard-exit-is-soft",
    "multiprocessing.process",
    "join.hard-exit-skips-cleanup",
    subtle=True,
)
def hard_exit_is_soft(process):
    """os._exit in a child's work is as sys.exit: what was to be left alone is tidied up."""

    def wrap(run):
        def run_softly():
            hard = os._exit
            replace(os, "_exit", lambda original: sys.exit)
            try:
                return run()
            finally:
                replace(os, "_exit", lambda original: hard)

        return run_softly

    run_that(process, wrap)


@fault(
    "sentinel.always-ready",
    "multiprocessing.process",
    "join.sentinel-ready-at-end",
    "join.only-finished-sentinels-ready",
)
def always_ready(process):
    """Whoever waits for a sentinel is told at once that the process has ended."""
    replace(process.BaseProcess, "sentinel", lambda original: property(lambda self: pipe(False)))


@fault(
    "sentinel.never-ready",
    "multiprocessing.process",
    "join.sentinel-ready-at-end",
    "join.only-finished-sentinels-ready",
)
def never_ready(process):
    """Whoever waits for a sentinel waits for ever."""
    replace(process.BaseProcess, "sentinel", lambda original: property(lambda self: pipe(True)))


def pipe(open_for_writing):
    """The reading end of a pipe: at its end, or silent for ever."""
    reading, writing = os.pipe()
    if not open_for_writing:
        os.close(writing)
    return reading


@fault(
    "sentinel.none-before-start",
    "multiprocessing.process",
    "join.no-sentinel-before-start",
    subtle=True,
)
def none_before_start(process):
    """A process that was not started has None for a sentinel, which fails where it is used."""
    replace(
        process.BaseProcess,
        "sentinel",
        lambda original: property(lambda self: self._popen and original.fget(self)),
    )


def wait_that(connection, choose):
    """Put ``choose(ready, objects)`` in the place of what wait finds among several objects."""

    def wait(original):
        def wait_and_choose(object_list, timeout=None):
            objects = list(object_list)
            ready = original(objects, timeout)
            return choose(ready, objects) if ready and len(objects) > 1 else ready

        return wait_and_choose

    replace(connection, "wait", wait)


@fault(
    "sentinel.one-for-all",
    "multiprocessing.connection",
    "join.only-finished-sentinels-ready",
    subtle=True,
)
def one_for_all(connection):
    """When one of several processes has ended, all are said to have."""
    wait_that(connection, lambda ready, objects: objects)


@fault(
    "sentinel.one-at-a-time",
    "multiprocessing.connection",
    "join.only-finished-sentinels-ready",
    subtle=True,
)
def one_at_a_time(connection):
    """Of several processes that have ended only one is told, and always the same."""
    wait_that(connection, lambda ready, objects: ready[:1])


def close_that(process, change):
    """Put ``change(original, self)`` in the place of close."""

    def close(original):
        return lambda self: change(original, self)

    replace(process.BaseProcess, "close", close)


@fault("close.kills", "multiprocessing.process", "join.close-refuses-running-process")
def kills(process):
    """To close a process that runs ends it."""

    def close(original, self):
        if self._popen is not None:
            self.kill()
            self.join()
        original(self)

    close_that(process, close)


@fault(
    "close.refuses-and-closes",
    "multiprocessing.process",
    "join.close-refuses-running-process",
    subtle=True,
)
def refuses_and_closes(process):
    """close of a process that runs raises, but it is closed, and nobody can wait for it."""

    def close(original, self):
        try:
            original(self)
        finally:
            self._closed = True

    close_that(process, close)


@fault(
    "close.twice-fails",
    "multiprocessing.process",
    "join.closed-process-keeps-only-settings",
    subtle=True,
)
def twice_fails(process):
    """To close a process once more raises: two who tidy up get into each other's way."""

    def close(original, self):
        self._check_closed()
        original(self)

    close_that(process, close)


@fault(
    "close.keeps-the-code",
    "multiprocessing.process",
    "join.closed-process-keeps-only-settings",
    subtle=True,
)
def keeps_the_code(process):
    """The exit code of a closed process is None, as if it still ran."""

    def exitcode(original):
        return property(lambda self: None if self._closed else original.fget(self))

    replace(process.BaseProcess, "exitcode", exitcode)


@fault(
    "close.lives-on",
    "multiprocessing.process",
    "join.closed-process-keeps-only-settings",
    subtle=True,
)
def lives_on(process):
    """A closed process may be asked whether it is alive, and is said not to be."""
    replace(
        process.BaseProcess,
        "is_alive",
        lambda original: lambda self: not self._closed and original(self),
    )


@fault(
    "close.forgets-the-name",
    "multiprocessing.process",
    "join.closed-process-keeps-only-settings",
    subtle=True,
)
def forgets_the_name(process):
    """A closed process has no name: what it was cannot be written to a log."""

    def name(original):
        def tell_name(self):
            self._check_closed()
            return original.fget(self)

        return original.getter(tell_name)

    replace(process.BaseProcess, "name", name)


@fault(
    "close.start-opens",
    "multiprocessing.process",
    "join.close-before-start-prevents-start",
    "join.closed-process-keeps-only-settings",
    subtle=True,
)
def start_opens(process):
    """A process that was closed can be started all the same."""

    def start(original):
        def start_closed(self):
            self._closed = False
            original(self)

        return start_closed

    replace(process.BaseProcess, "start", start)


@fault(
    "close.refuses-what-was-not-started",
    "multiprocessing.process",
    "join.close-before-start-prevents-start",
    subtle=True,
)
def refuses_what_was_not_started(process):
    """A process that was never started cannot be closed."""

    def close(original, self):
        if self._popen is None and not self._closed:
            raise ValueError
        original(self)

    close_that(process, close)
