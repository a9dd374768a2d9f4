"""Starts its first four children in four threads at once; each prints the PID of its parent.

Argument: the start method.

Serves start-method.threads-share-forkserver.
"""

import multiprocessing
import os
import sys
import threading


def print_parent():
    print(os.getppid(), flush=True)


def meet_and_start(meeting):
    child = multiprocessing.Process(target=print_parent)
    meeting.wait()
    child.start()
    child.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    meeting = threading.Barrier(4)
    threads = [threading.Thread(target=meet_and_start, args=(meeting,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
