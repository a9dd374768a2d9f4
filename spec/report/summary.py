"""Sums up records in Markdown, for the page of a job in CI or for a README.

``python -m spec.report.summary RECORD...``; with ``--badge FILE`` it also draws a badge.
"""

from __future__ import annotations

import argparse
import html
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from spec.kit.claims import Claim
from spec.report import catalogue
from spec.report.catalogue import START_METHODS
from spec.report.plays import CRASHES, FAILS, HOLDS, KNOWN_DEVIATION, RED, TIMES_OUT, VERDICTS
from spec.report.records import WAVERS, Cell, Environment, Matrix, Surroundings, fold

# GitHub refuses a page of a job above 1 MiB.
_MOST_BYTES = 1_000_000
# So many claims of a kind are listed, and so many environments of a claim.
_CLAIMS, _ENVIRONMENTS = 100, 8
_PLURALS = {HOLDS: "hold", FAILS: "fail", TIMES_OUT: "time out", CRASHES: "crash", WAVERS: "waver"}
_NOT_RUN = "not run"
# The characters that are markup in Markdown.
_MARKUP = re.compile(r"[\\`*_{}\[\]()#!|~]")


class Standing(Enum):
    """The standing of a claim in all environments and under all start methods together."""

    FAILS = "fail somewhere"
    WAVERS = "have several verdicts in one environment"
    DEVIATES = "are known deviations somewhere"
    EVERYWHERE = "hold wherever they were run"
    BY_ENVIRONMENT = "hold where they apply, which differs between environments"
    BY_START_METHOD = "hold where they apply, which differs between start methods only"
    NOWHERE = "apply nowhere here"
    NOT_RUN = "were not run"


class Summary:
    """The claims of this checkout, by their standing in a matrix.

    ``expected`` are names of records: a file is of that name, or lies in a folder of that name.
    """

    def __init__(self, matrix: Matrix, expected: Iterable[str] = ()) -> None:
        self.matrix = matrix
        self.claims: dict[Standing, list[Claim]] = {standing: [] for standing in Standing}
        self.cells: dict[str, dict[tuple[str, Environment], Cell]] = {}
        for (id, method, environment), cell in matrix.cells.items():
            self.cells.setdefault(id, {})[method, environment] = cell
        for claim in catalogue.by_id().values():
            self.claims[_standing(self.cells.get(claim.id, {}))].append(claim)
        found = {name for path in matrix.files for name in (path.stem, path.parent.name)}
        self.missing = [name for name in expected if name not in found]

    @property
    def holding(self) -> int:
        """The number of claims that hold wherever they apply."""
        kinds = (Standing.EVERYWHERE, Standing.BY_ENVIRONMENT, Standing.BY_START_METHOD)
        return sum(len(self.claims[kind]) for kind in kinds)

    @property
    def headline(self) -> str:
        """The result in a few words."""
        failing = len(self.claims[Standing.FAILS])
        said = f"{_count(self.holding, 'claim')} {'holds' if self.holding == 1 else 'hold'}"
        if failing:
            said = f"{_count(failing, 'claim')} {'fails' if failing == 1 else 'fail'}, {said}"
        return f"{said} · {_count(len(self.matrix.environments), 'environment')}"

    @property
    def colour(self) -> str:
        """Red if a claim fails, amber if something wavers or is missing, else green."""
        if self.claims[Standing.FAILS]:
            return "#b32121"
        incomplete = any(each.incomplete for each in self.matrix.environments.values())
        if self.claims[Standing.WAVERS] or self.missing or incomplete or not self.holding:
            return "#8a5a00"
        return "#1f7a3a"


def _standing(cells: dict[tuple[str, Environment], Cell]) -> Standing:
    verdicts = {cell.verdict for cell in cells.values()}
    if not verdicts.isdisjoint(RED):
        return Standing.FAILS
    if WAVERS in verdicts:
        return Standing.WAVERS
    if KNOWN_DEVIATION in verdicts:
        return Standing.DEVIATES
    if not verdicts:
        return Standing.NOT_RUN
    if verdicts == {HOLDS}:
        return Standing.EVERYWHERE
    if HOLDS not in verdicts:
        return Standing.NOWHERE
    under: dict[str, set[str]] = {}
    for (method, _), cell in cells.items():
        under.setdefault(method, set()).add(cell.verdict)
    differs = any(len(each) > 1 for each in under.values())
    return Standing.BY_ENVIRONMENT if differs else Standing.BY_START_METHOD


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def escaped(text: str) -> str:
    """The text in one line, so that Markdown and HTML show it as it is."""
    line = html.escape(_MARKUP.sub(r"\\\g<0>", " ".join(text.split())), quote=False)
    return line.replace("@", "&#64;").replace("://", "&#58;//")


def markdown(summary: Summary) -> str:
    """The summary in Markdown, of less than a million bytes."""
    size = 0
    lines = []
    for line in _lines(summary):
        size += len(line.encode()) + 1
        if size > _MOST_BYTES - 200:
            lines += ["", "The rest is left out: this page has a limit."]
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    matrix, claims = summary.matrix, summary.claims
    yield f"## multiprocessing: {summary.headline}"
    yield ""
    yield "| claims | |"
    yield "| ---: | --- |"
    yield from (f"| {len(claims[standing])} | {standing.value} |" for standing in Standing)
    yield ""
    if summary.missing:
        names = ", ".join(escaped(name) for name in summary.missing)
        yield f"**{_count(len(summary.missing), 'record')} missing**: {names}"
        yield ""
    yield from _table(matrix)
    for standing, title in (
        (Standing.FAILS, "Claims that fail"),
        (Standing.WAVERS, "Claims with several verdicts in one environment"),
        (Standing.DEVIATES, "Known deviations"),
        (Standing.BY_ENVIRONMENT, "Claims that differ between environments"),
        (Standing.BY_START_METHOD, "Claims that differ between start methods only"),
    ):
        if claims[standing]:
            yield from ["", f"### {title}", ""]
            for claim in claims[standing][:_CLAIMS]:
                yield f"- {escaped(claim.sentence)} `{claim.id}`"
                yield from (f"  - {line}" for line in _verdicts(summary.cells[claim.id]))
            if (more := len(claims[standing]) - _CLAIMS) > 0:
                yield f"- and {more} more"
    if matrix.problems:
        yield from ["", "### Files that were not used, or only in part", ""]
        yield from (f"- {escaped(problem)}" for problem in matrix.problems)


def _table(matrix: Matrix) -> Iterator[str]:
    """One row for each environment, with the number of claims under each start method.

    The last number is that of claims that are played without one.
    """
    yield f"| environment | {' | '.join(START_METHODS)} | without | runs |"
    yield f"| --- | {'--- | ' * len(START_METHODS)}--- | --- |"
    counts: dict[tuple[Environment, str], Counter[str]] = {}
    for (_, method, environment), cell in matrix.cells.items():
        counts.setdefault((environment, method), Counter())[cell.verdict] += 1
    # The claims that involve no start method are known from the records only.
    once = {id for id, method, _ in matrix.cells if not method}
    several = len(catalogue.by_id()) - len(once)
    for environment, surroundings in matrix.environments.items():
        cells = [
            _counted(
                counts.get((environment, method), Counter()),
                several if method else len(once),
                method,
                surroundings,
            )
            for method in (*START_METHODS, "")
        ]
        runs = str(surroundings.runs)
        if surroundings.incomplete:
            runs += f", **{surroundings.incomplete} incomplete**"
        yield f"| {escaped(environment.name)} | {' | '.join(cells)} | {runs} |"


def _counted(counts: Counter[str], claims: int, method: str, surroundings: Surroundings) -> str:
    """The verdicts of ``claims`` under a start method, and how many of them were not run."""
    if not counts:
        offered = method in ("", *surroundings.start_methods)
        return _NOT_RUN if offered else "not offered"
    counts[_NOT_RUN] = claims - counts.total()
    told = ", ".join(
        f"{counts[verdict]} {_PLURALS.get(verdict, verdict)}"
        for verdict in (*VERDICTS, WAVERS, _NOT_RUN)
        if counts[verdict]
    )
    return f"{told} (default)" if method == surroundings.default_start_method else told


def _verdicts(cells: dict[tuple[str, Environment], Cell]) -> Iterator[str]:
    """One line for each verdict other than "holds" and each reason, with its places."""
    places: dict[tuple[str, str], dict[Environment, list[str]]] = {}
    for (method, environment), cell in cells.items():
        if cell.verdict != HOLDS:
            told = cell.verdict
            if told == WAVERS:
                told = ", ".join(f"{one} in {runs}" for one, runs in cell.verdicts.items())
            places.setdefault((told, cell.reason), {}).setdefault(environment, []).append(method)
    for (verdict, reason), where in places.items():
        by_methods: dict[str, list[str]] = {}
        for environment, each in where.items():
            by_methods.setdefault(" and ".join(sorted(each)), []).append(environment.name)
        told = "; ".join(
            f"under {methods} on {_some(names)}" if methods else f"on {_some(names)}"
            for methods, names in by_methods.items()
        )
        yield f"{verdict} {told}" + (f": {escaped(reason)}" if reason else "")


def _some(names: list[str]) -> str:
    shown = " / ".join(escaped(name) for name in names[:_ENVIRONMENTS])
    more = len(names) - _ENVIRONMENTS
    return f"{shown} and {more} more" if more > 0 else shown


def badge(summary: Summary) -> str:
    """A badge as SVG, with the headline of the summary."""
    left, right = "multiprocessing", summary.headline
    # The width of a character of 11 px Verdana; textLength fits the text to it.
    first, second = (round(6.6 * len(text)) + 12 for text in (left, right))
    title = html.escape(f"{left}: {right}")
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="20" \
role="img" aria-label="{title}">
<title>{title}</title>
<rect width="{first + second}" height="20" rx="3" fill="{summary.colour}"/>
<path d="M3 0h{first - 3}v20h-{first - 3}a3 3 0 0 1-3-3v-14a3 3 0 0 1 3-3z" fill="#444"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="6" y="14" textLength="{first - 12}">{html.escape(left)}</text>
<text x="{first + 6}" y="14" textLength="{second - 12}">{html.escape(right)}</text>
</g>
</svg>
"""


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and print the summary; returns the exit code, 0 also with failures."""
    parser = argparse.ArgumentParser(prog="python -m spec.report.summary", description=__doc__)
    parser.add_argument("records", nargs="+", type=Path, metavar="RECORD", help="a file or folder")
    parser.add_argument(
        "--expect",
        action="append",
        default=[],
        metavar="NAME",
        help="say so if no record, and no folder with a record, has this name (repeatable)",
    )
    parser.add_argument("--badge", type=Path, metavar="FILE", help="draw a badge, an SVG file")
    options = parser.parse_args(arguments)
    summary = Summary(fold(options.records), options.expect)
    if options.badge is not None:
        try:
            options.badge.write_text(badge(summary), encoding="utf-8")
        except OSError as error:
            parser.error(f"--badge: {options.badge} cannot be written: {error.strerror}")
    if isinstance(sys.stdout, io.TextIOWrapper):  # Windows writes no UTF-8 to a file by default
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print(markdown(summary), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
