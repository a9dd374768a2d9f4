"""Ends while a process of it has still something to print.

The process waits until the program's exit handlers run, and half a beat more, before it prints.
Arguments: the start method, a folder for files, how the program ends: "normally", or by an
"exception"; and the kind of process: "not a daemon", or a "deaf daemon", which ignores SIGTERM.

Serves daemon.non-daemon-joined-at-exit and daemon.deaf-daemon-delays-exit.
"""

import atexit
import signal
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    # The last registered runs first: this one, registered before the package's, runs after them.
    atexit.register(print, "the exit handlers are done", flush=True)

import multiprocessing


def speak_late(up, ending, kind):
    if kind == "deaf daemon":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    up.touch()
    while not ending.exists():
        time.sleep(0.001)
    time.sleep(0.05)
    print("the process is done", flush=True)


if __name__ == "__main__":
    _, start_method, folder, how, kind = sys.argv
    multiprocessing.set_start_method(start_method)
    ending = Path(folder, f"ends-{how}")
    up = Path(folder, f"up-{how}")
    process = multiprocessing.Process(target=speak_late, args=(up, ending, kind))
    process.daemon = kind == "deaf daemon"
    process.start()
    while not up.exists():
        time.sleep(0.001)
    atexit.register(ending.touch)
    print("the program is done", flush=True)
    if how == "exception":
        raise ValueError("this is how it ends")
