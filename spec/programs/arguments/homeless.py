"""Starts a process whose target is a function of the main module, and prints its exit code.

Prints ``not started`` if ``start()`` fails: under forkserver the server imports the main module
too, and may end when it cannot.

Argument: the start method.

Serves argument.target-importable-unless-forked.
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
    except (OSError, EOFError):
        print("not started")
    else:
        process.join()
        print("exit code", process.exitcode)
