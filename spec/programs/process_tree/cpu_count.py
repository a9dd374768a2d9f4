"""Prints how many processors there are, in the program and in a process of it.

Argument: the start method.
"""

import multiprocessing
import sys


def count():
    print(multiprocessing.cpu_count(), flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    count()
    process = multiprocessing.Process(target=count)
    process.start()
    process.join()
