"""A proxy "can be used just like its referent can", but a child cannot iterate over a dict proxy.

Prints: in the creator ['a'], then: in a child AttributeError, keys() ['a'].
"""

import multiprocessing


def iterate(table):
    try:
        print("in a child:", list(table), flush=True)
    except AttributeError as error:
        print(f"in a child: AttributeError: {error}; keys(): {table.keys()}", flush=True)


if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        table = manager.dict(a=1)
        print("in the creator:", list(table), flush=True)
        child = multiprocessing.Process(target=iterate, args=(table,))
        child.start()
        child.join(20)
