"""The suite where something is missing, as on other platforms: simulated by taking it away."""

from spec.kit import package
from spec.kit.capabilities import CAPABILITIES, WITHOUT
from spec.meta.chapters import SIMPLE
from spec.report.plays import HOLDS, NOT_APPLICABLE
from spec.report.record import read

NEEDY = SIMPLE.replace('s="multiprocessing"', 's="multiprocessing", needs=("semaphore-value",)')


def verdicts(scratch):
    """The verdict and the reason of each play."""
    return {
        (play["claim"], play["start_method"]): (play["verdict"], play["reason"])
        for play in read(scratch.root / "record").plays
    }


def test_without_fork_and_fork_server_the_rest_is_played(scratch):
    """As on Windows."""
    gone = [method for method in package.start_methods() if method != "spawn"]
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    run = scratch.run("-n", "0", "--results", "record", **{WITHOUT: ",".join(gone)})
    assert run.exitcode == 0, run.output
    assert f"taken away by {WITHOUT}: {', '.join(sorted(gone))}" in run.output
    assert verdicts(scratch) == {("simple.holds", "spawn"): (HOLDS, "")}


def test_without_a_capability_its_claims_are_not_applicable(scratch):
    """As on macOS."""
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    scratch.chapter("needy", NEEDY.format(name="needy"))
    run = scratch.run(
        *("-n", "0", "--start-method", "spawn", "--results", "record"),
        **{WITHOUT: "semaphore-value"},
    )
    assert run.exitcode == 0, run.output
    assert f"taken away by {WITHOUT}: semaphore-value" in run.output
    assert verdicts(scratch) == {
        ("simple.holds", "spawn"): (HOLDS, ""),
        ("needy.holds", "spawn"): (NOT_APPLICABLE, CAPABILITIES["semaphore-value"].lack),
    }
