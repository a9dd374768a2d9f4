"""The run as a whole: its head, its record, its output in the terminal, and its end."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from spec import faults
from spec.kit import capabilities, guardian
from spec.kit.clock import now
from spec.kit.costs import Cost
from spec.report import catalogue
from spec.report.facts import as_lines, facts
from spec.report.plays import PATIENCE, RED, START_METHODS, VERDICTS, Plays
from spec.report.progress import Progress, Shown, can_be_shown, usual_in
from spec.report.record import RecordError, Writer
from spec.report.records import environment_of
from spec.report.terminal import Prefaced, Specification, dearest


class Run:
    """A plugin for the process that the user started, with or without workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = now()
        self._claims = catalogue.by_test()
        self._plays = Plays()
        self._verdicts: Counter[str] = Counter()
        self._costs: dict[str, list[Cost]] = {}
        self._expected = 0
        self._over = False
        try:
            self._facts = facts(config.stash[PATIENCE])
        except capabilities.ProbeError as error:
            raise pytest.UsageError(str(error)) from None
        self._record = self._start_record()
        self._shown: Specification | None = None
        self._progress: Shown | None = None

    def _start_record(self) -> Writer | None:
        given = self._config.getoption("results")
        if given is None:
            return None
        if not given:
            raise pytest.UsageError("--results: give the name of a file, or of a folder and a /")
        path = Path(given)
        in_folder = given.endswith(("/", os.sep)) or path.is_dir()
        if in_folder:
            path /= f"{environment_of(self._facts).slug}.jsonl"
        try:
            return Writer(path, self._facts, replaces=in_folder)
        except RecordError as error:
            raise pytest.UsageError(f"--results: {error}") from None

    def pytest_report_header(self) -> list[str]:
        """Print the package under test and its platform."""
        return as_lines(self._facts)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the expected plays, in a run without workers."""
        self._expect([item.nodeid for item in session.items], with_workers=False)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send the results of the probes to each worker."""
        node.workerinput["capabilities"] = capabilities.all_known()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Note the expected plays, in a run with workers: all workers report the same."""
        if not self._expected:
            self._expect(ids, with_workers=True)

    def _expect(self, nodeids: list[str], with_workers: bool) -> None:
        plays = [nodeid for nodeid in nodeids if nodeid.partition("[")[0] in self._claims]
        self._expected = len(plays)
        if self._record is not None and self._record.replaces and not self._is_whole(plays):
            self._record = None
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if plays and terminal is not None and self._config.get_verbosity() >= 0:
            terminal.showfspath = False
            self._shown = Specification(terminal, self._claims, plays)
            if can_be_shown(terminal, self._config):
                usual = usual_in(environment_of(self._facts))
                progress = Progress(self._claims, plays, usual)
                self._progress = Shown(terminal, progress, with_workers)

    def _is_whole(self, plays: list[str]) -> bool:
        """Whether all claims are played that the package as it is has to fulfil here.

        In a folder, only the record of such a run replaces another: one of a few claims would say
        less, and one of a fault something else.
        """
        played = {nodeid.partition("[")[0] for nodeid in plays}
        return (
            not os.environ.get(faults.VARIABLE)
            and self._config.stash[START_METHODS] == capabilities.start_methods()
            and all(test in played or claim.slow for test, (_, claim) in self._claims.items())
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Print no dots for claims, because each has its own line."""
        if self._shown is None or self._over or report.nodeid.partition("[")[0] not in self._claims:
            return None
        if hasattr(report, "wasxfail") and report.skipped:
            return "xfailed", "", ""
        if report.when != "call" and report.passed:
            return "", "", ""
        return report.outcome, "", ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show the start of a play, in this process or in a worker."""
        if self._progress is not None:
            self._progress.started(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note each phase of a play; after the last, record and print the play."""
        chapter_and_claim = self._claims.get(report.nodeid.partition("[")[0])
        if chapter_and_claim is None:
            return
        claim = chapter_and_claim[1]
        play = self._plays.take(report)
        if report.failed:
            phase = getattr(report, "phase", {})
            report.longrepr = Prefaced(  # type: ignore[assignment]
                claim, phase.get("timeline", []), report.longrepr
            )
        if play is None:
            return
        self._verdicts[play.verdict] += 1
        self._costs.setdefault(claim.id, []).append(play.cost)
        if self._record is not None:
            self._record.play(play, claim)
        if self._shown is not None:
            self._shown.take(play)
        if self._progress is not None:
            self._progress.ended(play)

    def pytest_keyboard_interrupt(self) -> None:
        """End the workers at once: their results are not awaited any more."""
        guardian.end_workers()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the number of plays with each verdict, and of those without a verdict.

        In a run with a record, also the dearest claims.
        """
        if self._shown is None:
            return
        terminalreporter.section("verdicts")
        for verdict in VERDICTS:
            if self._verdicts[verdict]:
                colour = "red" if verdict in RED else "green" if verdict == "holds" else "yellow"
                terminalreporter.write_line(
                    f"{self._verdicts[verdict]:5} {verdict}", **{colour: True}
                )
        if left_out := self._left_out():
            terminalreporter.write_line(f"{left_out:5} slow claims left out: --slow plays them")
        for line in dearest(self._costs):
            terminalreporter.write_line(line)
        if self._record is not None and self._record.trouble:
            terminalreporter.write_line(self._record.trouble, red=True)
        missing = self._expected - self._verdicts.total()
        if missing:
            terminalreporter.write_line(f"{missing:5} not played: the run is incomplete", red=True)

    def _left_out(self) -> int:
        slow, wanted = self._config.getoption("slow"), self._config.getoption("claim") or ()
        return sum(
            catalogue.is_left_out(claim, slow, wanted)
            and (not wanted or catalogue.matches(claim, wanted))
            for _, claim in self._claims.values()
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Print the claims that an early end left undecided, and close the record."""
        self._over = True
        if self._progress is not None:
            self._progress.close()
        if self._shown is not None:
            self._shown.finish()
        if self._record is not None:
            self._record.close(now() - self._began, dict(self._verdicts), self._expected)
            if self._record.trouble:
                session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
