"""The module that the program preload_effects.py has preloaded: it prints, and creates a lock.

It does not flush what it prints, and the text for standard error has no end of line.
"""

import multiprocessing
import sys

print("printed by the preloaded module")
sys.stderr.write("[written by the preloaded module]")
lock = multiprocessing.Lock()
