"""A process that has something to say after its program has nothing more to do.

Arguments: the start method, and a folder.
"""

import multiprocessing
import sys
import time
from pathlib import Path


def speak_late(done):
    while not done.exists():
        time.sleep(0.001)
    time.sleep(0.1)
    print("the last word")


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    done = Path(sys.argv[2], "the-program-is-done")
    multiprocessing.Process(target=speak_late, args=(done,)).start()
    done.touch()
