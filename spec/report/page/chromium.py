"""The Chromium that opens the page, in tests and for pictures of it."""

from __future__ import annotations

import os
import shutil

VARIABLE = "SPEC_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def path() -> str | None:
    """The path in SPEC_CHROMIUM, else that of the first Chromium in the path; None without one."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)
