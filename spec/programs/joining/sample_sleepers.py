"""Starts two processes that sleep side by side, 2 and 5 beats long, and joins both.

Each process prints a name, sleeps, and prints an age. Arguments: the start method, the seconds of
a beat, and which process is started first, "shorter" or "longer".

Serves join.shorter-sleeper-ends-first.
"""

import multiprocessing
import sys
import time


class Sleeper(multiprocessing.Process):
    def __init__(self, name, age, seconds):
        super().__init__()
        self.name = name
        self.age = age
        self.seconds = seconds

    def run(self):
        print(self.name, flush=True)
        time.sleep(self.seconds)
        print(self.age, flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    beat = float(sys.argv[2]) if sys.argv[2:] else 0.01
    sleepers = [Sleeper("Ann", 19, 2 * beat), Sleeper("Tom", 25, 5 * beat)]
    if "longer" in sys.argv:
        sleepers.reverse()
    for sleeper in sleepers:
        sleeper.start()
    for sleeper in sleepers:
        sleeper.join()
