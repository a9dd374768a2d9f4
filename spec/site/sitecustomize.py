"""Installs the run's fault and simulated platform at the start of every interpreter.

Then executes the ``sitecustomize`` that this one shadows, if there is one.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))

sys.path.insert(0, root)
from spec import faults  # noqa: E402  (a simulated platform is installed by the package itself)

sys.path.remove(root)
if os.environ.get(faults.VARIABLE):
    faults.install(os.environ[faults.VARIABLE])

# A distribution's own sitecustomize is shadowed by this one.
shadowed = PathFinder.find_spec(
    "sitecustomize", [entry for entry in sys.path if os.path.abspath(entry) != here]
)
if shadowed is not None and shadowed.loader is not None:
    shadowed.loader.exec_module(module_from_spec(shadowed))
