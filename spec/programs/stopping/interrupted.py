"""Interrupts three processes that differ in what they do with KeyboardInterrupt.

Each process leaves a note in a folder when it is up, when it has cleaned up, and, if it lives on,
after all three have been interrupted. The program prints the exit code of each as a line
``way: code``. Arguments: the start method, and the folder.

Serves stop.interrupt-raises-keyboard-interrupt.
"""

import multiprocessing
import signal
import sys
import time
from pathlib import Path

WAYS = ("lets it through", "exits with 3", "swallows it")


def work(way, folder):
    try:
        try:
            Path(folder, f"{way}, up").touch()
            while True:
                time.sleep(0.001)
        finally:
            Path(folder, f"{way}, cleaned up").touch()
    except KeyboardInterrupt:
        if way == "lets it through":
            raise
        if way == "exits with 3":
            sys.exit(3)
    while not Path(folder, "program, has interrupted all").exists():
        time.sleep(0.001)
    Path(folder, f"{way}, lives on").touch()


if __name__ == "__main__":
    # a program that was started in the background may ignore interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    multiprocessing.set_start_method(sys.argv[1])
    folder = sys.argv[2]
    processes = {way: multiprocessing.Process(target=work, args=(way, folder)) for way in WAYS}
    for process in processes.values():
        process.start()
    for way, process in processes.items():
        while not Path(folder, f"{way}, up").exists():
            time.sleep(0.001)
        process.interrupt()
    Path(folder, "program, has interrupted all").touch()
    for way, process in processes.items():
        process.join()
        print(f"{way}: {process.exitcode}")
