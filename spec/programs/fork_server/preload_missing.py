"""A fork server that is to preload a module that there is not. Prints a table.

Arguments: the start method, and what is to happen then, as on_error says it; the default if empty.
"""

import multiprocessing
import sys


def result_or_error(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except (EOFError, ConnectionError):
        return "no server"
    except Exception as error:
        return type(error).__name__


def look():
    print(f"colorsys is there: {'colorsys' in sys.modules}", flush=True)


if __name__ == "__main__":
    _, start_method, on_error = sys.argv
    multiprocessing.set_start_method(start_method)
    preload = multiprocessing.set_forkserver_preload
    print(f"a module: {result_or_error(preload, [sys])}")
    print(f"bytes: {result_or_error(preload, [b'colorsys'])}")
    print(
        f"on_error='other': {result_or_error(preload, ['colorsys'], on_error='other')}", flush=True
    )
    preload(["no_such_module", "colorsys"], **({"on_error": on_error} if on_error else {}))
    child = multiprocessing.Process(target=look)
    print(f"start: {result_or_error(child.start)}", flush=True)
    if child.pid is not None:
        child.join()
