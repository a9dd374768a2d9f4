"""Exit handlers: one that the program has registered, and one in each of its processes.

Prints what happens, as it happens: how a process ends, its handler if that is called, and its
exit code; in the end the program's handler. Argument: the start method.
"""

import atexit
import multiprocessing
import sys


def end(how):
    print(how, end=" ", flush=True)
    atexit.register(print, "handler", end=" ", flush=True)
    if how == "exit":
        sys.exit(0)
    if how == "error":
        raise ValueError("this is how it ends")


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    atexit.register(print, "handler of the program", flush=True)
    for how in ("return", "exit", "error"):
        process = multiprocessing.Process(target=end, args=(how,))
        process.start()
        process.join()
        print(process.exitcode, flush=True)
