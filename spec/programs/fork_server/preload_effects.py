"""Has a module preloaded that prints and creates a lock; starts two children, one by one.

Each child prints its start method and whether it has the module. The program prints exit codes.

Argument: the start method.

Serves start-method.preload-output-appears-once and start-method.preload-may-create-locks.
"""

import multiprocessing
import os
import sys


def look(number):
    print(f"child {number}, start method: {multiprocessing.get_start_method()}")
    print(f"child {number}, has the module: {'preloaded_with_lock' in sys.modules}")


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    entries = [os.path.dirname(__file__), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, entries))
    multiprocessing.set_forkserver_preload(["preloaded_with_lock"])
    for number in (1, 2):
        child = multiprocessing.Process(target=look, args=(number,))
        child.start()
        child.join()
        print(f"child {number}, exitcode: {child.exitcode}", flush=True)
