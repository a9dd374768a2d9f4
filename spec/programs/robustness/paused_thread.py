"""Forks a child while its only other thread is stopped; prints the warnings of start().

Handlers that are registered for forks stop the thread before the fork, and start it again in the
program after the fork. As a control it forks a second child without these handlers' effect.

Argument: the start method.

Serves process.paused-thread-is-no-warning.
"""

import multiprocessing
import os
import sys
import threading
import warnings


class Pausing:
    """A thread that pauses around forks if it may."""

    pauses = True

    def begin(self):
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.ending.wait)
        self.thread.start()

    def end(self):
        self.ending.set()
        self.thread.join()

    def before(self):
        if self.pauses:
            self.end()

    def after(self):
        if self.pauses:
            self.begin()


def warnings_of_start():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        child = multiprocessing.Process()
        child.start()
        child.join()
    return sorted({each.category.__name__ for each in caught})


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    pausing = Pausing()
    pausing.begin()
    os.register_at_fork(before=pausing.before, after_in_parent=pausing.after)
    print(f"thread paused: {warnings_of_start()}")
    pausing.pauses = False
    print(f"thread running: {warnings_of_start()}")
    pausing.end()
