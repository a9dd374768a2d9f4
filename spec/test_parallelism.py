"""Why processes at all: what runs at the same time, and what is shared.

In an interpreter with a global lock (the GIL), threads take turns: two of them computing are no
faster than one. Processes have an interpreter each, so they compute at the same time, on as many
cores as there are. Waiting is another matter: a thread that sleeps, or waits for the disk, lets
the others run, so threads do for that. Without the GIL, threads compute at the same time as well.

The price of a process is that nothing is shared: it has its own memory. In return, almost all
that works with a Thread works with a Process.

Whether two players run at the same time is shown by a rally (see ``spec.kit.rally``).
"""

import mmap
import os
import threading
import time

from spec.kit import BEAT, TICK, claim
from spec.kit.rally import COURT, court_in, play, ran_at_once


def two_threads(stage, seconds):
    """Have two threads play a rally; report whether they ran at the same time."""
    court = mmap.mmap(-1, COURT)
    players = [threading.Thread(target=play, args=(court, me, seconds)) for me in (0, 1)]
    for player in players:
        player.start()
    for player in players:
        player.join()
    return ran_at_once(court)


def one_player(stage, path, me):
    """Play one side of a rally on a court in a file."""
    with court_in(path) as court:
        play(court, me, stage.patience)


@claim(
    "parallelism.gil-serialises-threads",
    docs="threading#gil-and-performance-considerations",
    needs=("gil", "several-cores"),
)
def test_two_threads_never_compute_at_the_same_time(mp, stage):
    """Under the GIL two threads of a process never compute at the same time.

    For five beats two threads try to exchange a counter a hundred times in a moment. Each
    exchange needs a switch of threads, so they cannot, however fast the machine is. On one core
    they could not without the GIL either.
    """
    assert not stage.result_of(two_threads, 5 * BEAT)


@claim(
    "parallelism.threads-parallel-without-gil",
    docs="threading#gil-and-performance-considerations",
    needs=("no-gil", "several-cores"),
)
def test_two_threads_compute_at_the_same_time(mp, stage):
    """Without the GIL two threads of a process compute at the same time.

    One moment in which both run is enough, and they may try as long as the patience lasts.
    """
    assert stage.result_of(two_threads, stage.patience)


@claim(
    "parallelism.processes-use-several-cores",
    docs="multiprocessing#introduction",
    needs=("several-cores",),
)
def test_two_processes_compute_at_the_same_time(mp, stage, tmp_path):
    """Two processes compute at the same time, each on a core of its own.

    One moment in which both run is enough, and they may try as long as the patience lasts. The
    memory they play in is a mapped file, which the package knows nothing of.
    """
    path = tmp_path / "court"
    path.write_bytes(bytes(COURT))
    players = [stage.enter(one_player, str(path), me) for me in (0, 1)]
    for player in players:
        player.returns()
    assert ran_at_once(path.read_bytes())


def sleeper(stage, seconds):
    """Sleep when cued, and report when."""
    stage.say("ready")
    stage.wait_for_cue("sleep")
    with stage.span("asleep"):
        time.sleep(seconds)


def sleep_together(stage, beat, by):
    """Let two sleepers sleep a beat each; whether they took less than 1.6 beats together."""
    sleepers = [stage.enter(sleeper, beat, by=by) for _ in range(2)]
    for each in sleepers:
        each.expect("ready")
    for each in sleepers:
        each.cue("sleep")
    for each in sleepers:
        each.returns()
    naps = [each.spans["asleep"] for each in sleepers]
    together = max(nap.end for nap in naps) - min(nap.begin for nap in naps)
    assert together >= beat - TICK, "a sleep was too short"
    return together < 1.6 * beat


@claim("parallelism.waiting-overlaps-in-threads-too", docs="threading#introduction")
def test_two_threads_wait_at_the_same_time_as_two_processes_do(mp, stage):
    """Two threads that wait do so at the same time, so for waiting no process is needed.

    Two sleeps of a beat take less than 1.6 beats, by threads as by processes. A late start can
    spoil a performance, so the beat grows; sleeps in turn would take two beats at any.
    """
    for by in (threading.Thread, mp.Process):
        assert stage.at_some_beat(lambda beat, by=by: sleep_together(stage, beat, by)), by


def linger(stage):
    """Stay until cued to leave."""
    stage.wait_for_cue("leave")


def life(stage, by):
    """Lead a Thread, or a Process, through its life; what could be seen from outside."""
    actor = stage.prepare(linger, by=by, name="Ann")
    worker = actor.process
    before = (worker.name, worker.daemon, worker.ident is None, worker.is_alive())
    worker.start()
    during = (worker.name, worker.daemon, type(worker.ident), worker.is_alive())
    still = worker.join(timeout=0), worker.is_alive()
    actor.cue("leave")
    actor.returns()
    after = (worker.name, worker.daemon, type(worker.ident), worker.is_alive(), worker.join())
    return before, during, still, after


def run_directly(by):
    """Call ``run`` without ``start``; the threads in which the target ran."""
    places = []
    by(target=lambda: places.append(threading.current_thread())).run()
    return places


@claim("parallelism.process-mirrors-thread-surface", docs="multiprocessing.Process")
def test_a_process_is_handled_like_a_thread(mp, stage):
    """start, run, join, is_alive, name, daemon and ident of a Process mean what a Thread's do.

    One scene is played with a Thread and with a Process, and all that could be seen is equal.
    """
    assert life(stage, mp.Process) == life(stage, threading.Thread)
    assert run_directly(mp.Process) == run_directly(threading.Thread)
    assert run_directly(mp.Process) == [threading.current_thread()]


@claim("parallelism.threading-functions-without-counterpart", docs="multiprocessing#miscellaneous")
def test_some_functions_of_threading_have_no_counterpart(mp):
    """active_count, enumerate, settrace, setprofile, Timer and local exist for threads only."""
    for name in ("active_count", "enumerate", "settrace", "setprofile", "Timer", "local"):
        assert hasattr(threading, name), name
        assert not hasattr(mp, name), name


BOARD: list[str] = []


def write_down(stage, notes):
    """Write on the list that was handed over and on a global one; report both."""
    notes.append("seen")
    BOARD.append("seen")
    return notes, BOARD


@claim(
    "parallelism.child-memory-is-separate", docs="multiprocessing#sharing-state-between-processes"
)
def test_what_a_process_changes_in_memory_stays_there(mp, stage):
    """A process changes its own copy of an object or a global; a thread changes the one there is.

    The control is the thread, playing the same scene.
    """
    BOARD.clear()
    notes: list[str] = []
    assert stage.result_of(write_down, notes) == (["seen"], ["seen"])
    assert (notes, BOARD) == ([], []), "the parent sees what the child wrote"

    assert stage.result_of(write_down, notes, by=threading.Thread) == (["seen"], ["seen"])
    assert (notes, BOARD) == (["seen"], ["seen"])
    BOARD.clear()


def tell_pid(stage):
    """Report the process's number and stay, so that the number is taken."""
    stage.say("pid", os.getpid())
    stage.wait_for_cue("leave")


@claim("parallelism.pids-are-distinct", docs="multiprocessing#the-process-class")
def test_each_process_has_a_number_of_its_own(mp, stage):
    """Every process has a pid of its own, which is not its parent's.

    All of them live at the same time, so that no number can have been given twice.
    """
    actors = [stage.enter(tell_pid) for _ in range(3)]
    pids = {actor.expect("pid") for actor in actors}
    assert len(pids | {os.getpid()}) == 4
    for actor in actors:
        actor.cue("leave")
        actor.returns()
