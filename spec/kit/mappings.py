"""Notes of the named shared memory that the processes of a scene have mapped.

A block that is closed and never unlinked keeps its name, and nothing shows which process created
it. So each process notes the names when it maps them: the interpreter raises an audit event,
``mmap.__new__``, for every mapping.
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
    """Make this process, and those forked from it, note the names that it maps.

    ``folder`` gets an empty file for each name. Has an effect on Linux only: other systems have
    no /proc to look up a file descriptor's name.
    """
    if folder in _folders:  # so in an actor that was forked from the test's process
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
        except OSError:  # anonymous memory, or the folder has been removed
            pass

    sys.addaudithook(note)
