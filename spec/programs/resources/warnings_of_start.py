"""Prints which warnings start() issues without another thread, with one, and without it again.

Arguments: the start method; "thread" or "queue", which is what has the other thread.

Serves resource.fork-with-threads-warns and resource.queue-feeder-makes-fork-warn.
"""

import multiprocessing
import sys
import threading
import time
import warnings


def work():
    """Do nothing."""


def warnings_of_start():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        child = multiprocessing.Process(target=work)
        child.start()
        child.join()
    return sorted({each.category.__name__ for each in caught})


def wait_for_no_warning():
    """Start children until there is no warning: a thread ends a moment after it is joined."""
    while warnings_of_start():
        time.sleep(0.01)


def have_thread():
    ending = threading.Event()
    thread = threading.Thread(target=ending.wait)
    thread.start()
    print(f"with the thread: {warnings_of_start()}")
    ending.set()
    thread.join()


def have_queue():
    queue = multiprocessing.Queue()
    print(f"with a new queue: {warnings_of_start()}")
    queue.put("item")
    print(f"after put(): {warnings_of_start()}")
    queue.get()
    queue.close()
    queue.join_thread()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print(f"before: {warnings_of_start()}")
    {"thread": have_thread, "queue": have_queue}[sys.argv[2]]()
    wait_for_no_warning()
    print("afterwards: []")
