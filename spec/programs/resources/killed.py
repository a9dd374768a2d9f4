"""Creates two semaphores and is killed; prints the paths of those that have a name in the system.

They are the files in /dev/shm that this process has mapped, where the system shows that. A child
has ended before: by then the resource tracker is certainly running, too.

Argument: the start method.

Serves resource.leaked-semaphores-are-removed.
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path


def work():
    """Do nothing."""


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    semaphores = [context.Semaphore(), context.Lock()]
    # A fork server would leave its socket when this process is killed, so this child is spawned.
    child = multiprocessing.get_context("spawn").Process(target=work)
    child.start()
    child.join()
    maps = Path("/proc/self/maps")
    if maps.exists():
        lines = [line.split() for line in maps.read_text().splitlines() if "/dev/shm/" in line]
        mapped = {int(inode) for _, _, _, _, inode, *_ in lines}
        for entry in os.scandir("/dev/shm"):
            if entry.inode() in mapped:
                print(entry.path, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
