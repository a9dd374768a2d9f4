"""shutdown() "triggers a SharedMemory.unlink() call on all of the SharedMemory objects managed"."""

from multiprocessing.managers import SharedMemoryManager
from multiprocessing.shared_memory import SharedMemory

if __name__ == "__main__":
    with SharedMemoryManager() as manager:
        blocks = [manager.SharedMemory(size=4) for _ in range(3)]
        blocks[1].unlink()
    for number, block in enumerate(blocks):
        try:
            SharedMemory(block.name).unlink()
        except FileNotFoundError:
            print(f"block {number} is gone after shutdown()")
        else:
            print(f"block {number} was still there after shutdown()")
