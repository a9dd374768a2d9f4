"""Chapters for scratch copies: what is simple, what hangs, and one claim for each verdict."""

# To be given its name, the first part of its claim's id.
SIMPLE = '''
"""Scratch: what is simple."""

from spec.kit import claim


def noop(stage):
    """Do nothing."""


@claim("{name}.holds", docs="multiprocessing")
def test_it_holds(mp, stage):
    """A child can be started."""
    stage.play(noop)
'''

HANGS = '''
"""Scratch: what hangs on purpose."""

import time

from spec.kit import claim


def mute(stage):
    """Never say a word."""
    stage.wait_for_cue("never")


@claim("hangs.in-an-actor", docs="multiprocessing")
def test_an_actor_hangs(mp, stage):
    """An actor hangs."""
    stage.enter(mute).expect("a word")


@claim("hangs.in-the-test", docs="multiprocessing")
def test_the_test_hangs(mp, stage):
    """The test's own process hangs."""
    stage.enter(mute)
    time.sleep(600)
'''

# With SPEC_WITHOUT=semaphore-value each claim gets the verdict in its id.
VERDICTS = '''
"""Scratch: one claim for each verdict."""

import os

from spec.kit import claim


def noop(stage):
    """Do nothing."""


def mute(stage):
    """Never say a word."""
    stage.wait_for_cue("never")


def crasher(stage):
    """End without a word."""
    os._exit(7)


@claim("verdict.holds", docs="multiprocessing")
def test_it_holds(mp, stage):
    """A claim holds."""
    stage.play(noop)


@claim("verdict.fails", docs="multiprocessing")
def test_it_fails(mp, stage):
    """A claim fails."""
    assert stage.play(noop), "nothing came"


@claim("verdict.times-out", docs="multiprocessing")
def test_it_times_out(mp, stage):
    """A claim times out."""
    hanging = stage.enter(mute)
    stage.patience = 0.2
    hanging.expect("a word")


@claim("verdict.crashes", docs="multiprocessing")
def test_it_crashes(mp, stage):
    """A claim crashes."""
    stage.play(crasher)


@claim("verdict.not-applicable", docs="multiprocessing", needs=("semaphore-value",))
def test_it_is_not_applicable(mp, stage):
    """A claim is not applicable."""
    stage.play(noop)


@claim(
    "verdict.known-deviation",
    docs="multiprocessing",
    deviations={"gil": "a reason", "no-gil": "a reason"},
)
def test_it_is_a_known_deviation(mp, stage):
    """A claim is a known deviation."""
    assert stage.play(noop), "nothing came"
'''
