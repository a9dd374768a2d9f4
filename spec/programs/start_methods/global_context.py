"""Prints whether get_context() returns the context of the start method that was set.

Argument: the start method.

Serves start-method.one-context-per-name.
"""

import sys
from multiprocessing import get_context, set_start_method

if __name__ == "__main__":
    method = sys.argv[1]
    context = get_context(method)
    set_start_method(method)
    print(f"get_context() is get_context(method): {get_context() is context}")
