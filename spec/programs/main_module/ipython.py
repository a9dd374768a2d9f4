"""Starts a child, without a guard; prints whenever it is executed.

Serves main.ipython-not-imported. Argument: the start method.
"""

import multiprocessing
import sys

print(f"executed as {__name__}", flush=True)
process = multiprocessing.get_context(sys.argv[1]).Process(target=print, args=("child",))
process.start()
process.join()
