"""Failures: a reader who sees one red claim must know what happened and where to look."""

import re

import pytest

from spec.kit import package

# Each claim fails in its own way.
FAILING = '''
"""Scratch: claims that fail."""

import os
import signal
import threading
import time

from spec.kit import claim


def speak(stage):
    """Say a word."""
    stage.say("seated")


@claim("failing.another-word", docs="multiprocessing")
def test_another_word(mp, stage):
    """An actor says another word."""
    stage.enter(speak).expect("sleeping")


@claim("failing.unknown-word", docs="multiprocessing")
def test_unknown_word(mp, stage):
    """No actor says the word."""
    stage.enter(speak).expect("saeted")


def die(stage):
    """Kill this process."""
    stage.say("dying")
    os.kill(os.getpid(), signal.SIGKILL)


@claim("failing.killed", docs="multiprocessing")
def test_killed(mp, stage):
    """An actor is killed."""
    stage.result_of(die)


def wait_to_go(stage):
    """Wait for a cue."""
    stage.wait_for_cue("go")


@claim("failing.another-cue", docs="multiprocessing")
def test_another_cue(mp, stage):
    """An actor waits for another cue."""
    actor = stage.enter(wait_to_go)
    actor.cue("gone")
    stage.patience = 0.5
    actor.returns()


def hang(stage):
    """Sleep for too long."""
    stage.say("sleeping")
    time.sleep(1.5)
    stage.say("done")


@claim("failing.hangs", docs="multiprocessing")
def test_hangs(mp, stage):
    """An actor hangs."""
    actor = stage.enter(hang)
    actor.expect("sleeping")
    stage.patience = 0.2
    actor.expect("done")


@claim("failing.thread-hangs", docs="multiprocessing")
def test_thread_hangs(mp, stage):
    """An actor in a thread hangs."""
    actor = stage.enter(hang, by=threading.Thread)
    actor.expect("sleeping")
    stage.patience = 0.2
    try:
        actor.expect("done")
    finally:
        stage.patience = 20


def return_lock(stage):
    """Return an object that is not plain data."""
    return [1, (stage.mp.Lock(), 2)]


@claim("failing.result", docs="multiprocessing")
def test_result(mp, stage):
    """An actor returns a lock."""
    stage.result_of(return_lock)


def say_lock(stage):
    """Say a word with an object that is not plain data."""
    stage.say("here", stage.mp.Lock())


@claim("failing.saying", docs="multiprocessing")
def test_saying(mp, stage):
    """An actor says a lock."""
    stage.enter(say_lock).expect("here")


def fail(stage):
    """Raise."""
    raise LookupError("a reason")


@claim("failing.raises", docs="multiprocessing")
def test_raises(mp, stage):
    """An actor raises."""
    stage.result_of(fail)


@claim("failing.program-fails", docs="multiprocessing")
def test_program_fails(mp, program):
    """A program fails."""
    program.lines_of("breaks", "fail")


@claim("failing.program-repeats", docs="multiprocessing")
def test_program_repeats(mp, program):
    """A program prints a line twice."""
    program.table_of("breaks", "repeat")


@claim("failing.program-hangs", docs="multiprocessing")
def test_program_hangs(mp, program):
    """A program hangs."""
    program.patience = 0.5
    program.run("breaks", "hang")


KEPT = []


@claim("failing.leaves", docs="multiprocessing")
def test_leaves(mp, stage):
    """A claim leaves a descriptor and a process behind."""
    KEPT.append(os.pipe())
    process = mp.Process(target=time.sleep, args=(60,))
    process.start()
    KEPT.append(process)
'''

PROGRAM = """
import sys, time
if sys.argv[2] == "repeat":
    print("label: value\\nlabel: value")
    raise SystemExit(0)
print("printed and not flushed")
if sys.argv[2] == "hang":
    time.sleep(60)
raise SystemExit("a reason")
"""

# The parts of each failure's text, as regular expressions.
SAID = {
    "another_word": ["E  .*: speak returned None without saying 'sleeping'; it said 'seated'"],
    "unknown_word": [
        r"E  .*: speak cannot say 'saeted': no actor of this chapter says it; "
        r"did you mean 'seated'\?"
    ],
    "killed": [
        r"die +say dying",
        r"die +ended",
        "E  .*: die was ended by SIGKILL after saying 'dying', before returning",
    ],
    "another_cue": [
        "wait_to_go +waits for the cue go",
        "test +cue gone",
        r"E  .*: wait_to_go has not returned within 0\.5 s; it waits for the cue 'go'; "
        "cued: 'gone'",
    ],
    "hangs": [
        r"E  .*: hang has not said 'done' within 0\.2 s",
        "E +stack of hang:",
        'E +File ".*test_failing.py", line 58 in hang',
    ],
    "thread_hangs": ["E +stack of hang:", 'E +File ".*test_failing.py", line 58 in hang'],
    "result": [
        r"E  .*: return_lock returned a Lock: results are plain data \(numbers, str, bytes, tuple, "
        r"list, dict\)"
    ],
    "saying": ["E  .*: say_lock raised TypeError: said 'here' with a Lock: results are plain data"],
    "raises": ["E  .*: fail raised LookupError: a reason", 'E +raise LookupError\\("a reason"\\)'],
    "program_fails": [
        "breaks +started spec/programs/failing/breaks.py",
        "breaks +stdout printed and not flushed",
        "breaks +stderr a reason",
        "breaks +ended with exit code 1",
        "E  .*: spec/programs/failing/breaks.py ended with exit code 1: a reason",
    ],
    "program_repeats": ["E  .*: spec/programs/failing/breaks.py printed 'label' twice"],
    "program_hangs": [
        r"breaks +killed after 0\.\d s; output that it had not flushed is lost",
        r"E  .*: spec/programs/failing/breaks.py did not end within 0\.5 s",
    ],
    "leaves": ["left behind: process: .*; descriptor: "],
}
# These failures show a line of the chapter, and no line of the kit.
OWN = {name for name in SAID if name != "leaves"}


@pytest.fixture(scope="module")
def failures(scratch_of_module):
    """The text of each failure of a run, by the test's name without ``test_``."""
    scratch_of_module.chapter("failing", FAILING)
    scratch_of_module.write("spec/programs/failing/breaks.py", PROGRAM)
    method = ("--start-method", package.start_methods()[0])
    run = scratch_of_module.run("-n", "0", *method)
    assert run.exitcode == 1
    parts = re.split(r"\n_+ (?:ERROR at teardown of )?test_(\w+)\[\w+\] _+\n", run.output)
    return dict(zip(parts[1::2], parts[2::2], strict=True)) | {"": parts[0]}


@pytest.mark.parametrize("name", SAID)
def test_a_failure_says_what_happened(failures, name):
    text = failures[name].partition("\n=====")[0]
    for pattern in SAID[name]:
        assert re.search(pattern, text), f"{pattern!r} is not in\n{text}"


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_failure_ends_in_the_chapter(failures, name):
    text = failures[name].partition("\n=====")[0]
    places = re.findall(r"^(\S+\.py):\d+: ", text, re.MULTILINE)
    assert places == ["spec/test_failing.py"]
    assert text.count("Traceback (most recent call last)") == (name in ("raises", "saying"))


def test_a_verdict_stands_apart_from_its_sentence(failures):
    assert re.search(r"^  times out \d\.\d\d s +An actor hangs\.$", failures[""], re.MULTILINE)
