"""Parallelism: why to use processes rather than threads, and at which price.

With a global interpreter lock (the GIL), only one thread of a process executes Python code at a
time: two threads that compute are no faster than one. Each process has an interpreter of its own,
so processes compute at the same time, on as many cores as there are. Use processes for computing.
For waiting, threads are enough: a thread that sleeps, or waits for a disk or a network, lets the
other threads run. Without the GIL, threads compute at the same time too.

The price is that processes share no memory: a child works on its own copy of every list and every
global variable, and its parent does not see the changes. A Process is used like a Thread: most of
its methods and attributes have the same names and meanings.

Whether two processes or threads run at the same time is shown by a rally (``spec.kit.rally``):
two players hand a counter back and forth, a hundred times within 2 ms. They can do that only if
both are running.
"""

import mmap
import os
import threading
import time

from spec.kit import BEAT, TICK, claim
from spec.kit.actors import wait_until_cued
from spec.kit.rally import COURT, court_in, play, ran_at_once


def rally_in_two_threads(stage, seconds):
    """Have two threads play a rally; report whether they ran at the same time."""
    court = mmap.mmap(-1, COURT)
    players = [threading.Thread(target=play, args=(court, me, seconds)) for me in (0, 1)]
    for player in players:
        player.start()
    for player in players:
        player.join()
    return ran_at_once(court)


@claim(
    "parallelism.gil-serialises-threads",
    docs="threading#gil-and-performance-considerations",
    needs=("gil", "several-cores"),
)
def test_two_threads_never_execute_python_at_the_same_time(mp, stage):
    """With the GIL, two threads never execute Python code at the same time.

    For a beat two threads try to exchange a counter a hundred times within 2 ms. Under the
    GIL each exchange needs a switch of threads, which takes too long on any machine. A machine
    with one core would prevent it even without the GIL, so several cores are needed.
    """
    assert not stage.result_of(rally_in_two_threads, BEAT)


@claim(
    "parallelism.threads-parallel-without-gil",
    docs="threading#gil-and-performance-considerations",
    needs=("no-gil", "several-cores"),
)
def test_two_threads_execute_python_at_the_same_time(mp, stage):
    """Without the GIL, two threads can execute Python code at the same time.

    One moment in which both run is enough, and they try for as long as the patience.
    """
    assert stage.result_of(rally_in_two_threads, stage.patience)


def play_one_side(stage, path, me):
    """Play one side of a rally whose court is a file."""
    with court_in(path) as court:
        play(court, me, stage.patience)


@claim(
    "parallelism.processes-use-several-cores",
    docs="multiprocessing#introduction",
    needs=("several-cores",),
)
def test_two_processes_execute_python_at_the_same_time(mp, stage, tmp_path):
    """Two processes can execute Python code at the same time, each on a core of its own.

    One moment in which both run is enough, and they try for as long as the patience. The memory
    that they play in is a mapped file, so nothing of the package is used for it.
    """
    path = tmp_path / "court"
    path.write_bytes(bytes(COURT))
    players = [stage.enter(play_one_side, str(path), me) for me in (0, 1)]
    for player in players:
        player.returns()
    assert ran_at_once(path.read_bytes())


def nap_when_cued(stage, seconds):
    """Sleep when cued, and report when."""
    stage.say("ready")
    stage.wait_for_cue("sleep")
    with stage.span("asleep"):
        time.sleep(seconds)


def naps_overlap(stage, by, beat):
    """Let two actors sleep for a beat each; whether both took less than 1.6 beats together."""
    sleepers = [stage.enter(nap_when_cued, beat, by=by) for _ in range(2)]
    for each in sleepers:
        each.expect("ready")
    for each in sleepers:
        each.cue("sleep")
    for each in sleepers:
        each.returns()
    naps = [each.spans["asleep"] for each in sleepers]
    together = max(nap.end for nap in naps) - min(nap.begin for nap in naps)
    assert together >= beat - TICK, f"both sleeps took {together:g} s, less than one beat"
    return together < 1.6 * beat


@claim("parallelism.waiting-overlaps-in-threads-too", docs="threading#introduction")
def test_two_threads_sleep_at_the_same_time_as_two_processes_do(mp, stage):
    """Two threads can sleep at the same time, just as two processes can.

    The witness is one performance in which two sleeps of a beat take less than 1.6 beats. On a
    busy machine the beat grows until it succeeds; one sleep after the other takes two beats, at
    any length of the beat.
    """
    for by in (threading.Thread, mp.Process):
        assert stage.at_some_beat(lambda beat, by=by: naps_overlap(stage, by, beat)), by


def seen_of(worker):
    """The attributes of a Process or a Thread."""
    return {
        "name": worker.name,
        "daemon": worker.daemon,
        "type of ident": type(worker.ident),
        "is_alive()": worker.is_alive(),
    }


def seen_through_life(stage, by):
    """Create, start and join a Thread or a Process; its attributes at each step."""
    actor = stage.prepare(wait_until_cued, by=by, name="Ann")
    worker = actor.process
    seen = {"created": seen_of(worker)}
    worker.start()
    seen["running"] = seen_of(worker)
    seen["join(timeout=0)"] = {"returned": worker.join(timeout=0), **seen_of(worker)}
    actor.returns(cue="leave")
    seen["ended"] = seen_of(worker)
    seen["join()"] = {"returned": worker.join()}
    return seen


def threads_of_direct_run(by):
    """Call ``run()`` without ``start()``; the threads in which the target ran."""
    places = []
    by(target=lambda: places.append(threading.current_thread())).run()
    return places


@claim("parallelism.process-mirrors-thread-surface", docs="multiprocessing.Process")
def test_a_process_is_used_like_a_thread(mp, stage):
    """In normal use start(), run(), join(), is_alive(), name, daemon, ident act as in Thread.

    The same scene is played with a Thread and with a Process, and everything seen is equal. Of
    ident only the type is compared.
    """
    assert seen_through_life(stage, mp.Process) == seen_through_life(stage, threading.Thread)
    assert threads_of_direct_run(mp.Process) == threads_of_direct_run(threading.Thread)
    assert threads_of_direct_run(mp.Process) == [threading.current_thread()]


@claim("parallelism.threading-functions-without-counterpart", docs="multiprocessing#miscellaneous")
def test_some_functions_of_threading_have_no_counterpart(mp):
    """Only threading has active_count(), enumerate(), settrace(), setprofile(), Timer and local."""
    for name in ("active_count", "enumerate", "settrace", "setprofile", "Timer", "local"):
        assert hasattr(threading, name), name
        assert not hasattr(mp, name), name


GLOBAL_NOTES: list[str] = []


def append_to_both(stage, notes):
    """Append to the list in the arguments and to the global list; report both."""
    notes.append("seen")
    GLOBAL_NOTES.append("seen")
    return {"argument": notes, "global": GLOBAL_NOTES}


@claim(
    "parallelism.child-memory-is-separate", docs="multiprocessing#sharing-state-between-processes"
)
def test_a_process_changes_a_copy(mp, stage):
    """A child changes only its own copy of a list or a global; a thread changes the original.

    The process and the thread play the same scene.
    """
    GLOBAL_NOTES.clear()
    notes: list[str] = []
    changed = {"argument": ["seen"], "global": ["seen"]}
    assert stage.result_of(append_to_both, notes) == changed
    in_the_parent = {"argument": list(notes), "global": list(GLOBAL_NOTES)}
    assert in_the_parent == {"argument": [], "global": []}

    assert stage.result_of(append_to_both, notes, by=threading.Thread) == changed
    in_the_parent = {"argument": list(notes), "global": list(GLOBAL_NOTES)}
    assert in_the_parent == changed
    GLOBAL_NOTES.clear()


def tell_pid_and_wait(stage):
    """Report the PID, and keep it in use until cued to leave."""
    stage.say("pid", os.getpid())
    stage.wait_for_cue("leave")


@claim("parallelism.pids-are-distinct", docs="multiprocessing#the-process-class")
def test_each_process_has_a_pid_of_its_own(mp, stage):
    """A parent and its running children all have different PIDs.

    Three children live at the same time, so the system cannot use a PID again.
    """
    actors = [stage.enter(tell_pid_and_wait) for _ in range(3)]
    pids = {actor.expect("pid") for actor in actors}
    assert len(pids | {os.getpid()}) == 4, pids
    for actor in actors:
        actor.returns(cue="leave")
