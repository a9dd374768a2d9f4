"""Asks for the start method in three ways; prints the answers, and whether it is set after that.

Whether it is set is asked with allow_none=True, and by setting it: a second call raises.

Argument: the start method to set.

Serves start-method.allow-none-fixes-nothing.
"""

import sys
from multiprocessing import get_context, get_start_method, set_start_method

from outcomes import result_or_error

if __name__ == "__main__":
    method = sys.argv[1]
    print(f"allow_none: {get_start_method(allow_none=True)}")
    print(f"allow_none again: {get_start_method(allow_none=True)}")
    print(f"setting it after allow_none: {result_or_error(set_start_method, method)}")

    set_start_method(None, force=True)
    print(f"get_start_method(): {get_start_method()}")
    print(f"allow_none after get_start_method(): {get_start_method(allow_none=True)}")
    print(f"setting it after get_start_method(): {result_or_error(set_start_method, method)}")

    set_start_method(None, force=True)
    print(f"get_context(): {get_context().get_start_method()}")
    print(f"allow_none after get_context(): {get_start_method(allow_none=True)}")
    print(f"setting it after get_context(): {result_or_error(set_start_method, method)}")
