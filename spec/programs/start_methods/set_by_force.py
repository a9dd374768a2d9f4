"""Replaces and unsets the start method with force=True; prints the start method after each call.

Arguments: the start method; another one.

Serves start-method.force-replaces-or-unsets.
"""

import sys
from multiprocessing import get_start_method, set_start_method

if __name__ == "__main__":
    _, method, other = sys.argv
    set_start_method(method)
    set_start_method(other, force=True)
    print(f"replaced by another: {get_start_method(allow_none=True)}")
    set_start_method(method, force=True)
    print(f"replaced by the first: {get_start_method(allow_none=True)}")
    set_start_method(None, force=True)
    print(f"unset with None: {get_start_method(allow_none=True)}")
    set_start_method(other)
    print(f"set again without force: {get_start_method(allow_none=True)}")
