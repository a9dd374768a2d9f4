"""Starts a process that prints only after the program has executed its last line.

The process waits until the program has created a file in its last line, then for another 0.1 s,
and then prints.

Arguments: the start method; a folder for that file.

Serves process.unjoined-output-is-complete.
"""

import multiprocessing
import sys
import time
from pathlib import Path


def print_late(done):
    while not done.exists():
        time.sleep(0.001)
    time.sleep(0.1)
    print("the last word")


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    done = Path(sys.argv[2], "the-program-is-done")
    multiprocessing.Process(target=print_late, args=(done,)).start()
    done.touch()
