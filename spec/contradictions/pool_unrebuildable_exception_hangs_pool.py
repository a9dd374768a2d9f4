"""The documentation of get(): "that exception will be reraised by get()". This one is not."""

import multiprocessing


class Unusual(Exception):
    def __init__(self, code, text):
        super().__init__(code)


def fail():
    raise Unusual(1, "text")


if __name__ == "__main__":
    try:
        multiprocessing.Pool(1).apply_async(fail).get(3)
    except Exception as error:
        print("get() raised", type(error).__name__)
