"""Starts a Process that has already run, and prints the exception that this raises.

Argument: the start method.

Serves process.start-once.
"""

import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    process = multiprocessing.Process()
    process.start()
    process.join()
    try:
        process.start()
    except Exception as error:
        print("second start:", type(error).__name__)
    else:
        print("second start: accepted")
