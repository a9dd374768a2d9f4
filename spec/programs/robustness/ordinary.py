"""Starts two children, one by one; prints their exit codes.

Argument: the start method.

Serves process.allocator-may-be-chosen and main.profiled-program-works.
"""

import multiprocessing
import sys


def say(number):
    print(f"child {number}: started", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for number in (1, 2):
        child = multiprocessing.Process(target=say, args=(number,))
        child.start()
        child.join()
        print(f"child {number}, exitcode: {child.exitcode}", flush=True)
