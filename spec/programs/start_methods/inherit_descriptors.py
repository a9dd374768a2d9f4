"""A child that looks for two files that its parent has open, among all that it has open itself.

One of them is private to the parent, as files are by default; the other is inheritable. Both are
open before the first child is started. Arguments: the start method, and a folder.
"""

import multiprocessing
import os
import sys


def identity(descriptor):
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def look(wanted):
    mine = {identity(descriptor) for descriptor in range(256)}
    for name, sought in wanted.items():
        print(f"{name}: {sought in mine}")


if __name__ == "__main__":
    _, start_method, folder = sys.argv
    multiprocessing.set_start_method(start_method)
    wanted = {}
    for name in ("private", "inheritable"):
        descriptor = os.open(os.path.join(folder, name), os.O_CREAT | os.O_RDWR)
        os.set_inheritable(descriptor, name == "inheritable")
        wanted[name] = identity(descriptor)
    child = multiprocessing.Process(target=look, args=(wanted,))
    child.start()
    child.join()
