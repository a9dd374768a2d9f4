"""Managers, their servers and managed objects: functions for the scenes of several chapters."""

from __future__ import annotations

import contextlib
import os
import threading

from spec.kit.actor import perform
from spec.kit.package import submodule
from spec.kit.parity import result_or_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from spec.kit.actor import ActorStage
    from spec.kit.stage import Actor, Stage


class CalledElsewhere:
    """An object that is unpickled as the result of a call in the process that unpickles it."""

    def __init__(self, call: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.call = call
        self.args = args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call, self.args


def called_in_server(manager: Any, call: Callable[..., Any], *args: Any) -> Any:
    """Have the server of a SyncManager call ``call(*args)``; returns a copy of the result."""
    return manager.list([CalledElsewhere(call, args)])[0]


def new_sync_manager(stage: ActorStage, **settings: Any) -> Any:
    """An unstarted SyncManager with the start method of the claim.

    Its shutdown_timeout is long: by default a server that needs more than a second is terminated.
    """
    settings = {"ctx": stage.mp, "shutdown_timeout": stage.patience} | settings
    return submodule("managers").SyncManager(**settings)


def remove_socket(address: str) -> None:
    """Remove the socket of a server that was killed, and so has not removed it."""
    with contextlib.suppress(OSError):  # it may be no file
        os.unlink(address)


def be_server(stage: ActorStage) -> None:
    """As the initializer of a manager, make its server an actor that speaks when cued."""

    def speak() -> None:
        stage.wait_for_cue("speak")
        stage.say("still here")

    stage.say("initialized")
    threading.Thread(target=speak, daemon=True).start()


def hold_manager(stage: ActorStage, ticket: tuple[Any, ...], ending: str) -> None:
    """Start a manager whose server is a nested actor; end when cued, without shutting it down."""
    manager = new_sync_manager(stage)
    manager.start(perform, ticket)
    stage.say("started", manager.address)
    stage.wait_for_cue("end")
    if ending == "os._exit()":
        os._exit(3)


def use_by_address(stage: ActorStage, address: str, *key: bytes) -> Any:
    """Connect to a SyncManager and use a list of its server; report the list and the PID."""
    manager = new_sync_manager(stage, address=address, authkey=key[0] if key else None)
    connected = result_or_error(manager.connect)
    return connected or (list(manager.list([1, 2])), called_in_server(manager, os.getpid))


def lend(
    stage: ActorStage, kind: str, arguments: Sequence[Any], tickets: Sequence[Any], last: str = ""
) -> Any:
    """Create a managed object and start nested actors that get its proxy; wait for their end.

    Returns the result of the object's method ``last``.
    """
    with stage.mp.Manager() as manager:
        made = getattr(manager, kind)(*arguments)
        for child in [stage.start((*ticket, made)) for ticket in tickets]:
            child.join(stage.patience)
        return getattr(made, last)() if last else None


def lend_to(
    stage: Stage, kind: str, arguments: Sequence[Any], *actors: Callable[..., Any], last: str = ""
) -> tuple[Actor, list[Actor]]:
    """Have an actor lend a managed object to the actors; returns it, and them."""
    borrowers = [stage.nested(actor) for actor in actors]
    tickets = [borrower.ticket for borrower in borrowers]
    return stage.enter(lend, kind, arguments, tickets, last), borrowers
