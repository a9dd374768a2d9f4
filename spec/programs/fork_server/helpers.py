"""Runs itself three times, and reads the output of each run to its end.

Such a run starts a child, which prints, and then ends in one of three ways. The end of the output
comes when no process has it any more: not the run, not its fork server, not its resource tracker.

Arguments: the start method; for such a run, its way to end.

Serves start-method.helpers-end-with-program.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile


def say():
    print("child, ", end="", flush=True)


def start_and_end(method, way):
    multiprocessing.set_start_method(method)
    child = multiprocessing.Process(target=say)
    child.start()
    child.join()
    if way == "os._exit()":
        os._exit(0)
    if way == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        start_and_end(*sys.argv[1:])
    else:
        # A run that does not return leaves the folder of its server's socket behind.
        with tempfile.TemporaryDirectory() as folder:
            for way in ("returns", "os._exit()", "SIGKILL"):
                command = [sys.executable, __file__, sys.argv[1], way]
                environment = {**os.environ, "TMPDIR": folder}
                run = subprocess.run(command, stdout=subprocess.PIPE, env=environment)
                print(f"{way}: {run.stdout.decode()}end of output", flush=True)
