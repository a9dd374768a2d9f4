"""Ends while a process of it has still something to print.

The process waits until the program's exit handlers run, and half a beat more, before it prints.
Arguments: the start method, a folder for files, how the program ends: "normally", or by an
"exception"; and the kind of process: "not a daemon", or a "deaf daemon", which ignores SIGTERM. A
"slow deaf daemon" waits two seconds more, and so does a "grandchild", which a child starts.

Serves daemon.non-daemon-joined-at-exit, daemon.deaf-daemon-delays-exit,
daemon.others-joined-for-seconds and daemon.deaf-daemon-joined-for-seconds.
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
    if kind.endswith("deaf daemon"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    up.touch()
    while not ending.exists():
        time.sleep(0.001)
    time.sleep(2.05 if kind in ("slow deaf daemon", "grandchild") else 0.05)
    print("the process is done", flush=True)


def start_and_end(*args):
    multiprocessing.Process(target=speak_late, args=args).start()


if __name__ == "__main__":
    _, start_method, folder, how, kind = sys.argv
    multiprocessing.set_start_method(start_method)
    ending = Path(folder, f"ends-{how}")
    up = Path(folder, f"up-{how}")
    target = start_and_end if kind == "grandchild" else speak_late
    process = multiprocessing.Process(target=target, args=(up, ending, kind))
    process.daemon = kind.endswith("deaf daemon")
    process.start()
    while not up.exists():
        time.sleep(0.001)
    atexit.register(ending.touch)
    print("the program is done", flush=True)
    if how == "exception":
        raise ValueError("this is how it ends")
