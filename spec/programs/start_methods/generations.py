"""Starts a child, which starts a grandchild; both print the global start method.

The grandchild also prints whether it has the memory of the child, and is its direct child.

Argument: the start method.

Serves start-method.children-inherit-choice.
"""

import multiprocessing
import os
import sys

memory: list[str] = []


def print_method(where):
    print(f"{where}, start method: {multiprocessing.get_start_method(allow_none=True)}", flush=True)


def be_grandchild(child):
    print_method("grandchild")
    print(f"grandchild, direct child: {os.getppid() == child}")
    print(f"grandchild, remembers: {bool(memory)}", flush=True)


def be_child():
    print_method("child")
    memory.append("something")
    grandchild = multiprocessing.Process(target=be_grandchild, args=(os.getpid(),))
    grandchild.start()
    grandchild.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    child = multiprocessing.Process(target=be_child)
    child.start()
    child.join()
