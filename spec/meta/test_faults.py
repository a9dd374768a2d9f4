"""Faults: one that is installed is in every process of the run, and one that is gone says so."""

import os
import types

import pytest

from spec import faults
from spec.meta.chapters import SIMPLE
from spec.meta.scratch import HOUSE
from spec.report.plays import FAILS, HOLDS
from spec.report.record import read

FAULT = "semaphore.one-seat-too-many"

# Each claim holds where the fault is, and fails where it is not.
SEATS = '''
"""Scratch: who has a semaphore with one seat too many."""

from multiprocessing.managers import BaseManager

from spec.kit import claim
from spec.kit.package import context


def seats(method):
    """How many seats a semaphore with one seat has."""
    semaphore = context(method).Semaphore(1)
    return sum(semaphore.acquire(False) for _ in range(3))


def actor(stage):
    """Count the seats."""
    return seats(stage.start_method)


class Counter(BaseManager):
    """A server that counts the seats in its own process."""


Counter.register("seats", seats)


@claim("seats.of-the-test", docs="multiprocessing")
def test_seats_of_the_test(mp, stage):
    """The test's own process has the fault."""
    assert seats(mp.get_start_method()) == 2


@claim("seats.of-an-actor", docs="multiprocessing")
def test_seats_of_an_actor(mp, stage):
    """A child has the fault."""
    assert stage.play(actor) == 2


@claim("seats.of-a-server", docs="multiprocessing")
def test_seats_of_a_server(mp, stage):
    """A manager's server has the fault."""
    with Counter(ctx=mp) as counter:
        assert str(counter.seats(mp.get_start_method())) == "2"


@claim("seats.of-a-program", docs="multiprocessing")
def test_seats_of_a_program(program):
    """A program has the fault."""
    assert program.run("seats").output.strip() == "2"
'''

PROGRAM = """
import multiprocessing, sys
semaphore = multiprocessing.get_context(sys.argv[1]).Semaphore(1)
print(sum(semaphore.acquire(False) for _ in range(3)))
"""


@pytest.mark.parametrize(("fault", "verdict"), [(faults.NONE, FAILS), (FAULT, HOLDS)])
def test_a_fault_is_in_every_process_of_the_run(scratch, fault, verdict):
    scratch.chapter("seats", SEATS)
    scratch.write("spec/programs/seats.py", PROGRAM)
    scratch.run("-n", "2", "--results", "record", **{faults.VARIABLE: fault})
    record = read(scratch.root / "record")
    assert record.complete
    assert {play["claim"]: play["verdict"] for play in record.plays} == {
        f"seats.of-{who}": verdict for who in ("the-test", "an-actor", "a-server", "a-program")
    }


def test_the_control_breaks_nothing(scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    run = scratch.run("-n", "0", **{faults.VARIABLE: faults.NONE})
    assert run.exitcode == 0, run.output


def test_a_distributions_own_sitecustomize_still_runs(scratch):
    own = scratch.write("sitecustomize.py", "import sys; sys.customized = True\n")
    path = os.pathsep.join([str(HOUSE / "spec/faults/site"), str(own.parent)])
    run = scratch.python(
        *("-c", "import sys; print(sys.customized)"),
        **{"PYTHONPATH": path, faults.VARIABLE: faults.NONE},
    ).ends()
    assert run.lines == ["True"]


def test_a_fault_that_finds_nothing_to_replace_says_so():
    with pytest.raises(faults.FaultError, match=r"^owner has no name: the fault"):
        faults.replace(types.ModuleType("owner"), "name", lambda original: original)
