"""Sets a script as the executable, and starts a child that prints whether the script was used.

The script sets a variable in the environment, and then becomes the interpreter.

Arguments: the start method; where to write the script; how to pass its name to set_executable(),
"str" or "Path".

Serves start-method.spawn-executable-can-be-chosen.
"""

import multiprocessing
import os
import sys
from pathlib import Path

SCRIPT = """#!/bin/sh
STARTED_BY=script exec "{}" "$@"
"""


def as_given(executable, kind):
    return Path(executable) if kind == "Path" else executable


def look():
    print(f"STARTED_BY: {os.environ.get('STARTED_BY')}")


if __name__ == "__main__":
    _, start_method, executable, kind = sys.argv
    multiprocessing.set_start_method(start_method)
    with open(executable, "w") as file:
        file.write(SCRIPT.format(sys.executable))
    os.chmod(executable, 0o700)
    multiprocessing.set_executable(as_given(executable, kind))
    child = multiprocessing.Process(target=look)
    child.start()
    child.join()
    sys.exit(child.exitcode)
