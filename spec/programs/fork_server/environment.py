"""Two children that tell what they find in their environment, which is changed in between.

Argument: the start method.
"""

import multiprocessing
import os
import sys


def look(who):
    print(f"{who}: {os.environ.get('EARLY')} {os.environ.get('LATE')}", flush=True)


def start(who):
    child = multiprocessing.Process(target=look, args=(who,))
    child.start()
    child.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    os.environ["EARLY"] = "old"
    start("first")
    os.environ["EARLY"] = "new"
    os.environ["LATE"] = "late"
    start("second")
