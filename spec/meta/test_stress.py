"""``python -m spec.report.stress`` tells each red, and its busy loops never outlive it."""

import shutil
from pathlib import Path

import pytest

from spec.meta.chapters import SIMPLE, VERDICTS, WAITS
from spec.meta.scratch import Scratch, eventually
from spec.report.stress import highest_rate

STRESS = ("-m", "spec.report.stress", "--times")


def test_a_green_round(scratch: Scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    ended = scratch.python(*STRESS, "1", "-n", "0", "--start-method", "fork").ends()
    assert ended.exitcode == 0, ended.output
    assert ended.lines[0] == "round 1: 1 plays, 0 red"
    assert ", 0 red, 0 with another verdict than in the first round" in ended.lines[1]


def test_each_red_is_told(scratch: Scratch):
    scratch.chapter("verdicts", VERDICTS)
    claims = ("--claim", "verdict.holds", "--claim", "verdict.fails")
    ended = scratch.python(*STRESS, "2", "-n", "0", "--start-method", "fork", *claims).ends()
    assert ended.exitcode == 1, ended.output
    told = "verdict.fails under fork fails: nothing came"
    for number in 1, 2:
        assert f"round {number}: {told}" in ended.lines


def test_a_round_without_a_record_is_told(scratch: Scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    ended = scratch.python(*STRESS, "1", "--start-method", "no-such").ends()
    assert ended.exitcode == 1, ended.output
    assert "no-such" in ended.output
    assert "1 rounds without a complete record" in ended.output


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="the environment of processes is in /proc only"
)
def test_busy_loops_end_with_a_killed_program(scratch: Scratch):
    scratch.chapter("waits", WAITS)
    run = scratch.python(*STRESS, "1", "-n", "0", "--start-method", "fork")
    assert eventually((scratch.root / "spec/ready").exists, 30), run.ends()
    assert loops(scratch)
    run.kill()
    assert eventually(lambda: not loops(scratch))
    (scratch.root / "spec/go").touch()
    run.ends()
    assert eventually(lambda: not scratch.processes())
    for folder in scratch.temporary.glob("mpt*"):  # of the record: a killed program cannot
        shutil.rmtree(folder)


def loops(scratch: Scratch) -> list[int]:
    """The busy loops of the copy's runs."""
    return [pid for pid, command in scratch.processes().items() if "while True" in command]


@pytest.mark.parametrize(
    ("reds", "plays", "rate"), [(0, 1000, 2.9957e-3), (1, 1000, 4.7439e-3), (0, 0, 1.0)]
)
def test_the_bound_is_that_of_a_poisson_distribution(reds, plays, rate):
    assert highest_rate(reds, plays) == pytest.approx(rate, rel=1e-3)
