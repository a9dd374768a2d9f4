"""Uses what submodules offer, each time with the start method unset; prints it after each use.

Argument: the start method of a context, which is given to some of them.

Serves start-method.submodule-calls-fix-default.
"""

import multiprocessing
import sys
from multiprocessing import managers, pool, sharedctypes


def use_pool(create, **settings):
    with create(1, **settings) as workers:
        workers.close()
        workers.join()


def uses(method):
    """The functions to call, by the label that is printed."""
    context = multiprocessing.get_context(method)
    raw = sharedctypes.RawValue("i")
    return {
        "managers.BaseManager()": managers.BaseManager,
        "pool.Pool(1)": lambda: use_pool(pool.Pool),
        "pool.ThreadPool(1)": lambda: use_pool(pool.ThreadPool),
        "sharedctypes.Value('i')": lambda: sharedctypes.Value("i"),
        "sharedctypes.Array('i', 1)": lambda: sharedctypes.Array("i", 1),
        "sharedctypes.synchronized(raw)": lambda: sharedctypes.synchronized(raw),
        "managers.BaseManager(ctx=context)": lambda: managers.BaseManager(ctx=context),
        "pool.Pool(1, context=context)": lambda: use_pool(pool.Pool, context=context),
        "sharedctypes.Value('i', ctx=context)": lambda: sharedctypes.Value("i", ctx=context),
        "sharedctypes.Array('i', 1, ctx=context)": lambda: sharedctypes.Array("i", 1, ctx=context),
        "sharedctypes.synchronized(raw, ctx=context)": lambda: sharedctypes.synchronized(
            raw, ctx=context
        ),
        "sharedctypes.Value('i', lock=False)": lambda: sharedctypes.Value("i", lock=False),
        "sharedctypes.RawValue('i')": lambda: sharedctypes.RawValue("i"),
        "sharedctypes.copy(raw)": lambda: sharedctypes.copy(raw),
        "get_logger()": multiprocessing.get_logger,
        "set_executable(sys.executable)": lambda: multiprocessing.set_executable(sys.executable),
        "set_forkserver_preload([])": lambda: multiprocessing.set_forkserver_preload([]),
    }


if __name__ == "__main__":
    for label, use in uses(sys.argv[1]).items():
        multiprocessing.set_start_method(None, force=True)
        use()
        print(f"{label}: {multiprocessing.get_start_method(allow_none=True)}")
