"""Kills its resource tracker, creates a lock that a child uses, and another; is killed itself.

The signal SIGUSR1 goes to the whole process group, which this program leads. The tracker is the
only other process in it, and the only one that does not ignore the signal. The lock that found
the tracker dead is gone when the program is killed.

Argument: the start method.

Serves resource.dead-tracker-is-replaced.
"""

import gc
import importlib
import multiprocessing
import sys
import warnings
from multiprocessing import resource_tracker

# The type checker knows no such names on Windows.
posix = importlib.import_module("os")
signal = importlib.import_module("signal")


def use(lock):
    with lock:
        print("child: acquired", flush=True)


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    if posix.getpgrp() != posix.getpid():
        posix.setpgid(0, 0)  # started by hand: the group has processes of others
    resource_tracker.ensure_running()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    posix.killpg(posix.getpgrp(), signal.SIGUSR1)
    posix.waitid(posix.P_ALL, 0, posix.WEXITED | posix.WNOWAIT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lock = context.Lock()
    print("warnings:", sorted(each.category.__name__ for each in caught), flush=True)
    # A fork server would leave its socket when this process is killed, so this child is spawned.
    child = multiprocessing.get_context("spawn").Process(target=use, args=(lock,))
    child.start()
    child.join()
    del lock, child
    gc.collect()  # of importance on PyPy only
    semaphore = context.Semaphore()
    posix.kill(posix.getpid(), signal.SIGKILL)
