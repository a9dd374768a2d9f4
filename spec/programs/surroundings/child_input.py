"""Reads a line of its standard input, after a child has tried to read from its own.

Prints what each call returned, or that it raised EOFError, as "label: value". Argument: the start
method.

Serves tree.child-stdin-is-null-device.
"""

import multiprocessing
import sys


def read():
    print("child, sys.stdin.read():", repr(sys.stdin.read()), flush=True)
    try:
        line = repr(input())
    except EOFError:
        line = "EOFError"
    print("child, input():", line, flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    process = multiprocessing.Process(target=read)
    process.start()
    process.join()
    print("program, input():", repr(input()))
