"""A process made from a function, which nobody joins."""

import multiprocessing
import sys


def greet(message):
    print(message)
    print("This is a process")


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    process = multiprocessing.Process(target=greet, args=("hello world",))
    process.start()
