"""Makes a block of shared memory, and has a program attach to it that it does not start as a child.

Prints what the block is like for the stranger, and afterwards for the program itself, and whether
anything was written to the stranger's standard error. The resource tracker of the stranger, if it
has any, holds that open to its own end: it has ended before the program looks at its block.

Arguments: the start method; "tracked" or "untracked", for the stranger's track argument; for the
stranger, the block's name.

Serves shared-memory.stranger-exit-removes-block and shared-memory.untracked-stranger-spares-block.
"""

import subprocess
import sys
from multiprocessing.shared_memory import SharedMemory


def result_or_error(call, *args):
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__


def look(name):
    attached = SharedMemory(name)
    attached.close()
    return "there"


def write(block):
    block.buf[0] = 5


def first_byte(block):
    return block.buf[0]


if __name__ == "__main__":
    _, start_method, way, *names = sys.argv
    if names:
        settings = {"track": False} if way == "untracked" else {}
        attached = SharedMemory(names[0], **settings)
        print("the stranger reads:", first_byte(attached))
        attached.close()
    else:
        block = SharedMemory(create=True, size=4)
        write(block)
        command = [sys.executable, __file__, start_method, way, block.name]
        stranger = subprocess.run(command, check=True, capture_output=True, text=True)
        print(stranger.stdout.strip())
        print("the stranger's tracker warns:", "leaked shared_memory" in stranger.stderr)
        print("attached before, it reads:", first_byte(block))
        print("attached anew, it is:", result_or_error(look, block.name))
        block.close()
        print("unlink():", result_or_error(block.unlink))
