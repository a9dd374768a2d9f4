"""The cost of a child in a claim, and of a run, compared with bare children.

A bare child is one that the package starts without the kit; see :mod:`spec.meta.bare_children`.
"""

import compileall
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from spec.kit import package
from spec.kit.clock import now
from spec.kit.programs import PROGRAMS, Programs
from spec.meta.actors import noop
from spec.meta.bare_children import spent_by
from spec.meta.scratch import ROOT

# The number of pairs in a measurement, and the largest number of measurements.
PAIRS = 21
MEASUREMENTS = 10
# A child in a claim may take so many times as long as a bare child, plus so many seconds.
BOUNDS = {"spawn": (1.3, 0.0), "fork": (1.0, 0.003), "forkserver": (1.0, 0.003)}
# A program in a claim may take so many times the processor time that it takes alone.
PROGRAM_BOUND = 1.2

# The chapters that are played to compare a run.
CHAPTERS = ("semaphores", "events")
# A run may take so many times the processor time of the bare children that it starts. Other work on
# the machine only adds to it, so the cheapest of some runs shows the kit.
BOUND = 1.3
RUNS = 10
# How often a program is run to measure its cost.
REPEATED = 15


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Compile the kit once: if bytecode is not written, each child would compile it again."""
    for room in ("kit", "meta"):
        assert compileall.compile_dir(Path(__file__).parents[1] / room, quiet=1)


def measure(mp, stage):
    """Durations in seconds, from start to end, of children in a claim and of bare children.

    They run alternately.
    """
    played, bare = [], []
    for _ in range(PAIRS):
        began = now()
        stage.result_of(noop)
        between = now()
        child = mp.Process(target=noop)
        child.start()
        child.join()
        played.append(between - began)
        bare.append(now() - between)
    return played, bare


def test_a_child_in_a_claim_costs_what_a_bare_child_costs(mp, stage, figure):
    """The medians of one measurement show it, or the fastest children of all measurements.

    On a busy machine every switch from process to process waits, and a claim has more of them.
    Then the medians show the load rather than the kit. The fastest children still show the kit:
    if it were too slow, they would be slower too.
    """
    method = mp.get_start_method()
    times, more = BOUNDS[method]
    everything: tuple[list[float], list[float]] = ([], [])
    for _ in range(MEASUREMENTS):
        for costs, all_costs in zip(measure(mp, stage), everything, strict=True):
            all_costs += costs
        played, bare = (median(costs[-PAIRS:]) for costs in everything)
        figure(f"{method}: {1000 * played:.1f} ms in a claim, {1000 * bare:.1f} ms bare (medians)")
        if played <= times * bare + more:
            return
        played, bare = map(min, everything)
        if played <= times * bare + more:
            figure(
                f"{method}: {1000 * played:.1f} ms in a claim, {1000 * bare:.1f} ms bare (cheapest)"
            )
            return
    pytest.fail("no measurement was within the bound")


@pytest.mark.skipif(
    "fork" not in package.start_methods(), reason="with fork alone nothing outlives a program"
)
def test_a_program_in_a_claim_costs_what_it_costs_alone(tmp_path, figure):
    """Processes of a program are bare: the kit starts the program, and looks for what it left."""
    programs = Programs("fork", "processes", tmp_path, [])
    command = [sys.executable, str(PROGRAMS / "processes/sample_target.py"), "fork"]
    run_alone = partial(subprocess.run, command, capture_output=True, check=True)
    for _ in range(MEASUREMENTS):
        played = spent_by(partial(programs.lines_of, "sample_target"), REPEATED)
        alone = spent_by(run_alone, REPEATED)
        if played is None or alone is None:
            pytest.skip("the processor time of a program is unknown here")
        figure(f"a program: {1000 * played:.1f} ms in a claim, {1000 * alone:.1f} ms alone")
        if played <= PROGRAM_BOUND * alone:
            return
    pytest.fail(f"no measurement was within {PROGRAM_BOUND} times")


def test_a_run_costs_little_more_than_the_bare_children_that_it_starts(tmp_path, figure):
    """The other costs of a play are the kit, pytest and the claim's own work."""
    for number in range(RUNS):
        run = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"),
                *(f"--claim={chapter}" for chapter in CHAPTERS),
                *("-p", "spec.meta.bare_children", f"--results={tmp_path / f'record{number}'}"),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, run.stdout
        times = re.search(r"^a run: ([0-9.]+) times", run.stdout, re.MULTILINE)
        if times is None:
            pytest.skip("the processor time of a play is unknown here")
        for line in re.findall(r"^(?:a run|\w+): .* bare .*$", run.stdout, re.MULTILINE):
            figure(line)
        if float(times[1]) <= BOUND:
            return
    pytest.fail(f"no run was within {BOUND} times the cost of bare children")
