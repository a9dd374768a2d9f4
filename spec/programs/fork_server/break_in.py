"""Asks the running fork server for a child as a stranger: without its key, or with a wrong one.

A server that lets the stranger in forks a child, and writes the PID into a pipe that came with the
request. Before that, and also after a wrong key, the program itself starts a child, which prints
the PID of its parent. A request without a key may make the server fail, so the program starts no
child after it.

Arguments: the start method; "without_key" or "with_wrong_key".

Serves start-method.forkserver-socket-is-authenticated.
"""

import multiprocessing
import os
import socket
import sys
from multiprocessing import connection, reduction, util


def print_parent(when):
    print(f"parent of the child {when}: {os.getppid()}", flush=True)


def start_child(when):
    child = multiprocessing.Process(target=print_parent, args=(when,))
    child.start()
    child.join()


def address():
    folder = util.get_temp_dir()
    [name] = os.listdir(folder)
    return os.path.join(folder, name)


def without_key(line):
    """Say nothing about a key."""


def with_wrong_key(line):
    """Answer the challenge with a wrong key; challenge the server, and accept any answer."""
    connection.answer_challenge(line, b"w" * 32)
    line.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(20))
    line.recv_bytes()
    line.send_bytes(b"#WELCOME#")


def break_in(pretend):
    """Send a request to the server; returns whether it wrote a PID."""
    status, childs_status = os.pipe()
    childs_task, task = os.pipe()
    descriptors = [childs_task, childs_status, os.dup(task), os.dup(task)]
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address())
        try:
            with connection.Connection(os.dup(server.fileno())) as line:
                pretend(line)
            reduction.sendfds(server, descriptors)
            server.shutdown(socket.SHUT_WR)
            while server.recv(256):
                pass
        except (multiprocessing.ProcessError, OSError, EOFError, RuntimeError):
            pass  # refused already
    for descriptor in [*descriptors, task]:
        os.close(descriptor)
    with open(status, "rb") as answers:
        return "refused" if answers.read(1) == b"" else "let in"


if __name__ == "__main__":
    _, start_method, stranger = sys.argv
    multiprocessing.set_start_method(start_method)
    start_child("before")
    print(f"stranger: {break_in(globals()[stranger])}", flush=True)
    if stranger == "with_wrong_key":
        start_child("after")
