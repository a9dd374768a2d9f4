"""A program with an input, and a process of it that tries to read from that.

Argument: the start method.
"""

import multiprocessing
import sys


def read():
    print("the process read", repr(sys.stdin.read()), flush=True)
    try:
        input()
    except EOFError:
        print("the process was told that there is no more", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    process = multiprocessing.Process(target=read)
    process.start()
    process.join()
    print("the program read", repr(input()))
