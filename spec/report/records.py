"""Many records folded into one matrix: claims, start methods and environments.

A record is folded in line by line, so that memory does not grow with the number of records. The
content of a record is not trusted: each value that is used is checked, and a file with a wrong one
gets one line.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from spec.report import catalogue
from spec.report.plays import HOLDS, RED, VERDICTS
from spec.report.record import RecordError, lines

#: The verdict of a claim whose runs in one environment disagree.
WAVERS = "wavers"
# The bounds of what a record may say: characters of a name, a reason and an event's text; events;
# seconds and CPUs.
_LONGEST_NAME = 200
_LONGEST_REASON = 1000
_LONGEST_TEXT = 500
_MOST_EVENTS = 500
_MOST = 10.0**7
# So many unknown claims are named.
_NAMED = 3
# The capabilities that an implementation or a platform never has. The name of an environment does
# not repeat them.
_USUALLY_MISSING = {
    "PyPy": {"counted-references", "guarded-views", "waitid"},
    "macOS": {"affinity", "native-pids", "semaphore-value"},
    "Windows": {
        "affinity",
        "descriptors",
        "eight-bit-status",
        "named-memory",
        "named-semaphores",
        "native-pids",
        "scripts",
        "sessions",
        "several-start-methods",
        "signals",
        "waitid",
    },
}
_SIMULATED = {"darwin": "macOS", "win32": "Windows"}
# An ordinary name of an environment: no other ordinary name has the same slug.
_ORDINARY = re.compile(
    r"(CPython|PyPy) [a-z0-9.+]+, (Linux|macOS|Windows)( [a-z0-9_.]+)*"
    r"(, (glibc|musl) [0-9.]+)?(, no GIL)?(, simulated (darwin|win32))?(, without [a-z-]+)*"
)


class InvalidError(Exception):
    """A line has a value that no record has."""


class Environment(NamedTuple):
    """The facts that a verdict depends on, beside the claim and the start method.

    ``system`` is the platform without the version of its kernel, with its C library. ``simulated``
    is "", "darwin" or "win32". ``missing`` are the capabilities and start methods that are missing
    or were taken away, sorted.
    """

    implementation: str
    python_implementation: str
    python: str
    gil: bool
    system: str
    simulated: str
    missing: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name for people, such as "CPython 3.13.0, Linux x86_64, glibc 2.36"."""
        package = "" if self.implementation == "multiprocessing" else f"{self.implementation} of "
        return ", ".join(
            [
                f"{package}{self.python_implementation} {self.python}",
                self.system,
                *([] if self.gil else ["no GIL"]),
                *([f"simulated {self.simulated}"] if self.simulated else []),
                *(f"without {name}" for name in self.missing if name not in self._usual()),
            ]
        )

    @property
    def slug(self) -> str:
        """The name for links and files; no other environment has the same.

        Such as "cpython-3.13.0-linux-x86_64-glibc-2.36". A name that is not ordinary is made
        unique by a digest.
        """
        slug = re.sub(r"[^a-z0-9._+]+", "-", self.name.lower())[:100].strip("-.")
        if (
            len(slug) < 100
            and _ORDINARY.fullmatch(self.name)
            and self._usual() <= {"gil", "no-gil", *self.missing}
        ):
            return slug
        digest = hashlib.sha256(repr(tuple(self)).encode()).hexdigest()
        return f"{slug}-{digest[:8]}"

    @property
    def version(self) -> tuple[int, int, int, str, int]:
        """The version of Python, to be compared: a beta before its release."""
        found = re.match(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:(a|b|rc)(\d{1,9}))?", self.python)
        major, minor, patch, stage, serial = found.groups() if found else (0, 0, 0, None, None)
        return int(major), int(minor), int(patch), stage or "released", int(serial or 0)

    @property
    def rank(self) -> tuple[Any, ...]:
        """The place among environments, to be compared."""
        return (
            self.implementation != "multiprocessing",
            self.implementation,
            self.python_implementation,
            self.version,
            self.python,
            not self.gil,
            self.simulated,
            self.system,
            self.missing,
        )

    def _usual(self) -> set[str]:
        system = _SIMULATED.get(self.simulated) or self.system.partition(" ")[0]
        return {
            "gil",
            "no-gil",
            *_USUALLY_MISSING.get(self.python_implementation, ()),
            *_USUALLY_MISSING.get(system, ()),
        }


class Surroundings:
    """The facts about an environment beside its key, from all of its runs."""

    def __init__(self) -> None:
        self.runs = 0
        #: The number of runs that did not decide all of their plays.
        self.incomplete = 0
        #: The duration of the longest complete run; 0 if none was complete.
        self.seconds = 0.0
        self.default_start_method = ""
        self.start_methods: list[str] = []
        #: How often each was seen.
        self.builds: Counter[str] = Counter()
        self.platforms: Counter[str] = Counter()
        self.cpus: Counter[int] = Counter()
        #: When the first and the last of the runs started.
        self.first = datetime.max.replace(tzinfo=UTC)
        self.last = datetime.min.replace(tzinfo=UTC)


class Cell:
    """One claim under one start method in one environment, from all of its runs."""

    __slots__ = ("_latest", "events", "longest", "reason", "shortest", "total", "verdicts")

    def __init__(self) -> None:
        #: How many runs have each verdict.
        self.verdicts: dict[str, int] = {}
        #: The reason of the latest run that is red, else of the latest that does not hold.
        self.reason = ""
        self.shortest = math.inf
        self.longest = 0.0
        self.total = 0.0
        #: The timeline as JSON, which takes less memory; empty if none was kept.
        self.events = ""
        # Whether the run of the reason is red, and when it started.
        self._latest: tuple[bool, datetime] | None = None

    @property
    def verdict(self) -> str:
        """The verdict of all runs, or "wavers" if they disagree."""
        return next(iter(self.verdicts)) if len(self.verdicts) == 1 else WAVERS

    @property
    def runs(self) -> int:
        """The number of runs."""
        return sum(self.verdicts.values())

    @property
    def timeline(self) -> list[list[Any]]:
        """The timeline of the latest red run, else of one that holds, else an empty list.

        Of the cells of a claim and a start method that are not red, one has a timeline.
        """
        return json.loads(self.events) if self.events else []

    def take(self, play: _Play, started: datetime) -> None:
        """Add the play of a run that started at ``started``."""
        self.verdicts[play.verdict] = self.verdicts.get(play.verdict, 0) + 1
        self.shortest = min(self.shortest, play.seconds)
        self.longest = max(self.longest, play.seconds)
        self.total += play.seconds
        if play.verdict == HOLDS:
            return
        latest = play.verdict in RED, started
        if self._latest is None or latest >= self._latest:
            self._latest = latest
            self.reason = play.reason
            if play.verdict in RED:
                self.events = _timeline(play.timeline)


class Matrix:
    """All environments and cells, and one line for each file that could not be used fully."""

    def __init__(self) -> None:
        #: The environment of each file that was used.
        self.files: dict[Path, Environment] = {}
        self.environments: dict[Environment, Surroundings] = {}
        #: The keys are the claim's id, the start method and the environment. The start method is ""
        #: for a claim that is played once, because none is involved.
        self.cells: dict[tuple[str, str, Environment], Cell] = {}
        self.problems: list[str] = []


class _Head(NamedTuple):
    environment: Environment
    started: datetime
    build: str
    platform: str
    start_methods: list[str]
    default_start_method: str
    cpus: int


class _Play(NamedTuple):
    claim: str
    start_method: str
    verdict: str
    seconds: float
    reason: str
    timeline: Any


def fold(paths: Iterable[Path]) -> Matrix:
    """Fold the records into one matrix; equal environments merge.

    Of a folder, all files ``*.jsonl`` in it and below it are taken. A file that cannot be used, or
    only in part, adds a line to the problems of the matrix. Raises CatalogueError if a chapter
    cannot be imported.
    """
    folding = _Folding()
    for path in paths:
        if not path.is_dir():
            folding.add(path)
        elif found := sorted(path.rglob("*.jsonl")):
            for each in found:
                folding.add(each)
        else:
            folding.note(f"{path} has no records: no file *.jsonl is in it")
    return folding.finish()


class _Folding:
    """A matrix that grows record by record."""

    def __init__(self) -> None:
        self._matrix = Matrix()
        self._known = catalogue.by_id()
        self._unknown: Counter[str] = Counter()
        self._files: dict[bytes, Path] = {}
        # The timelines of plays that hold, as JSON, each from the newest Python.
        self._shown: dict[tuple[str, str], tuple[tuple[Any, ...], Environment, str]] = {}

    def add(self, path: Path) -> None:
        """Add one record, as far as it can be used."""
        try:
            with closing(lines(path)) as parsed:
                head = _head(next(parsed))
                if twin := self._twin(path):
                    raise RecordError(f"{path} has the content of {twin}, and counts once")
                self._add(path, head, parsed)
        except InvalidError:
            self.note(f"{path} is not a record: its head has a wrong value")
        except (RecordError, OSError) as error:
            self.note(str(error))

    def _twin(self, path: Path) -> Path | None:
        """The file that was added before and has the same content, or None."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        first = self._files.setdefault(digest, path)
        return None if first is path else first

    def _add(self, path: Path, head: _Head, parsed: Iterable[dict[str, Any]]) -> None:
        surroundings = self._matrix.environments.setdefault(head.environment, Surroundings())
        self._matrix.files[path] = head.environment
        _describe(surroundings, head)
        complete, seconds = False, 0.0
        seen: set[tuple[str, str]] = set()
        try:
            for line in parsed:
                if line["kind"] == "foot":
                    complete = line.get("complete") is True
                    seconds = _number(line.get("seconds"))
                else:
                    self._play(_play(line, seen), head)
        except InvalidError:
            complete = False
            number = len(seen) + 2  # after the head and the plays
            raise RecordError(
                f"{path}: line {number} is damaged: {len(seen)} plays before it count"
            ) from None
        except RecordError as error:
            complete = False
            raise RecordError(f"{error}: {len(seen)} plays before it count") from None
        finally:
            surroundings.incomplete += not complete
            if complete:
                surroundings.seconds = max(surroundings.seconds, seconds)

    def _play(self, play: _Play, head: _Head) -> None:
        if play.claim not in self._known:
            self._unknown[play.claim] += 1
            return
        key = play.claim, play.start_method, head.environment
        cell = self._matrix.cells.setdefault(key, Cell())
        cell.take(play, head.started)
        if play.verdict == HOLDS and play.timeline:
            self._show(play, head.environment)

    def _show(self, play: _Play, environment: Environment) -> None:
        """Keep the timeline of a play that holds, unless one of a newer Python is kept."""
        key = play.claim, play.start_method
        age = (
            not environment.simulated,
            environment.implementation == "multiprocessing",
            environment.python_implementation == "CPython",
            environment.gil,
            environment.version,
        )
        if key not in self._shown or age > self._shown[key][0]:
            self._shown[key] = age, environment, _timeline(play.timeline)

    def note(self, problem: str) -> None:
        """Add a problem."""
        self._matrix.problems.append(_clean(problem, _LONGEST_REASON))

    def finish(self) -> Matrix:
        """The matrix, with its environments in order and the timelines of plays that hold."""
        matrix = self._matrix
        matrix.environments = dict(
            sorted(matrix.environments.items(), key=lambda pair: pair[0].rank)
        )
        for (claim, method), (_, environment, events) in self._shown.items():
            cell = matrix.cells[claim, method, environment]
            cell.events = cell.events or events
        if self._unknown:
            named = ", ".join(sorted(self._unknown)[:_NAMED])
            more = len(self._unknown) - _NAMED
            self.note(
                f"{self._unknown.total()} plays are left out, of claims that are unknown here: "
                + named
                + (f" and {more} more" if more > 0 else "")
            )
        return matrix


def _describe(surroundings: Surroundings, head: _Head) -> None:
    """Add the surroundings of one more run."""
    surroundings.runs += 1
    surroundings.builds[head.build] += 1
    surroundings.platforms[head.platform] += 1
    surroundings.cpus[head.cpus] += 1
    surroundings.first = min(surroundings.first, head.started)
    if head.started >= surroundings.last:
        surroundings.last = head.started
        surroundings.default_start_method = head.default_start_method
        surroundings.start_methods = head.start_methods


def environment_of(head: dict[str, Any]) -> Environment:
    """The environment that the head of a record, or the facts of a run, describe.

    Raises InvalidError if a value is wrong.
    """
    simulated = _name(head, "simulated")
    gil = head.get("gil")
    if not isinstance(gil, bool) or simulated not in ("", *_SIMULATED):
        raise InvalidError
    missing = {*_names(head, "missing", dict), *_names(head, "taken_away", list)}
    return Environment(
        _name(head, "implementation"),
        _name(head, "python_implementation"),
        _name(head, "python"),
        gil,
        _system(_name(head, "platform"), _name(head, "libc")),
        simulated,
        tuple(sorted(missing)),
    )


def _head(line: dict[str, Any]) -> _Head:
    """The head, checked; raises InvalidError."""
    return _Head(
        environment_of(line),
        _started(line.get("started")),
        _name(line, "build"),
        _name(line, "platform"),
        _names(line, "start_methods", list),
        _name(line, "default_start_method"),
        int(_number(line.get("cpus"))),
    )


def _play(line: dict[str, Any], seen: set[tuple[str, str]]) -> _Play:
    """The play, checked, which must not be among those ``seen``; raises InvalidError."""
    claim, method, verdict = _name(line, "claim"), line.get("start_method"), line.get("verdict")
    # A claim that is not about processes is played once, under no start method.
    methods = ("", *catalogue.START_METHODS)
    if method not in methods or verdict not in VERDICTS or (claim, method) in seen:
        raise InvalidError
    seconds = _number(line.get("seconds"))
    reason = _text(line.get("reason"), _LONGEST_REASON)
    seen.add((claim, method))
    return _Play(claim, method, verdict, seconds, reason, line.get("timeline"))


def _system(platform: str, libc: str) -> str:
    """The platform without the version of its kernel; ``platform`` is platform.platform()."""
    name, *parts = platform.partition("-with")[0].split("-")
    chosen = {"Linux": parts[-1:], "macOS": parts[:2], "Windows": parts[:1]}.get(name, parts)
    system = " ".join([name, *chosen])
    return system if libc in ("", "unknown") else f"{system}, {libc}"


def _started(value: object) -> datetime:
    try:
        started = datetime.fromisoformat(value)  # type: ignore[arg-type]
        return started.astimezone(UTC) if started.tzinfo else started.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise InvalidError from None


def _name(line: dict[str, Any], key: str) -> str:
    return _text(line.get(key), _LONGEST_NAME)


def _names(line: dict[str, Any], key: str, kind: type[list[Any] | dict[Any, Any]]) -> list[str]:
    """The strings in a list, or the keys of an object."""
    value = line.get(key)
    if not isinstance(value, kind):
        raise InvalidError
    return [_text(each, _LONGEST_NAME) for each in value]


def _number(value: Any) -> float:
    """The number, which must be one of seconds or CPUs."""
    if type(value) not in (int, float) or not 0 <= value <= _MOST:
        raise InvalidError
    return float(value)


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidError
    return _clean(value, longest)


def _clean(text: str, longest: int) -> str:
    """The text in one line of printable characters, and cut if it is longer than ``longest``."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in text)


def _timeline(value: Any) -> str:
    """The timeline as JSON, with numbers of four decimals; empty if it is not a timeline."""
    try:
        events = [_event(*event) for event in value[:_MOST_EVENTS]]
    except (TypeError, KeyError, InvalidError):
        return ""
    return json.dumps(events, separators=(",", ":")) if events else ""


def _event(time: object, actor: object, kind: object, text: object, end: object) -> list[Any]:
    if not isinstance(text, str):
        raise InvalidError
    return [
        round(_number(time), 4),
        _text(actor, _LONGEST_NAME),
        _text(kind, _LONGEST_NAME),
        "\n".join(_clean(line, _LONGEST_TEXT) for line in text[:_LONGEST_TEXT].split("\n")),
        None if end is None else round(_number(end), 4),
    ]
