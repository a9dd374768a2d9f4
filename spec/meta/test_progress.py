"""The status line of a long run: its words, when it is drawn, and that it leaves nothing behind."""

import io
import os
import re
import select
import signal
import struct
import subprocess
import sys
import types
from typing import Any

import pytest

from spec.kit import guardian
from spec.meta.chapters import SIMPLE
from spec.meta.scratch import eventually
from spec.report import progress
from spec.report.plays import Play
from spec.report.progress import Progress, Shown, StatusLine, Usual

FIRST, SECOND = ("spec/test_a.py::test_first", "spec/test_b.py::test_second")
CLAIMS: dict[str, Any] = {
    FIRST: (types.SimpleNamespace(name="locks"), types.SimpleNamespace(id="lock.first")),
    SECOND: (types.SimpleNamespace(name="queues"), types.SimpleNamespace(id="queue.second")),
}
NODEIDS = [f"{test}[{method}]" for test in CLAIMS for method in ("fork", "spawn")]
UNKNOWN = Usual({}, 0.0)
USUAL = Usual(
    {
        ("lock.first", "fork"): 1.0,
        ("lock.first", "spawn"): 3.0,
        ("queue.second", "fork"): 6.0,
        ("queue.second", "spawn"): 30.0,
    },
    20.0,
)


def play(nodeid):
    test, method = nodeid.rstrip("]").split("[")
    return Play(test, method, "holds", 0.1, "", [])


def test_nothing_is_shown_before_the_first_play_and_after_the_last():
    told = Progress(CLAIMS, NODEIDS[:1], UNKNOWN)
    assert told.line(0.0) == ""
    told.started(NODEIDS[0], 0.0)
    assert told.line(1.0) == "locks: 0 of 1 plays decided"
    told.ended(play(NODEIDS[0]))
    assert told.line(2.0) == ""


def test_the_chapter_is_the_first_that_is_not_decided():
    told = Progress(CLAIMS, NODEIDS, UNKNOWN)
    for number in (2, 0, 1):
        told.started(NODEIDS[number], 0.0)
        told.ended(play(NODEIDS[number]))
    assert told.line(3.0).startswith("queues: 3 of 4 plays decided")


def test_the_time_left_is_that_of_the_record_and_then_of_the_pace():
    """The whole record is 40 s of plays, which took 20 s on several workers."""
    told = Progress(CLAIMS, NODEIDS, USUAL)
    told.started(NODEIDS[0], 100.0)
    assert "about 20 s left" in told.line(100.0)
    told.ended(play(NODEIDS[0]))  # 1 of 40 says nothing about the pace
    assert "about 20 s left" in told.line(101.0)
    told.started(NODEIDS[1], 101.0)
    told.ended(play(NODEIDS[1]))  # 4 of 40 in 12 s: 108 s for the rest
    assert "about 2 min left" in told.line(112.0)


def test_without_a_record_the_time_left_is_known_by_the_pace_only():
    told = Progress(CLAIMS, NODEIDS, UNKNOWN)
    told.started(NODEIDS[0], 0.0)
    assert "left" not in told.line(4.0)
    told.ended(play(NODEIDS[0]))
    assert "about 15 s left" in told.line(5.0)
    assert "a few seconds left" in told.line(1.0)


@pytest.mark.parametrize(
    ("usual", "seconds", "waits"),
    [
        (UNKNOWN, 4.9, False),
        (UNKNOWN, 5.1, True),
        (USUAL, 2.9, False),  # of 1 s: 3 times and 2 s longer
        (USUAL, 3.1, True),
        (Usual({("lock.first", "fork"): 0.1}, 0.0), 2.0, False),
        (Usual({("lock.first", "fork"): 0.1}, 0.0), 2.2, True),
    ],
)
def test_a_play_that_takes_longer_than_usual_is_named(usual, seconds, waits):
    told = Progress(CLAIMS, NODEIDS, usual)
    told.started(NODEIDS[0], 10.0)
    said = f"waiting {seconds:.0f} s for lock.first under fork"
    assert (said in told.line(10.0 + seconds)) is waits


def test_of_several_plays_the_one_that_runs_longest_is_named():
    told = Progress(CLAIMS, NODEIDS, UNKNOWN)
    told.started(NODEIDS[3], 0.0)
    told.started(NODEIDS[0], 1.0)
    assert told.line(10.0).endswith("waiting 10 s for queue.second under spawn")
    told.ended(play(NODEIDS[3]))
    assert told.line(10.0).endswith("waiting 9 s for lock.first under fork")


def test_a_line_that_is_not_updated_names_the_play_that_runs():
    told = Progress(CLAIMS, NODEIDS, UNKNOWN)
    told.started(NODEIDS[0], 0.0)
    assert told.line(60.0, is_updated=False).endswith("decided, playing lock.first under fork")


def test_a_claim_without_a_start_method_is_named_alone():
    told = Progress(CLAIMS, [FIRST], UNKNOWN)
    told.started(FIRST, 0.0)
    assert told.line(10.0).endswith("decided, waiting 10 s for lock.first")


def screen(text):
    """The lines that a terminal shows: a carriage return goes back, and later text overwrites."""
    shown = []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n").split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        shown.append("".join(cells).rstrip())
    return shown


@pytest.fixture
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")


def test_other_output_takes_the_place_of_the_line(wide):
    file = io.StringIO()
    line = StatusLine(file)
    line.write("a claim\n")
    line.draw("one of two")
    line.write("another ")
    line.draw("not in the middle of a line")
    line.write("claim\n")
    line.draw("two of two")
    assert screen(file.getvalue()) == ["a claim", "another claim", "two of two"]
    line.draw("")
    assert screen(file.getvalue()) == ["a claim", "another claim", ""]


def test_the_same_line_is_not_drawn_again(wide):
    file = io.StringIO()
    line = StatusLine(file)
    line.draw("one")
    line.draw("one")
    assert file.getvalue() == "one"


@pytest.mark.parametrize(("columns", "shown"), [("30", 29), ("21", 20), ("20", 0)])
def test_the_line_is_cut_to_the_width(monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", columns)
    file = io.StringIO()
    StatusLine(file).draw("x" * 100)
    assert file.getvalue() == "x" * shown


def test_with_workers_the_line_is_updated_while_nothing_happens(wide, monkeypatch):
    monkeypatch.setattr(progress, "_PERIOD", 0.01)
    monkeypatch.setattr(progress, "_LONG", 0.1)
    monkeypatch.setenv("COLUMNS", "200")
    file = io.StringIO()
    terminal: Any = types.SimpleNamespace(_tw=types.SimpleNamespace(_file=file))
    shown = Shown(terminal, Progress(CLAIMS, NODEIDS, UNKNOWN), with_workers=True)
    try:
        shown.started(NODEIDS[0])
        assert eventually(lambda: " s for lock.first under fork" in file.getvalue())
    finally:
        shown.close()
    assert screen(file.getvalue()) == [""]
    assert terminal._tw._file is file


def in_terminal(scratch, *arguments, columns=100, ready=lambda: False, **environment):
    """Run the copy in a terminal; returns the exit code and what it wrote there.

    Once ``ready()`` is true, its process group is interrupted.
    """
    pty = pytest.importorskip("pty")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=scratch.root,
        env={**inherited, "TMPDIR": str(scratch.temporary), "TERM": "xterm", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    guardian.watch(run.pid)
    os.close(slave)
    written, interrupted = b"", False
    try:
        while True:
            if not interrupted and ready():
                assert hasattr(os, "killpg")
                os.killpg(run.pid, signal.SIGINT)
                interrupted = True
            if select.select([master], [], [], 0.05)[0]:
                if not (part := read(master)):
                    break
                written += part
        return run.wait(30), written.decode()
    finally:
        run.kill()
        run.wait()
        guardian.forget(run.pid)
        os.close(master)


def read(master):
    try:
        return os.read(master, 65536)
    except OSError:  # on Linux this is the end of a terminal
        return b""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("columns", [100, 44])
def test_in_a_terminal_the_line_comes_and_goes(scratch, workers, columns):
    for name in ("simple", "second"):
        scratch.chapter(name, SIMPLE.format(name=name))
    exitcode, written = in_terminal(scratch, "-n", workers, columns=columns)
    assert exitcode == 0, written
    assert "plays decided" in written
    assert max(
        len(line) for line in re.findall(r"\w+: \d+ of \d+ plays decided[^\r\n]*", written)
    ) < (columns)
    assert not any("plays" in line for line in screen(written)), written
    piped = scratch.run("-n", workers)
    assert "\r" not in piped.output
    assert "plays decided" not in piped.output
    assert [line[:8] for line in screen(written) if line.startswith("  holds")] == [
        line[:8] for line in piped.output.splitlines() if line.startswith("  holds")
    ]


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["-n", "2"], {"TERM": "dumb"}), (["-q"], {}), (["-n", "0", "-s"], {})],
    ids=str,
)
def test_there_is_no_line_where_none_can_be_erased_or_none_is_wanted(
    scratch, arguments, environment
):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    exitcode, written = in_terminal(scratch, *arguments, **environment)
    assert exitcode == 0, written
    assert "plays decided" not in written


ASLEEP = '''
"""Scratch: a claim whose test sleeps, and says so in a file."""

import pathlib
import time

from spec.kit import claim


@claim("sleep.in-the-test", docs="multiprocessing")
def test_it_sleeps(mp):
    """The test sleeps."""
    pathlib.Path(__file__).with_name("asleep").touch()
    time.sleep(600)
'''


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupted_run_erases_the_line(scratch, workers):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    scratch.chapter("asleep", ASLEEP)
    asleep = scratch.root / "spec/asleep"
    exitcode, written = in_terminal(scratch, "-n", workers, ready=asleep.exists)
    assert exitcode == 2, written
    assert "plays decided" in written
    assert not any("plays decided" in line for line in screen(written)), written
    assert "not played: the run is incomplete" in written


def test_the_time_left_is_known_from_the_record_that_nox_keeps(scratch):
    """With the first play, since the record says how long the run took."""
    for name in ("simple", "second"):
        scratch.chapter(name, SIMPLE.format(name=name))
    assert scratch.run("-n", "0", "--results=.results/").exitcode == 0
    _, written = in_terminal(scratch, "-n", "0")
    first = re.search(r"simple: 0 of [^\r]*", written)
    assert first
    assert "left" in first[0]
