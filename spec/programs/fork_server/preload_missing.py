"""Sets modules to be preloaded, one of which does not exist, and starts a child.

The child prints whether it has the other module, colorsys. The program prints what start()
returns or raises, and what set_forkserver_preload() does with wrong arguments.

Arguments: the start method; the value of on_error, or an empty string to leave it out.

Serves start-method.preload-ignores-missing-modules.
"""

import multiprocessing
import sys


def result_or_error(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except (EOFError, ConnectionError):
        return "EOFError or ConnectionError"
    except Exception as error:
        return type(error).__name__


def look():
    print(f"child has colorsys: {'colorsys' in sys.modules}", flush=True)


if __name__ == "__main__":
    _, start_method, on_error = sys.argv
    multiprocessing.set_start_method(start_method)
    preload = multiprocessing.set_forkserver_preload
    print(f"[sys]: {result_or_error(preload, [sys])}")
    print(f"[b'colorsys']: {result_or_error(preload, [b'colorsys'])}")
    result = result_or_error(preload, ["colorsys"], on_error="other")
    print(f"on_error='other': {result}", flush=True)
    preload(["no_such_module", "colorsys"], **({"on_error": on_error} if on_error else {}))
    child = multiprocessing.Process(target=look)
    print(f"start(): {result_or_error(child.start)}", flush=True)
    if child.pid is not None:
        child.join()
