"""Starts a process that puts a string into a queue, and one that gets it and prints it.

Argument: the start method; without it the default is used.

Serves queue.delivers-across-processes and main.guarded-program-always-works.
"""

import multiprocessing
import sys


def write(queue):
    queue.put("hello world")


def read(queue):
    print(queue.get())


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    queue = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=act, args=(queue,)) for act in (write, read)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
