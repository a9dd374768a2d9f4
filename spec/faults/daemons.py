"""What can go wrong with daemons at the end of a program."""

import atexit
import os
import sys
import threading

from spec.faults import fault, replace


@fault("util", "daemon.exit-does-not-wait", crude=True)
def exit_waits(util):
    """A program waits for its daemons as for all others: it never ends."""
    from multiprocessing import process

    def join_all():
        for child in process.active_children():
            child.join()

    atexit.register(join_all)


@fault("util", "daemon.terminated-at-normal-exit", crude=True)
def left_running(util):
    """Daemons outlive their program: nobody ends them, and nobody knows of them."""
    from multiprocessing import process

    atexit.register(vars(process)["_children"].clear)


@fault("util", "daemon.terminated-at-normal-exit")
def killed_without_notice(util):
    """Daemons are killed, not terminated: they cannot leave their work in order."""
    from multiprocessing import process

    def kill_daemons():
        for child in process.active_children():
            if child.daemon:
                child.kill()

    atexit.register(kill_daemons)


@fault("util", "daemon.non-daemon-joined-at-exit", crude=True)
def nobody_is_waited_for(util):
    """A program ends without waiting for anybody: processes go on behind the user's back."""
    from multiprocessing import process

    atexit.register(vars(process)["_children"].clear)


@fault("util", "daemon.non-daemon-joined-at-exit")
def errors_wait_for_nobody(util):
    """A program that ends by an error waits for nobody: its processes go on by themselves."""
    from multiprocessing import process

    def forget_all_after_an_error():
        if hasattr(sys, "last_value"):
            vars(process)["_children"].clear()

    atexit.register(forget_all_after_an_error)


@fault("process", "daemon.survives-abrupt-parent-death")
def dies_with_its_parent(process):
    """A daemon ends as soon as its parent does, however that ends: a crash takes all with it."""

    def end_with(parent):
        parent.join()
        os._exit(1)

    def bootstrap_bound(original, self, *args, **kwargs):
        run = self.run

        def run_bound():
            if self.daemon:
                ending = threading.Thread(target=end_with, args=(process.parent_process(),))
                ending.daemon = True
                ending.start()
            run()

        self.run = run_bound
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_bound)


@fault("process.BaseProcess.daemon.setter", "daemon.flag-fixed-by-start", crude=True)
def flag_is_never_fixed(original, self, flag):
    """daemon may be set at any time: after the start it says what is not the case."""
    self._config["daemon"] = flag


@fault("process.BaseProcess.daemon.setter", "daemon.flag-fixed-by-start")
def flag_is_fixed_while_running(original, self, flag):
    """daemon may be set again when the process has ended: what it was can no longer be told."""
    if self._popen is not None and self._popen.poll() is not None:
        self._config["daemon"] = flag
    else:
        original(self, flag)


@fault("process.BaseProcess.__init__", "daemon.flag-inherited-from-creator", crude=True)
def flag_is_forgotten(original, self, *args, daemon=None, **kwargs):
    """What a daemon makes is no daemon: it would be waited for by what nobody waits for."""
    original(self, *args, daemon=bool(daemon), **kwargs)


@fault("process.BaseProcess.__init__", "daemon.flag-inherited-from-creator")
def flag_cannot_be_declined(original, self, *args, daemon=None, **kwargs):
    """daemon=False does not count in a daemon: all that it makes is a daemon."""
    original(self, *args, daemon=daemon or None, **kwargs)


@fault("process", "daemon.may-not-have-children", crude=True)
def may_have_children(process):
    """Daemons may have children, which are left alone when their parent is terminated."""
    start_unless(process, lambda child: False)


@fault("process", "daemon.may-not-have-children")
def may_have_children_that_are_none(process):
    """Daemons may have children that are no daemons, which are left alone all the same."""
    start_unless(process, lambda child: child.daemon)


def start_unless(process, refused):
    """Let a daemon start what is not ``refused``."""

    def start_freely(original, self):
        config = process.current_process()._config
        flag = {} if refused(self) else {"daemon": config.pop("daemon", False)}
        try:
            original(self)
        finally:
            config.update(flag)

    replace(process.BaseProcess, "start", start_freely)


@fault("process.BaseProcess.daemon", "daemon.main-is-not-daemonic")
def main_is_one(original, self):
    """The main process says that it is a daemon, and nobody can tell it from one."""
    from multiprocessing import process

    is_main = self is process.current_process() and process.parent_process() is None
    return is_main or original(self)


@fault("process.BaseProcess._bootstrap", "daemon.stays-in-parent-session")
def has_its_own_session(original, self, *args, **kwargs):
    """A daemon leaves its parent's session: closing the terminal no longer ends it."""
    if self.daemon:
        os.setsid()
        os.setpgid = lambda pid, group: None  # the leader of a session may not
    return original(self, *args, **kwargs)
