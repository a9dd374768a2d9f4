"""The actor's side of the stage: the methods for a function that runs in another process."""

from __future__ import annotations

import faulthandler
import marshal
import os
import signal
import sys

from spec.kit.channel import Channel, connect
from spec.kit.clock import now
from spec.kit.mappings import note_mappings
from spec.kit.package import context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from types import TracebackType
    from typing import Any

    from spec.kit.protocols import AProcess, Multiprocessing


def send_stack_on_request(connection: socket) -> None:
    """Make this process write its stack to ``connection`` on SIGUSR2, if it can.

    The stage sends the signal when the actor hangs: see :func:`spec.kit.platforms.request_stack`.
    """
    if hasattr(faulthandler, "register") and hasattr(signal, "SIGUSR2"):
        faulthandler.register(signal.SIGUSR2, connection)


class Span:
    """A named period; a context manager that records when it was entered and left.

    ``begin`` and ``end`` are times in seconds, on the clock that all processes share.
    """

    def __init__(self, word: str, record: Callable[..., None]) -> None:
        self.word = word
        self.begin = self.end = 0.0
        self._record = record

    def __enter__(self) -> Span:
        self.begin = now()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end = now()
        self._record("span", self.begin, self.word, self.end)

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return self.end - self.begin


class ActorStage:
    """The stage as an actor sees it: the actor receives it as its first argument.

    An environment variable cannot replace it: the children of a fork server have the environment
    with which the server was started. ``patience`` is the bound, in seconds, of an actor's own
    calls; ``notes`` is the folder where the actor's process notes its memory mappings.
    """

    def __init__(
        self,
        address: Any,
        token: bytes,
        name: str,
        start_method: str,
        patience: float,
        notes: str,
    ) -> None:
        self.address = address
        self.token = token
        self.name = name
        self.start_method = start_method
        self.patience = patience
        self.notes = notes
        self.director = os.getpid()
        self._channel: Channel | None = None
        self._cues: list[str] = []

    @property
    def mp(self) -> Multiprocessing:
        """The package under test, with the start method of the claim."""
        return context(self.start_method)

    def connect(self) -> None:
        """Connect to the stage and enter. Raises OSError if the stage is gone."""
        connection = connect(self.address)
        connection.settimeout(self.patience)
        self._channel = Channel(connection)
        if os.getpid() != self.director:
            if hasattr(os, "setpgid"):
                os.setpgid(0, 0)  # so that the processes that it starts can be ended with it
            send_stack_on_request(connection)
        connection.sendall(self.token)
        self._record("hello", now(), self.name, os.getpid())

    def leave(self) -> None:
        """Close the connection of an actor in a thread; the end of a process closes its own."""
        if self._channel is not None and os.getpid() == self.director:
            self._channel.close()

    def say(self, word: str, *values: Any) -> None:
        """Report ``word`` with ``values``, and the time of this call.

        Raises TypeError if ``values`` are not plain data.
        """
        try:
            self._record("say", now(), word, *values)
        except ValueError:
            raise TypeError(f"said {word!r} with {_odd(values)}: {_PLAIN}") from None

    def start(self, ticket: tuple[Any, ...], **settings: Any) -> AProcess:
        """Start a nested actor in a child of this process and return the child.

        ``ticket`` comes from the test's ``stage.nested(...)``; ``settings`` are arguments of the
        child's Process.
        """
        child = self.mp.Process(target=perform, args=ticket, **settings)
        child.start()
        return child

    def span(self, word: str) -> Span:
        """A context manager that reports when the actor was inside it."""
        return Span(word, self._record)

    def wait_for_cue(self, word: str) -> None:
        """Wait until the test cues ``word``, for at most twice the patience.

        The test times out first, and its message says more. An actor whose stage is gone exits
        silently. Raises TimeoutError if the cue does not come in time.
        """
        channel = self._channel
        assert channel is not None, "only an actor that has entered can be cued"
        channel.socket.settimeout(2 * self.patience)
        try:
            channel.send("waits", now(), word)
        except OSError:
            sys.exit(0)
        while word not in self._cues:
            channel.read()
            if channel.ended:
                sys.exit(0)
            self._cues += [frame[0] for frame in channel.frames()]
        self._cues.remove(word)

    def _record(self, *frame: Any) -> None:
        assert self._channel is not None, "only an actor that has entered can report"
        self._channel.send(*frame)


def perform(stage: ActorStage, actor: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Run ``actor`` in this process or thread and report how it ended.

    An actor that raises an exception ends with exit code 1. Its traceback is sent to the stage
    and printed nowhere else.
    """
    stage.connect()
    note_mappings(stage.notes)
    try:
        value = actor(stage, *args, **kwargs)
        try:
            stage._record("returned", now(), value)
        except ValueError:
            stage._record("raised", now(), f"returned {_odd(value)}: {_PLAIN}", "")
            sys.exit(1)
    except Exception as error:
        import traceback

        summary = "".join(traceback.format_exception_only(error)).strip()
        below = error.__traceback__ and error.__traceback__.tb_next  # without this function
        text = "".join(traceback.format_exception(type(error), error, below))
        stage._record("raised", now(), f"raised {summary}", text)
        sys.exit(1)
    finally:
        stage.leave()


_PLAIN = "results are plain data (numbers, str, bytes, tuple, list, dict)"


def _odd(value: Any) -> str:
    """Return the name of the type, in ``value``, that cannot be reported."""
    for item in value if isinstance(value, (tuple, list)) else ():
        try:
            marshal.dumps(item)
        except ValueError:
            return _odd(item)
    return f"a {type(value).__name__}"
