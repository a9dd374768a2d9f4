"""A child and then the program end their main threads before a thread and a daemonic process.

When the main thread has ended, the thread waits for a beat, in which the process could be
terminated, and leaves it a question. It prints whether the process answers or has ended. Arguments:
the start method, and a folder for the questions and answers.

Serves daemon.parents-threads-end-first.
"""

import multiprocessing
import sys
import threading
import time
from pathlib import Path


def answer(question):
    while not question.exists():
        time.sleep(0.001)
    question.with_suffix(".answer").touch()
    while True:
        time.sleep(0.001)


def ask(process, question):
    threading.main_thread().join()
    time.sleep(0.1)
    question.touch()
    answered = question.with_suffix(".answer")
    while not answered.exists() and process.is_alive():
        time.sleep(0.001)
    print(
        f"daemonic process of the {question.name}:",
        "answers" if answered.exists() else "has ended",
        flush=True,
    )


def leave_both_running(question):
    process = multiprocessing.Process(target=answer, args=(question,), daemon=True)
    process.start()
    threading.Thread(target=ask, args=(process, question)).start()


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    folder = Path(sys.argv[2])
    child = multiprocessing.Process(target=leave_both_running, args=(folder / "child",))
    child.start()
    child.join()
    leave_both_running(folder / "program")
