"""Notes of the named shared memory that the processes of a scene have mapped.

A block that is closed and never unlinked keeps its name for the next one to find, and no
process shows any more whose it was. So each process notes the names itself, when it maps them:
the interpreter tells of every mapping (the audit event ``mmap.__new__``), whoever makes it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Where Linux has named semaphores and shared memory.
SHARED_MEMORY = "/dev/shm/"

_folders: set[str] = set()


def note_mappings(folder: str) -> None:
    """Have this process, and what is forked from it, note what it maps: a file for each name.

    On Linux only: nothing tells elsewhere what a descriptor leads to.
    """
    if folder in _folders:  # as in an actor that was forked from the test's process
        return
    _folders.add(folder)

    def note(event: str, args: tuple[Any, ...]) -> None:
        if event != "mmap.__new__":
            return
        try:
            path = os.readlink(f"/proc/self/fd/{args[0]}")
            if path.startswith(SHARED_MEMORY) and not path.endswith(" (deleted)"):
                name = path.removeprefix(SHARED_MEMORY).replace("/", "\\")
                os.close(os.open(f"{folder}/{name}", os.O_CREAT, 0o600))
        except OSError:  # no file is mapped, or nobody reads the notes any more
            pass

    sys.addaudithook(note)
