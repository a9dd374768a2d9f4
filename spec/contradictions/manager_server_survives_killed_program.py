"""The documentation: a manager's server is shut down "as soon as (...) their parent process exits".

Prints whether the server can be used after its parent was ended by os._exit(), and then ends it.
"""

import multiprocessing
import os
import signal
import sys
from multiprocessing.managers import SyncManager

if __name__ == "__main__":
    if sys.argv[1:]:  # the parent of the server
        manager = SyncManager(address=("127.0.0.1", 0), authkey=b"key")
        manager.start()
        print(manager.address[1], multiprocessing.active_children()[0].pid, flush=True)  # type: ignore[index]
        os._exit(0)
    with os.popen(f'"{sys.executable}" "{__file__}" parent') as parent:
        port, pid = map(int, parent.readline().split())
    client = SyncManager(address=("127.0.0.1", port), authkey=b"key")
    client.connect()
    print("the parent has exited; the server still serves:", client.list([1, 2, 3]))
    os.kill(pid, signal.SIGTERM)
