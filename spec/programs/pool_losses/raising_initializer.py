"""Has a pool whose initializer raises an exception; prints what becomes of a task.

Arguments: the start method, and the path of a file to which each worker adds a line.

Serves pool.raising-initializer-respawns-forever.
"""

import multiprocessing
import sys
import time
from pathlib import Path


def fail(path):
    with open(path, "a") as starts:
        starts.write("started\n")
    raise ValueError


if __name__ == "__main__":
    _, start_method, path = sys.argv
    multiprocessing.set_start_method(start_method)
    Path(path).touch()
    with multiprocessing.Pool(1, fail, (path,)) as pool:
        result = pool.apply_async(abs, (-1,))
        while len(Path(path).read_text().splitlines()) < 4 and not result.ready():
            time.sleep(0.001)
        try:
            print("result:", result.get(0.1))
        except Exception as error:
            print("result:", type(error).__name__)
    with multiprocessing.Pool(1) as other:
        print("result of another pool:", other.apply(abs, (-2,)))
    print("workers left:", len(multiprocessing.active_children()))
