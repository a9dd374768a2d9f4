"""Writes the table of chapters into the README: ``python -m spec.report.chapters``."""

from __future__ import annotations

from pathlib import Path

from spec.report import catalogue

README = Path(__file__).parents[2] / "README.md"
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


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
