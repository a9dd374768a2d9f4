"""Registers an exit handler, and starts three children that each register one of their own.

The children end one after the other: by return, by sys.exit(0) and by an exception. Each has one
line: how it ends, "handler" when its handler runs, and, added by the program, its exit code. The
last line is printed by the program's handler. Argument: the start method.

Serves tree.parent-atexit-stays-in-parent and tree.child-atexit-runs-at-end.
"""

import atexit
import multiprocessing
import sys


def end(how):
    print(how, end=" ", flush=True)
    atexit.register(print, "handler", end=" ", flush=True)
    if how == "exit":
        sys.exit(0)
    if how == "error":
        raise ValueError("this is how it ends")


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    atexit.register(print, "handler of the program", flush=True)
    for how in ("return", "exit", "error"):
        process = multiprocessing.Process(target=end, args=(how,))
        process.start()
        process.join()
        print(process.exitcode, flush=True)
