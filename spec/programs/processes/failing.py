"""A process and a thread that fail, both called Ann, and what their joiner sees of it.

Arguments: the start method, and how they fail: raising, or given a text where a tuple belongs.
"""

import multiprocessing
import sys
import threading


def fail(reason):
    raise ValueError(reason)


def take_one(word):
    print(word)


WAYS = {"raising": (fail, ("no good",)), "text": (take_one, "ab")}

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    target, args = WAYS[sys.argv[2]]
    for kind in (multiprocessing.Process, threading.Thread):
        worker = kind(target=target, args=args, name="Ann")
        worker.start()
        joined = worker.join()
        print("joined:", joined, getattr(worker, "exitcode", None), flush=True)
