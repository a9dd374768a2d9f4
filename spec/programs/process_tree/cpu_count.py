"""Prints what cpu_count() returns in the program and in a child, as "label: value".

Argument: the start method.

Serves tree.cpu-count-can-be-overridden.
"""

import multiprocessing
import sys


def print_count(label):
    print(f"{label}: {multiprocessing.cpu_count()}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print_count("program")
    process = multiprocessing.Process(target=print_count, args=("child",))
    process.start()
    process.join()
