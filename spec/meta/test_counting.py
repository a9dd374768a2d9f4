"""The cost of each play in the record: the processes that it starts, and their processor time."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spec import faults, simulated
from spec.kit import costs, platforms
from spec.kit.clock import now
from spec.kit.costs import VARIABLE, Cost, Meter
from spec.meta.chapters import COUNTED, COUNTED_PROGRAM, SIMPLE
from spec.meta.scratch import ROOT, Scratch
from spec.report.record import read
from spec.report.terminal import dearest

SITE = ROOT / "spec/site"
# How many processes each claim starts by start method, and how many of them are interpreters. With
# spawn and forkserver a program starts a resource tracker too. With forkserver it starts a server,
# and so does a child that starts a child.
STARTED = {
    "counted.nothing": {"fork": (0, 0), "forkserver": (0, 0), "spawn": (0, 0)},
    "counted.children": {"fork": (2, 0), "forkserver": (2, 0), "spawn": (2, 2)},
    "counted.grandchild": {"fork": (2, 0), "forkserver": (3, 1), "spawn": (2, 2)},
    "counted.program": {"fork": (2, 1), "forkserver": (4, 3), "spawn": (3, 3)},
}
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells it")


@pytest.fixture
def counted(scratch: Scratch) -> Scratch:
    """A copy of the project whose claims start a known number of processes."""
    scratch.chapter("counted", COUNTED)
    scratch.write("spec/programs/counted/counted.py", COUNTED_PROGRAM)
    return scratch


def played(scratch: Scratch) -> dict[str, dict[str, dict[str, Any]]]:
    """The plays of the record by claim and start method."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for play in read(scratch.root / "record").plays:
        found.setdefault(play["claim"], {})[play["start_method"]] = play
    return found


@linux
@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_start_is_counted_once(counted, workers):
    """Also those of grandchildren and of programs, and not those of the servers before them.

    The grandchild computes. Its processor time is contained in that of its play, or of the next
    one: under forkserver it is a child of a server that outlives its own parent.
    """
    wanted = [f"--claim={claim}" for claim in STARTED]
    run = counted.run("-n", workers, "--results=record", *wanted)
    assert run.exitcode == 0, run.output
    plays = played(counted)
    for claim, expected in STARTED.items():
        for method, play in plays[claim].items():
            found = play["processes"], play["interpreters"]
            assert found == expected[method], f"{claim} under {method}"
            if claim == "counted.grandchild" and method != "forkserver":
                assert play["processor_seconds"] > 0.45, play
    if workers == "0":  # all plays in one process, one after the other
        spent = sum(play["processor_seconds"] for each in plays.values() for play in each.values())
        assert spent > 0.45 * len(plays["counted.grandchild"])


@linux
def test_the_summary_names_the_dearest_claims(counted):
    """The lines are plain, and a run without a record has none."""
    run = counted.run("-n", "0", "--start-method=fork", "--results=record")
    named = [line for line in run.lines if line.startswith("dearest")]
    assert len(named) == 3
    assert re.fullmatch(
        r"dearest: counted\.grandchild, \d\.\d\d s of processor time, 2 processes", named[0]
    )


def test_a_run_without_a_record_counts_nothing(counted):
    run = counted.run("-n", "2", "--claim=counted.environment")
    assert run.exitcode == 0, run.output
    assert "dearest" not in run.output


@linux
@pytest.mark.parametrize("platform", simulated.PLATFORMS)
def test_where_the_platform_does_not_tell_the_processor_time(counted, platform):
    wanted = ("--claim=counted.children", "--start-method=spawn")
    run = counted.run("-n", "2", "--results=record", *wanted, **{simulated.VARIABLE: platform})
    assert run.exitcode == 0, run.output
    assert "dearest" not in run.output
    play = played(counted)["counted.children"]["spawn"]
    assert play["processor_seconds"] is None
    assert play["interpreters"] == play["processes"] >= 2  # the tracker is known to darwin only


def test_interpreters_that_ignore_the_environment_are_not_counted(scratch):
    """Their number is unknown, which is not 0."""
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    path = [str(scratch.root), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    code = f"import sys; sys.path[:0] = {path}; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    arguments = ("-p", "no:cacheprovider", "-n", "0", "--results=record", "--start-method=spawn")
    run = scratch.python("-E", "-c", code, *arguments).ends()
    assert run.exitcode == 0, run.output
    (play,) = played(scratch)["simple.holds"].values()
    assert (play["processes"], play["interpreters"]) == (None, None)


def start_with_site(file: Path, code: str = "", **environment: str) -> str:
    """Run an interpreter that notes its start in ``file``; returns what it wrote to stderr."""
    surroundings = {**os.environ, "PYTHONPATH": str(SITE), VARIABLE: str(file), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=True
    ).stderr


def test_a_file_that_is_missing_or_full_is_ignored(tmp_path):
    assert start_with_site(tmp_path / "missing") == ""
    assert not (tmp_path / "missing").exists()
    assert start_with_site(Path("/dev/full")) == ""


def test_counting_imports_nothing(tmp_path):
    """An interpreter that is counted has the modules of one that is not, and built-in ones."""
    noted = tmp_path / "noted"
    noted.touch()
    code = "import sys; print(*sorted(sys.modules), file=sys.stderr)"
    without = start_with_site(noted, code, PYTHONPATH="").split()
    assert set(start_with_site(noted, code).split()) - set(without) <= {
        "sitecustomize",
        *sys.builtin_module_names,
    }
    assert noted.read_bytes().startswith(b"interpreter ")


def test_a_count_and_a_fault_and_another_sitecustomize_go_together(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.customized = True\n")
    noted = tmp_path / "noted"
    noted.touch()
    path = os.pathsep.join([str(SITE), str(tmp_path)])
    code = "import sys; print(sys.customized, 'spec.faults' in sys.modules, file=sys.stderr)"
    for name, loaded in (("", False), (faults.NONE, True)):
        told = start_with_site(noted, code, PYTHONPATH=path, **{faults.VARIABLE: name})
        assert told.split() == ["True", str(loaded)]
    assert len(noted.read_bytes().splitlines()) == 2


def test_a_meter_counts_what_comes_after_it(monkeypatch, tmp_path):
    """The starts of servers are not counted, even if they are noted late, nor a line cut off.

    The time of an interpreter that has outlived its parent is.
    """
    noted = tmp_path / "noted"
    noted.write_text("interpreter 1 0\n")
    monkeypatch.setenv(VARIABLE, str(noted))
    monkeypatch.setattr(costs, "servers", lambda: frozenset({7}))
    meter = Meter()
    with noted.open("a") as file:
        file.write("interpreter 7 0\nfork 8 0\ninterpreter 9 0\noutlived 9 7000000\nfork 1")
    processes, interpreters, seconds = meter.cost()
    assert (processes, interpreters) == (2, 1)
    assert seconds is None or 7 <= seconds < 8


def test_what_is_unknown_is_not_zero(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(costs, "servers", lambda: None)
    assert Meter().cost() == (None, None, None)
    assert dearest({"unknown.claim": [Cost()]}) == []


def test_servers_cannot_be_told_where_processes_are_not_listed(monkeypatch):
    monkeypatch.setattr(platforms, "processes", list)
    assert costs.servers.__wrapped__() is None


@pytest.mark.parametrize("counted", [False, True])
def test_only_servers_that_can_note_their_start_are_waited_for(monkeypatch, tmp_path, counted):
    noted = tmp_path / "noted"
    noted.touch()
    monkeypatch.setenv(VARIABLE, str(noted))
    monkeypatch.setattr(costs, "_SETTLING", 0.2)
    monkeypatch.setattr(costs, "_children", lambda: {7})
    monkeypatch.setattr(costs, "_uncounted", set() if counted else {7})
    began = now()
    assert costs.servers.__wrapped__() == frozenset({7})
    assert (now() - began >= 0.2) == counted


def test_the_dearest_come_first():
    told = {
        "a.cheap": [Cost(2, 0, 0.01)],
        "b.dear": [Cost(1, 1, 0.2), Cost(0, 0, 0.3), Cost()],
        "c.middle": [Cost(3, 1, 0.25)],
        "d.cheapest": [Cost(0, 0, 0.001)],
    }
    assert dearest(told) == [
        "dearest: b.dear, 0.50 s of processor time, 1 process",
        "dearest: c.middle, 0.25 s of processor time, 3 processes",
        "dearest: a.cheap, 0.01 s of processor time, 2 processes",
    ]
