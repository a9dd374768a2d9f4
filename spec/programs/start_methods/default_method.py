"""Prints the listed start methods, and the start method of a program that sets none.

Argument: a start method, which is ignored.

Serves start-method.platform-default and start-method.default-listed-first.
"""

import multiprocessing

if __name__ == "__main__":
    print("listed:", *multiprocessing.get_all_start_methods())
    print(f"start method: {multiprocessing.get_start_method()}")
