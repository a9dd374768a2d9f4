"""Pickles a function of its main module that does not know its module; prints how pickle names it.

Argument: the start method, which it does not need: it only imports the package.

Serves main.pickle-finds-main-module.
"""

import multiprocessing
import pickle
import pickletools


def sought():
    pass


if __name__ == "__main__":
    assert multiprocessing.current_process().name == "MainProcess"
    sought.__module__ = None  # type: ignore[assignment]
    pickled = pickle.dumps(sought, 0)
    names = [str(argument) for _, argument, _ in pickletools.genops(pickled)]
    [found] = [name for name in names if "sought" in name]
    print(f"found in: {found.split()[0]}")
