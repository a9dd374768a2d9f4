"""What can go wrong with daemons at the end of a program."""

import atexit
import os
import sys
import threading

from spec.faults import fault, replace


@fault("daemon.exit-waits", "multiprocessing.util", "daemon.exit-does-not-wait")
def exit_waits(util):
    """A program waits for its daemons as for all others: it never ends."""
    from multiprocessing import process

    def join_all():
        for child in process.active_children():
            child.join()

    replace(util, "_exit_function", lambda original: original)
    atexit.register(join_all)


@fault("daemon.left-running", "multiprocessing.util", "daemon.terminated-at-normal-exit")
def left_running(util):
    """Daemons outlive their program: nobody ends them, and nobody knows of them."""
    from multiprocessing import process

    replace(util, "_exit_function", lambda original: original)
    atexit.register(vars(process)["_children"].clear)


@fault(
    "daemon.killed-without-notice",
    "multiprocessing.util",
    "daemon.terminated-at-normal-exit",
    subtle=True,
)
def killed_without_notice(util):
    """Daemons are killed, not terminated: they cannot leave their work in order."""
    from multiprocessing import process

    def kill_daemons():
        for child in process.active_children():
            if child.daemon:
                child.kill()

    replace(util, "_exit_function", lambda original: original)
    atexit.register(kill_daemons)


@fault("daemon.nobody-is-waited-for", "multiprocessing.util", "daemon.non-daemon-joined-at-exit")
def nobody_is_waited_for(util):
    """A program ends without waiting for anybody: processes go on behind the user's back."""
    from multiprocessing import process

    replace(util, "_exit_function", lambda original: original)
    atexit.register(vars(process)["_children"].clear)


@fault(
    "daemon.errors-wait-for-nobody",
    "multiprocessing.util",
    "daemon.non-daemon-joined-at-exit",
    subtle=True,
)
def errors_wait_for_nobody(util):
    """A program that ends by an error waits for nobody: its processes go on by themselves."""
    from multiprocessing import process

    def forget_all_after_an_error():
        if hasattr(sys, "last_value"):
            vars(process)["_children"].clear()

    replace(util, "_exit_function", lambda original: original)
    atexit.register(forget_all_after_an_error)


@fault(
    "daemon.dies-with-its-parent",
    "multiprocessing.process",
    "daemon.survives-abrupt-parent-death",
    subtle=True,
)
def dies_with_its_parent(process):
    """A daemon ends as soon as its parent does, however that ends: a crash takes all with it."""

    def end_with(parent):
        parent.join()
        os._exit(1)

    def bootstrap(original):
        def bootstrap_bound(self, *args, **kwargs):
            run = self.run

            def run_bound():
                if self.daemon:
                    ending = threading.Thread(target=end_with, args=(process.parent_process(),))
                    ending.daemon = True
                    ending.start()
                run()

            self.run = run_bound
            return original(self, *args, **kwargs)

        return bootstrap_bound

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "daemon.flag-is-never-fixed",
    "multiprocessing.process",
    "daemon.flag-fixed-by-start",
)
def flag_is_never_fixed(process):
    """daemon may be set at any time: after the start it says what is not the case."""

    def daemon(original):
        return original.setter(lambda self, flag: self._config.update(daemon=flag))

    replace(process.BaseProcess, "daemon", daemon)


@fault(
    "daemon.flag-is-fixed-while-running",
    "multiprocessing.process",
    "daemon.flag-fixed-by-start",
    subtle=True,
)
def flag_is_fixed_while_running(process):
    """daemon may be set again when the process has ended: what it was can no longer be told."""

    def daemon(original):
        def set_daemon(self, flag):
            if self._popen is not None and self._popen.poll() is not None:
                self._config["daemon"] = flag
            else:
                original.fset(self, flag)

        return original.setter(set_daemon)

    replace(process.BaseProcess, "daemon", daemon)


@fault(
    "daemon.flag-is-forgotten",
    "multiprocessing.process",
    "daemon.flag-inherited-from-creator",
)
def flag_is_forgotten(process):
    """What a daemon makes is no daemon: it would be waited for by what nobody waits for."""

    def init(original):
        def init_afresh(self, *args, daemon=None, **kwargs):
            original(self, *args, daemon=bool(daemon), **kwargs)

        return init_afresh

    replace(process.BaseProcess, "__init__", init)


@fault(
    "daemon.flag-cannot-be-declined",
    "multiprocessing.process",
    "daemon.flag-inherited-from-creator",
    subtle=True,
)
def flag_cannot_be_declined(process):
    """daemon=False does not count in a daemon: all that it makes is a daemon."""

    def init(original):
        def init_by_birth(self, *args, daemon=None, **kwargs):
            original(self, *args, daemon=daemon or None, **kwargs)

        return init_by_birth

    replace(process.BaseProcess, "__init__", init)


@fault("daemon.may-have-children", "multiprocessing.process", "daemon.may-not-have-children")
def may_have_children(process):
    """Daemons may have children, which are left alone when their parent is terminated."""
    start_unless(process, lambda child: False)


@fault(
    "daemon.may-have-children-that-are-none",
    "multiprocessing.process",
    "daemon.may-not-have-children",
    subtle=True,
)
def may_have_children_that_are_none(process):
    """Daemons may have children that are no daemons, which are left alone all the same."""
    start_unless(process, lambda child: child.daemon)


def start_unless(process, refused):
    """Let a daemon start what is not ``refused``."""

    def start(original):
        def start_freely(self):
            config = process.current_process()._config
            flag = {} if refused(self) else {"daemon": config.pop("daemon", False)}
            try:
                original(self)
            finally:
                config.update(flag)

        return start_freely

    replace(process.BaseProcess, "start", start)


@fault("daemon.main-is-one", "multiprocessing.process", "daemon.main-is-not-daemonic", subtle=True)
def main_is_one(process):
    """The main process says that it is a daemon, and nobody can tell it from one."""

    def daemon(original):
        def get_daemon(self):
            is_main = self is process.current_process() and process.parent_process() is None
            return is_main or original.fget(self)

        return original.getter(get_daemon)

    replace(process.BaseProcess, "daemon", daemon)


@fault(
    "daemon.has-its-own-session",
    "multiprocessing.process",
    "daemon.stays-in-parent-session",
    subtle=True,
)
def has_its_own_session(process):
    """A daemon leaves its parent's session: closing the terminal no longer ends it."""

    def bootstrap(original):
        def bootstrap_detached(self, *args, **kwargs):
            if self.daemon:
                os.setsid()
                os.setpgid = lambda pid, group: None  # the leader of a session may not
            return original(self, *args, **kwargs)

        return bootstrap_detached

    replace(process.BaseProcess, "_bootstrap", bootstrap)
