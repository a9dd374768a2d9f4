"""A thread starts a process after the main thread has ended: in a child, and then in the program.

The process works for a moment and prints a line. Its parent's line comes when the child has ended,
or when the program runs its last exit handlers. Arguments: the start method, and where to start
one: "child", "program" or both.

Serves daemon.late-start-is-joined.
"""

import atexit
import sys
import threading

if __name__ == "__main__":
    # The last registered runs first: this one, registered before the package's, runs after them.
    atexit.register(print, "the program has ended", flush=True)

import multiprocessing

# Not a function of this file: after its last line spawned children no longer find the main module.
WORK = "import time; time.sleep(0.3); print('a process of the {}', flush=True)"


def start_when_main_thread_is_over(kind):
    threading.main_thread().join()
    multiprocessing.Process(target=exec, args=(WORK.format(kind),)).start()


def leave_thread_running(kind):
    threading.Thread(target=start_when_main_thread_is_over, args=(kind,)).start()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    if "child" in sys.argv[2:]:
        child = multiprocessing.Process(target=leave_thread_running, args=("child",))
        child.start()
        child.join()
        print("the child has ended", flush=True)
    if "program" in sys.argv[2:]:
        leave_thread_running("program")
