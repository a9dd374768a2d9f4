"""A module that knows which process has imported it."""

import os

importer = os.getpid()
print("imported", flush=True)
