"""Starts children and ends, with or without joining them.

Without joining, the children are held back until the program has run its first exit handlers,
which remove the names of its semaphores. A forked child waits before it uses what it was given;
any other waits while its first argument is unpickled, before it comes to the second.

Arguments: the start method; "semaphores", for a semaphore and a queue, or "pipe"; "unjoined" or
"joined"; the path of a file that does not exist, and that lets the children continue when it does.

Serves resource.unjoined-semaphores-lost-unless-forked and resource.unjoined-pipe-survives.
"""

import multiprocessing
import os
import sys
import time
from multiprocessing import util
from pathlib import Path


class Gate:
    """An argument that holds up the child, which unpickles it, until a file exists."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return wait_at_gate, (self.path,)


def wait_at_gate(path):
    """Return the gate when the file exists."""
    while not os.path.exists(path):
        time.sleep(0.001)
    return Gate(path)


def acquire(semaphore):
    with semaphore:
        print("acquired", flush=True)


def put(queue):
    queue.put("hello world")


def get(queue):
    print(queue.get(), flush=True)


def send(connection):
    connection.send("hello world")


def receive(connection):
    print(connection.recv(), flush=True)


def run_after(gate, action, thing):
    wait_at_gate(gate.path)  # a forked child comes here without unpickling
    action(thing)


def actions_on(kind):
    if kind == "semaphores":
        semaphore, queue = multiprocessing.Semaphore(), multiprocessing.Queue()
        return [(acquire, semaphore), (put, queue), (get, queue)]
    first, second = multiprocessing.Pipe()
    return [(send, first), (receive, second)]


if __name__ == "__main__":
    _, start_method, kind, ending, file = sys.argv
    multiprocessing.set_start_method(start_method)
    gate = Gate(file)
    # Of finalizers with equal priority the older runs later: after those of the semaphores.
    util.Finalize(None, Path(file).touch, exitpriority=0)
    actions = actions_on(kind)  # kept, as start() drops the process's own reference
    processes = [
        multiprocessing.Process(target=run_after, args=(gate, action, thing))
        for action, thing in actions
    ]
    for process in processes:
        process.start()
    if ending == "joined":
        Path(file).touch()
        for process in processes:
            process.join()
