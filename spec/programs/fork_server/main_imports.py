"""A program that tells by which processes its main module is imported, and for which children.

Argument: the start method.
"""

import multiprocessing
import os
import sys

if __name__ != "__main__":
    print("importer", os.getpid(), os.getppid(), flush=True)


def introduce():
    print("child", os.getpid(), os.getppid(), flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for _ in range(3):
        child = multiprocessing.Process(target=introduce)
        child.start()
        child.join()
