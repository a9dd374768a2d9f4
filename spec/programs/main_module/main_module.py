"""A program that shows what becomes of its main module in its processes.

Whoever executes it notes that in a file; it prints its names, a constant and a variable, and so
do two processes. Arguments: the start method, and the file.
"""

import multiprocessing
import sys

DIRECTIONS = ("left", "right")
mood = "as at first"

with open(sys.argv[2], "a") as file:
    file.write(f"{__name__}\n")


def tell():
    main = sys.modules["__main__"]
    print(__name__, main.__name__, main.tell is tell, DIRECTIONS, mood, sep="; ", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    mood = "changed"
    tell()
    for _ in range(2):
        process = multiprocessing.Process(target=tell)
        process.start()
        process.join()
