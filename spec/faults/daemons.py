"""Faults of daemonic processes."""

import atexit
import os
import sys
import threading

from spec.faults import fault, replace


@fault("util", "daemon.exit-does-not-wait", crude=True)
def exit_waits(util):
    """A program waits for its daemonic processes as for all others, and so never ends."""
    from multiprocessing import process

    def join_all():
        for child in process.active_children():
            child.join()

    atexit.register(join_all)


@fault("util", "daemon.terminated-at-normal-exit", crude=True)
def left_running(util):
    """Daemonic processes go on running after their program has ended."""
    from multiprocessing import process

    atexit.register(vars(process)["_children"].clear)


@fault("util", "daemon.terminated-at-normal-exit")
def killed_without_notice(util):
    """Daemonic processes are killed instead of terminated: their SIGTERM handlers do not run."""
    from multiprocessing import process

    def kill_daemons():
        for child in process.active_children():
            if child.daemon:
                child.kill()

    atexit.register(kill_daemons)


@fault("util", "daemon.terminated-before-others-end")
def terminated_last(util):
    """Daemonic processes are terminated only after all others have been joined."""
    from multiprocessing import process

    def join_others():
        for child in process.active_children():
            if not child.daemon:
                child.join()

    atexit.register(join_others)


@fault("util", "daemon.terminated-before-others-end")
def exception_terminates_nothing(util):
    """A program that ends by an exception does not terminate its daemonic processes."""
    from multiprocessing import process

    def forget_daemons_after_an_exception():
        for child in process.active_children():
            if child.daemon and hasattr(sys, "last_value"):
                vars(process)["_children"].discard(child)

    atexit.register(forget_daemons_after_an_exception)


@fault("util", "daemon.deaf-daemon-delays-exit")
def daemons_are_not_joined(util):
    """A program leaves daemonic processes that ignore SIGTERM behind when it exits."""
    from multiprocessing import process

    def terminate_and_forget():
        for child in process.active_children():
            if child.daemon:
                child.terminate()
                vars(process)["_children"].discard(child)

    atexit.register(terminate_and_forget)


@fault("util", "daemon.deaf-daemon-delays-exit")
def deaf_daemons_are_killed(util):
    """A daemonic process that does not end at SIGTERM is killed in the midst of its work."""
    from multiprocessing import process

    def terminate_and_kill():
        for child in process.active_children():
            if child.daemon:
                child.terminate()
                child.kill()

    atexit.register(terminate_and_kill)


def end_only(util, chosen):
    """Let the exit of a child, but not that of the program, see only its ``chosen`` children."""
    from multiprocessing import process

    def active():
        return [child for child in process.active_children() if chosen(child)]

    def exit_as_child(original, *args, **kwargs):
        settings = {} if process.parent_process() is None else {"active_children": active}
        original(*args, **kwargs, **settings)

    atexit.unregister(util._exit_function)
    replace(util, "_exit_function", exit_as_child)
    atexit.register(util._exit_function)


@fault("util", "daemon.every-parent-ends-its-children")
def child_joins_only_daemons(util):
    """A child ends without waiting for its non-daemonic children; only the program waits."""
    end_only(util, lambda child: child.daemon)


@fault("util", "daemon.every-parent-ends-its-children", "daemon.survives-abrupt-parent-death")
def child_spares_daemons(util):
    """A child ends without terminating its daemonic children, which then run without a parent."""
    end_only(util, lambda child: not child.daemon)


@fault("util", "daemon.non-daemon-joined-at-exit", crude=True)
def exit_joins_nothing(util):
    """A program ends without waiting for its processes, which go on in the background."""
    from multiprocessing import process

    atexit.register(vars(process)["_children"].clear)


@fault("util", "daemon.non-daemon-joined-at-exit")
def exception_joins_nothing(util):
    """A program that ends by an exception does not wait for its processes."""
    from multiprocessing import process

    def forget_all_after_an_exception():
        if hasattr(sys, "last_value"):
            vars(process)["_children"].clear()

    atexit.register(forget_all_after_an_exception)


@fault("util", "daemon.others-joined-for-seconds")
def exit_gives_up_after_a_second(util):
    """A program waits at exit for one second, and then leaves its processes behind."""
    join_for_a_second(util, lambda process: process.parent_process() is None)


@fault("util", "daemon.others-joined-for-seconds")
def child_gives_up_after_a_second(util):
    """A child waits at its end for one second, and then leaves its own children behind."""
    join_for_a_second(util, lambda process: process.parent_process() is not None)


def join_for_a_second(util, here):
    """Let the exit of a process join its children for a second only, if ``here(process)``."""
    from multiprocessing import process

    def forget_after_a_second(original, *args, **kwargs):
        if here(process):
            for child in process.active_children():
                if not child.daemon:
                    child.join(1)
                    vars(process)["_children"].discard(child)
        original(*args, **kwargs)

    atexit.unregister(util._exit_function)
    replace(util, "_exit_function", forget_after_a_second)
    atexit.register(util._exit_function)


@fault("util", "daemon.deaf-daemon-joined-for-seconds")
def deaf_daemons_are_killed_after_a_second(util):
    """A daemonic process that has not ended one second after SIGTERM is killed in its work."""
    from multiprocessing import process

    def terminate_and_kill():
        for child in process.active_children():
            if child.daemon:
                child.terminate()
                child.join(1)
                child.kill()

    atexit.register(terminate_and_kill)


def end_daemons():
    """Terminate the daemonic children of this process."""
    from multiprocessing import process

    for child in process.active_children():
        if child.daemon:
            child.terminate()


@fault("process.BaseProcess.run", "daemon.parents-threads-end-first")
def daemons_end_with_run(original, self):
    """A child terminates its daemonic children when run() returns; before 3.13, it never does."""
    from multiprocessing import process

    original(self)
    if sys.version_info >= (3, 13):
        end_daemons()
    else:
        vars(process)["_children"].clear()


@fault("process", "daemon.parents-threads-end-first")
def daemons_end_with_main_thread(process):
    """A program terminates its daemonic processes when its main thread ends, before its threads."""
    if process.parent_process() is None:
        threading._register_atexit(end_daemons)


@fault("process.BaseProcess.start", "daemon.late-start-is-joined")
def late_start_is_forgotten(original, self):
    """A process that a thread starts after the main thread has ended is not joined at exit."""
    from multiprocessing import process

    original(self)
    if not threading.main_thread().is_alive():
        vars(process)["_children"].discard(self)


@fault("process.BaseProcess.start", "daemon.late-start-is-joined")
def late_start_is_refused(original, self):
    """After the main thread has ended, start() raises RuntimeError: other threads cannot use it."""
    if not threading.main_thread().is_alive():
        raise RuntimeError("cannot start a process at shutdown")
    original(self)


@fault("process.BaseProcess._bootstrap", "daemon.survives-abrupt-parent-death")
def ends_with_its_parent(original, self, *args, **kwargs):
    """A daemonic process ends as soon as its parent does, even when that is killed."""
    from multiprocessing import process

    def end_with(parent):
        parent.join()
        os._exit(1)

    run = self.run

    def run_bound():
        if self.daemon:
            parent = process.parent_process()
            threading.Thread(target=end_with, args=(parent,), daemon=True).start()
        run()

    self.run = run_bound
    return original(self, *args, **kwargs)


@fault(
    "process.BaseProcess.daemon.setter",
    "daemon.flag-fixed-by-start",
    "daemon.flag-refused-by-assertion",
    crude=True,
)
def flag_can_be_set_at_any_time(original, self, flag):
    """daemon can be set after start(), and then says what is not true."""
    self._config["daemon"] = flag


@fault("process.BaseProcess.daemon.setter", "daemon.flag-refused-by-assertion")
def flag_refused_by_runtime_error(original, self, flag):
    """Setting daemon too late raises RuntimeError, as with threads: other code catches it."""
    try:
        original(self, flag)
    except AssertionError as error:
        raise RuntimeError from error


@fault(
    "process.BaseProcess.daemon.setter",
    "daemon.flag-fixed-by-start",
    "daemon.flag-refused-by-assertion",
)
def flag_can_be_set_at_the_end(original, self, flag):
    """daemon can be set when the process has ended: its former value is lost."""
    if self._popen is not None and self._popen.poll() is not None:
        self._config["daemon"] = flag
    else:
        original(self, flag)


@fault("process.BaseProcess.__init__", "daemon.flag-inherited-from-creator", crude=True)
def flag_is_not_inherited(original, self, *args, daemon=None, **kwargs):
    """A process created by a daemonic process is not daemonic."""
    original(self, *args, daemon=bool(daemon), **kwargs)


@fault("process.BaseProcess.__init__", "daemon.flag-inherited-from-creator")
def flag_cannot_be_overridden(original, self, *args, daemon=None, **kwargs):
    """daemon=False is ignored in a daemonic process: all that it creates is daemonic."""
    original(self, *args, daemon=daemon or None, **kwargs)


@fault("process.BaseProcess.start", "daemon.children-refused-by-assertion")
def children_refused_by_runtime_error(original, self):
    """A daemonic process that starts a process gets RuntimeError: other code catches it."""
    try:
        original(self)
    except AssertionError as error:
        raise RuntimeError from error


@fault(
    "process",
    "daemon.may-not-have-children",
    "daemon.children-refused-by-assertion",
    crude=True,
)
def can_have_children(process):
    """Daemonic processes can have children, which are orphans once their parent is terminated."""
    start_unless(process, lambda child: False)


@fault("process", "daemon.may-not-have-children", "daemon.children-refused-by-assertion")
def can_have_other_children(process):
    """Daemonic processes can have non-daemonic children, which then become orphans."""
    start_unless(process, lambda child: child.daemon)


def start_unless(process, refused):
    """Let a daemonic process start any child that is not ``refused``."""

    def start_freely(original, self):
        config = process.current_process()._config
        flag = {} if refused(self) else {"daemon": config.pop("daemon", False)}
        try:
            original(self)
        finally:
            config.update(flag)

    replace(process.BaseProcess, "start", start_freely)


@fault("process.BaseProcess.daemon", "daemon.main-is-not-daemonic")
def main_process_says_true(original, self):
    """daemon is True in the main process, so code that asks takes it for a daemonic one."""
    from multiprocessing import process

    is_main = self is process.current_process() and process.parent_process() is None
    return is_main or original(self)


@fault("process.BaseProcess._bootstrap", "daemon.stays-in-parent-session")
def has_its_own_session(original, self, *args, **kwargs):
    """A daemonic process leaves its parent's session: it stays when the terminal is closed."""
    if self.daemon:
        os.setsid()
        os.setpgid = lambda pid, group: None  # the leader of a session may not
    return original(self, *args, **kwargs)
