"""Has tasks end their worker; prints what becomes of their results, and of a later task.

Then it prints what close(), join() and terminate() do, while a result is lost. Arguments: the
start method, and the kinds of tasks.

Serves pool.base-exception-loses-task, pool.dead-worker-replaced-task-lost and
pool.lost-task-blocks-join.
"""

import multiprocessing
import os
import signal
import sys
import threading


def end_worker(kind):
    if kind == "sys.exit()":
        sys.exit(3)
    if kind == "KeyboardInterrupt":
        raise KeyboardInterrupt
    if kind == "BaseException":
        raise BaseException
    if kind == "os._exit()":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def name_of_worker():
    return multiprocessing.current_process().name


def told(call, *args):
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__


if __name__ == "__main__":
    _, start_method, *kinds = sys.argv
    multiprocessing.set_start_method(start_method)
    pool = multiprocessing.Pool(1)
    for kind in kinds:
        before = pool.apply(name_of_worker)
        lost = pool.apply_async(end_worker, (kind,))
        replaced = pool.apply(name_of_worker) != before
        print(f"{kind}: {told(lost.get, 0.1)}, worker replaced: {replaced}")

    pool.close()
    joining = threading.Thread(target=pool.join)
    joining.start()
    other = multiprocessing.Pool(1)
    other.apply(name_of_worker)
    other.close()
    other.join()
    joining.join(0.1)
    print("join() blocks:", joining.is_alive())
    print("terminate():", told(pool.terminate))
    joining.join()
    print("workers left:", len(multiprocessing.active_children()))
