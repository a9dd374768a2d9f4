"""Prints a constant and a variable of its main module, in the program and in two children.

The program reassigns the variable before it prints and starts the children.

Argument: the start method.

Serves main.constants-equal-in-children.
"""

import multiprocessing
import sys

CONSTANT = ("left", "right")
variable = "as imported"


def print_values(where):
    print(f"{where}, constant: {CONSTANT}")
    print(f"{where}, variable: {variable}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    variable = "reassigned"
    print_values("program")
    for number in (1, 2):
        process = multiprocessing.Process(target=print_values, args=(f"child {number}",))
        process.start()
        process.join()
