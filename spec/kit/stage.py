"""The stage: what a test uses to start actors, hear them, cue them and reap them.

It never waits without a bound. Its own bounds fire first and name the actor and the word that
never came; what it started, it reaps.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import tempfile
import threading
import traceback  # here for the forked actors, which should find it loaded
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spec.kit import guardian
from spec.kit.actor import ActorStage, Span, perform
from spec.kit.channel import Channel, keep_from_forks, listen, release
from spec.kit.clock import BEAT, PATIENCE, now
from spec.kit.package import subclass
from spec.kit.platforms import kill_tree

if TYPE_CHECKING:
    from spec.kit.protocols import AProcess, Multiprocessing

__all__ = ["Actor", "Gone", "Silence", "Stage", "traceback"]

# How long to wait before looking again at what nobody reports, in seconds.
_LOOK = 0.02


class Silence(Exception):
    """A word, a result or an end did not come within the patience: the claim times out."""


class Gone(Exception):
    """An actor ended without the word it was waited for: the actor crashed."""


class Event(NamedTuple):
    """One line of the timeline: when, in seconds on the common clock; who; what; details."""

    time: float
    actor: str
    kind: str
    text: str
    end: float | None = None


class _Line(Channel):
    """A connection that an actor has made, or a stranger: known when it has shown the token."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self.trusted = False
        self.actor: Actor | None = None


class Elsewhere:
    """Stands in for the handle of a process that another actor starts: only that one has it."""

    pid = exitcode = None

    def is_alive(self) -> bool:
        """Nobody knows here: the end of the actor's channel has to do."""
        return False

    def join(self, timeout: float | None = None) -> None:
        """It is no child of the test's process."""


class Actor:
    """The test's side of one actor: what it said, and the means to cue it and hear its end.

    ``process`` is the process (or thread) under test that the actor runs in; ``spans`` are the
    stretches of time it reported, by name; ``last_word`` is when it last reported anything.
    ``part`` is what another actor needs to start this one; see :meth:`Stage.part`.
    """

    part: tuple[Any, ...] = ()

    def __init__(
        self, stage: Stage, name: str, process: AProcess | threading.Thread | Elsewhere
    ) -> None:
        self.name = name
        self.process = process
        self.pid: int | None = None
        self.spans: dict[str, Span] = {}
        self.last_word = 0.0
        self._stage = stage
        self._channel: Channel | None = None
        self._said: list[tuple[str, tuple[Any, ...]]] = []
        self._result: tuple[Any] | None = None
        self.failure: str | None = None

    def expect(self, word: str) -> Any:
        """Wait for ``word`` and give what was said with it: nothing, a value, or a tuple.

        Each time it is said answers one ``expect``. Raises Silence after the patience, Gone
        when the actor ended first, AssertionError when an actor raised.
        """
        self._stage.wait(self, lambda: self._find(word) is not None, f"said {word!r}")
        index = self._find(word)
        assert index is not None
        values = self._said.pop(index)[1]
        return values[0] if len(values) == 1 else values or None

    def holds_back(self, word: str) -> bool:
        """Listen for one beat: whether ``word`` does not come. One that comes refutes a "never".

        Somebody has to say the word in the course of the scene: to listen for one that nobody
        ever says would prove nothing.
        """
        return self._stage.all_hold_back([self], word)

    def has_said(self, word: str) -> bool:
        """Whether ``word`` has come, and no ``expect`` has taken it yet; it listens to nobody."""
        return self._find(word) is not None

    def cue(self, word: str) -> None:
        """Let the actor go on that waits for the cue ``word``."""
        self._stage.wait(self, lambda: self._channel is not None, "entered")
        assert self._channel is not None
        self._stage.record(now(), "test", "cue", f"{word} → {self.name}")
        self._channel.send(word)

    def returns(self) -> Any:
        """Wait for the actor's result and for the end of its process, and give the result.

        Raises Silence or Gone as ``expect`` does, and AssertionError for a non-zero exit.
        """
        self._stage.wait(self, lambda: self._result is not None, "returned")
        code = self.ends()
        assert code in (0, None), f"{self.name} returned, but its process ended with {code}"
        assert self._result is not None
        return self._result[0]

    def falls_silent(self) -> None:
        """Wait for the end as the kernel tells it, by end-of-file; the package is not asked.

        The exit itself becomes visible a moment later: an interpreter that comes to its end by
        itself closes its files before, so a signal could still end it otherwise.
        """
        self._stage.wait(self, lambda: self.has_ended, "ended")

    def ends(self) -> int | None:
        """Wait for the end of the actor's process or thread; the exit code of a process.

        End-of-file on the evidence's channel comes first: the kernel gives it, not the package.
        """
        self._stage.wait(self, lambda: self.has_ended, "ended", ending=True)
        if not _joined(self.process, self._stage.patience):
            raise Silence(
                f"{self.name} has ended, but join() did not see it "
                f"within {self._stage.patience:g} s"
            )
        return getattr(self.process, "exitcode", None)

    @property
    def is_thread(self) -> bool:
        """Whether it runs in the test's own process."""
        return isinstance(self.process, threading.Thread)

    @property
    def has_ended(self) -> bool:
        """Whether the actor has closed its channel, as every process does when it ends."""
        return self._channel is not None and self._channel.ended

    @property
    def never_came(self) -> bool:
        """Whether the actor's process ended before it could report for duty."""
        if isinstance(self.process, Elsewhere):
            return False
        return self._channel is None and not self.process.is_alive()

    def take(self, frame: tuple[Any, ...]) -> None:
        """Note what the actor reported."""
        kind, time, *rest = frame
        self.last_word = time
        if kind == "say":
            self._said.append((rest[0], tuple(rest[1:])))
            self._stage.said.add(rest[0])
            text = " ".join([rest[0], *map(repr, rest[1:])])
            self._stage.record(time, self.name, kind, text)
        elif kind == "span":
            span = self.spans[rest[0]] = Span(rest[0], self._stage.record)
            span.begin, span.end = time, rest[1]
            self._stage.record(time, self.name, kind, rest[0], span.end)
        elif kind == "returned":
            self._result = (rest[0],)
            self._stage.record(time, self.name, kind, repr(rest[0]))
        elif kind == "raised":
            self.failure = f"{self.name} raised {rest[0]}\n{rest[1]}"
            self._stage.record(time, self.name, kind, rest[0])

    def attach(self, channel: Channel, pid: int) -> None:
        """Note that the actor has reported for duty."""
        self._channel, self.pid = channel, pid
        if not self.is_thread:
            guardian.watch(pid)

    def dismiss(self) -> None:
        """End the actor, whatever it does, and let go of all it held."""
        if self._channel is not None:
            self._channel.close()
        if isinstance(self.process, threading.Thread):
            self.process.join(self._stage.patience)
            return
        if isinstance(self.process, Elsewhere):
            self._dismiss_elsewhere()
            return
        pid, alive = _standing(self.process)
        if alive and pid is not None:
            kill_tree(pid)
        if pid is not None:
            _joined(self.process, self._stage.patience)
            guardian.forget(pid)
        if not alive or self.process.exitcode is not None:
            self.process.close()

    def _dismiss_elsewhere(self) -> None:
        """Nobody here can wait for it, but its number is its own as long as it has not ended."""
        if self.pid is not None:
            if not self.has_ended:
                kill_tree(self.pid)
            guardian.forget(self.pid)

    def _find(self, word: str) -> int | None:
        return next((i for i, said in enumerate(self._said) if said[0] == word), None)


def _joined(process: AProcess | threading.Thread | Elsewhere, patience: float) -> bool:
    """Whether the process (or thread) has ended, waiting up to ``patience`` seconds for it.

    In small steps: a join with a timeout does not notice the end of a forked child as long as
    a child of that one holds its sentinel's other end, and is_alive does.
    """
    deadline = now() + patience
    while process.is_alive():
        if now() > deadline:
            return False
        process.join(_LOOK)
    return True


def _standing(process: AProcess) -> tuple[int | None, bool]:
    """The pid, and whether it still runs; a process that the claim has closed has neither."""
    try:
        return process.pid, process.pid is not None and process.is_alive()
    except ValueError:  # "process object is closed"
        return None, False


class Stage:
    """Where a claim is played.

    ``mp`` is the package with a start method, ``patience`` the bound of every wait in seconds.
    ``timeline`` is the evidence: what the actors and the test did, and when. ``said`` and
    ``held_back`` are the words that were said, and those that were listened for in vain.
    """

    def __init__(self, mp: Multiprocessing, patience: float = PATIENCE) -> None:
        self.mp = mp
        self.patience = patience
        self.began = now()
        self.timeline: list[Event] = []
        self.said: set[str] = set()
        self.held_back: set[str] = set()
        self._actors: dict[str, Actor] = {}
        self._names: Counter[str] = Counter()
        self._token = secrets.token_bytes(16)
        self._path = Path(tempfile.gettempdir(), secrets.token_hex(4))
        self._listener = listen(str(self._path))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        keep_from_forks(self._listener)
        keep_from_forks(self._selector)

    def enter(
        self,
        actor: Callable[..., Any],
        *args: Any,
        by: Callable[..., Any] | None = None,
        **settings: Any,
    ) -> Actor:
        """Start ``actor(stage, *args)`` in a process of its own and give the test's side of it.

        ``by`` is what runs it, the package's Process if not given, else anything that is made
        and started as Process and Thread are; ``settings`` are further arguments for that.
        """
        entering = self.cast(actor, *args, by=by, **settings)
        assert not isinstance(entering.process, Elsewhere)
        entering.process.start()
        return entering

    def cast(
        self,
        actor: Callable[..., Any],
        *args: Any,
        by: Callable[..., Any] | None = None,
        **settings: Any,
    ) -> Actor:
        """As ``enter``, without the start: ``start(the_actor)`` is the test's own affair."""
        stage = self._pass_for(actor.__name__)
        make = by or self.mp.Process
        process = make(target=perform, args=(stage, actor, *args), **settings)
        return self._admit(stage, process)

    def part(self, actor: Callable[..., Any], *args: Any) -> Actor:
        """The test's side of an actor that another actor is going to start.

        What that one needs is ``.part`` of it, to be handed over as an argument: it starts
        ``stage.mp.Process(target=perform, args=part)``.
        """
        stage = self._pass_for(actor.__name__)
        written = self._admit(stage, Elsewhere())
        written.part = (stage, actor, *args)
        return written

    def _pass_for(self, name: str) -> ActorStage:
        self._names[name] += 1
        if self._names[name] > 1:
            name = f"{name} {self._names[name]}"
        return ActorStage(
            self._listener.getsockname(),
            self._token,
            name,
            self.mp.get_start_method(),
            self.patience,
            str(guardian.mappings_folder()),
        )

    def enter_subclass(self, plain: type, *args: Any) -> Actor:
        """Start a ``process_class``, made with ``(stage, *args)``; its ``run`` is to perform."""
        stage = self._pass_for(plain.__name__)
        process = subclass(plain, stage.start_method)(stage, *args)
        actor = self._admit(stage, process)
        process.start()
        return actor

    def _admit(self, stage: ActorStage, process: Any) -> Actor:
        actor = self._actors[stage.name] = Actor(self, stage.name, process)
        return actor

    def play(self, actor: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        """Start ``actor`` and give its result: ``enter(...).returns()``."""
        return self.enter(actor, *args, **settings).returns()

    def span(self, word: str) -> Span:
        """A context manager that notes how long the test was inside it."""
        return Span(
            word, lambda kind, begin, text, end: self.record(begin, "test", kind, text, end)
        )

    def beats(self) -> Iterator[float]:
        """Beats for a scene that must show that something *can* be: each twice the one before.

        A busy machine makes a witness at some beat; what never happens gives none at any. They
        grow as long as a scene of seven beats, the longest there is, fits the patience.
        """
        beat = BEAT
        while 7 * beat <= self.patience:
            yield beat
            beat *= 2

    def first(self, actors: Sequence[Actor], word: str) -> Actor:
        """Wait until one of ``actors`` says ``word``, and give that one; ``expect`` for several.

        None of them may end before that.
        """

        def saying() -> list[Actor]:
            return [actor for actor in actors if actor.has_said(word)]

        self.wait(actors[0], lambda: bool(saying()), f"said {word!r}, nor has any of the others")
        chosen = saying()[0]
        chosen.expect(word)
        return chosen

    def all_hold_back(self, actors: Sequence[Actor], word: str) -> bool:
        """Listen for one beat to all of ``actors`` at once; see :meth:`Actor.holds_back`."""
        self.held_back.add(word)
        deadline = now() + BEAT
        while not any(actor.has_said(word) for actor in actors) and (left := deadline - now()) > 0:
            self.listen(left)
        return not any(actor.has_said(word) for actor in actors)

    def eventually(self, ready: Callable[[], bool], what: str) -> None:
        """Ask ``ready`` again and again until it is true; Silence, saying ``what``, if it is not.

        For what only the object under test can tell, and never before it is so.
        """
        deadline = now() + self.patience
        while not ready():
            self._complain()
            if now() > deadline:
                raise Silence(f"{what} has not come about within {self.patience:g} s")
            self.listen(_LOOK)

    @property
    def held_back_in_vain(self) -> list[str]:
        """The words that were held back, and that nobody has said in the whole scene."""
        return sorted(self.held_back - self.said)

    def record(
        self, time: float, actor: str, kind: str, text: str, end: float | None = None
    ) -> None:
        """Note an event in the timeline."""
        self.timeline.append(Event(time, actor, kind, text, end))

    def wait(
        self, actor: Actor, ready: Callable[[], bool], what: str, ending: bool = False
    ) -> None:
        """Listen until ``ready()``; raises Silence, Gone or AssertionError naming the actor."""
        deadline = now() + self.patience
        while not ready():
            self._complain()
            if actor.has_ended or actor.never_came:
                while self.listen(_LOOK):  # its last words may still be on their way
                    pass
                if ready() or (ending and actor.never_came):
                    return
                self._complain()
                raise self._gone(actor, what)
            left = deadline - now()
            if left <= 0:
                raise Silence(f"{actor.name} has not {what} within {self.patience:g} s")
            self.listen(left if actor.pid is not None else min(left, _LOOK))

    def listen(self, seconds: float) -> bool:
        """Take in what has been reported, waiting at most that long; whether there was any."""
        heard = self._selector.select(seconds)
        for key, _ in heard:
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._hear(key.data)
        return bool(heard)

    def close(self) -> None:
        """End the scene: nothing that was started here is left."""
        with ExitStack() as ending:  # every one is dismissed, even where one dismissal fails
            # a process that could not be started still has its arguments: let go of it, last
            ending.callback(self._actors.clear)
            ending.callback(self._path.unlink, missing_ok=True)
            ending.callback(release, self._listener)
            ending.callback(release, self._selector)
            for line in [key.data for key in self._selector.get_map().values() if key.data]:
                ending.callback(line.close)
            # last called back first: a thread may be waiting for a process to end
            for actor in sorted(self._actors.values(), key=lambda actor: not actor.is_thread):
                ending.callback(actor.dismiss)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # the peer has ended since: Windows then has no connection to give
            return
        connection.settimeout(self.patience)
        self._selector.register(connection, selectors.EVENT_READ, _Line(connection))

    def _hear(self, line: _Line) -> None:
        line.read()
        if not line.trusted:
            self._recognise(line)
        if line.trusted:
            for frame in line.frames():
                self._take(line, frame)
        if line.ended:
            self._selector.unregister(line.socket)
            if line.actor is None:
                line.close()
            else:
                self.record(now(), line.actor.name, "ended", "")

    def _recognise(self, line: _Line) -> None:
        """Check who is calling: nothing that a stranger sends is ever decoded."""
        token = line.take(len(self._token))
        line.trusted = token == self._token
        line.ended = line.ended or (token is not None and not line.trusted)

    def _take(self, line: _Line, frame: tuple[Any, ...]) -> None:
        if frame[0] == "hello":
            _, time, name, pid = frame
            line.actor = self._actors[name]
            line.actor.attach(line, pid)
            self.record(time, name, "entered", f"pid {pid}")
        elif line.actor is not None:
            line.actor.take(frame)

    def _complain(self) -> None:
        """An actor that raised is the reason for whatever does not come: say so at once."""
        for actor in self._actors.values():
            if actor.failure is not None:
                raise AssertionError(actor.failure)

    def _gone(self, actor: Actor, what: str) -> Gone:
        _joined(actor.process, self.patience)
        code = getattr(actor.process, "exitcode", None)
        return Gone(f"{actor.name} is gone without a word, exit code {code}; it has not {what}")
