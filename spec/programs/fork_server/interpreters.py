"""Starts children one by one, with a script as executable that notes each start of an interpreter.

Arguments: the start method; the number of children; where to write the script; the file for notes.

Serves start-method.tracker-accompanies-unforked.
"""

import multiprocessing
import os
import sys

SCRIPT = """#!/bin/sh
echo started >> "{}"
exec "{}" "$@"
"""


def do_nothing():
    pass


if __name__ == "__main__":
    start_method, children, executable, notes = sys.argv[1:]
    multiprocessing.set_start_method(start_method)
    with open(executable, "w") as file:
        file.write(SCRIPT.format(notes, sys.executable))
    os.chmod(executable, 0o700)
    multiprocessing.set_executable(executable)
    for _ in range(int(children)):
        child = multiprocessing.Process(target=do_nothing)
        child.start()
        child.join()
        print(child.exitcode)
