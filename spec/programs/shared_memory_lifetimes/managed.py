"""Uses a SharedMemoryManager before anything else of the package, and ends.

Argument: the start method.

Serves shared-memory.manager-leaves-no-warning.
"""

import multiprocessing
import sys
from multiprocessing.managers import SharedMemoryManager
from multiprocessing.shared_memory import SharedMemory

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with SharedMemoryManager() as manager:
        block = manager.SharedMemory(size=4)
        shareable = manager.ShareableList([1, 2])
        print("list:", [shareable[0], shareable[1]])
        shareable.shm.close()
        block.close()
    try:
        SharedMemory(block.name)
    except FileNotFoundError as error:
        print("block:", type(error).__name__)
