"""The record of a run: JSON lines, with a head, one line for each play, and a foot.

Each line is written and flushed as soon as it is known. A record without a foot is incomplete:
its run did not reach its end. The schema is ``record.schema.json``.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from spec.kit.claims import Claim
from spec.report.plays import Play

FORMAT = 2


class RecordError(Exception):
    """A record cannot be written or read: one line that says why and what to do."""


class Writer:
    """Writes a record to the new file ``path``, with ``facts`` in its head.

    Raises RecordError if the file cannot be created or exists already.
    """

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        #: Why nothing more is written: one line. The claims are still played.
        self.trouble = ""
        if path.is_dir():
            raise RecordError(f"{path} is a folder: give the name of a new file")
        try:
            self._file = path.open("x", encoding="utf-8")
        except FileExistsError:
            raise RecordError(f"{path} exists already: remove it, or give another name") from None
        except OSError as error:
            raise RecordError(f"{path} cannot be written: {error.strerror}") from None
        self._write(kind="head", format=FORMAT, **facts)

    def play(self, play: Play, claim: Claim) -> None:
        """Write the line of a play of the claim."""
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
            timeline=play.timeline,
        )

    def close(self, seconds: float, verdicts: dict[str, int], expected: int) -> None:
        """Write the foot and close the file.

        ``seconds`` is the duration of the run. The record is complete if each of the ``expected``
        plays has its line.
        """
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

    def _write(self, **line: Any) -> None:
        if self.trouble:
            return
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            self.trouble = f"the record is incomplete, {self._file.name} cannot be written: "
            self.trouble += error.strerror or str(error)


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
    """Read a record; a last line without a newline is ignored.

    Raises RecordError if the file cannot be read, is not a record, or has a damaged line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}") from None
    lines = text.split("\n")
    parsed = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise RecordError(f"{path}: line {number} is damaged; the run must be repeated")
        parsed.append(entry)
    if not parsed or parsed[0].get("kind") != "head" or parsed[0].get("format") != FORMAT:
        raise RecordError(f"{path} is not a record of this format ({FORMAT})")
    foot = parsed.pop() if parsed[-1].get("kind") == "foot" else None
    return Record(parsed[0], parsed[1:], foot)
