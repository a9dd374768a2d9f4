"""The contents of the page, as plain data.

The verdict of a claim under a start method in an environment is one of :data:`WORDS`. It is "not
run" where no record has it, never "holds".
"""

from __future__ import annotations

import html
import itertools
import re
import statistics
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from spec import faults
from spec.kit.claims import Claim, url_of
from spec.report import catalogue, timelines
from spec.report.catalogue import START_METHODS
from spec.report.page import sources
from spec.report.page.sources import Source
from spec.report.page.verdicts import NOT_RUN, WORDS, Triple, rank
from spec.report.plays import (
    CRASHES,
    FAILS,
    HOLDS,
    KNOWN_DEVIATION,
    NOT_APPLICABLE,
    RED,
    TIMES_OUT,
)
from spec.report.records import WAVERS, Cell, Environment, Matrix, Surroundings

# So many red plays of a claim are shown with their timeline, of the newest environments.
_MOST_RED = 3
#: The feature releases that the claims are about; the first is where they begin.
FEATURES = ("3.11", "3.12", "3.13", "3.14", "3.15")


class Entry(NamedTuple):
    """The verdict of a claim under one start method in an environment, and what is known of it."""

    verdict: str
    told: str
    reason: str
    timeline: list[list[Any]]
    seconds: float


class Column(NamedTuple):
    """An environment as the page shows it.

    ``label`` is short and unique on the page: ``3.13.0t Linux``. ``counts`` maps verdicts to the
    number of plays.
    """

    environment: Environment
    surroundings: Surroundings
    label: str
    counts: Counter[str]


class Reason(NamedTuple):
    """Why a claim does not hold, or does not apply: ``where`` names environments and methods."""

    word: str
    where: str
    reason: str


class Picture(NamedTuple):
    """A timeline: where it comes from, as a picture, and as text."""

    title: str
    red: bool
    svg: Markup
    text: str


class Change(NamedTuple):
    """A change that came with some releases, in words.

    ``applies``: the claim itself holds since then, or no longer.
    """

    releases: str
    what: str
    applies: bool = False


class View(NamedTuple):
    """A claim as the page shows it; ``entries`` has a triple for each environment."""

    claim: Claim
    number: int
    proof: Markup
    where: str
    changes: list[Change]
    entries: list[tuple[Entry, Entry, Entry]]
    reasons: list[Reason]
    sources: list[Source]
    faults: list[faults.Fault]
    pictures: list[Picture]

    @property
    def triples(self) -> list[Triple]:
        """The verdicts under fork, forkserver and spawn in each environment."""
        return [triple_of(entries) for entries in self.entries]

    @property
    def contradicted(self) -> str:
        """The URL of the sentence of the documentation that says otherwise, or empty."""
        return self.claim.contradicts and url_of(self.claim.contradicts)


class Chapter(NamedTuple):
    """A chapter: the name of its file, its title, its introduction and its claims."""

    name: str
    title: str
    introduction: Markup
    views: list[View]
    left_out: dict[str, str]


class Name(NamedTuple):
    """A documented name, and the claims about it."""

    name: str
    url: str
    views: list[View]

    @property
    def short(self) -> str:
        """The name without that of the package."""
        return self.name.removeprefix("multiprocessing.")


class Step(NamedTuple):
    """The changes from one feature release to the next, as the claims say it."""

    before: str
    after: str
    changes: list[tuple[Change, View]]

    @property
    def kinds(self) -> list[tuple[str, list[tuple[Change, View]]]]:
        """The changes of behaviour, then the claims that hold since then, each with a title."""
        different = [each for each in self.changes if not each[0].applies]
        new = [each for each in self.changes if each[0].applies]
        return [("what became different", different), ("what holds since then", new)]


class Group(NamedTuple):
    """Claims that hold, or apply, under the same start methods only."""

    title: str
    views: list[View]

    @property
    def size(self) -> int:
        """The number of its claims."""
        return len(self.views)


class Told(NamedTuple):
    """A sentence of the summary, and the verdict that its claims have, or empty."""

    text: str
    verdict: str = ""


class Page(NamedTuple):
    """All that the page shows.

    ``reference`` is the place of the environment that stands for all where only one is shown, and
    -1 without records. ``medians`` has the duration of a proof under each start method there.
    """

    columns: list[Column]
    chapters: list[Chapter]
    names: list[Name]
    steps: list[Step]
    groups: list[Group]
    reference: int
    medians: list[float]
    summary: list[Told]
    problems: list[str]

    @property
    def views(self) -> list[View]:
        """All claims in reading order."""
        return [view for chapter in self.chapters for view in chapter.views]


def triple_of(entries: Iterable[Entry]) -> Triple:
    """The verdicts of entries in the order of the start methods."""
    first, second, third = (entry.verdict for entry in entries)
    return first, second, third


def page_of(matrix: Matrix) -> Page:
    """The page of the claims of this checkout, and of a matrix of records."""
    environments = list(matrix.environments.items())
    labels = labels_of([environment for environment, _ in environments])
    broken = list(faults.catalogue().values())
    chapters: list[Chapter] = []
    number = 0
    for chapter in catalogue.chapters():
        views = []
        for claim in chapter.claims:
            entries = [
                _entries(claim, matrix, environment, surroundings)
                for environment, surroundings in environments
            ]
            views.append(
                View(
                    claim,
                    number,
                    prose(_below_the_first_line(claim.test.__doc__)),
                    catalogue.where(claim),
                    changes_of(claim),
                    entries,
                    _reasons(entries, labels),
                    sources.of_claim(claim),
                    [fault for fault in broken if claim.id in fault.breaks],
                    _pictures(claim, entries, [environment for environment, _ in environments]),
                )
            )
            number += 1
        introduction = prose(_below_the_first_line(catalogue.module_of(chapter.name).__doc__))
        chapters.append(Chapter(chapter.name, chapter.title, introduction, views, chapter.left_out))
    views = [view for chapter in chapters for view in chapter.views]
    columns = [
        Column(environment, surroundings, labels[place], _counts(views, place))
        for place, (environment, surroundings) in enumerate(environments)
    ]
    reference = _reference([environment for environment, _ in environments])
    return Page(
        columns,
        chapters,
        _names(views),
        _steps(views),
        _groups(views, reference),
        reference,
        _medians(views, reference),
        summary(views, columns),
        matrix.problems,
    )


def _entries(
    claim: Claim, matrix: Matrix, environment: Environment, surroundings: Surroundings
) -> tuple[Entry, Entry, Entry]:
    first, second, third = (
        _entry(
            matrix.cells.get((claim.id, method, environment))
            # A claim that is not about processes is played once, under no start method.
            or matrix.cells.get((claim.id, "", environment)),
            method,
            surroundings,
        )
        for method in START_METHODS
    )
    return first, second, third


def _entry(cell: Cell | None, method: str, surroundings: Surroundings) -> Entry:
    if cell is not None:
        return Entry(cell.verdict, _told(cell), cell.reason, cell.timeline, cell.total / cell.runs)
    if surroundings.start_methods and method not in surroundings.start_methods:
        return Entry(NOT_APPLICABLE, "n/a", f"{method} is not available there", [], 0)
    return Entry(NOT_RUN, WORDS[NOT_RUN].short, "", [], 0)


def _told(cell: Cell) -> str:
    """The verdict with how long the proof took; how often each, if the runs differ."""
    if cell.verdict == WAVERS:
        each = ", ".join(
            f"{WORDS[verdict].short} {count}" for verdict, count in cell.verdicts.items()
        )
        return f"wavers: {each}"
    if cell.verdict == NOT_APPLICABLE:
        return WORDS[NOT_APPLICABLE].short
    took = f"{cell.total / cell.runs:.2f} s"
    return took if cell.verdict == HOLDS else f"{WORDS[cell.verdict].short} {took}"


def labels_of(environments: list[Environment]) -> list[str]:
    """A short label for each environment, with what tells it from the others, and no more."""
    labels = [textwrap.shorten(_versions(each), 40, placeholder="…") for each in environments]
    for more in (
        lambda each: f"simulated {each.simulated}" if each.simulated else "",
        lambda each: each.system.partition(" ")[0],
        lambda each: each.system.partition(" ")[2],
        lambda each: f"without {', '.join(each.missing)}" if each.missing else "",
        lambda each: each.implementation,
    ):
        counts = Counter(labels)
        if len(counts) == len(labels):
            break
        labels = [
            f"{label} {added}" if counts[label] > 1 and (added := more(each)) else label
            for label, each in zip(labels, environments, strict=True)
        ]
    counts = Counter(labels)
    seen: Counter[str] = Counter()
    for place, label in enumerate(labels):
        if counts[label] > 1:
            seen[label] += 1
            labels[place] = f"{label} ({seen[label]})"
    return labels


def _versions(environment: Environment) -> str:
    own = environment.python_implementation
    name = environment.python if own == "CPython" else f"{own} {environment.python}"
    return name if environment.gil else f"{name}t"


def _reference(environments: list[Environment]) -> int:
    """The place of the newest CPython that is released, has a GIL and is not simulated; or -1."""

    def fitness(place: int) -> tuple[Any, ...]:
        each = environments[place]
        return (
            not each.simulated,
            each.python_implementation == "CPython",
            each.gil,
            each.version[3] == "released",
            each.version,
        )

    return max(range(len(environments)), key=fitness, default=-1)


def family_of(environment: Environment) -> str:
    """The same for environments that differ only by the version of Python."""
    return "|".join(map(str, environment._replace(python="")))


def changes_of(claim: Claim) -> list[Change]:
    """The releases that the claim's data names, and the change that came with each."""
    changes = []
    if claim.since:
        changes.append(Change(claim.since, "it holds since then", True))
    if claim.until:
        changes.append(Change(claim.until, "it held until then", True))
    return [*changes, *(Change(*each) for each in claim.changes.items())]


def _reasons(entries: list[tuple[Entry, Entry, Entry]], labels: list[str]) -> list[Reason]:
    """The reasons of a claim, each once, the worst verdicts first."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for place, triple in enumerate(entries):
        for method, entry in enumerate(triple):
            if entry.reason:
                # The version in a reason differs in each environment that it is about.
                reason = re.sub(r", and this is [\d.]+", "", entry.reason)
                places.setdefault((entry.verdict, reason), []).append((place, method))
    return [
        Reason(WORDS[verdict].short, _where(found, labels), reason)
        for (verdict, reason), found in sorted(places.items(), key=lambda each: rank(each[0][0]))
    ]


def _where(found: list[tuple[int, int]], labels: list[str]) -> str:
    """Environments and start methods in words: places that have the same methods go together."""
    methods: dict[int, tuple[str, ...]] = {}
    for place, method in found:
        methods[place] = (*methods.get(place, ()), START_METHODS[method])
    together: dict[tuple[str, ...], list[int]] = {}
    for place, names in methods.items():
        together.setdefault(names, []).append(place)
    return "; ".join(
        f"{_everywhere(places, labels)} under {_under(names)}" for names, places in together.items()
    )


def _everywhere(places: list[int], labels: list[str]) -> str:
    if len(places) == len(labels):
        return "everywhere"
    return ", ".join(labels[place] for place in places)


def _under(names: tuple[str, ...]) -> str:
    return "all start methods" if len(names) == len(START_METHODS) else " and ".join(names)


def _pictures(
    claim: Claim,
    entries: list[tuple[Entry, Entry, Entry]],
    environments: list[Environment],
) -> list[Picture]:
    """The timelines of red plays; then that of a play that holds, on the newest CPython."""
    red, holding = [], []
    for place, triple in enumerate(entries):
        for method, entry in zip(START_METHODS, triple, strict=True):
            if entry.timeline and entry.verdict in (*RED, WAVERS):
                red.append((place, method, entry))
            elif entry.timeline and entry.verdict == HOLDS:
                holding.append((place, method, entry))
    newest = _reference([environments[place] for place, *_ in holding])
    if holding:
        place = holding[newest][0]
        holding = [each for each in holding if each[0] == place][:1]
    return [
        _picture(claim, environments[place], method, entry)
        for place, method, entry in red[-_MOST_RED:] + holding
    ]


def _picture(claim: Claim, environment: Environment, method: str, entry: Entry) -> Picture:
    title = f"{environment.name}, {method}: {WORDS[entry.verdict].short}"
    drawn = timelines.svg(entry.timeline, f"{claim.sentence} {title}")
    # The picture of a run that holds describes itself; all of them as text would be a megabyte.
    text = "" if entry.verdict == HOLDS else timelines.as_text(entry.timeline)
    return Picture(title, entry.verdict != HOLDS, Markup(drawn), text)


def _counts(views: list[View], place: int) -> Counter[str]:
    return Counter(verdict for view in views for verdict in view.triples[place])


def _names(views: list[View]) -> list[Name]:
    return [
        Name(
            name,
            url_of(name),
            [view for view in views if name in (view.claim.docs, view.claim.contradicts)],
        )
        for name in sorted(catalogue.DOCUMENTED_NAMES, key=str.lower)
    ]


def _steps(views: list[View]) -> list[Step]:
    """The changes that came with each feature release, and with its patch releases."""
    return [
        Step(
            before,
            after,
            [
                (change, view)
                for view in views
                for change in view.changes
                if any(_is_of(release, after) for release in change.releases.split(", "))
            ],
        )
        for before, after in itertools.pairwise(FEATURES)
    ]


def _is_of(release: str, feature: str) -> bool:
    return release == feature or release.startswith(f"{feature}.")


def _groups(views: list[View], reference: int) -> list[Group]:
    """The claims that are about some start methods, or have different verdicts under them.

    The verdicts are those of the environment at the place ``reference``.
    """
    groups: dict[str, list[View]] = {}
    for view in views:
        triple = view.triples[reference] if reference >= 0 else None
        if view.claim.methods:
            under = [method for method in START_METHODS if method in view.claim.methods]
        elif triple is not None and len(set(triple)) > 1:
            under = [
                method
                for method, verdict in zip(START_METHODS, triple, strict=True)
                if verdict == HOLDS
            ]
        else:
            continue
        groups.setdefault(" and ".join(under), []).append(view)
    order = (
        "fork",
        "fork and forkserver",
        "forkserver",
        "forkserver and spawn",
        "spawn",
        "fork and spawn",
        "",
    )
    return [
        Group(f"Only under {under}" if under else "Under none", groups[under])
        for under in order
        if under in groups
    ]


def _medians(views: list[View], reference: int) -> list[float]:
    """The medians in seconds of the claims that hold under each start method; empty if none do."""
    holding = [
        view.entries[reference]
        for view in views
        if reference >= 0 and set(view.triples[reference]) == {HOLDS}
    ]
    if not holding:
        return []
    return [
        statistics.median(entry.seconds for entry in each) for each in zip(*holding, strict=True)
    ]


def summary(views: list[View], columns: list[Column]) -> list[Told]:
    """The state of all claims in words, a sentence for each thing that there is to say."""
    if not columns:
        text = f"{len(views)} claims; no record of a run was given, so no verdict is known."
        return [Told(text)]
    seen = [{verdict for triple in view.triples for verdict in triple} for view in views]
    holding = [found for found in seen if HOLDS in found and found <= {HOLDS, NOT_APPLICABLE}]

    def count(*verdicts: str) -> int:
        return sum(not found.isdisjoint(verdicts) for found in seen)

    never_run = [view for view, found in zip(views, seen, strict=True) if found == {NOT_RUN}]
    told = [
        Told(
            f"{len(holding)} of {len(views)} claims hold wherever they apply, "
            f"in {many(len(columns), 'environment')}."
        ),
        Told(
            f"{sum(NOT_APPLICABLE in found for found in holding)} of these do not apply to each "
            "version, start method or platform."
        ),
    ]
    for verdict, one, more in (
        (FAILS, "fails somewhere", "fail somewhere"),
        (CRASHES, "crashes somewhere", "crash somewhere"),
        (TIMES_OUT, "times out somewhere", "time out somewhere"),
        (WAVERS, "wavers between runs", "waver between runs"),
        (KNOWN_DEVIATION, "is a known deviation somewhere", "are known deviations somewhere"),
    ):
        if number := count(verdict):
            told.append(Told(f"{_claims(number, one, more)}.", verdict))
    if not count(*RED):
        told.insert(2, Told("No claim fails."))
    if partly := count(NOT_RUN) - len(never_run):
        told.append(Told(f"{_claims(partly, 'was', 'were')} not run in some environment.", NOT_RUN))
    if never_run:
        slow = (
            ", because --slow was not given" if all(view.claim.slow for view in never_run) else ""
        )
        words = f"{_claims(len(never_run), 'was', 'were')} not run anywhere{slow}."
        told.append(Told(words, NOT_RUN))
    return told


def many(count: int, thing: str) -> str:
    """The count with its thing, in the plural if it is not one."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _claims(count: int, one: str, more: str) -> str:
    return f"{many(count, 'claim')} {one if count == 1 else more}"


def prose(text: str) -> Markup:
    """Paragraphs of a docstring as HTML: ``code`` in double backticks, and indented blocks."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if not paragraph.strip():
            continue
        escaped = html.escape(textwrap.dedent(paragraph).rstrip(), quote=False)
        if paragraph.startswith((" ", "\t")):
            parts.append(f"<pre>{escaped}</pre>")
        else:
            coded = re.sub("``(.+?)``", r"<code>\1</code>", escaped, flags=re.DOTALL)
            parts.append(f"<p>{coded}</p>")
    return Markup("\n".join(parts))


def _below_the_first_line(docstring: str | None) -> str:
    _, _, rest = (docstring or "").strip().partition("\n")
    return textwrap.dedent(rest)


def default_start_methods(columns: Iterable[Column]) -> Mapping[str, list[str]]:
    """The default start methods of the environments, each with the labels that have it."""
    found: dict[str, list[str]] = {}
    for column in columns:
        if column.surroundings.default_start_method:
            found.setdefault(column.surroundings.default_start_method, []).append(column.label)
    return found
