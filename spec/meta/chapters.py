"""Chapters for scratch copies: a simple claim, claims that hang, one for each verdict and so on."""

# A template: ``name`` is the subject in its claim's id.
SIMPLE = '''
"""Scratch: a simple claim."""

from spec.kit import claim


def noop(stage):
    """Do nothing."""


@claim("{name}.holds", docs="multiprocessing")
def test_it_holds(mp, stage):
    """A child can be started."""
    stage.result_of(noop)
'''

HANGS = '''
"""Scratch: claims that hang."""

import time

from spec.kit import claim


def mute(stage):
    """Say a word only after a cue that never comes."""
    stage.wait_for_cue("never")
    stage.say("a word")


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

# With SPEC_WITHOUT=semaphore-value, each claim gets the verdict in its id.
VERDICTS = '''
"""Scratch: one claim for each verdict."""

import os

from spec.kit import claim


def noop(stage):
    """Do nothing."""


def mute(stage):
    """Say a word only after a cue that never comes."""
    stage.wait_for_cue("never")
    stage.say("a word")


def crasher(stage):
    """End without a word."""
    os._exit(7)


@claim("verdict.holds", docs="multiprocessing")
def test_it_holds(mp, stage):
    """A claim holds."""
    stage.result_of(noop)


@claim("verdict.fails", docs="multiprocessing")
def test_it_fails(mp, stage):
    """A claim fails."""
    assert stage.result_of(noop), "nothing came"


@claim("verdict.times-out", docs="multiprocessing")
def test_it_times_out(mp, stage):
    """A claim times out."""
    hanging = stage.enter(mute)
    stage.patience = 0.2
    hanging.expect("a word")


@claim("verdict.crashes", docs="multiprocessing")
def test_it_crashes(mp, stage):
    """A claim crashes."""
    stage.result_of(crasher)


@claim("verdict.not-applicable", docs="multiprocessing", needs=("semaphore-value",))
def test_it_is_not_applicable(mp, stage):
    """A claim is not applicable."""
    stage.result_of(noop)


@claim(
    "verdict.known-deviation",
    docs="multiprocessing",
    deviations={"gil": "a reason", "no-gil": "a reason"},
)
def test_it_is_a_known_deviation(mp, stage):
    """A claim is a known deviation."""
    assert stage.result_of(noop), "nothing came"
'''

# Its claim ends when there is a file "go" in the folder of the chapter.
WAITS = '''
"""Scratch: a claim that waits."""

import time
from pathlib import Path

from spec.kit import claim


@claim("waits.for-a-file", docs="multiprocessing")
def test_it_waits(mp, stage):
    """A claim waits for a file."""
    Path(__file__).with_name("ready").touch()
    while not Path(__file__).with_name("go").exists():
        time.sleep(0.01)
'''

# Each claim except the last leaves shared memory behind.
LEAVES = '''
"""Scratch: claims that leave shared memory behind."""

import os
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

from spec.kit import claim

# A tracker that an actor starts would unlink its blocks at the end of the actor.
resource_tracker.ensure_running()


def forget(stage, how):
    """Create a block of shared memory, and never unlink it."""
    block = SharedMemory(create=True, size=8)
    if how != "mapped":
        block.close()
    if how == "killed":
        stage.say("made", block.name)
        stage.wait_for_cue("never")
    if how == "forked" and os.fork():
        os.wait()
    elif how == "forked":
        SharedMemory(create=True, size=8).close()
        os._exit(0)
    return block.name


@claim("leaves.mapped", docs="multiprocessing")
def test_a_block_that_is_mapped_to_the_end(mp, stage):
    """An actor never unlinks a block that it has mapped."""
    stage.result_of(forget, "mapped")


@claim("leaves.closed", docs="multiprocessing")
def test_a_block_that_is_closed(mp, stage):
    """An actor never unlinks a block that it has closed."""
    stage.result_of(forget, "closed")


@claim("leaves.killed", docs="multiprocessing")
def test_a_block_of_an_actor_that_is_killed(mp, stage):
    """An actor that the stage ends has not unlinked a block."""
    stage.enter(forget, "killed").expect("made")


@claim("leaves.forked", docs="multiprocessing")
def test_a_block_of_a_fork(mp, stage):
    """A forked child of an actor never unlinks a block."""
    stage.result_of(forget, "forked")


@claim("leaves.own", docs="multiprocessing")
def test_a_block_of_the_test(mp, stage):
    """The test never unlinks a block."""
    SharedMemory(create=True, size=8).close()


@claim("leaves.nothing", docs="multiprocessing")
def test_nothing_is_left(mp, stage):
    """A block is unlinked."""
    block = SharedMemory(create=True, size=8)
    block.close()
    block.unlink()
'''

POOL = '''
"""Scratch: a Pool that is left open."""

import os

from spec.kit import claim

kept = []


@claim("pool.left-open", docs="multiprocessing")
def test_a_pool_is_left_open(mp, stage):
    """A Pool is left open."""
    kept.append(mp.Pool(2))
    assert kept[-1].apply(os.getpid) != os.getpid()
'''

# Claims whose processes are known; the program's is COUNTED_PROGRAM.
COUNTED = '''
"""Scratch: claims that start a known number of processes."""

import os
import time

from spec.kit import claim


def noop(stage):
    """Do nothing."""


def burn(stage):
    """Compute for half a second."""
    while time.process_time() < 0.5:
        pass


def start_nested(stage, ticket):
    """Start a nested actor and wait for its end."""
    stage.start(ticket).join(stage.patience)


def report_counting(stage):
    """Return what this process has in its environment to be counted."""
    return os.environ.get("SPEC_STARTS"), "spec/site" in os.environ.get("PYTHONPATH", "")


@claim("counted.nothing", docs="multiprocessing")
def test_nothing_is_started(mp, stage):
    """Nothing is started."""


@claim("counted.children", docs="multiprocessing")
def test_two_children_are_started(mp, stage):
    """Two children are started."""
    for _ in range(2):
        stage.result_of(noop)


@claim("counted.grandchild", docs="multiprocessing")
def test_a_child_starts_a_child(mp, stage):
    """A child starts a child, which computes."""
    nested = stage.nested(burn)
    stage.result_of(start_nested, nested.ticket)


@claim("counted.program", docs="multiprocessing")
def test_a_program_starts_a_child(mp, program):
    """A program starts a child."""
    assert program.lines_of("counted") == ["child", "program"]


@claim("counted.environment", docs="multiprocessing")
def test_the_environment_is_a_users(mp, stage):
    """A run without a record counts nothing."""
    assert stage.result_of(report_counting) == (None, False)
'''

COUNTED_PROGRAM = """
import multiprocessing, sys

if __name__ == "__main__":
    mp = multiprocessing.get_context(sys.argv[1])
    child = mp.Process(target=print, args=("child",))
    child.start()
    child.join()
    print("program")
"""
