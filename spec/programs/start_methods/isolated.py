"""Is run with the option -I, or without; prints whether it and a child are isolated.

An isolated interpreter ignores PYTHONPATH and its sitecustomize. The program reads it all the
same, so that what is to be put into all processes of a run is also put into this one.

Argument: the start method.

Serves start-method.isolation-reaches-children.
"""

import os
import sys

if __name__ == "__main__" and sys.flags.isolated:
    import site

    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = entries
    sys.modules.pop("sitecustomize", None)
    os.environ.pop("SPEC_PLATFORM", None)  # a simulated platform does not reach isolated children
    site.main()
    for entry in entries:
        if entry in sys.path:
            sys.path.remove(entry)

import multiprocessing


def print_flag(where):
    print(f"{where}, isolated: {bool(sys.flags.isolated)}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print_flag("program")
    process = multiprocessing.Process(target=print_flag, args=("child",))
    process.start()
    process.join()
