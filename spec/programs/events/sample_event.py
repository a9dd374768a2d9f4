"""A process that waits for an event, and one that sets it."""

import multiprocessing
import sys


def wait(event):
    event.wait()
    print("seen", flush=True)


def give(event):
    print("set", flush=True)
    event.set()


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    event = multiprocessing.Event()
    processes = [multiprocessing.Process(target=act, args=(event,)) for act in (wait, give)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
