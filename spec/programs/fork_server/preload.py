"""Children of a fork server that tell who has imported a module: they themselves, or the server.

Arguments: the start method, and a scene: "found" when the module is on the path of every
interpreter; "beside" when it is only beside this program; "late" when it is found, but asked for
when the server already runs.
"""

import importlib
import multiprocessing
import os
import sys


def look():
    preloaded = importlib.import_module("preloaded")
    print({os.getpid(): "child", os.getppid(): "server"}[preloaded.importer], flush=True)


def start():
    child = multiprocessing.Process(target=look)
    child.start()
    child.join()


if __name__ == "__main__":
    _, start_method, scene = sys.argv
    multiprocessing.set_start_method(start_method)
    if scene != "beside":
        entries = [os.path.dirname(__file__), os.environ.get("PYTHONPATH")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, entries))
    if scene == "late":
        start()
    multiprocessing.set_forkserver_preload(["preloaded"])
    start()
    start()
