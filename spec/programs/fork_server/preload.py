"""Starts children that print which process has imported a module: they themselves, or the server.

The module, preloaded.py, prints "imported" when it is imported.

Arguments: the start method; where the module is and when it is set to be preloaded. "found": all
interpreters find the module, and it is set before the server starts; "beside": the module is only
beside this program; "late": it is set when the server already runs; "replaced": another list is
set after it.

Serves start-method.preload-imports-once and start-method.preload-list-is-replaced.
"""

import importlib
import multiprocessing
import os
import sys


def print_importer():
    preloaded = importlib.import_module("preloaded")
    print({os.getpid(): "child", os.getppid(): "server"}[preloaded.importer], flush=True)


def start_child():
    child = multiprocessing.Process(target=print_importer)
    child.start()
    child.join()


if __name__ == "__main__":
    _, start_method, scene = sys.argv
    multiprocessing.set_start_method(start_method)
    if scene != "beside":
        entries = [os.path.dirname(__file__), os.environ.get("PYTHONPATH")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, entries))
    if scene == "late":
        start_child()
    multiprocessing.set_forkserver_preload(["preloaded"])
    if scene == "replaced":
        multiprocessing.set_forkserver_preload(["colorsys"])
    start_child()
    start_child()
