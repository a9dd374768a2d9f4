"""Prints its package and a constant of another module of it, in the program and two generations.

It is to be run with ``-m main_module.by_name``. Arguments: the path of this file, which it does not
need; the start method.

Serves main.module-run-by-name-works.
"""

import multiprocessing
import sys

from .values import CONSTANT


def print_package(where):
    print(f"{where}, package: {__package__}")
    print(f"{where}, constant of the other module: {CONSTANT}", flush=True)


def print_and_start(where):
    print_package(where)
    process = multiprocessing.Process(target=print_package, args=("grandchild",))
    process.start()
    process.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[2])
    print_package("program")
    process = multiprocessing.Process(target=print_and_start, args=("child",))
    process.start()
    process.join()
