"""AsyncResult.get: "If the remote call raised an exception then that exception will be reraised".

A task that calls sys.exit() raises SystemExit, and get() never raises it: it times out.
"""

import multiprocessing
import sys

if __name__ == "__main__":
    with multiprocessing.Pool(1) as pool:
        lost = pool.apply_async(sys.exit, (3,))
        print("a later task returned", pool.apply_async(abs, (-1,)).get(10))
        try:
            lost.get(2)
        except SystemExit:
            print("get() raised the exception of the task")
        except multiprocessing.TimeoutError:
            print("get() raised TimeoutError: the exception of the task has not arrived")
