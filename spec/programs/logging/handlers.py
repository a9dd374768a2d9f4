"""Changes the package's logger, and has a child tell what it has of that.

Prints the level, the names of the handlers' classes, and the number of filters in the child.
Argument: the start method.

Serves logging.own-handlers-inherited-only-if-forked.
"""

import logging
import multiprocessing
import sys


def tell_logger():
    logger = multiprocessing.get_logger()
    print("level:", logger.level)
    print("handlers:", [type(handler).__name__ for handler in logger.handlers])
    print("filters:", len(logger.filters))


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    logger = multiprocessing.get_logger()
    logger.setLevel(logging.ERROR)
    logger.addHandler(logging.NullHandler())
    logger.addFilter(logging.Filter())
    child = multiprocessing.Process(target=tell_logger)
    child.start()
    child.join()
