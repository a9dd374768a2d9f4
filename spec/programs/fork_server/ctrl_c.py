"""Gets Ctrl-C between two children: the signal goes to all processes of its group.

The program handles the signal itself. Each child prints the PID of its parent.

Argument: the start method.

Serves start-method.forkserver-survives-ctrl-c.
"""

import multiprocessing
import os
import signal
import sys


def print_parent(which):
    print(f"parent of the {which} child: {os.getppid()}", flush=True)


def start_child(which):
    child = multiprocessing.Process(target=print_parent, args=(which,))
    child.start()
    child.join()
    print(f"exitcode of the {which} child: {child.exitcode}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    # Before the server starts: it would ignore the signal if this program had been told to.
    signal.signal(signal.SIGINT, lambda *_: print("program: handled", flush=True))
    start_child("first")
    os.killpg(os.getpgrp(), signal.SIGINT)
    start_child("second")
