"""Uses what the package offers, each time with the start method unset; prints it after each use.

Argument: the start method of a context, which is used too.

Serves start-method.fixed-when-first-needed.
"""

import multiprocessing
import sys


def start_process():
    process = multiprocessing.Process()
    process.start()
    process.join()


def use_pool():
    with multiprocessing.Pool(1) as pool:
        pool.close()
        pool.join()


def use_manager():
    with multiprocessing.Manager():
        pass


def uses(method):
    """The functions to call, by the label that is printed."""
    context = multiprocessing.get_context(method)
    return {
        "Process().start()": start_process,
        "Pool()": use_pool,
        "Manager()": use_manager,
        "Queue()": multiprocessing.Queue,
        "JoinableQueue()": multiprocessing.JoinableQueue,
        "SimpleQueue()": multiprocessing.SimpleQueue,
        "Lock()": multiprocessing.Lock,
        "RLock()": multiprocessing.RLock,
        "Semaphore()": multiprocessing.Semaphore,
        "BoundedSemaphore()": multiprocessing.BoundedSemaphore,
        "Condition()": multiprocessing.Condition,
        "Event()": multiprocessing.Event,
        "Barrier(1)": lambda: multiprocessing.Barrier(1),
        "Value('i')": lambda: multiprocessing.Value("i"),
        "Array('i', 1)": lambda: multiprocessing.Array("i", 1),
        "nothing": lambda: None,
        "Process()": multiprocessing.Process,
        "Pipe()": multiprocessing.Pipe,
        "RawValue('i')": lambda: multiprocessing.RawValue("i"),
        "RawArray('i', 1)": lambda: multiprocessing.RawArray("i", 1),
        "cpu_count()": multiprocessing.cpu_count,
        "active_children()": multiprocessing.active_children,
        "current_process()": multiprocessing.current_process,
        "parent_process()": multiprocessing.parent_process,
        "get_all_start_methods()": multiprocessing.get_all_start_methods,
        "get_context(method)": lambda: multiprocessing.get_context(method),
        "context.Process()": context.Process,
        "context.Queue()": context.Queue,
        "context.Lock()": context.Lock,
        "context.Value('i')": lambda: context.Value("i"),
    }


if __name__ == "__main__":
    for label, use in uses(sys.argv[1]).items():
        multiprocessing.set_start_method(None, force=True)
        use()
        print(f"{label}: {multiprocessing.get_start_method(allow_none=True)}")
