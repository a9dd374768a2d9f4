"""A plugin of pytest: compares the processor time of a run with that of bare children.

A bare child is one that the package starts without the kit, in the process that plays, between
the plays: a fork costs more the larger that process is, and the speed of a machine changes. It gets
a lock, as most children of claims do: to import the module of locks takes a spawned child some
milliseconds, which are no cost of the kit. The record tells what the plays cost::

    python -m pytest -n 0 -p spec.meta.bare_children --results=FILE
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from statistics import mean

import pytest

from spec.kit import package
from spec.kit.costs import Cost, Meter
from spec.kit.leftovers import start_servers
from spec.meta.actors import noop
from spec.report.plays import Plays

# After how many plays the bare children are measured again, and how many of them at a time.
_EVERY = 50
_CHILDREN = 10


def spent_by(action: Callable[[], object], times: int) -> float | None:
    """The processor time in seconds of an action that is repeated; None where it is unknown.

    Its processes, and what servers do for it, are part of it.
    """
    start_servers()
    meter = Meter()
    for _ in range(times):
        action()
    seconds = meter.cost().processor_seconds
    return None if seconds is None else seconds / times


def _start_bare(method: str) -> None:
    """Start a bare child that gets a lock, and wait for its end."""
    mp = package.context(method)
    lock = mp.Lock()
    child = mp.Process(target=noop, args=(lock,))
    child.start()
    child.join()
    assert child.exitcode == 0


class _Comparison:
    """Collects the costs of plays and of bare children, by start method; tells their ratio."""

    def __init__(self) -> None:
        self._plays = Plays()
        self._costs: dict[str, list[Cost]] = defaultdict(list)
        self._bare: dict[str, list[float]] = defaultdict(list)
        self._played = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the cost of a play; measure the bare children now and then."""
        play = self._plays.take(report)
        if play is None or play.cost.processor_seconds is None or not play.start_method:
            return
        self._costs[play.start_method].append(play.cost)
        if self._played % _EVERY == 0:
            self._measure()
        self._played += 1

    def _measure(self) -> None:
        for method in package.start_methods():
            seconds = spent_by(partial(_start_bare, method), _CHILDREN)
            assert seconds is not None, "the time of a play was known"
            self._bare[method].append(seconds)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for each start method, and one for the run.

        Each interpreter counts as a spawned child, each fork as a child of its start method.
        """
        terminalreporter.section("bare children")
        total = needed = 0.0
        for method, costs in self._costs.items():
            interpreters = sum(cost.interpreters or 0 for cost in costs)
            forks = sum(cost.processes or 0 for cost in costs) - interpreters
            spent = sum(cost.processor_seconds or 0.0 for cost in costs)
            bare = mean(self._bare[method])
            alone = interpreters * mean(self._bare["spawn"]) + forks * bare
            terminalreporter.write_line(
                f"{method}: {len(costs)} plays with {interpreters} interpreters and {forks} forks "
                f"took {spent:.2f} s of processor time, bare {alone:.2f} s "
                f"({1000 * bare:.1f} ms each)"
            )
            total, needed = total + spent, needed + alone
        if needed:
            terminalreporter.write_line(f"a run: {total / needed:.3f} times its bare children")
        else:
            terminalreporter.write_line("no cost is known: --results records it, where it can")


def pytest_configure(config: pytest.Config) -> None:
    """Compare the run."""
    config.pluginmanager.register(_Comparison())
