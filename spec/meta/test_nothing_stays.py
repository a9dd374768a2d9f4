"""A run leaves no process, shared memory or file behind, however it ends."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from spec import simulated
from spec.kit import guardian
from spec.kit.clock import now
from spec.kit.platforms import kill
from spec.meta.chapters import HANGS, LEAVES, POOL, SIMPLE, WAITS
from spec.meta.scratch import Ended, Running, Scratch, eventually
from spec.report.plays import CRASHES, FAILS, HOLDS, TIMES_OUT
from spec.report.record import read

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="the environment of processes is in /proc only"
)

# A child, a holder of a named semaphore, a grandchild, a manager's server and shared memory
# under each start method; children and a server of the test itself; and a whole program.
CROWD = '''
"""Scratch: all kinds of processes that can be alive in the middle of a run."""

import os
import time
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from spec.kit import claim
from spec.kit.package import context, start_methods


def guest(stage, semaphore):
    """Hold a semaphore."""
    with semaphore:
        stage.say("in")
        stage.wait_for_cue("never")


def sleeper(stage):
    """Never say a word."""
    time.sleep(600)


def host(stage, method):
    """Start a server and a child, and create shared memory."""
    mp = context(method)
    server = mp.Manager()
    child = mp.Process(target=time.sleep, args=(600,))
    child.start()
    memory = SharedMemory(create=True, size=1)
    stage.say("in")
    stage.wait_for_cue("never")


@claim("crowd.waits", docs="multiprocessing")
def test_a_crowd_waits(mp, stage, program):
    """A crowd waits."""
    kept = []
    for method in start_methods():
        other = context(method)
        child = other.Process(target=time.sleep, args=(600,))
        child.start()
        semaphore = other.Semaphore(1)
        kept += [other.Manager(), child, semaphore]
        stage.enter(sleeper, by=other.Process)
        for actor, what in (guest, semaphore), (host, method):
            stage.enter(actor, what, by=other.Process).expect("in")
    Path(__file__).with_name("player").write_text(str(os.getpid()))
    program.run("sleeps", str(Path(__file__).with_name("ready")))
'''

SLEEPS = """
import pathlib, sys, time
pathlib.Path(sys.argv[2]).touch()
time.sleep(600)
"""

WORKERS = pytest.mark.parametrize("workers", ["0", "2"])


@pytest.fixture
def crowd(scratch: Scratch) -> Scratch:
    """A copy of the project whose second claim starts a crowd of processes that wait."""
    scratch.chapter("before", SIMPLE.format(name="before"))
    scratch.chapter("crowd", CROWD)
    scratch.chapter("after", SIMPLE.format(name="after"))
    scratch.write("spec/programs/crowd/sleeps.py", SLEEPS)
    return scratch


def in_the_middle(crowd: Scratch, *arguments: str, **environment: str) -> Running:
    """Start a run and wait until the whole crowd has been started."""
    run = crowd.start("--start-method", "fork", *arguments, **environment)
    ready = crowd.root / "spec/ready"
    assert eventually(ready.exists, 30), run.ends()
    assert any("sem.mp-" in path for path in crowd.note_shared_memory())
    assert any("psm_" in path for path in crowd.note_shared_memory())
    assert len(crowd.processes()) > 15
    return run


def ends_soon(run: Running) -> Ended:
    """Wait for the end of an interrupted run: it takes less than 6 s.

    If workers end by themselves, they take 8 seconds or more.
    """
    began = now()
    ended = run.ends()
    assert now() - began < 6
    return ended


@WORKERS
def test_after_a_green_run(scratch, workers):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    run = scratch.run("-n", workers)
    assert run.exitcode == 0, run.output
    assert scratch.left_behind() == []


@WORKERS
def test_after_control_c(crowd, workers):
    """Control-C is sent to the foreground process group."""
    run = in_the_middle(crowd, "-n", workers)
    run.interrupt_group()
    assert ends_soon(run).exitcode == 2
    assert crowd.left_behind() == []


@WORKERS
def test_after_an_interrupt_of_the_run_alone(crowd, workers):
    run = in_the_middle(crowd, "-n", workers)
    run.interrupt()
    assert ends_soon(run).exitcode == 2
    assert crowd.left_behind() == []


@WORKERS
def test_after_a_kill_of_the_run(crowd, workers):
    run = in_the_middle(crowd, "-n", workers)
    run.kill()
    run.ends()
    assert crowd.left_behind() == []


@pytest.mark.parametrize("end", [Running.interrupt_group, Running.kill], ids=["control-c", "kill"])
def test_where_processes_are_known_by_their_groups(crowd, end):
    """On macOS the guardian has to do this: the environment of a process is unknown there."""
    run = in_the_middle(crowd, "-n", "2", **{simulated.VARIABLE: "darwin"})
    end(run)
    run.ends()
    assert crowd.left_behind() == []


def test_after_a_kill_of_a_worker(crowd):
    """The worker's forked children, which inherited its pipes, do not hide its death."""
    run = in_the_middle(crowd, "-n", "2", "--results", "record")
    kill(int((crowd.root / "spec/player").read_text()))
    assert run.ends().exitcode == 1
    assert crowd.left_behind() == []
    verdicts = {play["claim"]: play["verdict"] for play in read(crowd.root / "record").plays}
    assert verdicts == {"before.holds": HOLDS, "crowd.waits": CRASHES, "after.holds": HOLDS}


@WORKERS
def test_after_a_hang_on_purpose(scratch, workers):
    """A hang is reported with the actor and the word that did not come, and the run continues."""
    scratch.chapter("hangs", HANGS)
    scratch.chapter("after", SIMPLE.format(name="after"))
    run = scratch.run(
        *("-n", workers, "--start-method", "spawn", "--results", "record"),
        *("--patience", "0.1", "--timeout", "3"),
    )
    assert run.exitcode == 1
    assert scratch.left_behind() == []
    plays = {play["claim"]: play for play in read(scratch.root / "record").plays}
    assert plays["hangs.in-an-actor"]["verdict"] == TIMES_OUT
    assert plays["hangs.in-an-actor"]["reason"] == (
        "mute has not said 'a word' within 2 s; it waits for the cue 'never'; cued: nothing"
    )
    assert plays["hangs.in-the-test"]["verdict"] == TIMES_OUT
    assert plays["after.holds"]["verdict"] == HOLDS


SLEEP = "import sys, time; sys.stdin.read()"


@contextmanager
def bystanders(folder: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Processes that do not belong to the run; each uses the run's folder in another way."""
    file = folder / "bystander"
    file.touch()
    sleep = [sys.executable, "-I", "-S", "-c", SLEEP]
    # As in a shell that was started before the run: they do not inherit the run's mark.
    theirs = {name: value for name, value in os.environ.items() if name != guardian.FOLDER}

    with ExitStack() as ending, file.open("rb") as reading, file.open("ab") as writing:

        def start(*more: str, **settings) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [*sleep, *more],
                stdin=subprocess.PIPE,
                start_new_session=True,
                **{"env": theirs, **settings},
            )
            return ending.enter_context(process)

        opened = os.open(folder, os.O_RDONLY)
        ending.callback(os.close, opened)
        started = {
            "a file open": start(stdout=reading, stderr=writing),
            "the folder open": start(pass_fds=[opened]),
            "its current directory inside": start(cwd=folder),
            "the folder in its arguments": start(str(folder), f"{guardian.FOLDER}={folder}"),
            "the folder in its environment": start(env={**theirs, "PWD": str(folder)}),
            "the number of a group that was noted": start(),
        }
        noted = folder / f"group-{started['the number of a group that was noted'].pid}"
        noted.touch()
        os.utime(noted, (0, time.time() - 60))
        yield started


def let_go_on(run: Running, waiting: Scratch) -> None:
    """Let the claim end."""
    (waiting.root / "spec/go").touch()


@WORKERS
@pytest.mark.parametrize("platform", ["", "darwin"])
@pytest.mark.parametrize(
    ("end", "exitcode"),
    [(let_go_on, 0), (Running.interrupt_group, 2), (Running.kill, -9)],
    ids=["green", "control-c", "kill"],
)
def test_no_bystander_is_harmed(scratch, workers, platform, end, exitcode):
    """A process survives even if it uses the run's folder; see :func:`bystanders`."""
    scratch.chapter("waits", WAITS)
    environment = {simulated.VARIABLE: platform}
    run = scratch.start("-n", workers, "--start-method", "fork", **environment)
    assert eventually((scratch.root / "spec/ready").exists, 30), run.ends()
    (folder,) = scratch.temporary.iterdir()
    with bystanders(folder) as started:
        end(run, *([scratch] if end is let_go_on else []))
        assert run.ends().exitcode == exitcode
        assert eventually(lambda: not folder.exists())
        assert [who for who, process in started.items() if process.poll() is not None] == []


def test_a_forgotten_block_is_told_and_loses_its_name(scratch):
    """Only the claim that never unlinks a block is red, and the next claim finds no block."""
    scratch.chapter("leaves", LEAVES)
    run = scratch.run(
        *("-n", "2", "--start-method", "fork", "--start-method", "spawn", "--results", "record")
    )
    assert run.exitcode == 1
    plays = read(scratch.root / "record").plays
    assert plays
    for play in plays:
        if play["claim"] == "leaves.nothing":
            assert play["verdict"] == HOLDS, play
        else:
            assert play["verdict"] == FAILS, play
            told = play["reason"].removeprefix("left behind: ").split("; ")
            assert all(each.startswith("shared memory: /dev/shm/psm_") for each in told), play
            assert not any(Path(each.removeprefix("shared memory: ")).exists() for each in told)
            assert len(told) == 1 + (play["claim"] == "leaves.forked"), play


@WORKERS
def test_a_forgotten_pool_does_not_hold_up_the_exit(scratch, workers):
    """Its workers are killed while they use a lock that the package's cleanup at exit needs."""
    scratch.chapter("pool", POOL)
    began = now()
    run = scratch.run("-n", workers, "--results", "record")
    assert run.exitcode == 1
    assert now() - began < 40
    assert scratch.left_behind() == []
    plays = read(scratch.root / "record").plays
    assert plays
    for play in plays:
        assert play["verdict"] == FAILS, play
        assert play["reason"].startswith("left behind: "), play
