"""Tries to use unknown start methods; prints what each call returns or raises.

Arguments: the start method; the unknown names.

Serves start-method.unknown-name-refused.
"""

import sys
from multiprocessing import get_context, get_start_method, set_start_method

from outcomes import result_or_error

if __name__ == "__main__":
    _, method, *names = sys.argv
    for name in names:
        print(f"get_context({name!r}): {result_or_error(get_context, name)}")
        print(f"set_start_method({name!r}): {result_or_error(set_start_method, name)}")
    print(f"start method after that: {get_start_method(allow_none=True)}")
    set_start_method(method)
    for name in names:
        result = result_or_error(set_start_method, name, force=True)
        print(f"set_start_method({name!r}, force=True): {result}")
    print(f"start method at the end: {get_start_method(allow_none=True)}")
