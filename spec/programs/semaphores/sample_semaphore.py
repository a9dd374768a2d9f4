"""Five processes and a semaphore of two."""

import multiprocessing
import sys
import time


def visit(semaphore):
    with semaphore:
        print(multiprocessing.current_process().name, "acquires", flush=True)
        time.sleep(0.01)
        print(multiprocessing.current_process().name, "releases", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    semaphore = multiprocessing.Semaphore(2)
    visitors = [multiprocessing.Process(target=visit, args=(semaphore,)) for _ in range(5)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
