"""Prints the name of its main module, in the program, in two children, and in a child of each.

One name is that of the module in which the function is defined; the other is that of
sys.modules["__main__"]. A third line says whether that module has this very function.

Argument: the start method.

Serves main.imported-under-alias-unless-forked.
"""

import multiprocessing
import sys


def print_names(where):
    main = sys.modules["__main__"]
    print(f"{where}, __name__: {__name__}")
    print(f"{where}, sys.modules['__main__'].__name__: {main.__name__}")
    print(f"{where}, same function: {main.print_names is print_names}", flush=True)


def print_names_and_start(where):
    print_names(where)
    process = multiprocessing.Process(target=print_names, args=(f"child of {where}",))
    process.start()
    process.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print_names("program")
    for number in (1, 2):
        process = multiprocessing.Process(target=print_names_and_start, args=(f"child {number}",))
        process.start()
        process.join()
