"""The documentation: a shared object is deleted when there are no longer any proxies of it.

Prints RemoteError, with a KeyError in the server, though the child has a proxy of the list.
"""

import multiprocessing.managers


def use(items, dropped):
    dropped.wait(20)
    try:
        print("the child's proxy:", len(items))
    except multiprocessing.managers.RemoteError as error:
        print("the child's proxy:", error)


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        items, dropped = manager.list([1]), context.Event()
        child = context.Process(target=use, args=(items, dropped))
        child.start()
        del items
        dropped.set()
        child.join(20)
