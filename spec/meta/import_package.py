"""Imports all modules of the package anew: coverage has imported it before it measures.

Without this, the lines that an import executes would count as missing.
"""

import importlib
import pkgutil
import sys

from spec.kit.package import IMPLEMENTATION

for name in [name for name in sys.modules if name.partition(".")[0] == IMPLEMENTATION]:
    del sys.modules[name]
for module in pkgutil.walk_packages(importlib.import_module(IMPLEMENTATION).__path__):
    if "win32" not in module.name:
        importlib.import_module(f"{IMPLEMENTATION}.{module.name}")
