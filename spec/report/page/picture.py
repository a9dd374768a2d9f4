"""Draws the pictures of the page in the README: ``python -m spec.report.page.picture RECORD...``.

They show a comparison of two feature releases, of which the records must have one each, and the
timeline of a claim.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import FloatRect, sync_playwright

from spec.report import records
from spec.report.page import chromium
from spec.report.page.render import render

FOLDER = Path(__file__).parents[3] / ".github"
BEFORE, AFTER = (3, 13), (3, 14)
# Pixels around the timeline.
MARGIN = 12
CLAIM = "semaphore.five-holders-take-three-waves"


def main(words: Sequence[str]) -> None:
    """Draw the pictures; exit with one line if a record or the browser is missing."""
    matrix = records.fold(map(Path, words))
    browser = chromium.path()
    if browser is None:
        sys.exit(f"ERROR: no Chromium was found: {chromium.VARIABLE} may name one")
    compared = urlencode({"from": _slug(matrix, BEFORE), "to": _slug(matrix, AFTER)})
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder, "page.html")
        file.write_text(render(matrix), encoding="utf-8")
        started = playwright.chromium.launch(executable_path=browser)
        page = started.new_page(viewport={"width": 1120, "height": 700})
        page.goto(f"{file.as_uri()}#?{compared}")
        page.screenshot(path=FOLDER / "page.png")
        page.goto(f"{file.as_uri()}#{CLAIM}")
        box = page.locator(f"[id='{CLAIM}'] figure.timeline").first.bounding_box()
        assert box is not None, CLAIM
        clip = FloatRect(
            x=box["x"] - MARGIN,
            y=box["y"] - MARGIN,
            width=box["width"] + 2 * MARGIN,
            height=box["height"] + 2 * MARGIN,
        )
        page.screenshot(path=FOLDER / "timeline.png", clip=clip)
        started.close()


def _slug(matrix: records.Matrix, feature: tuple[int, int]) -> str:
    """The slug of the environment with the newest ordinary CPython of a feature release."""
    found = [
        environment
        for environment in matrix.environments
        if environment.version[:2] == feature
        and (environment.python_implementation, environment.gil) == ("CPython", True)
        and not environment.simulated
    ]
    if not found:
        sys.exit(f"ERROR: the records have no CPython {feature[0]}.{feature[1]}")
    return max(found, key=lambda environment: environment.version).slug


if __name__ == "__main__":
    main(sys.argv[1:] or [".results"])
