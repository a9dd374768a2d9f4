"""Says that it is frozen, and starts a child, which runs this program again.

Its executable is a script that runs this program, and the interpreter for all other purposes. The
variable DEPTH in the environment tells a child from the program, so that it ends at once.

Arguments: the start method; where to write the script; whether freeze_support() is "called" or
"not called".

Serves tree.freeze-support-runs-frozen-child.
"""

import multiprocessing
import os
import sys
from pathlib import Path

SCRIPT = """#!/bin/sh
case "$1" in
    --multiprocessing-fork) exec "{interpreter}" "{program}" "$@" ;;
    *) exec "{interpreter}" "$@" ;;
esac
"""
DEPTH = "SPEC_FROZEN_DEPTH"
CALLED = "SPEC_FREEZE_SUPPORT"


def work():
    print("child: does the work", flush=True)


sys.frozen = True
if __name__ == "__main__":
    if os.environ.get(CALLED, sys.argv[-1]) == "called":
        multiprocessing.freeze_support()
    if DEPTH in os.environ:
        print("child: runs the main part", flush=True)
        sys.exit(7)
    _, start_method, path, os.environ[CALLED] = sys.argv
    os.environ[DEPTH] = "1"
    script = SCRIPT.format(interpreter=sys.executable, program=__file__)
    Path(path).write_text(script, encoding="utf-8")
    Path(path).chmod(0o700)
    multiprocessing.set_start_method(start_method)
    multiprocessing.set_executable(path)
    sys.executable = path
    process = multiprocessing.Process(target=work)
    process.start()
    process.join()
    print(f"exitcode: {process.exitcode}")
