"""Creates a lock, and forks children by os.fork(); prints their exit codes, and ends.

Arguments: the start method; any other one if a child is to run until the program has ended.

Serves resource.raw-fork-spares-exit.
"""

import importlib
import multiprocessing
import sys

posix = importlib.import_module("os")  # the type checker knows no fork() on Windows


def fork_outliving():
    """Fork a child that runs until this process has ended, and so has closed its pipe."""
    reading, writing = posix.pipe()
    if posix.fork() == 0:
        posix.close(writing)
        posix.read(reading, 1)
        sys.exit(0)


if __name__ == "__main__":
    lock = multiprocessing.get_context(sys.argv[1]).Lock()
    for way in ("sys.exit(3)", "end of the module"):
        pid = posix.fork()
        if pid == 0:
            if way == "sys.exit(3)":
                sys.exit(3)
            break
        print(f"{way}: {posix.waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])}", flush=True)
    else:
        if len(sys.argv) > 2:
            fork_outliving()
