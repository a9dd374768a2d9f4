"""Ends while a daemonic and a non-daemonic process of it run, the second as long as the first.

The daemonic process leaves a note in a folder when it is terminated. The other waits for this
note, and then prints that it has come. Arguments: the start method, the folder, and how the program
ends: "normally", or by an "exception".

Serves daemon.terminated-before-others-end.
"""

import multiprocessing
import signal
import sys
import time
from pathlib import Path


def run_forever(folder):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        Path(folder, "up").touch()
        while True:
            time.sleep(0.001)
    finally:
        Path(folder, "terminated").touch()


def wait_for_note(folder):
    while not Path(folder, "terminated").exists():
        time.sleep(0.001)
    print("the daemonic process was terminated", flush=True)


if __name__ == "__main__":
    _, start_method, folder, how = sys.argv
    multiprocessing.set_start_method(start_method)
    multiprocessing.Process(target=run_forever, args=(folder,), daemon=True).start()
    multiprocessing.Process(target=wait_for_note, args=(folder,)).start()
    while not Path(folder, "up").exists():
        time.sleep(0.001)
    print("the program is done", flush=True)
    if how == "exception":
        raise ValueError("this is how it ends")
