"""Starts three children; each of them, and each process that imports this file, prints a line.

A line is "child" or "importer", the PID of the process, and the PID of its parent.

Argument: the start method.

Serves start-method.main-imports-differ-by-method.
"""

import multiprocessing
import os
import sys

if __name__ != "__main__":
    print("importer", os.getpid(), os.getppid(), flush=True)


def print_child():
    print("child", os.getpid(), os.getppid(), flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for _ in range(3):
        child = multiprocessing.Process(target=print_child)
        child.start()
        child.join()
