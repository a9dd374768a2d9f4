"""Sets the start method; a Process and a worker of a Pool then print how they were created.

Each prints whether it has the program's memory, and whether it is its direct child.

Argument: the start method.

Serves start-method.chosen-method-is-used.
"""

import multiprocessing
import os
import sys

memory: list[str] = []


def print_origin(by, program):
    print(f"{by}, remembers: {bool(memory)}")
    print(f"{by}, direct child: {os.getppid() == program}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    memory.append("something")
    process = multiprocessing.Process(target=print_origin, args=("Process", os.getpid()))
    process.start()
    process.join()
    with multiprocessing.Pool(1) as pool:
        pool.apply(print_origin, ("Pool", os.getpid()))
        pool.close()
        pool.join()
