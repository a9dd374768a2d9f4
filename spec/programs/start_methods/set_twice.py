"""Sets the start method again and again, without force; prints what each call returns or raises.

Arguments: the start method; another one.

Serves start-method.set-only-once.
"""

import sys
from multiprocessing import get_start_method, set_start_method

from outcomes import result_or_error

if __name__ == "__main__":
    _, method, other = sys.argv
    print(f"first call: {result_or_error(set_start_method, method)}")
    print(f"same start method again: {result_or_error(set_start_method, method)}")
    print(f"other start method: {result_or_error(set_start_method, other)}")
    print(f"None: {result_or_error(set_start_method, None)}")
    print(f"start method at the end: {get_start_method(allow_none=True)}")
