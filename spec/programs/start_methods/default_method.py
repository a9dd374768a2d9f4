"""Prints the start methods that are offered, and the one that is in force.

Argument: the start method to choose; without one, none is chosen.
"""

import multiprocessing
import sys

if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    print(*multiprocessing.get_all_start_methods())
    print(multiprocessing.get_start_method())
