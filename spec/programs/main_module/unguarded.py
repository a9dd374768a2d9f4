"""A program without a guard: a process that imports it does all over again what it does.

It starts a process in one of three ways, which finds that it works, and ends with 1 if it does
not come to that. Arguments: the start method; Process, Pool or Manager; and a file in which is
noted whenever the program is executed, so that it is not executed without end.
"""

import multiprocessing
import sys
import time

_, start_method, thing, path = sys.argv


def executions():
    with open(path) as file:
        return len(file.readlines())


def work():
    return "it works"


def report():
    print(work(), flush=True)


with open(path, "a") as file:
    file.write(f"{__name__}\n")
if executions() > 5:
    sys.exit("this takes no end")

context = multiprocessing.get_context(start_method)
if thing == "Process":
    process = context.Process(target=report)
    process.start()
    process.join()
    sys.exit(process.exitcode)
elif thing == "Pool":
    with context.Pool(1) as pool:
        result = pool.apply_async(work)
        # It replaces dead workers for ever: when its first has failed, that is what it will do.
        workers = multiprocessing.active_children()
        while not result.ready() and set(workers) & set(multiprocessing.active_children()):
            time.sleep(0.001)
        if not result.ready():
            sys.exit(1)
        print(result.get())
else:
    print(context.Manager().list([work()])[0])
