"""Sets the start method to None, without force, and then to another; prints the start method.

Argument: the start method for the second call.

Serves start-method.none-fixes-default.
"""

import sys
from multiprocessing import get_start_method, set_start_method

from outcomes import result_or_error

if __name__ == "__main__":
    set_start_method(None)
    print(f"after set_start_method(None): {get_start_method(allow_none=True)}")
    print(f"second call: {result_or_error(set_start_method, sys.argv[1])}")
    print(f"after the second call: {get_start_method(allow_none=True)}")
