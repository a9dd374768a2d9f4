"""Starts a process without standard streams: first they are None, then they are closed.

It writes the exit code of each process to a file, as a line ``state: code``. Arguments: the start
method, and the path of the file.

Serves process.streams-may-be-missing.
"""

import multiprocessing
import os
import sys


def do_nothing():
    pass


def start():
    process = multiprocessing.Process(target=do_nothing)
    process.start()
    process.join()
    return process.exitcode


if __name__ == "__main__":
    _, start_method, path = sys.argv
    multiprocessing.set_start_method(start_method)
    with open(path, "w") as codes:
        sys.stdout = sys.stderr = None
        codes.write(f"None: {start()}\n")
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        sys.stdout.close()
        codes.write(f"closed: {start()}\n")
