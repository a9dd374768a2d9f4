"""Draws the README's picture of a run: ``python -m nox -s picture``.

It plays the claims, and draws the beginning and the end of what the terminal shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

HOUSE = Path(__file__).parents[2]
PICTURE = HOUSE / ".github/terminal.svg"
COLUMNS = 132
# Lines of the run that are drawn, from its beginning and from its end.
FIRST, LAST = 40, 9
# What only says where the run was.
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
    """The lines of a run of all claims, with their colours."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--color=yes"],
        cwd=HOUSE,
        env={**os.environ, "COLUMNS": str(COLUMNS)},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return [line for line in run.stdout.splitlines() if not line.startswith(PLACES)]


def draw(lines: list[str]) -> str:
    """The lines as a picture, with its middle left out."""
    shown = ["$ python -m pytest", *lines[:FIRST], "", "    ...", "", *lines[-LAST:]]
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(shown)))
    # the same run should be the same file, so the id is not a random one
    return console.export_svg(title="multiprocessing-spec", unique_id="run")


if __name__ == "__main__":
    PICTURE.write_text(draw(played()), encoding="utf-8")
