"""Ends with an object alive whose __del__ closes and unlinks a block, when modules are gone.

Argument: the start method.

Serves shared-memory.unlinked-during-shutdown.
"""

from multiprocessing.shared_memory import SharedMemory


class Owner:
    """The owner of a block: it unlinks the block when the interpreter deletes it."""

    def __init__(self):
        self.block = SharedMemory(create=True, size=4)
        self.print = print  # the modules' own names are gone at the end

    def __del__(self):
        self.block.close()
        self.print("closed", flush=True)
        self.block.unlink()
        self.print("unlinked", flush=True)


if __name__ == "__main__":
    owner = Owner()
