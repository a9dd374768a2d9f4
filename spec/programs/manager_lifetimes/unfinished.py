"""Starts a manager and ends without shutting it down.

The server prints a line when its main thread has ended; an exit handler of the program that runs
after those of the package prints another one. Arguments: the start method; how the program ends:
"normally", or by an "exception".

Serves manager.server-ends-with-program.
"""

import atexit
import sys
import threading

if __name__ == "__main__":
    # The last registered runs first: this one, registered before the package's, runs after them.
    atexit.register(print, "the exit handlers are done", flush=True)

import multiprocessing
from multiprocessing.managers import SyncManager


def print_at_end():
    threading.main_thread().join()
    print("the server is done", flush=True)


def watch_end():
    threading.Thread(target=print_at_end).start()


if __name__ == "__main__":
    _, start_method, how = sys.argv
    multiprocessing.set_start_method(start_method)
    # The timeout is long, so that a slow server is not terminated before it has printed its line.
    manager = SyncManager(shutdown_timeout=60)
    manager.start(watch_end)
    items = manager.list([1])
    print("the program is done", flush=True)
    if how == "exception":
        raise ValueError("this is how it ends")
