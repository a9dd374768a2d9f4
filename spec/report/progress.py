"""Progress: one status line below the output of a long run, on a terminal only.

It tells the chapter that is being decided, how many plays are decided, the time left, and a play
that takes longer than usual. Times are compared with the last record of this environment, if nox
has kept one under ``.results/``.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple, TextIO

import pytest

from spec.kit.claims import Claim
from spec.kit.clock import now
from spec.report.catalogue import Chapter
from spec.report.plays import Play
from spec.report.record import KEPT
from spec.report.records import Environment, fold

# Seconds between two updates of the line.
_PERIOD = 1.0
# A play is waited for if it takes so many times and so many seconds longer than usual, or, if
# nothing is known of it, so many seconds.
_TIMES, _LONGER, _LONG = 3.0, 2.0, 5.0
# The share of a run that tells its pace.
_SHARE = 0.05
# The width of a terminal in characters below which no line is drawn.
_NARROWEST = 20


class Usual(NamedTuple):
    """The durations of a previous run in seconds.

    ``plays`` are those of its plays by claim and start method; ``run`` is its own, 0 if unknown.
    """

    plays: Mapping[tuple[str, str], float]
    run: float


def usual_in(environment: Environment) -> Usual:
    """The durations in the record of the environment that nox keeps; without one, of no play."""
    path = KEPT / f"{environment.slug}.jsonl"
    if not path.exists():
        return Usual({}, 0.0)
    matrix = fold([path])
    plays = {(id, method): cell.longest for (id, method, _), cell in matrix.cells.items()}
    return Usual(plays, sum(each.seconds for each in matrix.environments.values()))


class Progress:
    """The progress of a run: told when each of its plays starts and ends, it words the line.

    The keys of ``claims`` are tests, ``nodeids`` the expected plays. All times are of the kit's
    clock, in seconds.
    """

    def __init__(
        self, claims: Mapping[str, tuple[Chapter, Claim]], nodeids: list[str], usual: Usual
    ) -> None:
        self._claims = claims
        self._usual = usual
        self._open = dict.fromkeys(map(_key, nodeids))
        self._plays = len(self._open)
        self._running: dict[tuple[str, str], float] = {}
        self._began: float | None = None
        known = [seconds for key in self._open if (seconds := self._seconds(key)) is not None]
        # A play of which nothing is known counts as much as an average one.
        self._average = sum(known) / len(known) if known and sum(known) else 1.0
        self._total = sum(map(self._weight, self._open))
        self._decided = 0.0

    def started(self, nodeid: str, time: float) -> None:
        """A play has started."""
        if (key := _key(nodeid)) in self._open:
            self._running[key] = time
            self._began = time if self._began is None else self._began

    def ended(self, play: Play) -> None:
        """A play is decided."""
        key = play.test, play.start_method
        self._running.pop(key, None)
        if key in self._open:
            del self._open[key]
            self._decided += self._weight(key)

    def line(self, time: float, is_updated: bool = True) -> str:
        """The text of the line; empty before the first play and after the last.

        If the line ``is_updated`` while a play runs, it tells how long a play has been waited for;
        else it names the play that runs.
        """
        if not self._open or self._began is None:
            return ""
        chapter, _ = self._claims[next(iter(self._open))[0]]
        parts = [f"{chapter.name}: {self._plays - len(self._open)} of {self._plays} plays decided"]
        if (left := self._left(time)) is not None:
            parts.append(_told(left))
        if awaited := self._awaited(time) if is_updated else self._playing():
            parts.append(awaited)
        return ", ".join(parts)

    def _left(self, time: float) -> float | None:
        """The time left by this run's own pace, or at first by that of the previous run."""
        assert self._began is not None
        open = self._total - self._decided
        elapsed = time - self._began
        if self._decided >= _SHARE * self._total:
            return elapsed / self._decided * open
        recorded = sum(self._usual.plays.values())
        return self._usual.run / recorded * open if self._usual.run and recorded else None

    def _awaited(self, time: float) -> str:
        """The play that has been running longest of those that take longer than usual."""
        for key, since in sorted(self._running.items(), key=lambda item: item[1]):
            seconds, usual = time - since, self._seconds(key)
            longest = _LONG if usual is None else max(_TIMES * usual, usual + _LONGER)
            if seconds > longest:
                return f"waiting {seconds:.0f} s for {self._name(key)}"
        return ""

    def _playing(self) -> str:
        return "".join(f"playing {self._name(key)}" for key in list(self._running)[-1:])

    def _name(self, key: tuple[str, str]) -> str:
        test, method = key
        id = self._claims[test][1].id
        return f"{id} under {method}" if method else id

    def _seconds(self, key: tuple[str, str]) -> float | None:
        return self._usual.plays.get((self._claims[key[0]][1].id, key[1]))

    def _weight(self, key: tuple[str, str]) -> float:
        seconds = self._seconds(key)
        return self._average if seconds is None else seconds


def _key(nodeid: str) -> tuple[str, str]:
    test, _, method = nodeid.rstrip("]").partition("[")
    return test, method


def _told(left: float) -> str:
    if left >= 90:
        return f"about {left / 60:.0f} min left"
    return f"about {5 * round(left / 5)} s left" if left >= 5 else "a few seconds left"


class StatusLine:
    """A file for pytest's terminal writer that keeps a status line below the other output.

    The line is erased before anything else is written, and drawn only where a line begins.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.RLock()
        self._drawn = ""
        self._at_line_start = True

    def write(self, text: str) -> int:
        """Write other output."""
        with self._lock:
            self._erase()
            if text:
                self._at_line_start = text.endswith("\n")
            return self._file.write(text)

    def draw(self, text: str) -> None:
        """Draw the line, cut to the width of the terminal; "" erases it."""
        width = shutil.get_terminal_size().columns - 1  # a full line would wrap
        shown = text[:width] if width >= _NARROWEST else ""
        with self._lock:
            if shown == self._drawn or not self._at_line_start:
                return
            self._erase()
            self._file.write(shown)
            self._file.flush()
            self._drawn = shown

    def _erase(self) -> None:
        # Spaces rather than an escape sequence, which not every console of Windows knows.
        if self._drawn:
            self._file.write(f"\r{' ' * len(self._drawn)}\r")
            self._drawn = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Shown:
    """Shows the progress in the terminal.

    With workers, a thread updates the line each second. Without them this process plays the claims
    itself, and a thread would change what they prove: the line changes when a play starts or ends.
    """

    def __init__(
        self, terminal: pytest.TerminalReporter, progress: Progress, with_workers: bool
    ) -> None:
        self._progress = progress
        self._writer = terminal._tw
        self._line = StatusLine(self._writer._file)
        self._writer._file = self._line
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_updating, daemon=True)
        self._with_workers = with_workers
        if with_workers:
            self._thread.start()

    def started(self, nodeid: str) -> None:
        """A play has started."""
        with self._lock:
            self._progress.started(nodeid, now())
        self._update()

    def ended(self, play: Play) -> None:
        """A play is decided."""
        with self._lock:
            self._progress.ended(play)
        self._update()

    def close(self) -> None:
        """Erase the line for good."""
        self._over.set()
        if self._with_workers:
            self._thread.join()
        self._line.draw("")
        self._writer._file = self._line._file

    def _keep_updating(self) -> None:
        while not self._over.wait(_PERIOD):
            self._update()

    def _update(self) -> None:
        with self._lock:
            line = self._progress.line(now(), is_updated=self._with_workers)
        self._line.draw(line)


def can_be_shown(terminal: pytest.TerminalReporter, config: pytest.Config) -> bool:
    """Whether the output goes to a terminal that can erase a line, and to it alone.

    With -s, what a test prints would come between.
    """
    return (
        bool(terminal.isatty())
        and os.environ.get("TERM") != "dumb"
        and config.getoption("capture") != "no"
    )
