"""A child that tells whether its interpreter was started by a stand-in, which leaves a mark.

Arguments: the start method, the stand-in's path, and how that is handed over: str or path.
"""

import multiprocessing
import os
import sys
from pathlib import Path


def as_given(executable, kind):
    return Path(executable) if kind == "path" else executable


def look():
    print(os.environ.get("STAND_IN_MARK"))


if __name__ == "__main__":
    _, start_method, executable, kind = sys.argv
    multiprocessing.set_start_method(start_method)
    multiprocessing.set_executable(as_given(executable, kind))
    child = multiprocessing.Process(target=look)
    child.start()
    child.join()
    sys.exit(child.exitcode)
