"""Faults: an installed fault is in every process of the run; one without a target is an error."""

import os
import re
import types
from pathlib import Path

import pytest

from spec import CHAPTERS, faults
from spec.meta.chapters import SIMPLE
from spec.meta.scratch import ROOT
from spec.meta.wording import wrong_words
from spec.report import catalogue
from spec.report.plays import FAILS, HOLDS
from spec.report.record import read

FAULT = "semaphores.one_too_many"

CATALOGUE = sorted(Path(faults.__file__).parent.glob("[a-z]*.py"))


def test_every_module_of_faults_has_the_name_of_a_chapter():
    assert {path.stem for path in CATALOGUE} <= set(CHAPTERS)


def test_every_fault_says_what_a_user_suffers_and_breaks_what_there_is():
    known = catalogue.by_id()
    for name, fault in faults.catalogue().items():
        assert fault.what.endswith("."), name
        assert fault.breaks, name
        assert set(fault.breaks) <= known.keys(), name
        assert set(fault.only) <= {"fork", "forkserver", "spawn"}, name


def test_the_history_of_mended_bugs_names_chapters_and_claims_that_exist():
    """Each line is a bug that a release of Python had: see its head for the columns.

    A bug that a program can see has a claim, or ``how`` says why there is none.
    """
    path = Path(faults.__file__).with_name("history.tsv")
    head, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    assert head == ["number", "chapter", "suffered", "mended", "visible", "claim", "how"]
    bugs = [dict(zip(head, row, strict=True)) for row in rows]
    assert len({bug["number"] for bug in bugs}) == len(bugs)
    known = catalogue.by_id()
    for bug in bugs:
        assert re.fullmatch(r"(gh|bpo)-\d+", bug["number"])
        assert bug["chapter"] in CHAPTERS, bug["number"]
        assert bug["visible"] in ("yes", "no"), bug["number"]
        assert not bug["claim"] or bug["claim"] in known, bug["number"]
        if bug["visible"] == "yes":
            reason = bug["how"].startswith("none: ")
            assert bool(bug["claim"]) != reason, f"{bug['number']}: a claim, or why there is none"
        assert wrong_words(bug["suffered"]) == [], bug["number"]


def test_two_thirds_of_the_claims_have_a_fault_that_is_not_crude():
    subtle = {id for fault in faults.catalogue().values() if not fault.crude for id in fault.breaks}
    claims = [claim for chapter in catalogue.chapters() for claim in chapter.claims]
    with_one = [claim for claim in claims if claim.id in subtle]
    assert len(with_one) >= 2 / 3 * len(claims)


# Each claim holds if the process that it is about has the fault, and fails if it has not.
SEATS = '''
"""Scratch: processes that have a semaphore with one seat too many."""

from multiprocessing.managers import BaseManager

from spec.kit import claim
from spec.kit.package import context


def seats(method):
    """Return how often a Semaphore(1) can be acquired."""
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
    assert stage.result_of(actor) == 2


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
    scratch.write("spec/programs/seats/seats.py", PROGRAM)
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


# Faults that only the copy has.
NOTE = """
from spec.faults import fault


@fault("resource_tracker.main", "simple.holds")
def leaves_a_note(original, *args):
    \"\"\"The resource tracker leaves a note beside the program.\"\"\"
    open("note", "x").close()
    original(*args)


@fault("synchronize.Semaphore.acquire_with_care", "simple.holds")
def has_no_hold(original, self):
    \"\"\"Its target does not exist.\"\"\"
"""


@pytest.fixture
def scratch_faults(scratch):
    """A copy of the project with one claim, simple.holds, and two more faults."""
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    scratch.write("spec/faults/scratch.py", NOTE)
    return scratch


def test_the_resource_tracker_has_the_fault_too(scratch_faults):
    """It runs in a new interpreter, on all systems with named semaphores."""
    run = scratch_faults.run(
        *("-n", "0", "--start-method", "spawn"), **{faults.VARIABLE: "scratch.leaves_a_note"}
    )
    assert run.exitcode == 0, run.output
    assert (scratch_faults.root / "note").exists()


def test_a_fault_that_no_longer_takes_hold_is_no_pass(scratch_faults):
    """The run prints one line and plays nothing, and the table of faults counts it as wrong."""
    name = "scratch.has_no_hold"
    run = scratch_faults.run("-n", "0", **{faults.VARIABLE: name})
    assert run.exitcode == 1
    assert run.lines == [
        "ERROR: SPEC_FAULT: Semaphore has no acquire_with_care: the fault has no effect here"
    ]
    table = scratch_faults.python("-m", "spec.faults", "--fault", name).ends()
    assert table.exitcode == 1
    assert "the fault has no effect here" in table.output
    assert "1 wrong" in table.output or "2 wrong" in table.output


def test_a_distributions_own_sitecustomize_still_runs(scratch):
    own = scratch.write("sitecustomize.py", "import sys; sys.customized = True\n")
    path = os.pathsep.join([str(ROOT / "spec/site"), str(own.parent)])
    run = scratch.python(
        *("-c", "import sys; print(sys.customized)"),
        **{"PYTHONPATH": path, faults.VARIABLE: faults.NONE},
    ).ends()
    assert run.lines == ["True"]


def test_a_fault_that_finds_nothing_to_replace_says_so():
    with pytest.raises(faults.FaultError, match=r"^owner has no name: the fault"):
        faults.replace(types.ModuleType("owner"), "name", lambda original: original)


class Owner:
    """One attribute of each kind that faults can replace."""

    def __init__(self):
        self._make_methods()

    def _make_methods(self):
        self.acquire = lambda block=True: f"acquired {block}"

    def method(self, number):
        return number

    @staticmethod
    def static(number):
        return number

    @classmethod
    def of_class(cls, number):
        return cls, number

    @property
    def flag(self):
        return vars(self).get("_flag", 0)

    @flag.setter
    def flag(self, value):
        self._flag = value


@pytest.fixture
def owner():
    """A new class for each test."""
    return type("Owner", (Owner,), {})


def test_each_kind_of_attribute_can_be_replaced(owner):
    faults.replace(owner, "method", lambda original, self, number: original(self, number) + 1)
    faults.replace(owner, "static", lambda original, number: original(number) + 1)
    faults.replace(owner, "of_class", lambda original, cls, number: (cls, number + 1))
    faults.replace(owner, "flag", lambda original, self: original(self) + 1)
    faults.replace(owner, "flag.setter", lambda original, self, value: original(self, 10 * value))
    faults.replace(owner, "acquire", lambda original, self, block: original(self, not block))
    it = owner()
    it.flag = 4
    assert (it.method(1), owner.static(1), owner.of_class(1)) == (2, 2, (owner, 2))
    assert it.flag == 41
    assert it.acquire(True) == "acquired False"
    assert Owner().method(1) == 1


def test_calls_from_the_package_can_be_spared(owner):
    faults.replace(owner, "method", lambda original, self, number: -1, for_users=True)
    inside = {"__name__": "multiprocessing.queues", "it": owner()}
    assert eval("it.method(1)", inside) == 1
    assert owner().method(1) == -1


ACCIDENTS = """
from spec.faults import fault


@fault("synchronize.Event.__init__", "accident.in-the-test", "accident.in-an-actor")
def falls_over(original, self, *, ctx):
    \"\"\"An accident.\"\"\"
    {}["missing"]


@fault("synchronize.Event.__init__", "accident.in-the-test", "accident.in-an-actor")
def refuses(original, self, *, ctx):
    \"\"\"An Event cannot be created.\"\"\"
    raise KeyError("on purpose")


@fault("synchronise.Semaphore", "accident.in-the-test")
def is_nowhere(original, *args):
    \"\"\"Its module has another name.\"\"\"
"""
UNKNOWN = """

@fault("synchronize.Event.__init__", "accident.nowhere")
def breaks_nothing_known(original, self, *, ctx):
    \"\"\"Its claim has another name.\"\"\"
"""

ACCIDENT = '''
"""Scratch: a fault that is broken itself."""

from spec.kit import claim


def create(stage):
    """Create an event."""
    stage.mp.Event()


@claim("accident.in-the-test", docs="multiprocessing")
def test_in_the_test(mp, stage):
    """An event can be created."""
    mp.Event()


@claim("accident.in-an-actor", docs="multiprocessing")
def test_in_an_actor(mp, stage):
    """An actor can create an event."""
    stage.result_of(create)


@claim("accident.without-fault", docs="multiprocessing")
def test_without_fault(mp, stage):
    """No fault breaks this claim."""
'''


@pytest.fixture
def accident(scratch):
    """A copy with faults that are broken themselves."""
    scratch.chapter("accident", ACCIDENT)
    scratch.write("spec/faults/scratch.py", ACCIDENTS)
    return scratch


def test_a_fault_that_falls_over_is_not_a_red_claim(accident):
    table = accident.python("-m", "spec.faults", "--fault", "scratch.falls_over").ends()
    assert table.exitcode == 1, table.output
    assert "BROKEN spec/faults/scratch.py, line 8: KeyError: 'missing'" in table.output
    assert "1 wrong" in table.output


def test_a_fault_may_raise_and_its_reason_is_shown(accident):
    table = accident.python("-m", "spec.faults", "--fault", "scratch.refuses").ends()
    assert table.exitcode == 0, table.output
    assert "fails: 'on purpose'" in table.output
    assert "fails: create raised KeyError: 'on purpose'" in table.output


def test_a_claim_without_a_fault_is_told(accident):
    table = accident.python("-m", "spec.faults", "--claim", "accident.without-fault").ends()
    assert table.exitcode == 1
    assert "no fault breaks accident.without-fault" in table.lines


def test_an_unknown_claim_of_a_fault_is_one_line(accident):
    accident.write("spec/faults/scratch.py", ACCIDENTS + UNKNOWN)
    table = accident.python("-m", "spec.faults", "--fault", "scratch.breaks_nothing_known").ends()
    assert table.exitcode == 1
    (line,) = table.lines
    assert line.startswith("scratch.breaks_nothing_known: no claim is named 'accident.nowhere'")


def test_an_unknown_module_of_a_fault_is_one_line(accident):
    run = accident.run("-n", "0", **{faults.VARIABLE: "scratch.is_nowhere"})
    assert run.exitcode == 1
    (line,) = run.lines
    assert line == (
        "ERROR: SPEC_FAULT: there is no module multiprocessing.synchronise: "
        "the fault has no effect here"
    )
