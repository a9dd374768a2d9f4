"""Starts a child, without a guard; prints whenever it is executed.

It is to be run as a package (``-m main_module.packed``), as a folder, or from a zip file.

Arguments: the path of a file, which it does not need; the start method.
"""

import multiprocessing
import sys

if __package__:
    from .worker import work
else:
    from worker import work  # type: ignore[import-not-found,no-redef]

print(f"executed as {__name__}", flush=True)
process = multiprocessing.get_context(sys.argv[2]).Process(target=work)
process.start()
process.join()
