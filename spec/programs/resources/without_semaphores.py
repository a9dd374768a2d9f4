"""Uses parts of the package where the system has no semaphores, and prints what each raises.

The package cannot create semaphores because the class that it needs is removed first.

Arguments: the start method; "locks" for what is made with semaphores by definition, or "others".

Serves resource.no-semaphores-import-error and resource.some-parts-need-no-semaphores.
"""

import importlib
import multiprocessing
import multiprocessing.pool
import sys

del importlib.import_module("_multiprocessing").SemLock


def work():
    """Do nothing."""


def use_process():
    child = multiprocessing.Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == 0


def use_pipe():
    first, second = multiprocessing.Pipe()
    first.send("hello")
    assert second.recv() == "hello"


def use_raw_value():
    assert multiprocessing.RawValue("i", 7).value == 7


def use_value_without_lock():
    assert multiprocessing.Value("i", 7, lock=False).value == 7


def use_managed_lock():
    with multiprocessing.Manager() as manager, manager.Lock():
        assert manager.list([7])[0] == 7


LOCKS = {
    "import synchronize": lambda: importlib.import_module("multiprocessing.synchronize"),
    "Lock()": multiprocessing.Lock,
    "RLock()": multiprocessing.RLock,
    "Semaphore()": multiprocessing.Semaphore,
    "BoundedSemaphore()": multiprocessing.BoundedSemaphore,
    "Condition()": multiprocessing.Condition,
    "Event()": multiprocessing.Event,
    "Barrier(2)": lambda: multiprocessing.Barrier(2),
    "Value('i')": lambda: multiprocessing.Value("i"),
    "Array('i', 2)": lambda: multiprocessing.Array("i", 2),
}
OTHERS = {
    "Process": use_process,
    "Pipe": use_pipe,
    "RawValue": use_raw_value,
    "Value with lock=False": use_value_without_lock,
    "Manager().Lock": use_managed_lock,
    "Pool": lambda: multiprocessing.Pool(1),
    "ThreadPool": lambda: multiprocessing.pool.ThreadPool(1),
}

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for name, use in {"locks": LOCKS, "others": OTHERS}[sys.argv[2]].items():
        try:
            use()
        except Exception as error:
            print(f"{name}: {type(error).__name__}")
        else:
            print(f"{name}: works")
