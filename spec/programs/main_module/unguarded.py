"""A program without a guard: a child that imports it would start a child in its turn.

It starts a process in one of three ways. The process prints, or returns, "it works". If it does
not, the program ends with exit code 1.

Arguments: the start method; "Process", "Pool" or "Manager"; a file that notes each execution of
this file, so that it ends instead of starting processes without end.

Serves main.unguarded-program-fails-unless-forked and main.pool-and-manager-need-guard.
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
    sys.exit("processes start without end")

context = multiprocessing.get_context(start_method)
if thing == "Process":
    process = context.Process(target=report)
    process.start()
    process.join()
    sys.exit(process.exitcode)
elif thing == "Pool":
    with context.Pool(1) as pool:
        result = pool.apply_async(work)
        # A pool replaces dead workers forever: the program gives up when the first has failed.
        workers = multiprocessing.active_children()
        while not result.ready() and set(workers) & set(multiprocessing.active_children()):
            time.sleep(0.001)
        if not result.ready():
            sys.exit(1)
        print(result.get())
else:
    print(context.Manager().list([work()])[0])
