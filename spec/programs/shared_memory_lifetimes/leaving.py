"""Makes blocks of shared memory, and ends without unlinking them, unless it is to be tidy.

Arguments: the start method; how it ends: "tidy" (with unlink()), "leave" (without it), "kill" (the
same, by SIGKILL), "untracked" (blocks with track=False), "pickled" (the same, and each was pickled
and unpickled); the names of the blocks.

Serves shared-memory.leaked-block-removed-with-warning, shared-memory.removed-after-creator-killed,
shared-memory.name-may-contain-colon, shared-memory.untracked-block-outlives-program and
shared-memory.pickling-loses-track.
"""

import os
import pickle
import signal
import sys
from multiprocessing.shared_memory import SharedMemory

if __name__ == "__main__":
    _, _, way, *names = sys.argv
    settings = {"track": False} if way in ("untracked", "pickled") else {}
    blocks = [SharedMemory(name, create=True, size=4, **settings) for name in names]
    for block in blocks:
        print("made", SharedMemory(block.name, **settings).size >= 4, flush=True)
        if way == "pickled":
            pickle.loads(pickle.dumps(block)).close()
        if way == "tidy":
            block.unlink()
    if way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
