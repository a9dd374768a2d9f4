"""A program that ends while a process of it has still something to say, which is no daemon.

The process waits until the program's exit handlers run, and half a beat's time more. Arguments:
the start method, a folder, and how the program ends: well, or by an error.
"""

import atexit
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    # Handlers run last first: this one, registered before there is the package, after its own.
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
    if how == "by an error":
        raise ValueError("this is how it ends")
