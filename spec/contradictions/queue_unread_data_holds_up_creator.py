"""The documentation: a process that "is not the creator of the queue" joins its thread on exit."""

import subprocess
import sys

CREATOR = """
import multiprocessing
queue = multiprocessing.Queue()
queue.put(b"x" * 1_000_000)
print("the creator of the queue has put, and is about to exit", flush=True)
"""

if __name__ == "__main__":
    creator = subprocess.Popen([sys.executable, "-c", CREATOR])
    try:
        print("it has ended with", creator.wait(5))
    except subprocess.TimeoutExpired:
        print("it has not ended within 5 seconds")
        creator.kill()
