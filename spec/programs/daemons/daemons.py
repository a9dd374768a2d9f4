"""A daemonic process and a daemonic thread that would both run for ever.

Each leaves a note in a folder when it is up, and would leave another when it is ended in an
orderly way. Arguments: the start method, and the folder.
"""

import multiprocessing
import signal
import sys
import threading
import time
from pathlib import Path


def run_for_ever(folder, name):
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
    process = multiprocessing.Process(target=run_for_ever, args=(folder, "process"))
    process.daemon = True
    process.start()
    threading.Thread(target=run_for_ever, args=(folder, "thread"), daemon=True).start()
    for name in ("process", "thread"):
        while not Path(folder, f"{name}-is-up").exists():
            time.sleep(0.001)
    print("the program is done")
