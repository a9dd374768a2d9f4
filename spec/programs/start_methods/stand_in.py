"""A child that tells whether its interpreter was started by a stand-in.

The stand-in is a script that leaves a mark in the environment, and then becomes the interpreter.
Arguments: the start method, where to write the script, and how to hand that over: str or path.
"""

import multiprocessing
import os
import sys
from pathlib import Path

STAND_IN = """#!/bin/sh
STAND_IN_MARK=left exec "{}" "$@"
"""


def as_given(executable, kind):
    return Path(executable) if kind == "path" else executable


def look():
    print(os.environ.get("STAND_IN_MARK"))


if __name__ == "__main__":
    _, start_method, executable, kind = sys.argv
    multiprocessing.set_start_method(start_method)
    with open(executable, "w") as file:
        file.write(STAND_IN.format(sys.executable))
    os.chmod(executable, 0o700)
    multiprocessing.set_executable(as_given(executable, kind))
    child = multiprocessing.Process(target=look)
    child.start()
    child.join()
    sys.exit(child.exitcode)
