"""A process made from a subclass that overrides run, which nobody joins."""

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
