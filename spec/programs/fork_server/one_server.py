"""Starts four children, which note the PID of their parent; kills that parent after two of them.

A fifth child starts before the parent is killed and ends after that, with exit code 3. Prints the
program's PID, the PIDs of the parents, the exit code of the fifth child, and how many files the
program has open while it has one server and while it has the other.

Arguments: the start method; a file for the notes.

Serves start-method.one-forkserver-restarted-if-dead, start-method.exitcode-lost-with-server and
start-method.restart-leaks-no-descriptor.
"""

import gc
import multiprocessing
import os
import signal
import sys
import time


def note_parent(path):
    with open(path, "a") as file:
        file.write(f"{os.getppid()}\n")


def outlive(server):
    """Run until this process has another parent."""
    while os.getppid() == server:
        time.sleep(0.001)
    sys.exit(3)


def is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def open_files():
    gc.collect()  # PyPy closes the files of a Process when it collects it
    return sum(map(is_open, range(256)))


def start_child(path):
    child = multiprocessing.Process(target=note_parent, args=(path,))
    child.start()
    child.join()


if __name__ == "__main__":
    _, start_method, path = sys.argv
    multiprocessing.set_start_method(start_method)
    start_child(path)
    start_child(path)
    with open(path) as file:
        server = int(file.readline())
    print(f"open files, first server: {open_files()}")
    orphan = multiprocessing.Process(target=outlive, args=(server,))
    orphan.start()
    os.kill(server, signal.SIGKILL)
    os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    orphan.join()
    print(f"exitcode of the orphan: {orphan.exitcode}")
    orphan.close()
    start_child(path)
    start_child(path)
    print(f"open files, second server: {open_files()}")
    print(f"program: {os.getpid()}")
    with open(path) as file:
        for number, parent in enumerate(file.read().split(), 1):
            print(f"parent of child {number}: {parent}")
