"""Prints its arguments whenever it is executed, and in a child.

The program runs with two arguments of its own. A line is "main module" or "child", and them.

Arguments: the start method; the others.

Serves main.argv-known-at-import.
"""

import multiprocessing
import sys

print(f"main module: {sys.argv[2:]}", flush=True)


def print_arguments():
    print(f"child: {sys.argv[2:]}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    child = multiprocessing.Process(target=print_arguments)
    child.start()
    child.join()
