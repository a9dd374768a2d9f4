"""The terminal: a run is printed like a specification, with a line for each claim."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pytest
from _pytest._io import TerminalWriter

from spec.kit.claims import OBSERVED, Claim
from spec.kit.costs import Cost
from spec.report.catalogue import Chapter
from spec.report.plays import HOLDS, KNOWN_DEVIATION, NOT_APPLICABLE, RED, Play

_SHORT = {NOT_APPLICABLE: "n/a", KNOWN_DEVIATION: "deviates"}
# Wide enough for "times out 160.00 s", and two spaces before the next column.
_CELL = 20
# So many claims are named as the dearest.
_DEAREST = 3


class Specification:
    """Prints chapters and claims in reading order.

    A claim is printed as soon as it and all claims before it have their verdicts.
    """

    def __init__(
        self,
        terminal: pytest.TerminalReporter,
        claims: dict[str, tuple[Chapter, Claim]],
        nodeids: list[str],
    ) -> None:
        self._terminal = terminal
        self._claims = claims
        self._plays: dict[tuple[str, str], Play] = {}
        self._chapter = ""
        self._awaited: dict[str, list[str]] = {test: [] for test in claims}
        for nodeid in nodeids:
            test, _, method = nodeid.rstrip("]").partition("[")
            self._awaited[test].append(method)
        self._ahead = [test for test, methods in self._awaited.items() if methods]

    def take(self, play: Play) -> None:
        """Note a play that has ended, and print the claims that can be printed now."""
        self._plays[play.test, play.start_method] = play
        while self._ahead and all(
            (self._ahead[0], method) in self._plays for method in self._awaited[self._ahead[0]]
        ):
            self._print(self._ahead.pop(0))

    def finish(self) -> None:
        """Print the verdicts of the claims that an early end of the run left incomplete."""
        for test in self._ahead:
            if any((test, method) in self._plays for method in self._awaited[test]):
                self._print(test)
        self._ahead = []

    def _print(self, test: str) -> None:
        chapter, claim = self._claims[test]
        methods = self._awaited[test]
        if chapter.name != self._chapter:
            self._chapter = chapter.name
            self._terminal.ensure_newline()
            self._terminal.write_line("")
            self._terminal.write_line(chapter.title, bold=True)
            head = "".join(method.ljust(_CELL) for method in methods)
            self._terminal.write_line(f"  {head}", light=True)
        self._terminal.write("  ")
        for method in methods:
            self._cell(self._plays.get((test, method)))
        indent = 2 + _CELL * len(methods)
        width = max(self._terminal._tw.fullwidth - indent, 40)
        self._terminal.write_line(
            textwrap.fill(_told(claim), width).replace("\n", "\n" + " " * indent)
        )
        for reason in dict.fromkeys(
            play.reason
            for method in methods
            if (play := self._plays.get((test, method))) and play.verdict != HOLDS
        ):
            self._terminal.write_line(f"{' ' * indent}({reason})", light=True)

    def _cell(self, play: Play | None) -> None:
        if play is None:
            self._terminal.write("-".ljust(_CELL))
            return
        text = _SHORT.get(play.verdict, play.verdict)
        if play.verdict != NOT_APPLICABLE:
            text += f" {play.seconds:.2f} s"
        colour = {HOLDS: "green"}.get(play.verdict, "red" if play.verdict in RED else "yellow")
        self._terminal.write(f"{text:<{_CELL - 2}}  ", **{colour: True})


def _told(claim: Claim) -> str:
    return claim.sentence + (" (observed)" if claim.level == OBSERVED else "")


def dearest(costs: Mapping[str, list[Cost]]) -> list[str]:
    """The claims that took the most processor time, one line for each; empty if it is unknown.

    The keys are ids, the values the costs of a claim's plays.
    """
    spent = {
        id: sum(cost.processor_seconds or 0.0 for cost in plays)
        for id, plays in costs.items()
        if any(cost.processor_seconds is not None for cost in plays)
    }
    lines = []
    for id in sorted(spent, key=lambda id: -spent[id])[:_DEAREST]:
        started = sum(cost.processes or 0 for cost in costs[id])
        processes = f"{started} process{'' if started == 1 else 'es'}"
        lines.append(f"dearest: {id}, {spent[id]:.2f} s of processor time, {processes}")
    return lines


class Prefaced:
    """A failure that begins with the claim and the timeline, before pytest's own report."""

    def __init__(self, claim: Claim, timeline: list[list[Any]], original: Any) -> None:
        self._lines = [claim.sentence, f"    {claim.id}, {claim.url}", *log(timeline)]
        self._original = original
        self.reprcrash = getattr(original, "reprcrash", None)

    def toterminal(self, writer: TerminalWriter) -> None:
        """Write the failure; pytest calls this method on its own reports too."""
        writer.line(self._lines[0], bold=True)
        for line in self._lines[1:]:
            writer.line(line)
        writer.line("")
        if hasattr(self._original, "toterminal"):
            self._original.toterminal(writer)
        else:
            writer.line(str(self._original))

    def __str__(self) -> str:
        return "\n".join([*self._lines, "", str(self._original)])


def log(timeline: list[list[Any]]) -> list[str]:
    """The timeline as lines of text, with times in seconds since the start of the scene."""
    width = max((len(actor) for _, actor, *_ in timeline), default=0)
    lines = []
    for time, actor, kind, text, end in timeline:
        told = f"{kind} {text}".rstrip() + (f" ({end - time:.3f} s)" if end is not None else "")
        head = f"    {time:8.3f} s  {actor:<{width}}  "
        first, *rest = told.splitlines()
        lines += [head + first, *(" " * len(head) + line for line in rest)]
    return lines
