"""What a child costs inside a claim, beside what a bare child of the package costs."""

import compileall
from pathlib import Path
from statistics import median

import pytest

from spec.kit.clock import now
from spec.meta.actors import noop

# A measurement's pairs, and how often it is made until one is a witness.
PAIRS = 21
MEASUREMENTS = 10
# A child in a claim may cost this many times a bare one, and this many seconds more.
BOUNDS = {"spawn": (1.3, 0.0), "fork": (1.0, 0.003), "forkserver": (1.0, 0.003)}


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Where bytecode is not written down, each child would compile the kit anew."""
    for room in ("kit", "meta"):
        assert compileall.compile_dir(Path(__file__).parents[1] / room, quiet=1)


def measure(mp, stage):
    """What children cost in a claim and bare, in seconds from start to end, in turns."""
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
    """The medians of one measurement show it, or the cheapest children of all measurements.

    Where many others want the processors, every hand-over from process to process waits for
    its turn, and there are more of them in a claim: then no median shows what the kit costs.
    The cheapest children still do, and a kit that is too slow makes them dearer too.
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
