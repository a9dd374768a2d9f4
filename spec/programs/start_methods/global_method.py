"""What fixes the global start method. Plays one scene, and prints a table of what came of it.

Arguments: the start method, the scene, and what the scene needs to know.
"""

import multiprocessing
import sys
from multiprocessing import get_context, get_start_method, set_start_method


def result_or_error(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error).__name__


def fixed():
    return get_start_method(allow_none=True)


def unfix():
    set_start_method(None, force=True)


def set_twice(method, other):
    yield "set", result_or_error(set_start_method, method)
    yield "set to the same", result_or_error(set_start_method, method)
    yield "set to another", result_or_error(set_start_method, other)
    yield "set to None", result_or_error(set_start_method, None)
    yield "in force", fixed()


def force(method, other):
    set_start_method(method)
    set_start_method(other, force=True)
    yield "forced to another", fixed()
    set_start_method(method, force=True)
    yield "forced back", fixed()
    set_start_method(None, force=True)
    yield "forced to None", fixed()
    set_start_method(other)
    yield "set afterwards", fixed()


def set_to_none(method):
    set_start_method(None)
    yield "set to None", fixed()
    yield "set afterwards", result_or_error(set_start_method, method)
    yield "in force", fixed()


def unknown(method, *names):
    for name in names:
        yield f"set {name!r}", result_or_error(set_start_method, name)
        yield f"context {name!r}", result_or_error(get_context, name)
    yield "in force at first", fixed()
    set_start_method(method)
    for name in names:
        yield f"force {name!r}", result_or_error(set_start_method, name, force=True)
    yield "in force at last", fixed()


def ask(method):
    yield "asked", fixed()
    yield "asked again", fixed()
    yield "set after asking", result_or_error(set_start_method, method)
    unfix()
    yield "get_start_method()", get_start_method()
    yield "asked after get_start_method()", fixed()
    yield "set after get_start_method()", result_or_error(set_start_method, method)
    unfix()
    yield "get_context()", get_context().get_start_method()
    yield "asked after get_context()", fixed()
    yield "set after get_context()", result_or_error(set_start_method, method)


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


def need(method):
    context = get_context(method)
    deeds = {
        "Process().start()": start_process,
        "Pool": use_pool,
        "Manager": use_manager,
        "Queue": multiprocessing.Queue,
        "JoinableQueue": multiprocessing.JoinableQueue,
        "SimpleQueue": multiprocessing.SimpleQueue,
        "Lock": multiprocessing.Lock,
        "RLock": multiprocessing.RLock,
        "Semaphore": multiprocessing.Semaphore,
        "BoundedSemaphore": multiprocessing.BoundedSemaphore,
        "Condition": multiprocessing.Condition,
        "Event": multiprocessing.Event,
        "Barrier": lambda: multiprocessing.Barrier(1),
        "Value": lambda: multiprocessing.Value("i"),
        "Array": lambda: multiprocessing.Array("i", 1),
        "nothing": lambda: None,
        "Process": multiprocessing.Process,
        "Pipe": multiprocessing.Pipe,
        "RawValue": lambda: multiprocessing.RawValue("i"),
        "RawArray": lambda: multiprocessing.RawArray("i", 1),
        "cpu_count": multiprocessing.cpu_count,
        "active_children": multiprocessing.active_children,
        "current_process": multiprocessing.current_process,
        "parent_process": multiprocessing.parent_process,
        "get_all_start_methods": multiprocessing.get_all_start_methods,
        "get_context(name)": lambda: get_context(method),
        "a context's Process": context.Process,
        "a context's Queue": context.Queue,
        "a context's Lock": context.Lock,
        "a context's Value": lambda: context.Value("i"),
    }
    for name, deed in deeds.items():
        unfix()
        deed()
        yield name, fixed()


def start_explicitly(method):
    process = get_context(method).Process()
    process.start()
    process.join()
    yield "exit code", process.exitcode
    yield "in force", fixed()


def compare(method):
    context = get_context(method)
    yield "missing", " ".join(sorted({*multiprocessing.__all__} - {*dir(context)}))
    set_start_method(method)
    yield "the global context", get_context() is context


if __name__ == "__main__":
    _, method, scene, *more = sys.argv
    for label, value in globals()[scene](method, *more):
        print(f"{label}: {value}")
