"""Lists the lines of the kit's platform-dependent modules that no measured run has executed.

A line that only another system can execute has a mark, ``# unrun: `` and the reason; the mark
also applies to the lines below it that are indented more. This program reads the data of the
session "kit-coverage" and prints each line that was not executed with its reason. The exit code
is 1 if a line has no reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import coverage

MARK = "# unrun: "
ROOT = Path(__file__).parents[2]
MODULES = ("platforms", "guardian", "capabilities")


class Line(NamedTuple):
    """A line that was not executed, and the reason; empty if none is given."""

    place: str
    text: str
    reason: str


def reasons(text: str) -> dict[int, str]:
    """The reason of each line that has a mark or is below one; the keys are line numbers."""
    found = {}
    reason, indent = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        here = len(line) - len(line.lstrip())
        if MARK in line:
            reason, indent = line.partition(MARK)[2], here
        elif line.strip() and here <= indent:
            reason = ""
        if reason:
            found[number] = reason
    return found


def unrun(measured: coverage.Coverage) -> Iterator[Line]:
    """The lines that no measured run has executed."""
    for name in MODULES:
        path = ROOT / "spec/kit" / f"{name}.py"
        lines = path.read_text(encoding="utf-8").splitlines()
        known = reasons("\n".join(lines))
        for number in measured.analysis2(str(path))[3]:
            text = lines[number - 1].partition(MARK)[0].strip()
            yield Line(f"{path.name}:{number}", text, known.get(number, ""))


def main() -> int:
    """Read the data of coverage and print the lines; returns the exit code."""
    import coverage  # not above: a test of the other functions runs without it

    measured = coverage.Coverage()
    measured.load()
    lines = list(unrun(measured))
    for line in lines:
        print(f"{line.place:<22} {line.text}\n{'':<22}     {line.reason or 'NO REASON'}")
    missing = sum(not line.reason for line in lines)
    print(f"{len(lines)} lines that no run executes, {missing} of them without a reason")
    return 1 if missing or not measured.get_data().measured_files() else 0


if __name__ == "__main__":
    sys.exit(main())
