"""What can go wrong with daemons at the end of a program."""

import atexit

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
