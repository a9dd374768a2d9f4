"""Sends a pool a function that was defined after its workers had started; prints what happens.

Argument: the start method.

Serves pool.unknown-function-loses-task.
"""

import multiprocessing
import sys


def name_of_worker():
    return multiprocessing.current_process().name


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Pool(1) as pool:
        before = pool.apply(name_of_worker)

        def late():
            return "done"

        lost = pool.apply_async(late)
        replaced = pool.apply(name_of_worker) != before
        try:
            print("result:", lost.get(0.1))
        except Exception as error:
            print("result:", type(error).__name__)
        print("worker replaced:", replaced)
