"""The suite without some start methods or capabilities, and on simulated platforms."""

from pathlib import Path

import pytest

from spec.kit import package
from spec.kit.capabilities import CAPABILITIES, WITHOUT
from spec.meta.chapters import SIMPLE
from spec.report.plays import HOLDS, NOT_APPLICABLE
from spec.report.record import read
from spec.simulated import PLATFORMS, VARIABLE

NEEDY = SIMPLE.replace('s="multiprocessing"', 's="multiprocessing", needs=("semaphore-value",)')


def verdicts(scratch):
    """The verdict and the reason of each play, by claim and start method."""
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
    assert f"excluded by {WITHOUT}: {', '.join(sorted(gone))}" in run.output
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
    assert f"excluded by {WITHOUT}: semaphore-value" in run.output
    assert verdicts(scratch) == {
        ("simple.holds", "spawn"): (HOLDS, ""),
        ("needy.holds", "spawn"): (NOT_APPLICABLE, CAPABILITIES["semaphore-value"].lack),
    }


# The test's own process, an actor and a program check which platform they see.
SURROUNDINGS = '''
"""Scratch: the platform that the test, its actors and its programs see."""

import os
import signal
import sys

from spec.kit import claim
from spec.kit.package import start_methods


def surroundings():
    """The platform's name, and whether it has signals, process groups and pipe2()."""
    return sys.platform, hasattr(signal, "SIGKILL"), hasattr(os, "setpgid"), hasattr(os, "pipe2")


def actor(stage):
    """Return what this process sees."""
    return surroundings()


@claim("surroundings.are-one", docs="multiprocessing")
def test_all_are_at_the_same_place(mp, stage, program):
    """The test, its actors and its programs see the same platform."""
    expected = {
        "darwin": ("darwin", True, True, False),
        "win32": ("win32", False, False, False),
    }[os.environ["SPEC_PLATFORM"]]
    assert surroundings() == stage.result_of(actor) == expected
    assert program.run("surroundings").output.split() == [str(each) for each in expected]
    assert start_methods()[0] == "spawn"
'''

PROGRAM = """
import os, signal, sys
print(sys.platform, hasattr(signal, "SIGKILL"), hasattr(os, "setpgid"), hasattr(os, "pipe2"))
"""


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="platforms are simulated on Linux only"
)
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_simulated_platform_is_everywhere_and_tidied_up(scratch, platform, workers):
    scratch.chapter("surroundings", SURROUNDINGS)
    scratch.write("spec/programs/surroundings/surroundings.py", PROGRAM)
    run = scratch.run("-n", workers, "--results", "record", **{VARIABLE: platform})
    assert run.exitcode == 0, run.output
    assert f"simulated by {VARIABLE}: {platform}, as far as possible" in run.lines
    methods = {"darwin": {"spawn", "fork", "forkserver"}, "win32": {"spawn"}}[platform]
    assert verdicts(scratch) == {
        ("surroundings.are-one", method): (HOLDS, "") for method in methods
    }
    assert scratch.left_behind() == []


def test_a_platform_that_cannot_be_simulated_is_told_in_one_line(scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    run = scratch.run("-n", "0", **{VARIABLE: "windows"})
    assert run.lines == [
        "ERROR: SPEC_PLATFORM: 'windows' cannot be simulated: choose from darwin, win32"
    ]
    assert run.exitcode == 1
