"""Stops the thread of a pool that receives the results; prints what becomes of other results.

Arguments: the start method; "callback", for a callback that raises an exception, or "exception",
for an exception that cannot be rebuilt from its arguments; the path of a file that does not exist,
and that the last task creates when it begins.

Serves pool.raising-callback-stops-results and pool.unrebuildable-exception-hangs-pool.
"""

import multiprocessing
import sys
import threading
import time
from pathlib import Path


class Unrebuildable(Exception):
    """An exception that is pickled with one argument, and needs two."""

    def __init__(self, code, text):
        super().__init__(code)


def fail(_=None):
    raise Unrebuildable(1, "text")


def work_forever(path):
    Path(path).touch()
    while True:
        time.sleep(1)


def told(call, *args):
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__


if __name__ == "__main__":
    _, start_method, how, path = sys.argv
    multiprocessing.set_start_method(start_method)
    other = multiprocessing.Pool(1)  # before the loss, which keeps a core busy from then on
    pool = multiprocessing.Pool(1)
    threads = threading.enumerate()
    if how == "callback":
        first = pool.apply_async(abs, (-1,), callback=fail)
    else:
        first = pool.apply_async(fail)
    later = pool.apply_async(abs, (-1,))
    pool.apply_async(work_forever, (path,))
    while not Path(path).exists():  # the worker has done both other tasks then
        time.sleep(0.001)
    print("result of another pool:", other.apply(abs, (-2,)), flush=True)
    print("later result:", told(later.get, 0.1), flush=True)
    print("first result:", told(first.get, 0), flush=True)
    while all(each.is_alive() for each in threads):  # the one that receives results will end
        time.sleep(0.001)
    print("terminate():", told(pool.terminate))
    other.terminate()
    print("workers left:", len(multiprocessing.active_children()))
