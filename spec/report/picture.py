"""Draws the picture of a run in the README: ``python -m nox -s picture``.

It plays the claims, and draws the beginning and the end of the output in a terminal.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / ".github/terminal.svg"
COLUMNS = 132
# The numbers of lines that are drawn, from the beginning and from the end of the output.
FIRST, LAST = 40, 9
# Lines that begin with these words depend on the machine, and are not drawn.
PLACES = (
    "rootdir:",
    "configfile:",
    "testpaths:",
    "plugins:",
    "timeout",
    "bringing up",
    "collected",
)


def played() -> list[str]:
    """Run all claims; returns the lines of the output, with colours."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--color=yes"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(COLUMNS)},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return [line for line in run.stdout.splitlines() if not line.startswith(PLACES)]


def draw(lines: list[str]) -> str:
    """Draw the lines, without the middle of the output; returns the text of an SVG file."""
    shown = ["$ python -m pytest", *lines[:FIRST], "", "    ...", "", *lines[-LAST:]]
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(shown)))
    # The id is not random, so that equal output gives an equal file.
    picture = console.export_svg(title="multiprocessing-spec", unique_id="run")
    # A picture in a page loads nothing from elsewhere.
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


if __name__ == "__main__":
    PICTURE.write_text(draw(played()), encoding="utf-8")
