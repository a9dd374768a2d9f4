"""Actors that several chapters use. A chapter imports them from here, as :mod:`spec.kit.actors`."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spec.kit.actor import ActorStage


def wait_until_cued(stage: ActorStage) -> None:
    """Wait for the cue "leave"."""
    stage.wait_for_cue("leave")


def take_part(ticket: tuple[Any, ...]) -> Any:
    """Do the task of a pool or executor as the nested actor of the ticket."""
    stage, actor, *args = ticket
    stage.connect()
    return actor(stage, *args)


def tell_system_parent(stage: ActorStage) -> int:
    """Return the PID of this process's parent as the system knows it."""
    return os.getppid()


def report_locked_when_cued(stage: ActorStage, lock: Any, times: int) -> None:
    """As often as ``times`` says, report what locked() returns when cued to "look"."""
    for _ in range(times):
        stage.wait_for_cue("look")
        stage.say("seen", lock.locked())


def hold_by_with(stage: ActorStage, lock: Any) -> None:
    """Say "asking"; hold the lock by a with statement and say "inside", until the cue "leave"."""
    stage.say("asking")
    with lock:
        stage.say("inside")
        stage.wait_for_cue("leave")


def hold_by_acquire(stage: ActorStage, lock: Any, *arguments: Any) -> Any:
    """Do the same by acquire() with the arguments, and release(); returns what acquire() returned.

    As in :func:`hold_by_with`, the words are "asking" and "inside", and the cue is "leave".
    """
    stage.say("asking")
    answer = lock.acquire(*arguments)
    stage.say("inside")
    stage.wait_for_cue("leave")
    lock.release()
    return answer


def raise_inside_with(
    stage: ActorStage, lock: Any, error: type[ValueError] | type[SystemExit]
) -> str:
    """Raise the error inside a with block; returns the name of the one that came out of it."""
    try:
        with lock:
            raise error
    except (ValueError, SystemExit) as caught:
        return type(caught).__name__
    return "none"
