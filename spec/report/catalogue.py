"""The claims of the specification, read from its chapters without running anything."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from spec import CHAPTERS, faults
from spec.kit.claims import Claim


class Chapter(NamedTuple):
    """A chapter: its file's name without ``test_``, its title, its claims, what it leaves out."""

    name: str
    title: str
    claims: tuple[Claim, ...]
    left_out: dict[str, str]


def chapters() -> list[Chapter]:
    """All chapters in reading order, with their claims in the order of the file."""
    return [_read(name) for name in CHAPTERS]


def _read(name: str) -> Chapter:
    module = importlib.import_module(f"spec.test_{name}")
    claims = tuple(value.claim for value in vars(module).values() if hasattr(value, "claim"))
    title = (module.__doc__ or "").partition("\n")[0].rstrip(".")
    return Chapter(name, title, claims, getattr(module, "LEFT_OUT", {}))


def by_test() -> dict[str, tuple[Chapter, Claim]]:
    """The chapter and the claim of each test, by the test's node id without parameters."""
    return {
        f"spec/test_{chapter.name}.py::{claim.test.__name__}": (chapter, claim)
        for chapter in chapters()
        for claim in chapter.claims
    }


def matches(claim: Claim, wanted: Iterable[str]) -> bool:
    """Whether one of the claim's ids is among ``wanted``, or begins with one of them."""
    return any(id == want or id.startswith(f"{want}.") for id in claim.ids for want in wanted)


def unknown(wanted: Iterable[str]) -> str | None:
    """One line on the first id or prefix that names no claim, with the near ones; else None."""
    ids = [id for chapter in chapters() for claim in chapter.claims for id in claim.ids]
    names = sorted({*ids, *(id.partition(".")[0] for id in ids)})
    for want in wanted:
        if want not in names:
            near = difflib.get_close_matches(want, names, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "see --claims for all of them"
            return f"no claim is named {want!r}: {hint}"
    return None


def listing() -> list[dict[str, Any]]:
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
                    "needs": list(claim.needs),
                    "deviations": claim.deviations,
                    "faults": [name for name, fault in broken.items() if claim.id in fault.breaks],
                }
                for claim in chapter.claims
            ],
            "left_out": chapter.left_out,
        }
        for chapter in chapters()
    ]


def listing_as_text() -> str:
    """The claims for a reader: what ``--claims`` prints."""
    lines = []
    for chapter in chapters():
        lines += [f"{chapter.title}  (spec/test_{chapter.name}.py)", ""]
        for claim in chapter.claims:
            lines += [
                f"  {claim.sentence}",
                f"      {', '.join(claim.ids)}",
                f"      {claim.url}",
                f"      applies {_where(claim)}",
                "",
            ]
        for id, reason in chapter.left_out.items():
            lines += [f"  left out: {id}", f"      {reason}", ""]
    return "\n".join(lines).rstrip()


def _where(claim: Claim) -> str:
    where = f"with {', '.join(claim.needs)}" if claim.needs else "everywhere"
    if claim.deviations:
        where += f"; known deviation with {', '.join(claim.deviations)}"
    return where
