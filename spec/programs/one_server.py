"""Four children that note the number of their parent; after two of them, that parent is killed.

Arguments: the start method, and a file's name.
"""

import multiprocessing
import os
import signal
import sys


def note_parent(path):
    with open(path, "a") as file:
        file.write(f"{os.getppid()}\n")


def start(path):
    child = multiprocessing.Process(target=note_parent, args=(path,))
    child.start()
    child.join()


if __name__ == "__main__":
    _, start_method, path = sys.argv
    multiprocessing.set_start_method(start_method)
    start(path)
    start(path)
    with open(path) as file:
        server = int(file.readline())
    if server != os.getpid():
        os.kill(server, signal.SIGKILL)
        os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)  # dead, and not yet taken notice of
    start(path)
    start(path)
    with open(path) as file:
        print(os.getpid(), *file.read().split())
