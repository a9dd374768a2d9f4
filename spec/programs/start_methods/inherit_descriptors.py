"""Starts a child that looks for two open files of its parent among all its own open files.

One file is private to the parent, as files are by default; the other is inheritable. Both are
open before the first child is started. Prints for each file whether the child has it open.

Arguments: the start method; a folder for the files.

Serves start-method.only-fork-inherits-descriptors.
"""

import multiprocessing
import os
import sys


def identity(descriptor):
    """The device and the inode of an open file, or None."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def look_for(wanted):
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
    child = multiprocessing.Process(target=look_for, args=(wanted,))
    child.start()
    child.join()
