"""Starts a process of a context; prints its exit code, and the global start method after that.

Argument: the start method of the context.

Serves start-method.explicit-start-fixes-nothing.
"""

import multiprocessing
import sys

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process()
    process.start()
    process.join()
    print(f"exitcode: {process.exitcode}")
    print(f"global start method: {multiprocessing.get_start_method(allow_none=True)}")
