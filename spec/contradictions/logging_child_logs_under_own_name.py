"""Unless forked (on Windows), a child "will only inherit the level" of the logger.

Prints: the child's logger has a handler, though no line of the child has called log_to_stderr().
"""

import multiprocessing


def tell():
    print("handlers in the child:", multiprocessing.get_logger().handlers, flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    multiprocessing.log_to_stderr("WARNING")
    child = multiprocessing.Process(target=tell)
    child.start()
    child.join(20)
