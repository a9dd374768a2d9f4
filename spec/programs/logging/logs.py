"""Starts one child before it calls log_to_stderr(), and another one after it.

Each child prints how many handlers the package's logger has, and logs a line. Argument: the start
method.

Serves logging.child-logs-under-own-name.
"""

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
