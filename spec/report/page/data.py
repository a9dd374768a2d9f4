"""The data for the script of the page: the claims, and all verdicts as letters."""

from __future__ import annotations

from typing import Any

from spec.kit.claims import OBSERVED
from spec.report.catalogue import START_METHODS
from spec.report.page.model import Page, View, family_of
from spec.report.page.verdicts import WORDS
from spec.report.record import FORMAT


def data_of(page: Page) -> dict[str, Any]:
    """The data of a page, as :file:`page.js` reads it."""
    reasons: dict[str, int] = {}
    return {
        "format": FORMAT,
        "methods": START_METHODS,
        "words": {word.code: [verdict, word.glyph, word.short] for verdict, word in WORDS.items()},
        "claims": [
            _claim_data(view, chapter.name) for chapter in page.chapters for view in chapter.views
        ],
        "environments": [
            {
                "slug": column.environment.slug,
                "name": column.environment.name,
                "label": column.label,
                "python": column.environment.python,
                "family": family_of(column.environment),
                "default": column.surroundings.default_start_method,
                "verdicts": "".join(
                    WORDS[entry.verdict].code
                    for view in page.views
                    for entry in view.entries[place]
                ),
                "reasons": {
                    3 * view.number + method: reasons.setdefault(entry.reason, len(reasons))
                    for view in page.views
                    for method, entry in enumerate(view.entries[place])
                    if entry.reason
                },
            }
            for place, column in enumerate(page.columns)
        ],
        "reference": page.reference,
        "reasons": list(reasons),
    }


def _claim_data(view: View, chapter: str) -> dict[str, Any]:
    claim = view.claim
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        "chapter": chapter,
        "observed": claim.level == OBSERVED,
        "docs": claim.docs,
        "changes": [list(change) for change in view.changes],
    }
