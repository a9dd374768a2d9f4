"""Prints the default start method when its temporary directory cannot be used, and starts a child.

Prints what start() raises with the start method that is given.

Arguments: a start method for the child; the temporary directory, which does not exist.

Serves start-method.spawn-default-without-tempdir.
"""

import multiprocessing
import sys
import tempfile

from outcomes import result_or_error

if __name__ == "__main__":
    _, start_method, tempfile.tempdir = sys.argv
    process = multiprocessing.get_context(start_method).Process()
    print(f"start method: {multiprocessing.get_start_method()}")
    print(f"listed first: {multiprocessing.get_all_start_methods()[0]}")
    print(f"start(): {result_or_error(process.start)}", flush=True)
