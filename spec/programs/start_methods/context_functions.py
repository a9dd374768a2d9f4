"""Prints the names that the package has and a context lacks.

Argument: the start method of the context.

Serves start-method.contexts-coexist.
"""

import multiprocessing
import sys

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    print(*sorted(set(multiprocessing.__all__) - set(dir(context))), sep="\n")
