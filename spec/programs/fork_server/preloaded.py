"""The module that the program preload.py has preloaded: it knows which process imported it."""

import os

importer = os.getpid()
print("imported", flush=True)
