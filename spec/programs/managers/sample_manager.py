"""Starts five processes that write to a managed list and to one key of a managed dict.

Prints the list, and the keys of the dict. Argument: the start method; without it the default is
used.

Serves main.guarded-program-always-works.
"""

import multiprocessing
import sys


def write_number(items, table, number):
    items[number] = number
    table["a"] = number


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Manager() as manager:
        items = manager.list(range(5, 10))
        table = manager.dict()
        writers = [
            multiprocessing.Process(target=write_number, args=(items, table, number))
            for number in range(5)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        print(items)
        print(*table.keys())
