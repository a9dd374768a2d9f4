"""The stage: a test uses it to start actors, listen to them, cue them and end them.

Every wait has a bound. The error of a wait that exceeds it names the actor and the word that did
not come. All processes that the stage has started end with the scene.
"""

from __future__ import annotations

import difflib
import functools
import re
import secrets
import selectors
import signal
import socket
import sys
import tempfile
import threading
import traceback  # imported here so that forked actors need not import it
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from spec.kit import guardian
from spec.kit.actor import ActorStage, Span, perform
from spec.kit.channel import Channel, keep_from_forks, listen, release
from spec.kit.clock import BEAT, PATIENCE, now
from spec.kit.package import subclass
from spec.kit.platforms import kill_tree, request_stack

if TYPE_CHECKING:
    from spec.kit.protocols import AProcess, Multiprocessing

# A failure shows the chapter's own lines, not these.
__tracebackhide__ = True

# Seconds between two checks of a condition that no actor reports.
_LOOK = 0.02
# Seconds within which an actor that hangs should send its stack.
_STACK = 1.0
# The module of the actors that several chapters use.
_SHARED_ACTORS = "spec.kit.actors"
# The awaited step of an actor: the form after "has not", and the form after "before".
_GERUNDS = {
    "received the cue": "receiving the cue",
    "said": "saying",
    "returned": "returning",
    "ended": "ending",
    "entered": "entering",
}


class TimedOut(Exception):
    """A word, a result or an end did not come within the patience: the claim times out."""


class Gone(Exception):
    """An actor ended before the step that the test waited for: the claim crashes."""


class Event(NamedTuple):
    """One line of the timeline: an action of an actor, a program or the test.

    ``actor`` is its name; ``kind`` is the action, such as "say"; ``text`` is the details.
    ``time``, and ``end`` if the event has a duration, are in seconds on the common clock.
    """

    time: float
    actor: str
    kind: str
    text: str
    end: float | None = None


class _Line(Channel):
    """A connection of an actor or of an unknown process: an actor sends the token first."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self.trusted = False
        self.actor: Actor | None = None


class Nested:
    """Replaces the Process of a nested actor: only the actor that starts it has the Process."""

    pid = exitcode = None

    def is_alive(self) -> bool:
        """Always False: the stage learns of the end from the actor's channel."""
        return False

    def join(self, timeout: float | None = None) -> None:
        """Do nothing: the process is not a child of the test's process."""


class Actor:
    """The test's side of one actor: receives its words, cues it and waits for its end.

    ``process`` is the Process (or Thread) under test that the actor runs in; ``spans`` are the
    spans that it has reported, by name; ``last_word`` is the time of its last report.
    ``ticket`` is for another actor that is to start this one: see :meth:`Stage.nested`.

    An example::

        def hold_until_cued(stage, lock):
            with lock:
                stage.say("holding", lock.acquire(False))
                stage.wait_for_cue("release")
            return "released"


        def test_an_actor_holds_a_lock(mp, stage):
            lock = mp.Lock()
            holder = stage.enter(hold_until_cued, lock)
            assert holder.expect("holding") is False
            assert holder.process.is_alive()
            assert holder.returns(cue="release") == "released"
    """

    ticket: tuple[Any, ...] = ()

    def __init__(
        self,
        stage: Stage,
        name: str,
        process: AProcess | threading.Thread | Nested,
        module: str,
    ) -> None:
        self.name = name
        self.process = process
        self.pid: int | None = None
        self.spans: dict[str, Span] = {}
        self.last_word = 0.0
        self._stage = stage
        self._channel: Channel | None = None
        self.module = module
        self._said: list[tuple[str, tuple[Any, ...]]] = []
        self._words: list[str] = []
        self._cued: list[str] = []
        self._awaited_cue = ""
        self._result: tuple[Any] | None = None
        self.failure: str | None = None

    def expect(self, word: str) -> Any:
        """Wait until the actor says ``word``; returns the values that it says with the word.

        That is None, one value, or a tuple of several values. If an actor says a word twice, each
        ``expect`` takes one of them. Raises TimedOut after the patience, Gone if the actor ends
        first, and AssertionError if any actor raises an exception or if this actor returns without
        saying the word.
        """
        self._stage.refuse_unknown([self], word)
        self._stage.wait([self], lambda: self.has_said(word), "said", word)
        values = self._said.pop(self._place_of(word))[1]
        return values[0] if len(values) == 1 else values or None

    def does_not_say(self, word: str, beats: int = 1) -> bool:
        """Listen for some beats; returns True if ``word`` does not come.

        Some actor has to say the word later in the scene, else the claim fails: the absence of a
        word that no actor ever says proves nothing.
        """
        return self._stage.none_says([self], word, beats)

    def has_said(self, word: str) -> bool:
        """Whether the actor has said ``word`` and no ``expect`` has taken it; does not wait."""
        return any(said == word for said, _ in self._said)

    def has_ever_said(self, word: str) -> bool:
        """Whether the actor has said ``word``, even if an ``expect`` has taken it."""
        return word in self._words

    def cue(self, word: str) -> None:
        """Give the actor the cue ``word``: it continues when it waits for it, now or later."""
        self._stage.wait([self], lambda: self._channel is not None, "entered")
        assert self._channel is not None
        self._cued.append(word)
        self._stage.record(now(), "test", "cue", f"{word} → {self.name}")
        with suppress(OSError):
            self._channel.send(word)
            return
        # It has ended, and its last reports may still be in transit.
        self._stage.wait([self], lambda: False, "received the cue", word)

    def returns(self, cue: str = "") -> Any:
        """Wait for the actor's result and for the end of its process; returns the result.

        ``cue`` is given first, if there is one. Raises TimedOut or Gone as ``expect`` does, and
        AssertionError if the exit code is not zero.
        """
        if cue:
            self.cue(cue)
        self._stage.wait([self], lambda: self._result is not None, "returned")
        code = self.exit_code()
        assert code in (0, None), f"{self.name} returned, but its exit code is {code}"
        assert self._result is not None
        return self._result[0]

    def wait_until_gone(self) -> None:
        """Wait for end-of-file on the actor's channel, which the kernel closes with the process.

        The package is not asked. The exit code may be available a moment later: an interpreter
        that exits closes its files first, and a signal in between could still kill it.
        """
        self._stage.wait([self], lambda: self.has_ended, "ended")

    def exit_code(self) -> int | None:
        """Wait for the end of the actor; returns the exit code, or None for a thread.

        Waits for end-of-file first, as :meth:`wait_until_gone` does. Raises TimedOut after the
        patience.
        """
        self._stage.wait([self], lambda: self.has_ended, "ended", ending=True)
        if not _joined(self.process, self._stage.patience):
            raise TimedOut(
                f"{self.name} has ended, but join() did not see it "
                f"within {self._stage.patience:g} s"
            )
        return getattr(self.process, "exitcode", None)

    @property
    def is_thread(self) -> bool:
        """Whether the actor runs in a thread of the test's process."""
        return isinstance(self.process, threading.Thread)

    @property
    def has_ended(self) -> bool:
        """Whether the actor's channel is closed: the kernel closes it when the process ends."""
        return self._channel is not None and self._channel.ended

    @property
    def never_came(self) -> bool:
        """Whether the actor's process ended before it entered."""
        if isinstance(self.process, Nested):
            return False
        return self._channel is None and not self.process.is_alive()

    def take(self, frame: tuple[Any, ...]) -> None:
        """Note a report of the actor."""
        kind, time, *rest = frame
        self.last_word = time
        self._awaited_cue = ""
        if kind == "say":
            self._said.append((rest[0], tuple(rest[1:])))
            self._words.append(rest[0])
            self._stage.said.add(rest[0])
            text = " ".join([rest[0], *map(repr, rest[1:])])
            self._stage.record(time, self.name, kind, text)
        elif kind == "span":
            span = self.spans[rest[0]] = Span(rest[0], self._stage.record)
            span.begin, span.end = time, rest[1]
            self._stage.record(time, self.name, kind, rest[0], span.end)
        elif kind == "waits":
            self._awaited_cue = rest[0]
            self._stage.record(time, self.name, kind, f"for the cue {rest[0]}")
        elif kind == "returned":
            self._result = (rest[0],)
            self._stage.record(time, self.name, kind, repr(rest[0]))
        elif kind == "raised":
            summary, text = rest
            self.failure = f"{self.name} {summary}\n{text}".rstrip()
            kind, _, summary = summary.partition(" ")
            self._stage.record(time, self.name, kind, summary)

    def doing_instead(self) -> str:
        """The state of an actor that did not do the awaited step; empty if it is unknown."""
        if self._channel is None:
            return "; it has not entered"
        if self._awaited_cue:
            cued = ", ".join(map(repr, self._cued)) or "nothing"
            return f"; it waits for the cue {self._awaited_cue!r}; cued: {cued}"
        stack = self._stack()
        return f"\nstack of {self.name}:\n{stack}" if stack else ""

    def end_before(self, what: str) -> Exception:
        """The error for an actor that ended before ``what``, a gerund such as "returning"."""
        if self._result is not None:
            said = ", ".join(map(repr, self._words)) or "nothing"
            return AssertionError(
                f"{self.name} returned {self._result[0]!r} without {what}; it said {said}"
            )
        last = f"after saying {self._words[-1]!r}" if self._words else "without a word"
        return Gone(f"{self.name} {_ended(self.process)} {last}, before {what}")

    def _stack(self) -> str:
        """The actor's stack, its last call first; empty if it is not available here."""
        if isinstance(self.process, threading.Thread):
            frame = sys._current_frames().get(self.process.ident or 0)
            lines = list(_calls(frame))
        else:
            lines = self._sent_stack().splitlines()
        return "\n".join(_without_kit(lines))

    def _sent_stack(self) -> str:
        assert self._channel is not None
        while self._stage.listen(0):
            pass
        # After its end the PID may be another's, and the signal would end that.
        if self.has_ended or self.pid is None or not request_stack(self.pid):
            return ""
        deadline = now() + _STACK
        before, text = "", self._channel.text()
        while now() < deadline and (not text or text != before):  # it comes in pieces
            self._stage.listen(_LOOK)
            before, text = text, self._channel.text()
        return text

    def attach(self, channel: Channel, pid: int) -> None:
        """Note that the actor has entered."""
        self._channel, self.pid = channel, pid
        if not self.is_thread:
            guardian.watch(pid)

    def dismiss(self) -> None:
        """End the actor, whatever it is doing, and close its channel and Process."""
        if self._channel is not None:
            self._channel.close()
        if isinstance(self.process, threading.Thread):
            self.process.join(self._stage.patience)
            return
        if isinstance(self.process, Nested):
            self._dismiss_nested()
            return
        pid, alive = _standing(self.process)
        if alive and pid is not None:
            kill_tree(pid)
        if pid is not None:
            _joined(self.process, self._stage.patience)
            guardian.forget(pid)
        if not alive or self.process.exitcode is not None:
            self.process.close()

    def _dismiss_nested(self) -> None:
        """End a process that is not a child of this one.

        It is killed only before end-of-file: after its end its PID may be reused.
        """
        if self.pid is not None:
            if not self.has_ended:
                kill_tree(self.pid)
            guardian.forget(self.pid)

    def _place_of(self, word: str) -> int:
        return [said for said, _ in self._said].index(word)


def _joined(process: AProcess | threading.Thread | Nested, patience: float) -> bool:
    """Whether the process (or thread) ends within ``patience`` seconds.

    It joins in small steps: join() with a timeout does not notice the end of a forked child while
    a child of that child holds the other end of its sentinel; is_alive() does.
    """
    deadline = now() + patience
    while process.is_alive():
        if now() > deadline:
            return False
        process.join(_LOOK)
    return True


@functools.cache
def _words_in(module: str) -> frozenset[str] | None:
    """The words that a module's actors say; None if some of them are not literals."""
    source = Path(sys.modules[module].__file__ or "").read_text(encoding="utf-8")
    words = re.findall(r"""\.say\(\s*(?:"([^"]*)"|'([^']*)'|(.))""", source)
    if any(other for *_, other in words) or re.search(r"\.say\b(?!\()", source):
        return None
    return frozenset(double or single for double, single, _ in words)


def _calls(frame: FrameType | None) -> Iterator[str]:
    """The lines of a thread's stack in the format of faulthandler."""
    for each, line in traceback.walk_stack(frame):
        yield f'  File "{each.f_code.co_filename}", line {line} in {each.f_code.co_name}'


def _without_kit(lines: list[str]) -> Iterator[str]:
    """The lines of one or several stacks, without the kit's own calls below the actor."""
    below = False
    for line in lines:
        below = (below and line.startswith(" ")) or line.endswith(" in perform")
        if not below:
            yield line


def _ended(process: AProcess | threading.Thread | Nested) -> str:
    """How a process ended, as the predicate of a sentence about its actor."""
    code = getattr(process, "exitcode", None)
    if code is None:
        return "ended"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:  # no signal has this number: the process exited
        return f"ended with exit code {code}"


def _standing(process: AProcess) -> tuple[int | None, bool]:
    """The PID, and whether the process is alive; (None, False) if the claim has closed it."""
    try:
        return process.pid, process.pid is not None and process.is_alive()
    except ValueError:  # "process object is closed"
        return None, False


class Stage:
    """Starts the actors of one scene, listens to them, and ends those that are still running.

    ``mp`` is the package with one start method; ``patience`` is the bound of every wait in
    seconds; ``timeline`` is the list of all events of actors and the test, with their times.
    ``said`` are the words that actors said; ``listened_for`` are those that did not come while
    the test listened for them.

    An example::

        def ask_for_a_beat(stage, lock):
            return lock.acquire(timeout=BEAT)


        def hold_until_cued(stage, lock):
            with lock:
                stage.say("holding")
                stage.wait_for_cue("release")


        def test_a_lock_excludes(mp, stage):
            lock = mp.Lock()
            holder = stage.enter(hold_until_cued, lock)
            holder.expect("holding")
            assert stage.result_of(ask_for_a_beat, lock) is False
            holder.returns(cue="release")
            assert stage.result_of(ask_for_a_beat, lock) is True
    """

    def __init__(
        self,
        mp: Multiprocessing,
        patience: float = PATIENCE,
        timeline: list[Event] | None = None,
    ) -> None:
        self.mp = mp
        self.patience = patience
        self.began = now()
        self.timeline = [] if timeline is None else timeline
        self.said: set[str] = set()
        self.listened_for: set[str] = set()
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
        """Start ``actor(stage, *args)`` in a new process; returns the test's side of it.

        ``by`` creates the object that runs the actor: the package's Process by default, or another
        class with the same interface, such as threading.Thread. ``settings`` are further
        arguments for it.
        """
        entering = self.prepare(actor, *args, by=by, **settings)
        assert not isinstance(entering.process, Nested)
        entering.process.start()
        return entering

    def prepare(
        self,
        actor: Callable[..., Any],
        *args: Any,
        by: Callable[..., Any] | None = None,
        **settings: Any,
    ) -> Actor:
        """As :meth:`enter`, but the test calls ``start()`` on the actor's ``process`` itself."""
        stage = self._pass_for(actor.__name__)
        make = by or self.mp.Process
        process = make(target=perform, args=(stage, actor, *args), **settings)
        return self._admit(stage, process, actor)

    def nested(self, actor: Callable[..., Any], *args: Any) -> Actor:
        """The test's side of an actor that another actor will start.

        The other actor receives the ``ticket`` of the nested actor as an argument and calls
        ``stage.start(ticket)``.
        """
        stage = self._pass_for(actor.__name__)
        written = self._admit(stage, Nested(), actor)
        written.ticket = (stage, actor, *args)
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
        """Start a ``process_class``, created with ``(stage, *args)``.

        Its ``run`` has to call :func:`spec.kit.perform`. Returns the test's side of the actor.
        """
        stage = self._pass_for(plain.__name__)
        process = subclass(plain, stage.start_method)(stage, *args)
        actor = self._admit(stage, process, plain)
        process.start()
        return actor

    def _admit(self, stage: ActorStage, process: Any, performer: Callable[..., Any]) -> Actor:
        actor = self._actors[stage.name] = Actor(self, stage.name, process, performer.__module__)
        return actor

    def result_of(self, actor: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        """Start ``actor`` and return its result: ``enter(...).returns()``."""
        return self.enter(actor, *args, **settings).returns()

    def span(self, word: str) -> Span:
        """A context manager that notes in the timeline how long the test was inside it."""
        return Span(
            word, lambda kind, begin, text, end: self.record(begin, "test", kind, text, end)
        )

    def at_some_beat(self, scene: Callable[[float], bool]) -> bool:
        """Play ``scene(beat)`` until it returns True, its witness; returns whether it did.

        It is for claims that something *can* happen. Each beat is twice as long as the previous
        one: on a busy machine a longer beat finds the witness that a shorter one missed, and what
        never happens has no witness at any beat. With the longest beat a scene of seven beats
        still fits into the patience.
        """
        beat = BEAT
        while 7 * beat <= self.patience:
            if scene(beat):
                return True
            beat *= 2
        return False

    def first_to_say(self, actors: Sequence[Actor], word: str) -> Actor:
        """Wait until one of ``actors`` says ``word``; returns that actor.

        It is :meth:`Actor.expect` for several actors, and raises as it does: Gone as soon as one
        of them ends without saying the word.
        """

        def saying() -> list[Actor]:
            return [actor for actor in actors if actor.has_said(word)]

        self.refuse_unknown(actors, word)
        self.wait(actors, lambda: bool(saying()), "said", word)
        chosen = saying()[0]
        chosen.expect(word)
        return chosen

    def none_says(self, actors: Sequence[Actor], word: str, beats: int = 1) -> bool:
        """Listen for some beats to all of ``actors``; returns True if none of them says ``word``.

        See :meth:`Actor.does_not_say`. More than one beat is for slow claims.
        """
        self.refuse_unknown(actors, word)
        self.listened_for.add(word)
        deadline = now() + beats * BEAT
        while not any(actor.has_said(word) for actor in actors) and (left := deadline - now()) > 0:
            self.listen(left)
        return not any(actor.has_said(word) for actor in actors)

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Call ``ready`` again and again until it returns true.

        It is for a state that only the object under test shows. Raises TimedOut after the
        patience; its message names ``what``.
        """
        deadline = now() + self.patience
        while not ready():
            self._complain()
            if now() > deadline:
                raise TimedOut(f"{what} did not happen within {self.patience:g} s")
            self.listen(_LOOK)

    @property
    def never_said(self) -> list[str]:
        """The words that the test listened for and that no actor has said in the whole scene."""
        return sorted(self.listened_for - self.said)

    def refuse_unknown(self, actors: Sequence[Actor], word: str) -> None:
        """Raise AssertionError if no actor of the scene can say ``word``, as far as can be seen.

        The words are read from the actors' files; where a word there is not a literal, any word
        may be said.
        """
        if word in self.said:
            return
        said: set[str] = set()
        modules = {actor.module for actor in self._actors.values()}
        if _SHARED_ACTORS in sys.modules:  # an actor may call one of these
            modules.add(_SHARED_ACTORS)
        for module in modules:
            words = _words_in(module)
            if words is None or word in words:
                return
            said |= words
        near = difflib.get_close_matches(word, said, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        names = " or ".join(actor.name for actor in actors)
        raise AssertionError(f"{names} cannot say {word!r}: no actor of this chapter says it{hint}")

    def record(
        self, time: float, actor: str, kind: str, text: str, end: float | None = None
    ) -> None:
        """Note an event in the timeline."""
        self.timeline.append(Event(time, actor, kind, text, end))

    def wait(
        self,
        actors: Sequence[Actor],
        ready: Callable[[], bool],
        verb: str,
        word: str = "",
        ending: bool = False,
    ) -> None:
        """Listen until ``ready()``; raises TimedOut, Gone or AssertionError, naming the actor.

        ``verb`` and ``word`` name the awaited step of one of the actors in messages; ``ending`` is
        true if the test waits for the end, even if it comes before the actor has entered.
        """
        deadline = now() + self.patience
        step = f" {word!r}" if word else ""
        while not ready():
            self._complain()
            for actor in actors:
                done = len(actors) > 1 and actor.has_ever_said(word)
                if (actor.has_ended or actor.never_came) and not done:
                    while self.listen(_LOOK):  # its last reports may still be in transit
                        pass
                    if ready() or (ending and actor.never_came):
                        return
                    self._complain()
                    _joined(actor.process, self.patience)
                    raise actor.end_before(_GERUNDS[verb] + step)
            left = deadline - now()
            if left <= 0:
                names = " or ".join(actor.name for actor in actors)
                raise TimedOut(
                    f"{names} has not {verb}{step} within {self.patience:g} s"
                    + "".join(actor.doing_instead() for actor in actors)
                )
            entered = all(actor.pid is not None for actor in actors)
            self.listen(left if entered else min(left, _LOOK))

    def listen(self, seconds: float) -> bool:
        """Receive reports, waiting at most ``seconds``; returns whether any data has come."""
        heard = self._selector.select(seconds)
        for key, _ in heard:
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._hear(key.data)
        return bool(heard)

    def close(self) -> None:
        """End the scene and all actors that were started in it."""
        with ExitStack() as ending:  # all are dismissed, even if one dismissal fails
            # A process that could not be started still holds its arguments: drop it, last.
            ending.callback(self._actors.clear)
            ending.callback(self._path.unlink, missing_ok=True)
            ending.callback(release, self._listener)
            ending.callback(release, self._selector)
            for line in [key.data for key in self._selector.get_map().values() if key.data]:
                ending.callback(line.close)
            # Callbacks run in reverse order: processes first, a thread may be joining one.
            for actor in sorted(self._actors.values(), key=lambda actor: not actor.is_thread):
                ending.callback(actor.dismiss)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # the peer has ended since, which makes accept() fail on Windows
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
        """Check the token: data from an unknown process is never decoded."""
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
        """Raise AssertionError if an actor has raised: probably nothing else will come."""
        for actor in self._actors.values():
            if actor.failure is not None:
                raise AssertionError(actor.failure)
