"""A manager whose server returns the modules that it has loaded, for the project's own tests."""

import sys
from multiprocessing.managers import BaseManager


def loaded():
    """Return the names of the modules that this process has loaded."""
    return sorted(sys.modules)


class Teller(BaseManager):
    """A manager with one method, ``loaded``."""


Teller.register("loaded", loaded)
