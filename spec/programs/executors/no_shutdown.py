"""Submits three tasks to an executor and ends without shutdown(). Argument: the start method.

Serves executor.program-end-waits-for-tasks.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor


def tell(number):
    print("task", number, flush=True)


def wait_for(event):
    event.wait(60)


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    ended = context.Event()
    executor = ProcessPoolExecutor(1, context, wait_for, (ended,))
    for number in range(3):
        executor.submit(tell, number)
    print("end of the program", flush=True)
    ended.set()
