"""A stranger that asks a running fork server for a child, without its key or with a wrong one.

A server that lets it in makes a child, and writes its number into a pipe that came along with the
request. Before, and after a wrong key, the program itself gets a child. Without a key the request
is no answer that a server could make sense of: it may well give up, so nothing is asked of it
afterwards. Arguments: the start method; without_key or with_wrong_key.
"""

import multiprocessing
import os
import socket
import sys
from multiprocessing import connection, reduction, util


def introduce(when):
    print(f"child {when}: of {os.getppid()}", flush=True)


def start(when):
    child = multiprocessing.Process(target=introduce, args=(when,))
    child.start()
    child.join()


def address():
    folder = util.get_temp_dir()
    [name] = os.listdir(folder)
    return os.path.join(folder, name)


def without_key(line):
    """Say nothing about a key."""


def with_wrong_key(line):
    """Answer the challenge with a wrong key; then challenge the server, and be content."""
    connection.answer_challenge(line, b"w" * 32)
    line.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(20))
    line.recv_bytes()
    line.send_bytes(b"#WELCOME#")


def break_in(pretend):
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
    start("before")
    print(f"stranger: {break_in(globals()[stranger])}", flush=True)
    if stranger == "with_wrong_key":
        start("after")
