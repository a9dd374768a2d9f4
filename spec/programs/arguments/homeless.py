"""A process whose target is a function of the main module, which a child may find or not.

Argument: the start method.
"""

import multiprocessing
import sys


def greet():
    print("hello", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    process = multiprocessing.Process(target=greet)
    try:
        process.start()
    except (OSError, EOFError):  # the fork server, which imports the main module too, is gone
        print("not started")
    else:
        process.join()
        print("exit code", process.exitcode)
