"""Writes the page: ``python -m spec.report.page RECORD... -o FILE``; the book too, if asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from spec.report import catalogue, records

try:
    from spec.report.page.model import many
    from spec.report.page.render import render, render_book
except ModuleNotFoundError as error:
    sys.exit(f"ERROR: {error.name} is missing: run python -m pip install --group report")


def main(words: Sequence[str]) -> None:
    """Write the page that the command line asks for; exit with one line if that is impossible."""
    parser = argparse.ArgumentParser(
        prog="python -m spec.report.page",
        description="Write one HTML file about all claims, with the verdicts of the records.",
    )
    parser.add_argument(
        "record", nargs="+", type=Path, help="a record, or a folder that is searched for *.jsonl"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the HTML file to write")
    parser.add_argument("--book", type=Path, help="an HTML file with the claims as prose, to read")
    wanted = parser.parse_args(words)
    try:
        matrix = records.fold(wanted.record)
        _write(wanted.output, render(matrix), [*matrix.files, *wanted.record])
        if wanted.book is not None:
            _write(wanted.book, render_book(matrix), [*matrix.files, *wanted.record, wanted.output])
    except catalogue.CatalogueError as error:
        sys.exit(f"ERROR: {error}")
    for problem in matrix.problems:
        print(problem, file=sys.stderr)
    environments = many(len(matrix.environments), "environment")
    print(f"{wanted.output}: {environments}, {wanted.output.stat().st_size / 1e6:.1f} MB")


def _write(path: Path, text: str, others: Iterable[Path]) -> None:
    """Write a file that is none of the ``others``; exit with one line if that is impossible."""
    if path.resolve() in [other.resolve() for other in others]:
        sys.exit(f"ERROR: {path} is a record or the page itself: give another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        sys.exit(f"ERROR: {path} cannot be written: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
