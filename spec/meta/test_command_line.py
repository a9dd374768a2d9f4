"""The command line: the error for a wrong value is one line with the value and those allowed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spec.faults import VARIABLE
from spec.kit.capabilities import WITHOUT
from spec.meta.chapters import SIMPLE
from spec.meta.scratch import ROOT, Scratch
from spec.report.record import read


@pytest.fixture
def simple(scratch: Scratch) -> Scratch:
    """A copy of the project with one claim, simple.holds."""
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    return scratch


@pytest.mark.parametrize(
    ("arguments", "wrong", "allowed"),
    [
        ("--claim=simple.hold", "'simple.hold'", "simple.holds"),
        ("--claim=xyzzy", "'xyzzy'", "--claims"),
        ("--start-method=thread", "thread", "spawn"),
        ("--claims=x", "x", "--claims=json"),
        ("--level=seen", "seen", "documented, observed"),
        ("--patience=0", "0", "above 0"),
        ("--patience=x", "x", "above 0"),
        ("--patience=nan", "nan", "above 0"),
        ("--results=missing/record", "missing/record", "No such file"),
        ("--results=", "--results", "the name of a file"),
    ],
)
def test_a_wrong_value_gets_one_line(simple, arguments, wrong, allowed):
    run = simple.run("-n", "0", arguments)
    assert run.exitcode == 4
    (line,) = run.lines
    assert line.startswith("ERROR: ")
    assert wrong in line
    assert allowed in line


@pytest.mark.parametrize(
    ("variable", "value", "allowed", "exitcode"),
    [
        (VARIABLE, "semaphores.one_too_man", "semaphores.one_too_many", 1),
        (WITHOUT, "semaphore-valu", "semaphore-value", 4),
        (WITHOUT, "fork,forkserver,spawn", "no start method is left", 4),
    ],
)
def test_a_wrong_value_of_a_variable_gets_one_line(simple, variable, value, allowed, exitcode):
    run = simple.run("-n", "0", **{variable: value})
    assert run.exitcode == exitcode
    (line,) = run.lines
    assert line.startswith(f"ERROR: {variable}: ")
    assert allowed in line


def test_the_script_is_refused_with_the_words_to_type(simple):
    run = simple.python(str(Path(sys.executable).with_name("pytest")), "-n", "0").ends()
    assert run.exitcode == 4
    (line,) = run.lines
    assert "type 'python -m pytest'" in line


def spent() -> float:
    """The CPU time of this process's children in seconds."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.parametrize("option", ["--claims", "--claims=json"])
def test_the_listing_plays_nothing_and_takes_under_a_second(option):
    """It takes less than a second of CPU time: elapsed time on a busy machine proves nothing.

    The first listing may have to compile the chapters, the second does not.
    """
    costs = []
    for _ in range(2):
        before = spent()
        listing = subprocess.run(
            [sys.executable, "-m", "pytest", option],
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            capture_output=True,
            text=True,
        )
        costs.append(spent() - before)
        assert listing.returncode == 0, listing.stderr
        assert "under test" not in listing.stdout
    assert min(costs) < 1.0


def test_the_listing_as_data_has_each_claim_once(simple):
    simple.chapter("second", SIMPLE.format(name="second"))
    run = simple.run("--claims=json")
    listed = [claim["id"] for chapter in json.loads(run.output) for claim in chapter["claims"]]
    assert listed == ["simple.holds", "second.holds"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('methods=("swapn",)', "methods: 'swapn' is unknown: did you mean spawn?"),
        ('methods="fork"', 'methods is a tuple: write methods=("fork",)'),
        ('needs=("signal",)', "needs: 'signal' is unknown: did you mean signals"),
        ('level="promised"', "level: 'promised' is unknown: choose from documented, observed"),
        ('since="3.x"', "'3.x' is not a release"),
        ('changes={"next": ""}', "'next' is not a release"),
        ('deviations={"gill": ""}', "deviations: 'gill' is unknown: did you mean"),
        ('docs="multiprocessing.Poool"', "did you mean multiprocessing.pool"),
        ('docs="threading.Lok"', "'threading.Lok' is unknown"),
        ('contradicts="multiprocessing.Lok"', "'multiprocessing.Lok' is unknown"),
        ('contradicts="multiprocessing.Lock"', "write level=OBSERVED"),
    ],
)
def test_a_wrong_argument_of_a_claim_gets_one_line(scratch, arguments, said):
    right = 'docs="multiprocessing"'
    given = arguments if arguments.startswith("docs=") else f"{right}, {arguments}"
    scratch.chapter("simple", SIMPLE.replace(right, given).replace("{name}", "simple"))
    (line,) = scratch.run("-n", "0").lines
    assert line.startswith("ERROR: spec/test_simple.py, line 11: simple.holds: ")
    assert said in line


ABOUT = '''
"""Scratch: claims about several names."""

from spec.kit import claim


@claim("about.get", docs="multiprocessing.Queue.get")
def test_get(mp):
    """A sentence about get()."""


@claim(
    "about.put",
    docs="multiprocessing.Queue",
    level="observed",
    contradicts="multiprocessing.Queue.put",
)
def test_put(mp):
    """A sentence that contradicts another about put()."""


@claim("about.result", docs="multiprocessing.pool.AsyncResult.get")
def test_result(mp):
    """A sentence about a result's get()."""
'''


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("Queue.get", ["about.get"]),
        ("multiprocessing.Queue.put", ["about.put"]),
        ("Queue", ["about.get", "about.put"]),
        ("AsyncResult.get", ["about.result"]),
        ("Barrier", []),
    ],
)
def test_about_selects_the_claims_about_a_documented_name(scratch, name, ids):
    scratch.chapter("about", ABOUT)
    run = scratch.run("--claims=json", "--about", name)
    listed = [claim["id"] for chapter in json.loads(run.output) for claim in chapter["claims"]]
    assert listed == ids


def test_about_selects_the_plays_too(scratch):
    scratch.chapter("about", ABOUT)
    run = scratch.run("-n", "0", "--about", "Queue.put", "--results=record")
    assert run.exitcode == 0, run.output
    assert {play["claim"] for play in read(scratch.root / "record").plays} == {"about.put"}


def test_about_an_unknown_name_is_one_line_with_the_near_ones(simple):
    run = simple.run("--about", "Queue.gett")
    assert run.exitcode == 4
    (line,) = run.lines
    assert line.startswith("ERROR: no documented name is 'Queue.gett': did you mean Queue.get")


@pytest.mark.parametrize(
    ("docs", "address"),
    [
        ("multiprocessing.Lock", "multiprocessing.html#multiprocessing.Lock"),
        ("multiprocessing#introduction", "multiprocessing.html#introduction"),
        (
            "multiprocessing.shared_memory.SharedMemory",
            "multiprocessing.shared_memory.html#multiprocessing.shared_memory.SharedMemory",
        ),
        ("threading.Lock", "threading.html#threading.Lock"),
    ],
)
def test_a_claim_links_to_its_page(scratch, docs, address):
    text = SIMPLE.replace('s="multiprocessing"', f's="{docs}"')
    scratch.chapter("simple", text.replace("{name}", "simple"))
    assert f"/library/{address}\n" in scratch.run("--claims").output


@pytest.mark.parametrize("arguments", [("--claims",), ("--claim=later",), ("spec/test_later.py",)])
def test_a_chapter_that_is_not_in_the_list_is_named(simple, arguments):
    simple.write("spec/test_later.py", SIMPLE.format(name="later"))
    (line,) = simple.run("-n", "0", *arguments).lines
    assert line == (
        "ERROR: spec/test_later.py is not in CHAPTERS (spec/__init__.py): "
        'add "later" at its place in the reading order'
    )


def test_a_chapter_that_cannot_be_imported_is_named(simple):
    simple.chapter("broken", "import threading\n\nthreading.Lok\n")
    (line,) = simple.run("-n", "0").lines
    assert line.startswith("ERROR: spec/test_broken.py cannot be imported: AttributeError: ")
    assert "line 3" in line


def test_claims_are_chosen_by_id_by_subject_and_by_chapter(scratch):
    scratch.chapter("first", SIMPLE.format(name="simple"))
    scratch.chapter("second", SIMPLE.format(name="other"))
    for wanted, id in (
        ("simple.holds", "simple.holds"),
        ("simple", "simple.holds"),
        ("first", "simple.holds"),
        ("second", "other.holds"),
    ):
        listed = json.loads(scratch.run("--claims=json", f"--claim={wanted}").output)
        assert [claim["id"] for chapter in listed for claim in chapter["claims"]] == [id]


def test_slow_claims_are_left_out_by_default_and_a_line_says_so(scratch):
    slow = SIMPLE.replace('s="multiprocessing"', 's="multiprocessing", slow=True')
    scratch.chapter("quick", SIMPLE.format(name="quick"))
    scratch.chapter("slow", slow.format(name="slow"))
    for arguments, played in (
        ((), {"quick.holds"}),
        (("--slow",), {"quick.holds", "slow.holds"}),
        (("--claim=slow.holds",), {"slow.holds"}),
    ):
        run = scratch.run("-n", "0", *arguments, "--results=record")
        assert run.exitcode == 0, run.output
        plays = read(scratch.root / "record").plays
        assert {play["claim"] for play in plays} == played
        assert ("1 slow claims left out: --slow plays them" in run.output) is (not arguments)
        (scratch.root / "record").unlink()


def test_a_level_limits_the_run_and_the_listing(scratch):
    observed = SIMPLE.replace('s="multiprocessing"', 's="multiprocessing", level="observed"')
    scratch.chapter("promised", SIMPLE.format(name="promised"))
    scratch.chapter("seen", observed.format(name="seen"))
    for level, id in (("documented", "promised.holds"), ("observed", "seen.holds")):
        listed = json.loads(scratch.run("--claims=json", f"--level={level}").output)
        assert [claim["id"] for chapter in listed for claim in chapter["claims"]] == [id]
        run = scratch.run("-n", "0", f"--level={level}", f"--results={level}")
        assert run.exitcode == 0, run.output
        plays = read(scratch.root / level).plays
        assert {(play["claim"], play["level"]) for play in plays} == {(id, level)}
