"""Logs to standard error at the level INFO while a manager is started and shut down.

Argument: the start method.

Serves logging.manager-life-is-logged.
"""

import logging
import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    multiprocessing.log_to_stderr(logging.INFO)
    with multiprocessing.Manager() as manager:
        manager.list()
