"""Starts a child when sys.argv has 2,000 strings of 100 characters; the child prints their length.

The program adds them to sys.argv itself: on some platforms no command line may be as long.

Argument: the start method.

Serves start-method.argv-may-be-long.
"""

import multiprocessing
import sys


def print_length():
    print(f"child, characters: {sum(map(len, sys.argv[2:]))}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    sys.argv += ["x" * 100] * 2000
    child = multiprocessing.Process(target=print_length)
    child.start()
    child.join()
    print(f"exitcode: {child.exitcode}")
