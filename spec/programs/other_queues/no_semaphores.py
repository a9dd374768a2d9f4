"""Creates queues where the system has no shared semaphores, and prints what each raises.

The package cannot create semaphores because the class that it needs is removed first. Argument: the
start method.

Serves queue.import-error-without-semaphores.
"""

import importlib
import multiprocessing
import sys

del importlib.import_module("_multiprocessing").SemLock
mp = multiprocessing.get_context(sys.argv[1])
MAKERS = {
    "Queue()": mp.Queue,
    "Queue(1)": lambda: mp.Queue(1),
    "JoinableQueue()": mp.JoinableQueue,
    "SimpleQueue()": mp.SimpleQueue,
}

for name, make in MAKERS.items():
    try:
        make()
    except Exception as error:
        print(f"{name}: {type(error).__name__}")
    else:
        print(f"{name}: none")
