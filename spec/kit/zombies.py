"""Zombies: children that have ended and whose exit status has not been collected yet.

These functions need the capability "waitid" and do not use the package.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spec.kit.actor import ActorStage


def wait_for_zombie(stage: ActorStage, pid: int) -> None:
    """An actor for a thread: wait until the child has ended, without collecting its exit status."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # type: ignore[attr-defined,unused-ignore]


def is_zombie(pid: int) -> bool:
    """Whether the child has ended and its exit status has not been collected yet.

    Raises ChildProcessError if it has been collected.
    """
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG  # type: ignore[attr-defined,unused-ignore]
    return os.waitid(os.P_PID, pid, options) is not None  # type: ignore[attr-defined,unused-ignore]
