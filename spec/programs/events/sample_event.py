"""Starts a process that waits for an event, and one that sets it.

Each prints a word: "set" before the event is set, "seen" after wait(). Argument: the start method;
without it the default is used.

Serves main.guarded-program-always-works.
"""

import multiprocessing
import sys


def wait(event):
    event.wait()
    print("seen", flush=True)


def set_event(event):
    print("set", flush=True)
    event.set()


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    event = multiprocessing.Event()
    processes = [multiprocessing.Process(target=act, args=(event,)) for act in (wait, set_event)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
