"""Writes the page: ``python -m spec.report.page RECORD... -o FILE``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from spec.report import catalogue, records

try:
    from spec.report.page.model import many
    from spec.report.page.render import render
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
    wanted = parser.parse_args(words)
    try:
        matrix = records.fold(wanted.record)
        if wanted.output.resolve() in [path.resolve() for path in (*matrix.files, *wanted.record)]:
            sys.exit(f"ERROR: {wanted.output} is one of the records: give another name to the page")
        text = render(matrix)
        wanted.output.parent.mkdir(parents=True, exist_ok=True)
        wanted.output.write_text(text, encoding="utf-8", newline="\n")
    except catalogue.CatalogueError as error:
        sys.exit(f"ERROR: {error}")
    except OSError as error:
        sys.exit(f"ERROR: {wanted.output} cannot be written: {error.strerror}")
    for problem in matrix.problems:
        print(problem, file=sys.stderr)
    environments = many(len(matrix.environments), "environment")
    print(f"{wanted.output}: {environments}, {len(text.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
