"""Ends while items are unread that exceed what the pipe of a queue holds.

A thread reads them once the program's exit handlers run, and half a beat later. Arguments: the
start method, and which process puts the items: a "child", the "creator" of the queue, which is the
main process, or the "creator, cancelled", which calls cancel_join_thread() and has no such thread.

Serves queue.undrained-child-holds-up-exit and queue.unread-data-holds-up-creator.
"""

import atexit
import contextlib
import sys
import threading
import time

if __name__ == "__main__":
    # The last registered runs first: this one, registered before the package's, runs after them.
    atexit.register(print, "the exit handlers are done", flush=True)

import multiprocessing
import multiprocessing.util  # registers the package's exit handler


def read_late(queue, ending):
    ending.wait()
    time.sleep(0.05)
    print("the item is read", flush=True)
    # The pipe may be closed as soon as the last byte is in it.
    with contextlib.suppress(OSError, TypeError):
        queue.get()


if __name__ == "__main__":
    _, start_method, writer = sys.argv
    multiprocessing.set_start_method(start_method)
    queue = multiprocessing.Queue()
    much = b"x" * 1_000_000
    if writer == "child":
        multiprocessing.Process(target=queue.put, args=(much,)).start()
    else:
        queue.put(much)
    if writer == "creator, cancelled":
        queue.cancel_join_thread()
    else:
        ending = threading.Event()
        threading.Thread(target=read_late, args=(queue, ending), daemon=True).start()
        atexit.register(ending.set)
    print("the program is done", flush=True)
