"""How the page shows verdicts: by a glyph and a word, and never by a colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from spec.report.catalogue import START_METHODS
from spec.report.plays import (
    CRASHES,
    FAILS,
    HOLDS,
    KNOWN_DEVIATION,
    NOT_APPLICABLE,
    TIMES_OUT,
)
from spec.report.records import WAVERS

#: The verdict where no record has one.
NOT_RUN = "not run"


class Word(NamedTuple):
    """How a verdict is shown: a letter in data, a glyph, a word or two, and what it means."""

    code: str
    glyph: str
    short: str
    meaning: str


#: All verdicts of the page, the worst first.
WORDS = {
    FAILS: Word("f", "✗", "fails", "the proof saw something that refutes the claim"),
    CRASHES: Word("c", "!", "crashes", "a process ended unexpectedly"),
    TIMES_OUT: Word("t", "…", "times out", "something did not come within the patience"),
    WAVERS: Word("w", "~", "wavers", "runs of one environment have different verdicts"),
    KNOWN_DEVIATION: Word("k", "≠", "deviates", "it is known not to hold on this implementation"),
    NOT_RUN: Word("u", "·", "not run", "no record has it"),
    NOT_APPLICABLE: Word(
        "n", "\N{EN DASH}", "n/a", "it is about another version, start method or capability"
    ),
    HOLDS: Word("h", "✓", "holds", "the proof succeeded"),
}
_RANK = {verdict: place for place, verdict in enumerate(WORDS)}

#: The verdicts under fork, forkserver and spawn.
Triple = tuple[str, str, str]


def worst(verdicts: Iterable[str]) -> str:
    """The worst of some verdicts; "not run" if there are none."""
    return min(verdicts, key=rank, default=NOT_RUN)


def rank(verdict: str) -> int:
    """The place of a verdict, to be compared: the worst is the first."""
    return _RANK[verdict]


class Text(NamedTuple):
    """A cell of the matrix: the class that colours it, and its text."""

    name: str
    text: str


@cache
def cell_of(triple: Triple) -> Text:
    """The text of three verdicts: one glyph if they are equal, else a glyph for each."""
    code = WORDS[worst(triple)].code
    if len(set(triple)) == 1:
        return Text(code, f"{WORDS[triple[0]].glyph} {WORDS[triple[0]].short}")
    glyphs = " ".join(WORDS[verdict].glyph for verdict in triple)
    methods: dict[str, list[str]] = {}
    for method, verdict in zip(START_METHODS, triple, strict=True):
        methods.setdefault(verdict, []).append(method)
    # Where the claim holds is what a reader looks for; where it does not is worse if it is more.
    told = [HOLDS] if set(triple) == {HOLDS, NOT_APPLICABLE} else sorted(methods, key=rank)
    words = [
        f"{WORDS[each].short} {', '.join(methods[each])}"
        for each in told
        if each != HOLDS or len(told) == 1
    ]
    return Text(code if code != "n" else "p", f"{glyphs}\n{'; '.join(words)}")
