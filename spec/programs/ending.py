"""A program that starts children and ends, with or without joining them.

Its first argument to each child holds the child back while it is unpickled: until the program
has run its first exit handlers, in the course of which it removes its semaphores' names. A
forked child gets its arguments without pickling, and is not held back.

Arguments: the start method; semaphore, queue or pipe; joined or unjoined; a folder's name.
"""

import multiprocessing
import sys
import time
from multiprocessing import util
from pathlib import Path


def wait_for(path):
    while not path.exists():
        time.sleep(0.001)


class SlowToArrive:
    def __init__(self, until):
        self.until = until

    def __reduce__(self):
        return wait_for, (self.until,)


def sit(_, semaphore):
    with semaphore:
        print("seated", flush=True)


def put(_, queue):
    queue.put("hello world")


def get(_, queue):
    print(queue.get(), flush=True)


def send(_, connection):
    connection.send("hello world")


def receive(_, connection):
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
    _, start_method, kind, ending, folder = sys.argv
    multiprocessing.set_start_method(start_method)
    let_go = Path(folder)
    # Of finalizers with equal priority the older runs later: after those of the semaphores.
    util.Finalize(None, let_go.touch, exitpriority=0)
    roles = cast(kind)  # kept, as start() drops the process's own reference
    processes = [
        multiprocessing.Process(target=target, args=(SlowToArrive(let_go), thing))
        for target, thing in roles
    ]
    for process in processes:
        process.start()
    if ending == "joined":
        let_go.touch()
        for process in processes:
            process.join()
