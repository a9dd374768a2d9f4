"""Sets the start method, then changes its environment, and starts a child that prints the change.

The Process is created before the change.

Argument: the start method.

Serves start-method.forkserver-starts-with-first-child.
"""

import multiprocessing
import os
import sys


def print_variable():
    print(f"first child, ADDED: {os.environ.get('ADDED')}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    child = multiprocessing.Process(target=print_variable)
    os.environ["ADDED"] = "after set_start_method()"
    child.start()
    child.join()
