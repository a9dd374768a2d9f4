"""Makes shared objects with a context, and prints which start method is the program's own.

Arguments: the start method of the context.

Serves value.context-can-be-given.
"""

import multiprocessing
import sys
from multiprocessing import sharedctypes


def change(number, array, wrapped):
    number.value += 1
    array[0] += 1
    wrapped.value += 1


def own_method():
    return multiprocessing.get_start_method(allow_none=True)


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    number = sharedctypes.Value("i", ctx=context)
    print("Value:", own_method())
    array = sharedctypes.Array("i", 2, ctx=context)
    print("Array:", own_method())
    wrapped = sharedctypes.synchronized(sharedctypes.RawValue("i"), ctx=context)
    print("synchronized:", own_method())
    child = context.Process(target=change, args=(number, array, wrapped))
    child.start()
    child.join()
    print("changed by a child:", number.value, array[:], wrapped.value)
    sharedctypes.Value("i")
    print("without ctx:", "fixed" if own_method() else "not fixed")
