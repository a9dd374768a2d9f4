"""Starts a process whose target is a function, and does not join it.

Argument: the start method; without it, the platform's default is used.

Serves process.runs-target-once-elsewhere and main.guarded-program-always-works.
"""

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
