"""Calls freeze_support(), and sets the start method after that.

Prints the start method after the first call, what the second returns or raises, and the start
method at the end.

Argument: the start method.

Serves start-method.freeze-support-fixes-nothing.
"""

import sys
from multiprocessing import freeze_support, get_start_method, set_start_method

from outcomes import result_or_error

if __name__ == "__main__":
    freeze_support()
    print(f"after freeze_support(): {get_start_method(allow_none=True)}")
    print(f"set_start_method(): {result_or_error(set_start_method, sys.argv[1])}")
    print(f"start method at the end: {get_start_method(allow_none=True)}")
