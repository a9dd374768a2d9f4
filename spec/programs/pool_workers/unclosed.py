"""Ends without ending its pool, one worker of which has a task that never ends by itself.

Prints the result of a task. Argument: the start method.

Serves pool.unclosed-pool-spares-exit.
"""

import multiprocessing
import sys
import time

GIVEN = []


def keep(event):
    GIVEN.append(event)


def work_forever():
    GIVEN[0].set()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    event = multiprocessing.Event()
    pool = multiprocessing.Pool(2, keep, (event,))
    pool.apply_async(work_forever)
    event.wait()
    print(pool.apply(abs, (-1,)))
