"""Four children that note the number of their parent; after two of them, that parent is killed.

A fifth child begins before that and ends after. Prints the program's number and the four, and
the fifth's exit code. Arguments: the start method, and a file's name.
"""

import multiprocessing
import os
import signal
import sys
import time


def note_parent(path):
    with open(path, "a") as file:
        file.write(f"{os.getppid()}\n")


def outlive(server):
    while os.getppid() == server:
        time.sleep(0.001)
    sys.exit(3)


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
    orphan = multiprocessing.Process(target=outlive, args=(server,))
    orphan.start()
    os.kill(server, signal.SIGKILL)
    os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)  # dead, and not yet taken notice of
    orphan.join()
    start(path)
    start(path)
    with open(path) as file:
        print(os.getpid(), *file.read().split())
    print(orphan.exitcode)
