"""A manager whose server tells what it has loaded, for the tests of the house."""

import sys
from multiprocessing.managers import BaseManager


def loaded():
    """Which modules this process has loaded."""
    return sorted(sys.modules)


class Teller(BaseManager):
    """Its server tells."""


Teller.register("loaded", loaded)
