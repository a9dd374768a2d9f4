"""Ends while a non-daemonic process of it has still something to print.

The process waits until the program's exit handlers run, and half a beat more, before it prints.
Arguments: the start method, a folder for a file, and how the program ends: "normally", or by an
"exception".

Serves daemon.non-daemon-joined-at-exit.
"""

import atexit
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    # The last registered runs first: this one, registered before the package's, runs after them.
    atexit.register(print, "the exit handlers are done", flush=True)

import multiprocessing


def speak_late(ending):
    while not ending.exists():
        time.sleep(0.001)
    time.sleep(0.05)
    print("the process is done", flush=True)


if __name__ == "__main__":
    _, start_method, folder, how = sys.argv
    multiprocessing.set_start_method(start_method)
    ending = Path(folder, f"ends-{how}")
    multiprocessing.Process(target=speak_late, args=(ending,)).start()
    atexit.register(ending.touch)
    print("the program is done", flush=True)
    if how == "exception":
        raise ValueError("this is how it ends")
