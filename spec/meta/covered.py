"""Prints how much of the package the measured claims execute, and the functions with gaps.

Its argument is the report of the session "coverage": the output of ``coverage json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    """Print a line for each module and for its functions with missing lines, and the totals."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for file, module in report["files"].items():
        path = Path(file)
        print(f"{path.parent.name}/{path.name}: {_parts(module['summary'])}")
        for name, function in module["functions"].items():
            if missing := function["summary"]["missing_lines"]:
                print(f"    {missing:4} {name or 'outside functions'}")
    print(f"all modules: {_parts(report['totals'])}")
    return 0 if report["files"] else 1


def _parts(summary: dict[str, Any]) -> str:
    """The executed parts of the lines and of the branches, as text."""
    told = []
    for what, of, executed in (
        ("lines", "num_statements", "covered_lines"),
        ("branches", "num_branches", "covered_branches"),
    ):
        part = 100 * summary[executed] / (summary[of] or 1)
        told.append(f"{summary[executed]} of {summary[of]} {what} ({part:.1f} %)")
    return ", ".join(told)


if __name__ == "__main__":
    sys.exit(main())
