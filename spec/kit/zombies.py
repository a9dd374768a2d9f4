"""Zombies: children that have ended and whose exit status was not collected yet.

Needs the capability "waitid". The package is not asked.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spec.kit.actor import ActorStage


def wait_for_zombie(stage: ActorStage, pid: int) -> None:
    """An actor for a thread: waits until the child has ended, and leaves its exit status there."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # type: ignore[attr-defined,unused-ignore]


def is_zombie(pid: int) -> bool:
    """Whether the child has ended and its exit status was not collected yet.

    Raises ChildProcessError if it was collected.
    """
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG  # type: ignore[attr-defined,unused-ignore]
    return os.waitid(os.P_PID, pid, options) is not None  # type: ignore[attr-defined,unused-ignore]
