"""Sets the start method; prints the listed start methods, and the start method.

Argument: the start method.

Serves start-method.default-listed-first.
"""

import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print("listed:", *multiprocessing.get_all_start_methods())
    print(f"start method: {multiprocessing.get_start_method()}")
