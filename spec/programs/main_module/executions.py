"""Starts two children; prints a line whenever this file is executed.

Argument: the start method.

Serves main.spawn-repeats-side-effects.
"""

import multiprocessing
import sys

print(f"executed as {__name__}", flush=True)


def do_nothing():
    pass


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for _ in range(2):
        process = multiprocessing.Process(target=do_nothing)
        process.start()
        process.join()
