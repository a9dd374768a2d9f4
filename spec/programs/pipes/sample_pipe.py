"""Starts a process that sends on the first end of a pipe, and one that receives on the second.

The second prints the string. The program does not join them. Argument: the start method; without
it the default is used.

Serves pipe.sending-first-end-needs-duplex and main.guarded-program-always-works.
"""

import multiprocessing
import sys


def send(connection):
    connection.send("hello world")


def receive(connection):
    print(connection.recv())


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    first, second = multiprocessing.Pipe()
    multiprocessing.Process(target=send, args=(first,)).start()
    multiprocessing.Process(target=receive, args=(second,)).start()
