"""Two processes append a line to a file, each while it holds the same lock.

One holds it for a with block, the other from acquire() to release(). The program prints the file:
two lines, in any order. Its argument is the start method; without it, the platform's default is
used.

Serves lock.order-is-free.
"""

import multiprocessing
import os
import sys
import tempfile


def write_by_with(lock, path):
    with lock, open(path, "a") as file:
        file.write("written inside with\n")


def write_by_acquire(lock, path):
    lock.acquire()
    with open(path, "a") as file:
        file.write("written between acquire and release\n")
    lock.release()


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    lock = multiprocessing.Lock()
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    writers = [
        multiprocessing.Process(target=write, args=(lock, path))
        for write in (write_by_with, write_by_acquire)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with open(path) as file:
        print(file.read(), end="")
    os.remove(path)
