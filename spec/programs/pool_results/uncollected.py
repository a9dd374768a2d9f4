"""Has tasks fail in a pool without asking for their results; prints whether they succeeded.

Argument: the start method.

Serves pool.uncollected-failure-is-silent.
"""

import multiprocessing
import sys


def fail(item=None):
    raise ValueError(item)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    pool = multiprocessing.Pool(1)
    result = pool.apply_async(fail)
    mapped = pool.map_async(fail, [1, 2])
    pool.close()
    pool.join()
    print("successful:", result.successful())
    print("map successful:", mapped.successful())
