"""Forgets the interpreter before it imports the package, names it after that, and starts a child.

Arguments: the start method; the value of sys.executable, "None" or an empty string.

Serves start-method.executable-may-be-unknown.
"""

import sys

interpreter = sys.executable
sys.executable = None if sys.argv[2] == "None" else ""  # type: ignore[assignment]

import multiprocessing  # noqa: E402


def say():
    print("child: started", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    multiprocessing.set_executable(interpreter)
    child = multiprocessing.Process(target=say)
    child.start()
    child.join()
    print(f"exitcode: {child.exitcode}")
