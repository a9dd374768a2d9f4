"""Blocks of shared memory for a scene: none is left in the system, even if a claim fails."""

from __future__ import annotations

import secrets

from spec.kit.package import submodule
from spec.kit.parity import result_or_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def new_name() -> str:
    """A name that no block has: short, as some systems allow 14 characters only."""
    return "spec" + secrets.token_hex(4)


class Blocks:
    """The blocks of a scene: closed and unlinked at the end of a with statement.

    ``with Blocks() as blocks: block = blocks.new(16)``.
    """

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, *error: object) -> None:
        for block in self._kept:
            result_or_error(block.close)
            result_or_error(block.unlink)

    def keep(self, block: Any) -> Any:
        """Close and unlink this SharedMemory object too; returns it."""
        self._kept.append(block)
        return block

    def attach(self, name: str | None, **settings: Any) -> Any:
        """A SharedMemory object that is attached to the block of this name."""
        return self.keep(submodule("shared_memory").SharedMemory(name, **settings))

    def new(self, size: int, **settings: Any) -> Any:
        """A SharedMemory object with a new block of so many bytes."""
        return self.attach(settings.pop("name", None), create=True, size=size, **settings)

    def new_list(self, *sequence: Any, **settings: Any) -> Any:
        """A ShareableList with these arguments, in a block of its own."""
        shareable = submodule("shared_memory").ShareableList(*sequence, **settings)
        self.keep(shareable.shm)
        return shareable
