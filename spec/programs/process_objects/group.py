"""Creates a Process with a group, and prints whether it is accepted.

Argument: the start method.

Serves process.group-must-be-none.
"""

import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    try:
        multiprocessing.Process(group="any")  # type: ignore[arg-type]
    except Exception as error:
        print("group:", type(error).__name__)
    else:
        print("group: accepted")
