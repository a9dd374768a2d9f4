"""The claims of the specification, read from its chapters without running anything."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from spec import CHAPTERS, faults
from spec.kit.claims import Claim


class Chapter(NamedTuple):
    """A chapter: its file's name without ``test_``, its title, its claims, what it leaves out."""

    name: str
    title: str
    claims: tuple[Claim, ...]
    left_out: dict[str, str]


def chapters(level: str | None = None, wanted: Sequence[str] | None = None) -> list[Chapter]:
    """All chapters in reading order, with their claims in the order of the file.

    Only those of one level, and whose ids are ``wanted``, if that is given.
    """
    return [_read(name, level, wanted) for name in CHAPTERS]


def _read(name: str, level: str | None, wanted: Sequence[str] | None) -> Chapter:
    module = importlib.import_module(f"spec.test_{name}")
    claims = tuple(
        value.claim
        for value in vars(module).values()
        if hasattr(value, "claim")
        and level in (None, value.claim.level)
        and (wanted is None or matches(value.claim, wanted))
    )
    title = (module.__doc__ or "").partition("\n")[0].rstrip(".")
    return Chapter(name, title, claims, getattr(module, "LEFT_OUT", {}))


def by_test() -> dict[str, tuple[Chapter, Claim]]:
    """The chapter and the claim of each test, by the test's node id without parameters."""
    return {
        f"spec/test_{chapter.name}.py::{claim.test.__name__}": (chapter, claim)
        for chapter in chapters()
        for claim in chapter.claims
    }


def by_id() -> dict[str, Claim]:
    """Each claim, by every id that it has."""
    return {id: claim for chapter in chapters() for claim in chapter.claims for id in claim.ids}


def matches(claim: Claim, wanted: Iterable[str]) -> bool:
    """Whether one of the claim's ids is among ``wanted``, or begins with one of them."""
    return any(id == want or id.startswith(f"{want}.") for id in claim.ids for want in wanted)


def unknown(wanted: Iterable[str]) -> str | None:
    """One line on the first id or prefix that names no claim, with the near ones; else None."""
    ids = by_id()
    names = sorted({*ids, *(id.partition(".")[0] for id in ids)})
    for want in wanted:
        if want not in names:
            near = difflib.get_close_matches(want, names, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "see --claims for all of them"
            return f"no claim is named {want!r}: {hint}"
    return None


def listing(listed: Iterable[Chapter]) -> list[dict[str, Any]]:
    """The claims as plain data, chapter by chapter: what ``--claims=json`` prints."""
    broken = faults.catalogue()
    return [
        {
            "chapter": chapter.name,
            "title": chapter.title,
            "claims": [
                {
                    "id": claim.id,
                    "ids": list(claim.ids),
                    "sentence": claim.sentence,
                    "documentation": claim.url,
                    "level": claim.level,
                    "needs": list(claim.needs),
                    "methods": list(claim.methods),
                    "since": claim.since,
                    "until": claim.until,
                    "changes": claim.changes,
                    "deviations": claim.deviations,
                    "faults": [
                        name for name, fault in broken.items() if fault.is_meant_for(claim.ids)
                    ],
                }
                for claim in chapter.claims
            ],
            "left_out": chapter.left_out,
        }
        for chapter in listed
        if chapter.claims
    ]


def listing_as_text(listed: Iterable[Chapter]) -> str:
    """The claims for a reader: what ``--claims`` prints."""
    lines = []
    for chapter in listed:
        if not chapter.claims:
            continue
        lines += [f"{chapter.title}  (spec/test_{chapter.name}.py)", ""]
        for claim in chapter.claims:
            lines += [
                f"  {claim.sentence}",
                f"      {', '.join(claim.ids)}",
                f"      {claim.level}, {claim.url}",
                f"      applies {_where(claim)}",
                *(f"      Python {since}: {what}" for since, what in claim.changes.items()),
                "",
            ]
        for id, reason in chapter.left_out.items():
            lines += [f"  left out: {id}", f"      {reason}", ""]
    return "\n".join(lines).rstrip()


def _where(claim: Claim) -> str:
    limits = [
        f"under {' and '.join(claim.methods)}" if claim.methods else "",
        f"since Python {claim.since}" if claim.since else "",
        f"until Python {claim.until}" if claim.until else "",
        f"with {', '.join(claim.needs)}" if claim.needs else "",
    ]
    where = ", ".join(filter(None, limits)) or "everywhere"
    if claim.deviations:
        where += f"; known deviation with {', '.join(claim.deviations)}"
    return where
