"""Writes the table of chapters into the README, and the table of contents, ``spec/README.md``.

``python -m spec.report.chapters`` writes both.
"""

from __future__ import annotations

import re
from pathlib import Path

from spec.kit.claims import OBSERVED, Claim
from spec.report import catalogue

README = Path(__file__).parents[2] / "README.md"
CONTENTS = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- chapters: written by python -m spec.report.chapters -->"
END = "<!-- end of chapters -->"


def table() -> str:
    """The table in Markdown: the link to each chapter, its number of claims, and its title."""
    chapters = catalogue.chapters()
    lines = [
        f"| [{name}](spec/test_{name}.py) | {len(claims)} | {title} |"
        for name, title, claims, _ in chapters
    ]
    total = sum(len(chapter.claims) for chapter in chapters)
    return "\n".join(
        [
            "| chapter | claims | what it is about |",
            "| --- | ---: | --- |",
            *lines,
            f"| {len(chapters)} chapters | {total} | |",
        ]
    )


def with_table(text: str) -> str:
    """The ``text`` of the README with an up-to-date table.

    Raises AssertionError if one of the two comments around the table is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"README.md has no line {BEGIN}"
    assert end, f"README.md has no line {END}"
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def contents() -> str:
    """The table of contents in Markdown: the sentence of each claim, chapter by chapter."""
    chapters = catalogue.chapters()
    total = sum(len(chapter.claims) for chapter in chapters)
    lines = [
        "<!-- written by python -m spec.report.chapters -->",
        "",
        "# Contents",
        "",
        f"The {total} claims about `multiprocessing`, in the order in which they are best read.",
        "Each is proved by the test of its chapter that has its id. *Observed* are claims that no",
        "documentation promises.",
        "",
        *(f"- [{title}](#{_anchor(title)})" for _, title, *_ in chapters),
    ]
    for name, title, claims, _ in chapters:
        lines += ["", f"## {title}", "", f"[test_{name}.py](test_{name}.py)", ""]
        lines += [f"- {_escaped(claim.sentence)}{_limits(claim)} `{claim.id}`" for claim in claims]
    return "\n".join(lines) + "\n"


def _limits(claim: Claim) -> str:
    """Where the claim applies, if not everywhere, and whether it was only observed."""
    limits = [
        "observed" if claim.level == OBSERVED else "",
        f"{' and '.join(claim.methods)} only" if claim.methods else "",
        f"since {claim.since}" if claim.since else "",
        f"until {claim.until}" if claim.until else "",
    ]
    told = "; ".join(filter(None, limits))
    return f" *({told})*" if told else ""


def _anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _escaped(sentence: str) -> str:
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", sentence)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    CONTENTS.write_text(contents(), encoding="utf-8")
