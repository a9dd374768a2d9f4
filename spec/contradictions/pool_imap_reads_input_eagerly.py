"""Pool.imap: "A lazier version of the map() method". Its input is read at once all the same."""

import multiprocessing
import time


def numbers():
    yield from range(50)
    print("imap() has read all 50 items")


if __name__ == "__main__":
    with multiprocessing.Pool(1) as pool:
        pool.apply_async(time.sleep, (2,))  # the only worker is busy: no item is done
        results = pool.imap(abs, numbers())
        time.sleep(1)
        print("the first result is asked for:", next(results))
