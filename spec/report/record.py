"""The record of a run: JSON lines, with a head, one line for each play, and a foot.

Each line is written and flushed as soon as it is known. A record without a foot is incomplete:
its run did not reach its end. The schema is ``record.schema.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from spec.kit.claims import Claim
from spec.report.plays import Play

FORMAT = 3
#: The folder where nox's sessions keep the record of the last run of each environment.
KEPT = Path(__file__).parents[2] / ".results"
# The bound of a line in bytes, because a file that is no record may have no newline.
_LONGEST_LINE = 2**24
# The bound of each text of a timeline, in characters: a result may be a megabyte.
_LONGEST_TEXT = 2000
# The kinds of the line after a line of each kind; "" is the beginning of the file.
_NEXT = {"": ("head",), "head": ("play", "foot"), "play": ("play", "foot"), "foot": ()}


class RecordError(Exception):
    """A record cannot be written or read: one line that says why and what to do."""


class Writer:
    """Writes a record, with ``facts`` in its head, to the new file ``path``.

    With ``replaces``, ``path`` may exist: the record takes its place with the first play. So a run
    that plays nothing leaves the previous record as it is, and a run that is killed leaves a record
    of what it played.

    Raises RecordError if the file or its folder cannot be created, or if the file exists already.
    """

    def __init__(self, path: Path, facts: dict[str, Any], replaces: bool = False) -> None:
        #: Why nothing more is written: one line. The claims are still played.
        self.trouble = ""
        self.replaces = replaces
        self._path = path
        self._file: TextIO | None = None
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._head = dict(kind="head", format=FORMAT, started=started, **facts)
        try:
            if replaces:
                path.parent.mkdir(parents=True, exist_ok=True)
            else:
                self._file = path.open("x", encoding="utf-8")
                self._write(**self._head)
        except FileExistsError:
            taken = path.parent if replaces else path
            raise RecordError(f"{taken} exists already: remove it, or give another name") from None
        except OSError as error:
            raise RecordError(f"{path} cannot be written: {error.strerror}") from None

    def play(self, play: Play, claim: Claim) -> None:
        """Write the line of a play of the claim."""
        if self._file is None and not self.trouble:
            self._replace()
        spent = play.cost.processor_seconds
        self._write(
            kind="play",
            claim=claim.id,
            level=claim.level,
            start_method=play.start_method,
            verdict=play.verdict,
            seconds=round(play.seconds, 4),
            processes=play.cost.processes,
            interpreters=play.cost.interpreters,
            processor_seconds=None if spent is None else round(spent, 4),
            reason=play.reason,
            timeline=[_bounded(*event) for event in play.timeline],
        )

    def close(self, seconds: float, verdicts: dict[str, int], expected: int) -> None:
        """Write the foot and close the file.

        ``seconds`` is the duration of the run. The record is complete if each of the ``expected``
        plays has its line.
        """
        if self._file is None:
            return
        played = sum(verdicts.values())
        self._write(
            kind="foot",
            seconds=round(seconds, 3),
            verdicts=verdicts,
            expected=expected,
            complete=0 < expected == played,
        )
        with suppress(OSError):  # close() tries again to write the data that could not be written
            self._file.close()

    def _replace(self) -> None:
        """Put a file with the head in the place of the previous record."""
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            with new.open("w", encoding="utf-8") as self._file:
                self._write(**self._head)
            new.replace(self._path)  # of a closed file: Windows renames no open one
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            self._file = None
            new.unlink(missing_ok=True)
            self._fail(error)

    def _write(self, **line: Any) -> None:
        if self.trouble or self._file is None:
            return
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.trouble = f"the record is incomplete, {self._path} cannot be written: "
        self.trouble += error.strerror or str(error)


def _bounded(
    time: float, actor: str, kind: str, text: str, end: float | None
) -> list[float | str | None]:
    """An event as the record has it: times in microseconds at best, and a text that is not long."""
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}… ({len(text)} characters)"
    return [round(time, 6), actor, kind, text, None if end is None else round(end, 6)]


class Record(NamedTuple):
    """A record that was read; ``foot`` is None if the run did not reach its end."""

    head: dict[str, Any]
    plays: list[dict[str, Any]]
    foot: dict[str, Any] | None

    @property
    def complete(self) -> bool:
        """Whether the record has all plays that were expected."""
        return self.foot is not None and bool(self.foot["complete"])


def read(path: Path) -> Record:
    """Read a record into memory; raises RecordError as :func:`lines` does."""
    head, *plays = lines(path)
    foot = plays.pop() if plays and plays[-1]["kind"] == "foot" else None
    return Record(head, plays, foot)


def lines(path: Path) -> Generator[dict[str, Any], None, None]:
    """Read a record line by line, the head first; a last line without a newline is ignored.

    Of a line only ``kind`` is checked, and ``format`` in the head. Raises RecordError if the file
    cannot be read, is not a record of this format, or when it comes to a damaged line.
    """
    if path.exists() and not path.is_file():  # a pipe would block
        raise RecordError(f"{path} is not a file")
    try:
        with path.open("rb") as file:
            yield from _parsed(path, file)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from None


def _parsed(path: Path, file: BinaryIO) -> Iterator[dict[str, Any]]:
    kind = ""
    for number, text in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
        if not text.endswith(b"\n") and len(text) < _LONGEST_LINE:
            break
        line = _parse(text)
        if not kind:
            _check_head(path, line)
        elif line.get("kind") not in _NEXT[kind]:
            raise RecordError(f"{path}: line {number} is damaged")
        kind = line["kind"]
        yield line
    if not kind:
        raise RecordError(f"{path} is empty, or was cut short in its first line")


def _parse(text: bytes) -> dict[str, Any]:
    """The object in a line of JSON; empty if the line is damaged."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}


def _check_head(path: Path, line: dict[str, Any]) -> None:
    format = line.get("format")
    if line.get("kind") != "head" or type(format) is not int or not 0 < format < 10**6:
        raise RecordError(f"{path} is not a record")
    if format > FORMAT:
        raise RecordError(
            f"{path} has the format {format}, and this version reads {FORMAT}: use a newer version"
        )
    if format < FORMAT:
        raise RecordError(
            f"{path} has the format {format}, and this version reads {FORMAT}: repeat the run"
        )
