"""Starts a daemonic process and a daemonic thread that would both run forever, and ends.

Each leaves a note in a folder when it is up, and another one if it is ended so that its finally
clause runs. Arguments: the start method, and the folder.

Serves daemon.exit-does-not-wait and daemon.terminated-at-normal-exit.
"""

import multiprocessing
import signal
import sys
import threading
import time
from pathlib import Path


def run_forever(folder, name):
    if name == "process":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        Path(folder, f"{name}-is-up").touch()
        while True:
            time.sleep(0.001)
    finally:
        Path(folder, f"{name}-was-terminated").touch()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    folder = sys.argv[2]
    process = multiprocessing.Process(target=run_forever, args=(folder, "process"))
    process.daemon = True
    process.start()
    threading.Thread(target=run_forever, args=(folder, "thread"), daemon=True).start()
    for name in ("process", "thread"):
        while not Path(folder, f"{name}-is-up").exists():
            time.sleep(0.001)
    print("the program is done")
