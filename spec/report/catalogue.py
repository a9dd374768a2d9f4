"""The claims of the specification, read from its chapters without playing them."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
import re
import traceback
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from spec import CHAPTERS, faults
from spec.kit.capabilities import CAPABILITIES
from spec.kit.claims import LEVELS, OBSERVED, Claim, url_of

START_METHODS = ("fork", "forkserver", "spawn")
SPEC = Path(__file__).parents[1]
#: The package's names in the index of the documentation.
DOCUMENTED_NAMES = frozenset(
    Path(__file__).with_name("documented-names.txt").read_text(encoding="utf-8").split()
)


class CatalogueError(Exception):
    """A chapter or a claim is wrong: one line that says what to do."""


class Chapter(NamedTuple):
    """A chapter: the name of its file without ``test_``, its title, and its claims.

    ``left_out`` maps the id of a claim that the chapter omits to the reason.
    """

    name: str
    title: str
    claims: tuple[Claim, ...]
    left_out: dict[str, str]


class Selection(NamedTuple):
    """The limits of a run or a listing; an empty field limits nothing.

    ``level`` is a level, ``wanted`` what :func:`matches` takes, and ``about`` what
    :func:`is_about` takes.
    """

    level: str = ""
    wanted: Sequence[str] = ()
    about: Sequence[str] = ()

    def contains(self, claim: Claim) -> bool:
        """Whether all limits permit the claim."""
        return (
            self.level in ("", claim.level)
            and (not self.wanted or matches(claim, self.wanted))
            and (not self.about or is_about(claim, self.about))
        )


EVERYTHING = Selection()


def chapters(selection: Selection = EVERYTHING) -> list[Chapter]:
    """All chapters in reading order, with the selected claims in the order of the file.

    Raises CatalogueError if a chapter cannot be imported.
    """
    return [_read(name, selection) for name in CHAPTERS]


def _read(name: str, selection: Selection) -> Chapter:
    module = module_of(name)
    claims = tuple(
        value.claim
        for value in vars(module).values()
        if hasattr(value, "claim") and selection.contains(value.claim)
    )
    title = (module.__doc__ or "").partition("\n")[0].rstrip(".")
    return Chapter(name, title, claims, getattr(module, "LEFT_OUT", {}))


def module_of(name: str) -> Any:
    """The module of a chapter; raises CatalogueError if it cannot be imported."""
    try:
        return importlib.import_module(f"spec.test_{name}")
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        line = error.lineno if isinstance(error, SyntaxError) else where.lineno
        file = error.filename if isinstance(error, SyntaxError) else where.filename
        raise CatalogueError(
            f"spec/test_{name}.py cannot be imported: "
            f"{type(error).__name__}: {error} ({file}, line {line})"
        ) from error


def check() -> None:
    """Check that each chapter is in CHAPTERS, and that the arguments of each claim are valid.

    Raises CatalogueError for the first problem.
    """
    for name in sorted(path.stem.removeprefix("test_") for path in SPEC.glob("test_*.py")):
        if name not in CHAPTERS:
            raise CatalogueError(
                f"spec/test_{name}.py is not in CHAPTERS (spec/__init__.py): "
                f'add "{name}" at its place in the reading order'
            )
    for chapter in chapters():
        for claim in chapter.claims:
            for problem in _problems(claim):
                line = inspect.getsourcelines(claim.test)[1]
                raise CatalogueError(
                    f"spec/test_{chapter.name}.py, line {line}: {claim.id}: {problem}"
                )


def _problems(claim: Claim) -> Iterator[str]:
    """The problems of the arguments of a claim, a line each."""
    if not re.fullmatch(r"[a-z-]+\.[a-z0-9-]+", claim.id):
        yield "an id has the form subject.property, in lower case with hyphens"
    for what, value in (("methods", claim.methods), ("needs", claim.needs)):
        if isinstance(value, str):
            yield f'{what} is a tuple: write {what}=("{value}",)'
            return
    for what, given, known in (
        ("methods", claim.methods, START_METHODS),
        ("needs", claim.needs, CAPABILITIES),
        ("deviations", claim.deviations, CAPABILITIES),
        ("level", (claim.level,), LEVELS),
    ):
        yield from (f"{what}: {_not_among(name, known)}" for name in given if name not in known)
    for releases in filter(None, (claim.since, claim.until, *claim.changes)):
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?(, \d+\.\d+(\.\d+)?)*", releases):
            yield f'{releases!r} is not a release: write "3.14" or "3.13.8, 3.14.1"'
    for what, place in (("docs", claim.docs), ("contradicts", claim.contradicts)):
        if place and "#" not in place and not _is_documented(place):
            wrong = _not_among(place, DOCUMENTED_NAMES)
            yield f"{what} (a documented name, or a section in the form page#section): {wrong}"
    if claim.contradicts and claim.level != OBSERVED:
        yield "no documentation promises what contradicts it: write level=OBSERVED"


def _not_among(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"{name!r} is unknown: " + (
        f"did you mean {', '.join(near)}?" if near else f"choose from {', '.join(sorted(known))}"
    )


def _is_documented(name: str) -> bool:
    """Whether the name is in the package's index, or belongs to another standard module."""
    if name.partition(".")[0] == "multiprocessing":
        return name in DOCUMENTED_NAMES
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        return False
    return True


def by_test() -> dict[str, tuple[Chapter, Claim]]:
    """The chapter and the claim of each test; the keys are node ids without parameters."""
    return {
        f"spec/test_{chapter.name}.py::{claim.test.__name__}": (chapter, claim)
        for chapter in chapters()
        for claim in chapter.claims
    }


def by_id() -> dict[str, Claim]:
    """All claims; the keys are their ids."""
    return {claim.id: claim for chapter in chapters() for claim in chapter.claims}


def matches(claim: Claim, wanted: Iterable[str]) -> bool:
    """Whether ``wanted`` contains the claim's id, its subject, or its chapter."""
    subject = claim.id.partition(".")[0]
    return not {claim.id, subject, claim.chapter}.isdisjoint(wanted)


def documented_names(short: str) -> list[str]:
    """The names of the documentation's index that ``short`` means, with those below them.

    ``short`` may omit the package's name, or that of a module: ``Queue.get``, ``AsyncResult.get``.
    A name of the package itself has precedence: ``Lock`` is not a manager's Lock.
    """
    own = [name for name in (short, f"multiprocessing.{short}") if name in DOCUMENTED_NAMES]
    meant = own or [name for name in DOCUMENTED_NAMES if name.endswith(f".{short}")]
    return sorted(name for name in DOCUMENTED_NAMES if _is_below(name, meant))


def _is_below(name: str, tops: Iterable[str]) -> bool:
    return any(name == top or name.startswith(f"{top}.") for top in tops)


def is_about(claim: Claim, names: Iterable[str]) -> bool:
    """Whether the claim is about one of the names, or contradicts what is said about it."""
    meant = {full for name in names for full in documented_names(name)}
    return not meant.isdisjoint({claim.docs, claim.contradicts})


def undocumented(names: Iterable[str]) -> str | None:
    """One line about the first name that is not in the index, with similar names, or None."""
    for name in names:
        if not documented_names(name):
            shorter = sorted(full.removeprefix("multiprocessing.") for full in DOCUMENTED_NAMES)
            near = difflib.get_close_matches(name, shorter, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "--claims shows them"
            return f"no documented name is {name!r}: {hint}"
    return None


def is_left_out(claim: Claim, slow: bool, wanted: Iterable[str]) -> bool:
    """Whether a slow claim is not played: neither ``slow`` ones are nor is it ``wanted`` by id."""
    return claim.slow and not slow and claim.id not in wanted


def unknown(wanted: Iterable[str]) -> str | None:
    """One line about the first name in ``wanted`` that matches no claim, with similar names.

    None if all of them match.
    """
    ids = by_id()
    names = sorted({*ids, *(id.partition(".")[0] for id in ids), *CHAPTERS})
    for want in wanted:
        if want not in names:
            near = difflib.get_close_matches(want, names, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "--claims lists all of them"
            return f"no claim is named {want!r}: {hint}"
    return None


def listing(listed: Iterable[Chapter]) -> list[dict[str, Any]]:
    """The claims as plain data, chapter by chapter, for ``--claims=json``."""
    broken = faults.catalogue()
    return [
        {
            "chapter": chapter.name,
            "title": chapter.title,
            "claims": [
                {
                    "id": claim.id,
                    "sentence": claim.sentence,
                    "documentation": claim.url,
                    "level": claim.level,
                    "needs": list(claim.needs),
                    "methods": list(claim.methods),
                    "since": claim.since,
                    "until": claim.until,
                    "changes": claim.changes,
                    "deviations": claim.deviations,
                    "contradicts": claim.contradicts and url_of(claim.contradicts),
                    "slow": claim.slow,
                    "faults": [name for name, fault in broken.items() if claim.id in fault.breaks],
                }
                for claim in chapter.claims
            ],
            "left_out": chapter.left_out,
        }
        for chapter in listed
        if chapter.claims
    ]


def listing_as_text(listed: Iterable[Chapter]) -> str:
    """The claims as text, for ``--claims``."""
    lines = []
    for chapter in listed:
        if not chapter.claims:
            continue
        lines += [f"{chapter.title}  (spec/test_{chapter.name}.py)", ""]
        for claim in chapter.claims:
            lines += [
                f"  {claim.sentence}",
                f"      {claim.id}",
                f"      {claim.level}, {claim.url}",
                *([f"      contradicts {url_of(claim.contradicts)}"] if claim.contradicts else []),
                f"      applies {where(claim)}",
                *(f"      Python {since}: {what}" for since, what in claim.changes.items()),
                "",
            ]
        for id, reason in chapter.left_out.items():
            lines += [f"  left out: {id}", f"      {reason}", ""]
    return "\n".join(lines).rstrip()


def where(claim: Claim) -> str:
    """Where the claim applies, in words: start methods, versions, capabilities."""
    limits = [
        f"under {' and '.join(claim.methods)}" if claim.methods else "",
        f"since Python {claim.since}" if claim.since else "",
        f"until Python {claim.until}" if claim.until else "",
        f"with {', '.join(claim.needs)}" if claim.needs else "",
        "with --slow" if claim.slow else "",
    ]
    words = ", ".join(filter(None, limits)) or "everywhere"
    if claim.deviations:
        words += f"; known deviation with {', '.join(claim.deviations)}"
    return words
