"""Prints whether certain options of the interpreter are in effect, in the program and in a child.

Argument: the start method.

Serves start-method.options-reach-children.
"""

import faulthandler
import multiprocessing
import sys
import warnings


def warning_is_error():
    try:
        warnings.warn("a warning", UserWarning, stacklevel=2)
    except UserWarning:
        return True
    return False


def print_options(where):
    warnings.filterwarnings("ignore", "a warning", append=True)  # unless an option says otherwise
    effects = {
        "-O": not __debug__,
        "-B": sys.flags.dont_write_bytecode,
        "-b": sys.flags.bytes_warning,
        "-s": sys.flags.no_user_site,
        "-W": warning_is_error(),
        "-X faulthandler": faulthandler.is_enabled(),
        "-X frozen_modules": "frozen_modules" in getattr(sys, "_xoptions", {}),
    }
    for option, effect in effects.items():
        print(f"{where}, {option}: {bool(effect)}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print_options("program")
    process = multiprocessing.Process(target=print_options, args=("child",))
    process.start()
    process.join()
