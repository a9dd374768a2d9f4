"""The documentation: "When an object is put on a queue, the object is pickled ..."."""

import multiprocessing
import threading


class Slow:
    def __reduce__(self):
        return str, (str(changed.wait(9)),)


if __name__ == "__main__":
    changed = threading.Event()
    queue = multiprocessing.Queue()
    queue.put(Slow())
    item = ["put"]
    queue.put(item)
    item.append("changed after put()")
    changed.set()
    print(*(queue.get(timeout=9) for _ in range(2)))
