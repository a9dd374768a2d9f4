"""Starts two children that print their environment, and changes its own between the two.

The program changes the variable CHANGED from old to new, and adds the variable ADDED.

Argument: the start method.

Serves start-method.forkserver-keeps-early-environment.
"""

import multiprocessing
import os
import sys


def print_environment(which):
    values = [f"{name}={os.environ.get(name)}" for name in ("CHANGED", "ADDED")]
    print(f"{which} child: {', '.join(values)}", flush=True)


def start_child(which):
    child = multiprocessing.Process(target=print_environment, args=(which,))
    child.start()
    child.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    os.environ["CHANGED"] = "old"
    start_child("first")
    os.environ["CHANGED"] = "new"
    os.environ["ADDED"] = "new"
    start_child("second")
