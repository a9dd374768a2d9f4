"""Starts a process whose class overrides run(), and does not join it.

Argument: the start method; without it, the platform's default is used.

Serves process.run-override-is-activity and main.guarded-program-always-works.
"""

import multiprocessing
import sys


class Person(multiprocessing.Process):
    def __init__(self, name, age):
        super().__init__()
        self.name = name
        self.age = age

    def run(self):
        print(f"{self.name} is {self.age}")


if __name__ == "__main__":
    if sys.argv[1:]:
        multiprocessing.set_start_method(sys.argv[1])
    Person("Ann", 19).start()
