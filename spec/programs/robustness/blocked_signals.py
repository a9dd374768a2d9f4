"""Blocks three signals and starts a process; prints what is blocked before and afterwards.

Argument: the start method.

Serves start-method.blocked-signals-stay-blocked.
"""

import multiprocessing
import signal
import sys


def do_nothing():
    pass


def blocked():
    return " ".join(sorted(signal.Signals(each).name for each in signal.pthread_sigmask(0, ())))


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    signal.pthread_sigmask(signal.SIG_SETMASK, (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1))
    print("blocked before:", blocked())
    process = multiprocessing.Process(target=do_nothing)
    process.start()
    process.join()
    print("blocked afterwards:", blocked())
