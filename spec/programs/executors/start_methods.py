"""Uses executors with the default start method, and with each one given as mp_context.

Prints for each the start method that a worker's Process tells. Argument: the start method, or
nothing.

Serves executor.uses-default-start-method.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor


def tell_method():
    """The start method of this worker, by the class of its Process."""
    return type(multiprocessing.current_process()).__name__.removesuffix("Process").lower()


def method_of_worker(context=None):
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(tell_method).result(60)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        multiprocessing.set_start_method(argument)
    print("default:", method_of_worker())
    for method in multiprocessing.get_all_start_methods():
        print(f"{method}:", method_of_worker(multiprocessing.get_context(method)))
