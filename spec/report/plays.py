"""A play: one proof of a claim under one start method, and its verdict."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from spec.kit.costs import Cost, Meter
from spec.kit.stage import Event, Gone, TimedOut

#: Settings of the run: the patience in seconds, and the start methods.
PATIENCE = pytest.StashKey[float]()
START_METHODS = pytest.StashKey[list[str]]()
#: The timeline of a test.
TIMELINE = pytest.StashKey[list[Event]]()

#: The meter of the play's cost, in a run with a record.
METER = pytest.StashKey[Meter]()

#: Whether the test has failed; missing until the test has ended.
FAILED = pytest.StashKey[bool]()

HOLDS = "holds"
FAILS = "fails"
TIMES_OUT = "times out"
CRASHES = "crashes"
NOT_APPLICABLE = "not applicable"
KNOWN_DEVIATION = "known deviation"
VERDICTS = (HOLDS, FAILS, TIMES_OUT, CRASHES, NOT_APPLICABLE, KNOWN_DEVIATION)
#: The verdicts that make a run red.
RED = (FAILS, TIMES_OUT, CRASHES)


class Play(NamedTuple):
    """The result of a play: ``seconds`` is the duration of the proof itself.

    ``reason`` is one line, empty if the claim holds. ``cost`` is unknown without a record.
    """

    test: str
    start_method: str
    verdict: str
    seconds: float
    reason: str
    timeline: list[list[Any]]
    cost: Cost = Cost()


def verdict_of(report: pytest.TestReport, call: pytest.CallInfo[None]) -> tuple[str, str]:
    """The verdict of one phase of a play, and its reason in one line."""
    if report.passed:
        return HOLDS, ""
    if hasattr(report, "wasxfail"):
        return KNOWN_DEVIATION, report.wasxfail
    if report.skipped:
        assert isinstance(report.longrepr, tuple)
        return NOT_APPLICABLE, report.longrepr[2].removeprefix("Skipped: ")
    error = call.excinfo.value if call.excinfo else None
    reason = (str(error) or type(error).__name__).partition("\n")[0]
    if isinstance(error, TimedOut) or "from pytest-timeout" in reason:
        return TIMES_OUT, reason
    if isinstance(error, Gone):
        return CRASHES, reason
    return FAILS, reason


class Plays:
    """Collects the phases of each play as their reports come in."""

    def __init__(self) -> None:
        self._open: dict[str, Play] = {}

    def take(self, report: pytest.TestReport) -> Play | None:
        """Note one phase; returns the play if this was its last phase, else None."""
        phase: dict[str, Any] | None = getattr(report, "phase", None)
        if report.when not in ("setup", "call", "teardown"):  # a worker crashed: no phase
            reason = str(report.longrepr).partition("\n")[0]
            return _merge(
                self._open.pop(report.nodeid, None), _play(report, CRASHES, reason, 0.0, [])
            )
        if phase is None:
            return None
        seconds = report.duration if report.when == "call" else 0.0
        play = _merge(
            self._open.pop(report.nodeid, None),
            _play(report, phase["verdict"], phase["reason"], seconds, phase["timeline"]),
        )
        if report.when == "teardown":
            return play._replace(cost=Cost(*phase["cost"]))
        self._open[report.nodeid] = play
        return None


def _play(
    report: pytest.TestReport, verdict: str, reason: str, seconds: float, timeline: list[list[Any]]
) -> Play:
    test, _, parameter = report.nodeid.rstrip("]").partition("[")
    return Play(test, parameter, verdict, seconds, reason, timeline)


def _merge(first: Play | None, then: Play) -> Play:
    """Merge two phases into one play: the first verdict that is not "holds" decides."""
    if first is None:
        return then
    decides = then if first.verdict == HOLDS else first
    return decides._replace(
        seconds=first.seconds + then.seconds, timeline=then.timeline or first.timeline
    )
