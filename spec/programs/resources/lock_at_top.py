"""Creates a lock when it is imported, so that each spawned child creates one, and uses it.

Argument: the start method.

Serves resource.main-modules-semaphores-are-freed.
"""

import multiprocessing
import sys

LOCK = multiprocessing.get_context("spawn").Lock()


def use(number):
    with LOCK:
        print(f"child {number} has acquired its lock", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with LOCK:  # the children's lock is another one
        for number in (1, 2):
            child = multiprocessing.Process(target=use, args=(number,))
            child.start()
            child.join()
