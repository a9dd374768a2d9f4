"""Starts two children that print their environment and umask; changes its own between the two.

The program changes the variable CHANGED from old to new, adds the variable ADDED, and changes its
umask from 022 to 027.

Argument: the start method.

Serves start-method.forkserver-keeps-early-environment and
start-method.forkserver-keeps-early-umask.
"""

import multiprocessing
import os
import sys


def print_environment(which):
    values = [f"{name}={os.environ.get(name)}" for name in ("CHANGED", "ADDED")]
    print(f"{which} child: {', '.join(values)}")
    print(f"{which} child, umask: {oct(os.umask(0))}", flush=True)


def start_child(which):
    child = multiprocessing.Process(target=print_environment, args=(which,))
    child.start()
    child.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    os.environ["CHANGED"] = "old"
    os.umask(0o22)
    start_child("first")
    os.environ["CHANGED"] = "new"
    os.environ["ADDED"] = "new"
    os.umask(0o27)
    start_child("second")
