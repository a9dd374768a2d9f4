"""Pool.terminate: "Stops the worker processes immediately". After this callback it does not."""

import multiprocessing
import time


def fail(_):
    raise ValueError


if __name__ == "__main__":
    pool = multiprocessing.Pool(1)
    pool.apply_async(abs, (-1,), callback=fail)
    pool.apply_async(time.sleep, (5,))
    time.sleep(1)  # the worker sleeps by now, and the callback has raised its exception
    try:
        pool.terminate()
    except AssertionError as error:
        print("terminate() raised AssertionError:", error)
    print("workers that are alive:", len(multiprocessing.active_children()))
