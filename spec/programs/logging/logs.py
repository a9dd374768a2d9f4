"""A child before the program logs to standard error, and one after; argument: the start method."""

import logging
import multiprocessing
import sys


def log():
    name = multiprocessing.current_process().name
    logger = multiprocessing.get_logger()
    print(f"{name} has {len(logger.handlers)} handlers", flush=True)
    logger.info("a line of its own")


def run_child(name):
    child = multiprocessing.Process(target=log, name=name)
    child.start()
    child.join()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    run_child("early")
    multiprocessing.log_to_stderr(logging.INFO)
    run_child("late")
