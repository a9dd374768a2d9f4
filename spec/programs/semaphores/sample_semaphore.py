"""Five processes share a semaphore that two of them can hold at once.

Each prints its name and "acquires" when it holds the semaphore, and its name and "releases"
shortly afterwards; the processes come in any order. The program's argument is the start method;
without it, the platform's default is used.

Serves semaphore.each-holder-acquires-then-releases.
"""

import multiprocessing
import sys
import time


def hold_for_a_moment(semaphore):
    with semaphore:
        print(multiprocessing.current_process().name, "acquires", flush=True)
        time.sleep(0.01)
        print(multiprocessing.current_process().name, "releases", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    semaphore = multiprocessing.Semaphore(2)
    holders = [
        multiprocessing.Process(target=hold_for_a_moment, args=(semaphore,)) for _ in range(5)
    ]
    for holder in holders:
        holder.start()
    for holder in holders:
        holder.join()
