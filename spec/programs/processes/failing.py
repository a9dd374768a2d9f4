"""Runs a target that fails in a process and in a thread, both named Ann, and joins them.

Prints the result of each ``join()`` and the exit code, which is None for the thread.

Arguments: the start method; how the target fails: ``raising`` raises a ValueError, ``string`` gives
a target with one parameter a string of two characters as ``args``.

Serves process.exception-stays-in-child and process.string-args-are-spread.
"""

import multiprocessing
import sys
import threading


def fail(reason):
    raise ValueError(reason)


def take_one(word):
    print(word)


WAYS = {"raising": (fail, ("no good",)), "string": (take_one, "ab")}

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    target, args = WAYS[sys.argv[2]]
    for kind in (multiprocessing.Process, threading.Thread):
        worker = kind(target=target, args=args, name="Ann")
        worker.start()
        joined = worker.join()
        exitcode = getattr(worker, "exitcode", None)
        print(f"{kind.__name__}: join() returned {joined}, exit code {exitcode}")
