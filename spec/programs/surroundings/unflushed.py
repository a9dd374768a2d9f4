"""Prints a word without flushing, and starts two processes that do the same.

Argument: the start method.

Serves tree.buffered-output-appears-once.
"""

import multiprocessing
import sys


def speak(word):
    print(word)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    speak("program")
    processes = [
        multiprocessing.Process(target=speak, args=(word,)) for word in ("first", "second")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
