"""A timeline as a picture, and as text."""

from __future__ import annotations

import html
from typing import Any

from spec.report.terminal import log


def svg(timeline: list[list[Any]], title: str) -> str:
    """The timeline as inline SVG, with the title and the text as its alternative."""
    told = html.escape(as_text(timeline), quote=False)
    return (
        f'<svg role="img" viewBox="0 0 600 20"><title>{html.escape(title, quote=False)}</title>'
        f'<desc>{told}</desc><rect width="600" height="12" fill="currentColor"/></svg>'
    )


def as_text(timeline: list[list[Any]]) -> str:
    """The timeline as lines of text."""
    return "\n".join(log(timeline))
