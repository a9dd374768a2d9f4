"""Uses a temporary directory whose path has a certain length: starts a child, creates a Listener.

Prints what both return or raise.

Arguments: the start method; a folder for the directory; the length of its path.

Serves start-method.long-tempdir-falls-back.
"""

import multiprocessing
import os
import sys
import tempfile
from multiprocessing.connection import Listener


def error_of(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__


if __name__ == "__main__":
    _, start_method, folder, length = sys.argv
    multiprocessing.set_start_method(start_method)
    tempfile.tempdir = os.path.join(folder, "x" * (int(length) - len(folder) - 1))
    os.mkdir(tempfile.tempdir)
    child = multiprocessing.Process()
    print(f"start(): {error_of(child.start)}", flush=True)
    if child.pid is not None:
        child.join()
    print(f"exitcode: {child.exitcode}")
    print(f"Listener(): {error_of(lambda: Listener().close())}")
