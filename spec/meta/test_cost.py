"""The duration of a child in a claim, compared with a bare child.

A bare child is one that the package starts without the kit.
"""

import compileall
from pathlib import Path
from statistics import median

import pytest

from spec.kit.clock import now
from spec.meta.actors import noop

# The number of pairs in a measurement, and the largest number of measurements.
PAIRS = 21
MEASUREMENTS = 10
# A child in a claim may take so many times as long as a bare child, plus so many seconds.
BOUNDS = {"spawn": (1.3, 0.0), "fork": (1.0, 0.003), "forkserver": (1.0, 0.003)}


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
