"""Misuse of a process object, and what comes of it: also where assertions are switched off.

Argument: the start method.
"""

import multiprocessing
import sys


def result_or_error(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "accepted"


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print("group:", result_or_error(lambda: multiprocessing.Process(group="any")))  # type: ignore[arg-type]
    process = multiprocessing.Process()
    process.start()
    process.join()
    print("second start:", result_or_error(process.start))
