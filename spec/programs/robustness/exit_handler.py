"""Starts a child, and another in an exit handler; prints their exit codes.

The children call a function of a module, not of this file. The first one has the package register
its own exit handler: the package would not clean up if it were imported by an exit handler.

Argument: the start method.

Serves process.exit-handlers-may-start.
"""

import atexit
import multiprocessing
import sys


def start(where):
    text = f"child of {where}: started"
    child = multiprocessing.Process(target=print, args=(text,), kwargs={"flush": True})
    child.start()
    child.join()
    print(f"child of {where}, exitcode: {child.exitcode}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    start("program")
    atexit.register(start, "exit handler")
