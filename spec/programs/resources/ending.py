"""A program that starts children and ends, with or without joining them.

The children are held back until the program has run its first exit handlers, in the course of
which it removes its semaphores' names: a forked child when it is about to begin, any other
already while its first argument is unpickled, before it has come to the second.

Arguments: the start method; semaphore, queue or pipe; joined or unjoined; a file's name.
"""

import multiprocessing
import sys
import time
from multiprocessing import util
from pathlib import Path


class Barrier:
    """Opens when a file is there. It is not even unpickled before."""

    def __init__(self, path):
        self.path = path

    def wait(self):
        while not self.path.exists():
            time.sleep(0.001)
        return self

    def __reduce__(self):
        return wait_at_barrier, (self.path,)


def wait_at_barrier(path):
    return Barrier(path).wait()


def sit(barrier, semaphore):
    barrier.wait()
    with semaphore:
        print("seated", flush=True)


def put(barrier, queue):
    barrier.wait()
    queue.put("hello world")


def get(barrier, queue):
    barrier.wait()
    print(queue.get(), flush=True)


def send(barrier, connection):
    barrier.wait()
    connection.send("hello world")


def receive(barrier, connection):
    barrier.wait()
    print(connection.recv(), flush=True)


def cast(kind):
    if kind == "semaphore":
        semaphore = multiprocessing.Semaphore(2)
        return [(sit, semaphore), (sit, semaphore)]
    if kind == "queue":
        queue = multiprocessing.Queue()
        return [(put, queue), (get, queue)]
    first, second = multiprocessing.Pipe()
    return [(send, first), (receive, second)]


if __name__ == "__main__":
    _, start_method, kind, ending, file = sys.argv
    multiprocessing.set_start_method(start_method)
    barrier = Barrier(Path(file))
    # Of finalizers with equal priority the older runs later: after those of the semaphores.
    util.Finalize(None, barrier.path.touch, exitpriority=0)
    roles = cast(kind)  # kept, as start() drops the process's own reference
    processes = [
        multiprocessing.Process(target=target, args=(barrier, thing)) for target, thing in roles
    ]
    for process in processes:
        process.start()
    if ending == "joined":
        barrier.path.touch()
        for process in processes:
            process.join()
