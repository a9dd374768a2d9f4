"""Faults of exit codes, sentinels and close()."""

import os
import sys
import time

from spec.faults import fault, replace, when_imported

KEPT: list[object] = []


@fault("process.BaseProcess.exitcode", "join.exitcode-none-until-end", crude=True)
def zero_while_running(original, self):
    """A running process has the exit code of a successful process."""
    return original(self) or 0


@fault("process.BaseProcess.exitcode", "join.exitcode-none-until-end")
def zero_before_start(original, self):
    """A process that was never started seems to have succeeded."""
    code = original(self)
    return 0 if self._popen is None else code


@fault("process.BaseProcess.exitcode", "join.exitcode-none-until-end")
def none_until_joined(original, self):
    """exitcode is None until the process is joined: a loop that reads it never ends."""
    if self._closed or self._popen is None or self._parent_pid != os.getpid():
        return original(self)
    return self._popen.returncode


@fault("process", "join.exitcode-none-until-end", "join.sentinel-ready-at-end", only=("fork",))
def ready_too_early(process):
    """A process counts as ended when its main thread has, though other threads still work."""

    def start_with_pipe(original, self):
        reading, self._writing = os.pipe()
        original(self)
        os.close(self._writing)
        self._sentinel = reading

    def bootstrap_and_tell(original, self, *args, **kwargs):
        run = self.run

        def run_and_tell():
            run()
            os.close(self._writing)

        self.run = run_and_tell
        return original(self, *args, **kwargs)

    def exitcode_when_told(original, self):
        from multiprocessing.connection import wait

        code = original(self)
        if code is None and self._popen is not None and wait([self._sentinel], 0):
            return 0
        return code

    replace(process.BaseProcess, "start", start_with_pipe)
    replace(process.BaseProcess, "_bootstrap", bootstrap_and_tell)
    replace(process.BaseProcess, "exitcode", exitcode_when_told)


# The child's own run is wrapped in _bootstrap, since a subclass may override run.


@fault("process.BaseProcess._bootstrap", "join.exit-argument-sets-exitcode")
def return_value_counts(original, self, *args, **kwargs):
    """The return value of run() is the exit code: a process that returns a count seems to fail."""
    run = self.run
    self.run = lambda: sys.exit(run())
    return original(self, *args, **kwargs)


@fault("process.BaseProcess._bootstrap", "join.exit-argument-sets-exitcode")
def empty_string_is_success(original, self, *args, **kwargs):
    """sys.exit() with an empty string as the error message counts as success."""
    run = self.run

    def run_and_look():
        try:
            run()
        except SystemExit as error:
            sys.exit(error.code or 0)

    self.run = run_and_look
    return original(self, *args, **kwargs)


@fault("process.BaseProcess._bootstrap", "join.exit-argument-sets-exitcode")
def string_is_not_written(original, self, *args, **kwargs):
    """A process that exits with a string fails, but its error message is lost."""
    run = self.run

    def run_silently():
        try:
            run()
        except SystemExit as error:
            sys.exit(1 if isinstance(error.code, str) else error.code)

    self.run = run_silently
    return original(self, *args, **kwargs)


@fault("process.BaseProcess.exitcode", "join.exit-status-has-eight-bits")
def seven_bits(original, self):
    """Exit codes keep only seven bits: some failures look like success."""
    code = original(self)
    return code & 127 if code and code > 0 else code


@fault("process.BaseProcess.exitcode", "join.exit-status-has-eight-bits")
def eighth_bit_is_a_sign(original, self):
    """sys.exit(-1) gives -1: the process seems to be ended by a signal."""
    code = original(self)
    return code - 256 if code and code > 127 else code


@fault("process.BaseProcess._bootstrap", "join.exit-status-has-eight-bits")
def at_most_255(original, self, *args, **kwargs):
    """An argument of sys.exit() that is too large gives 255, and not its low eight bits."""
    return min(original(self, *args, **kwargs), 255)


@fault("process.BaseProcess._bootstrap", "join.uncaught-exception-exits-one", crude=True)
def exception_is_success(original, self, *args, **kwargs):
    """A process that an exception has ended seems to have succeeded."""
    run = self.run

    def run_and_forgive():
        try:
            run()
        except Exception:
            sys.excepthook(*sys.exc_info())

    self.run = run_and_forgive
    return original(self, *args, **kwargs)


@fault("process.BaseProcess._bootstrap", "join.threads-cannot-set-exitcode")
def thread_ends_its_process(original, self, *args, **kwargs):
    """An exception in any thread of a child ends it with exit code 1, and its work is lost."""
    import threading

    threading.excepthook = lambda args: args.exc_type is SystemExit or os._exit(1)
    return original(self, *args, **kwargs)


@fault("process.BaseProcess._bootstrap", "join.threads-cannot-set-exitcode")
def exit_in_a_thread_counts(original, self, *args, **kwargs):
    """sys.exit() in any thread of a child sets the exit code of a child that succeeds."""
    import threading

    codes = [0]
    default = threading.excepthook

    def note_and_print(args):
        if args.exc_type is SystemExit:
            codes.append(args.exc_value.code)
        default(args)

    threading.excepthook = note_and_print
    return original(self, *args, **kwargs) or codes[-1]


@fault(
    "process.BaseProcess._bootstrap",
    "join.uncaught-exception-exits-one",
    "stop.interrupt-raises-keyboard-interrupt",
)
def interrupt_gives_130(original, self, *args, **kwargs):
    """An uncaught KeyboardInterrupt gives the exit code that a shell would show, and not 1."""
    run = self.run

    def run_and_look():
        try:
            run()
        except KeyboardInterrupt:
            sys.excepthook(*sys.exc_info())
            os._exit(130)

    self.run = run_and_look
    return original(self, *args, **kwargs)


@fault(
    "process.BaseProcess.exitcode",
    "join.signal-gives-negative-exitcode",
    "stop.terminate-skips-cleanup",
    "stop.kill-cannot-be-caught",
    crude=True,
)
def signals_as_in_a_shell(original, self):
    """A process that signal N ended has the exit code 128 + N, and not -N."""
    code = original(self)
    return 128 - code if code and code < 0 else code


@fault("process.BaseProcess.exitcode", "join.signal-gives-negative-exitcode")
def only_two_signals_show(original, self):
    """Only SIGTERM and SIGKILL show in an exit code; any other signal gives 1."""
    code = original(self)
    return 1 if code and code < 0 and code not in (-9, -15) else code


@fault("os.waitstatus_to_exitcode", "join.signal-gives-negative-exitcode")
def core_flag_is_not_masked(original, status):
    """The exit code of a process that left a core file is -139 after SIGSEGV, instead of -11."""
    return -(status & 0xFF) if status & 0x7F else original(status)


@fault("forkserver.read_signed", "join.signal-gives-negative-exitcode", only=("forkserver",))
def server_hides_signals(original, fd):
    """The fork server reports a killed child as a failed child."""
    number = original(fd)
    return 255 if number < 0 else number


@fault("process.BaseProcess._bootstrap", "join.hard-exit-skips-cleanup")
def hard_exit_cleans_up(original, self, *args, **kwargs):
    """os._exit() in a child is sys.exit(): finally clauses run that should not."""
    run = self.run

    def run_softly():
        hard = os._exit
        vars(os)["_exit"] = sys.exit
        try:
            run()
        finally:
            vars(os)["_exit"] = hard

    self.run = run_softly
    return original(self, *args, **kwargs)


def reading_end(at_its_end):
    """The reading end of a pipe: at its end, or silent forever."""
    reading, writing = os.pipe()
    if at_its_end:
        os.close(writing)
    return reading


@fault(
    "process.BaseProcess.sentinel",
    "join.sentinel-ready-at-end",
    "join.only-finished-sentinels-ready",
    crude=True,
)
def sentinel_always_ready(original, self):
    """A sentinel is ready at once: running processes seem to have ended."""
    return reading_end(True)


@fault(
    "process.BaseProcess.sentinel",
    "join.sentinel-ready-at-end",
    "join.only-finished-sentinels-ready",
    crude=True,
)
def sentinel_never_ready(original, self):
    """A sentinel is never ready: a program that waits for it hangs."""
    return reading_end(False)


@fault("process", "join.sentinel-works-with-select")
def sentinel_is_no_descriptor(process):
    """A sentinel is a number that only connection.wait() understands, and no file descriptor."""
    first = 2**20

    def wait_for_sentinels(original, object_list, timeout=None):
        given = {
            each - first if isinstance(each, int) and each >= first else each: each
            for each in object_list
        }
        return [given[each] for each in original(list(given), timeout)]

    replace(process.BaseProcess, "sentinel", lambda original, self: original(self) + first)
    when_imported(
        "multiprocessing.connection",
        lambda connection: replace(connection, "wait", wait_for_sentinels),
    )


@fault("process.BaseProcess.sentinel", "join.no-sentinel-before-start")
def sentinel_is_none_before_start(original, self):
    """The sentinel of an unstarted process is None, which fails only later, where it is used."""
    return self._popen and original(self)


@fault("connection.wait", "join.sentinel-ready-at-end", for_users=True)
def wait_looks_only_twice(original, object_list, timeout=None):
    """A blocking wait() looks at its beginning and at its timeout: it notices an end too late."""
    objects = list(object_list)
    ready = original(objects, 0)
    if not ready and timeout:
        time.sleep(timeout)
        ready = original(objects, 0)
    return ready


@fault("connection.wait", "join.only-finished-sentinels-ready")
def wait_returns_all(original, object_list, timeout=None):
    """When any of several processes has ended, all sentinels are returned as ready."""
    objects = list(object_list)
    ready = original(objects, timeout)
    return objects if ready and len(objects) > 1 else ready


@fault("connection.wait", "join.only-finished-sentinels-ready")
def wait_returns_only_the_first(original, object_list, timeout=None):
    """Of several ready sentinels only the first is returned: some ends are never noticed."""
    objects = list(object_list)
    ready = original(objects, timeout)
    return ready[:1] if len(objects) > 1 else ready


@fault("process.BaseProcess.close", "join.close-refuses-running-process", crude=True)
def close_kills(original, self):
    """close() on a running process ends it."""
    if self._popen is not None:
        self.kill()
        self.join()
    original(self)


@fault("process.BaseProcess.close", "join.close-refuses-running-process")
def close_raises_and_closes(original, self):
    """close() on a running process raises ValueError, but closes it: it cannot be joined."""
    try:
        original(self)
    finally:
        self._closed = True


@fault("process.BaseProcess.close", "join.close-refuses-running-process")
def close_needs_join(original, self):
    """close() raises ValueError after the end too, if the process was not joined."""
    if self._popen is not None and self._popen.returncode is None:
        raise ValueError("Cannot close a process while it is still running.")
    original(self)


@fault("process.BaseProcess.close", "join.close-releases-descriptors")
def close_releases_nothing(original, self):
    """close() leaves all file descriptors open until the Process is garbage: they run out."""
    if self._popen is not None and self._popen.poll() is not None:
        self._kept = self._popen
        self._popen.close = lambda: None
    original(self)


@fault("process.BaseProcess.close", "join.close-releases-descriptors")
def close_releases_the_sentinel_only(original, self):
    """close() releases the sentinel, and leaves the other end of its pipe open."""
    if self._popen is not None and self._popen.poll() is not None:
        self._popen.finalizer._args = (self._popen.sentinel,)
    original(self)


@fault("process.BaseProcess.close", "join.close-releases-descriptors")
def close_after_kill_releases_nothing(original, self):
    """close() of a process that a signal has ended leaves its file descriptors open."""
    if self._popen is not None and (self._popen.poll() or 0) < 0:
        self._kept = self._popen
        self._popen.close = lambda: None
    original(self)


@fault("process.BaseProcess.start", "join.dropped-process-is-released")
def started_processes_are_kept(original, self):
    """The package keeps every Process that was started: their file descriptors run out."""
    original(self)
    KEPT.append(self)


@fault("process.BaseProcess.join", "join.dropped-process-is-released")
def dropping_releases_no_descriptor(original, self, timeout=None):
    """Only close() releases the file descriptors of a joined Process: without it they run out."""
    original(self, timeout)
    if self._popen is not None and self._popen.finalizer is not None:
        KEPT.append(self._popen)


@fault("process.active_children", "join.dropped-process-is-released")
def ended_children_are_kept(original):
    """active_children() keeps every child that it finds ended: their file descriptors run out."""
    from multiprocessing import process

    before = list(vars(process)["_children"])
    living = original()
    KEPT.extend(child for child in before if child not in living)
    return living


@fault("process.BaseProcess.is_alive", "join.dropped-process-is-released")
def ended_process_stays(original, self):
    """A Process that is_alive() has found ended keeps its resources (bpo-31019)."""
    from multiprocessing import process

    alive = original(self)
    if not alive and self._popen is not None:
        process._children.add(self)
    return alive


@fault("connection.wait", "join.sentinel-wait-never-gives-up", for_users=True)
def wait_gives_up_after_a_second(original, object_list, timeout=None):
    """wait() without a timeout returns nothing after a second, though none has ended."""
    return original(object_list, 1.0 if timeout is None else timeout)


@fault("connection.wait", "join.sentinel-wait-never-gives-up", for_users=True)
def wait_cuts_long_timeouts(original, object_list, timeout=None):
    """wait() waits for a second at most: a process that takes longer is not waited for."""
    return original(object_list, timeout if timeout is None else min(timeout, 1.0))


@fault("process.BaseProcess.close", "join.closed-process-keeps-only-settings")
def close_works_only_once(original, self):
    """A second close() raises ValueError: cleanup in two places fails."""
    self._check_closed()
    original(self)


@fault("process.BaseProcess.exitcode", "join.closed-process-keeps-only-settings")
def none_when_closed(original, self):
    """The exit code of a closed process is None, as if it still ran."""
    return None if self._closed else original(self)


@fault("process.BaseProcess.is_alive", "join.closed-process-keeps-only-settings")
def is_alive_works_when_closed(original, self):
    """is_alive() returns False for a closed process: using it after close() goes unnoticed."""
    return not self._closed and original(self)


@fault("process.BaseProcess.name", "join.closed-process-keeps-only-settings")
def name_is_lost_when_closed(original, self):
    """The name of a closed process raises ValueError: it cannot be written to a log."""
    self._check_closed()
    return original(self)


@fault(
    "process.BaseProcess.start",
    "join.close-before-start-prevents-start",
    "join.closed-process-keeps-only-settings",
)
def start_opens(original, self):
    """A closed process can be started all the same."""
    self._closed = False
    original(self)


@fault("process.BaseProcess.close", "join.close-before-start-prevents-start")
def close_raises_before_start(original, self):
    """close() on a process that was never started raises ValueError."""
    if self._popen is None and not self._closed:
        raise ValueError
    original(self)
