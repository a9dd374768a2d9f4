"""Stopping a process from outside.

A process can be ended by another. ``terminate`` asks it to end, in a way that it may answer by
a signal handler but that runs neither finally clauses nor exit handlers; ``kill`` does not ask;
``interrupt`` raises KeyboardInterrupt in it, which is as if somebody had typed Ctrl-C. None of
them waits for the end: ``join`` does. What the process has started is not ended with it.

Whoever is stopped leaves everything as it is. A lock that it held stays locked, and a queue that
it was about to read may be of no use to anybody any more.

Threads have nothing of the kind: they share their memory with the others, and one that was torn
out of its work would leave that memory in pieces.
"""

import atexit
import signal
import sys
import threading
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, perform, reached, result_or_error, submodule


def endless(stage):
    """Wait for a cue that never comes."""
    stage.say("waiting")
    stage.wait_for_cue("never")


@claim("stop.threads-have-no-terminate", docs="multiprocessing#introduction")
def test_a_process_can_be_stopped_from_outside_and_a_thread_cannot(mp, stage):
    """A Process has terminate and kill, which end it; a Thread has neither."""
    for stop in ("terminate", "kill"):
        actor = stage.enter(endless)
        actor.expect("waiting")
        getattr(actor.process, stop)()
        assert actor.exit_code() != 0
        assert not hasattr(threading.Thread, stop)


def tidy_up(stage, folder):
    """Stay until cued to leave, and leave a note of each chance there is to tidy up."""

    def note(name):
        with open(f"{folder}/{name}", "w"):
            pass

    atexit.register(note, "exit handler")
    try:
        stage.say("up")
        stage.wait_for_cue("leave")
    finally:
        note("finally clause")


@claim(
    "stop.terminate-skips-cleanup",
    docs="multiprocessing.Process.terminate",
    changes={"3.13": "one that ends by itself runs exit handlers under every start method"},
)
def test_terminate_leaves_no_time_to_tidy_up(mp, stage, tmp_path):
    """A process that is terminated runs neither finally clauses nor exit handlers.

    Its exit code is that of the signal for termination, on Windows too. The control runs beside
    it and leaves on cue, and tidies up; exit handlers are run by all children since 3.13.
    """
    folders = {name: tmp_path / name for name in ("terminated", "leaving")}
    actors = {}
    for name, folder in folders.items():
        folder.mkdir()
        actors[name] = stage.enter(tidy_up, str(folder))
        actors[name].expect("up")
    actors["terminated"].process.terminate()
    actors["leaving"].cue("leave")
    codes = {name: actor.exit_code() for name, actor in actors.items()}
    notes = {name: sorted(note.name for note in folders[name].iterdir()) for name in folders}
    assert codes == {"terminated": -signal.SIGTERM, "leaving": 0}
    assert notes["terminated"] == []
    assert set(notes["leaving"]) >= {"finally clause", *(["exit handler"] * reached("3.13"))}


def hear_sigterm(stage):
    """Answer termination by an exit of one's own, which takes until it is cued."""
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    stage.say("up")
    # Not by waiting for a cue: a handler has to wait for a call that begins as its signal comes.
    while not asked:
        time.sleep(TICK)
    stage.say("asked to end")
    stage.wait_for_cue("end")
    sys.exit(4)


@claim("stop.sigterm-handler-runs", docs="multiprocessing.Process.terminate", needs=("signals",))
def test_a_process_may_answer_terminate(mp, stage):
    """A handler for SIGTERM runs when its process is terminated, and decides on the exit code."""
    actor = stage.enter(hear_sigterm)
    actor.expect("up")
    actor.process.terminate()
    actor.expect("asked to end")
    actor.cue("end")
    assert actor.exit_code() == 4


def terminate(stage, process):
    """Terminate the process; report whether it is still alive when that has returned."""
    process.terminate()
    return process.is_alive()


@claim(
    "stop.terminate-is-asynchronous",
    docs="multiprocessing.Process.terminate",
    level=OBSERVED,
    needs=("signals",),
)
def test_terminate_does_not_wait_for_the_end(mp, stage):
    """terminate returns before the process has ended, and join then waits for its end.

    The process takes its time with the end, until a cue that is given only when terminate has
    returned. A thread terminates it, since terminate might wait.
    """
    actor = stage.enter(hear_sigterm)
    actor.expect("up")
    assert stage.result_of(terminate, actor.process, by=threading.Thread) is True
    actor.expect("asked to end")
    actor.process.join(BEAT)
    assert actor.process.exitcode is None
    actor.cue("end")
    actor.process.join(stage.patience)
    assert actor.process.exitcode == 4


def be_deaf(stage):
    """Ignore termination, say so when cued, and stay."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        stage.say("up")
        stage.wait_for_cue("speak")
        stage.say("still here")
        stage.wait_for_cue("never")
    finally:
        stage.say("tidying up")


@claim("stop.kill-cannot-be-caught", docs="multiprocessing.Process.kill", needs=("signals",))
def test_a_process_cannot_survive_kill(mp, stage):
    """kill ends a process that ignores terminate; its exit code is that of SIGKILL.

    That it ignores terminate is the control: it still speaks afterwards.
    """
    actor = stage.enter(be_deaf)
    actor.expect("up")
    actor.process.terminate()
    actor.cue("speak")
    actor.expect("still here")
    actor.process.kill()
    assert actor.exit_code() == -9
    assert "tidying up" not in stage.said


INTERRUPTED = {
    "codes": ["lets it through: 1", "exits with 3: 3", "swallows it: 0"],
    "tidied up": ["exits with 3", "lets it through", "swallows it"],
    "lives on": ["swallows it"],
}


@claim(
    "stop.interrupt-raises-keyboard-interrupt",
    docs="multiprocessing.Process.interrupt",
    needs=("signals",),
    since="3.14",
)
def test_an_interrupted_process_may_catch_it(mp, program):
    """interrupt raises KeyboardInterrupt in a process, which may tidy up, or even live on.

    If nobody catches it, the exit code is 1; whoever does may exit with another code, or go on.
    """
    completed = program.run("interrupted", str(program.folder))
    assert completed.exitcode == 0, completed.errors
    notes = sorted(path.name.split(", ") for path in program.folder.iterdir())
    assert {
        "codes": completed.lines,
        "tidied up": [way for way, note in notes if note == "tidied up"],
        "lives on": [way for way, note in notes if note == "lives on"],
    } == INTERRUPTED


def leave_with_three(stage):
    """Leave with the exit code 3 when cued."""
    stage.wait_for_cue("leave")
    sys.exit(3)


STOPS = ("terminate", "kill")


def stop_what_has_ended(mp, stage, stop):
    """Try to stop a process that has ended, and been joined, and one not started; the answers.

    It is tried when the process has ended and nobody has asked how, and again when it has been
    joined. The exit code is its own. The sentinel tells of the end, since an actor falls silent
    a moment before its interpreter has ended.
    """
    actor = stage.enter(leave_with_three)
    actor.cue("leave")
    assert submodule("connection").wait([actor.process.sentinel], stage.patience)
    unjoined = result_or_error(getattr(actor.process, stop))
    code = actor.exit_code()
    joined = result_or_error(getattr(actor.process, stop))
    unstarted = result_or_error(lambda: getattr(mp.Process(), stop)())
    return unjoined, code, joined, actor.process.exitcode, unstarted


@claim("stop.finished-process-unaffected", docs="multiprocessing.Process.terminate", level=OBSERVED)
def test_what_has_ended_cannot_be_stopped(mp, stage):
    """terminate() and kill() on a process that has ended do nothing; its exit code stays.

    Before start() they raise AttributeError. See :func:`stop_what_has_ended`.
    """
    observed = {stop: stop_what_has_ended(mp, stage, stop) for stop in STOPS}
    assert observed == dict.fromkeys(STOPS, (None, 3, None, 3, "AttributeError"))


@claim(
    "stop.finished-process-not-interrupted",
    docs="multiprocessing.Process.interrupt",
    level=OBSERVED,
    needs=("signals",),
    since="3.14",
)
def test_what_has_ended_cannot_be_interrupted(mp, stage):
    """interrupt() on a process that has ended does nothing; its exit code stays.

    Before start() it raises AttributeError. See :func:`stop_what_has_ended`.
    """
    observed = stop_what_has_ended(mp, stage, "interrupt")
    assert observed == (None, 3, None, 3, "AttributeError")


def start_another(stage, part):
    """Start another process, and wait for a cue that never comes."""
    stage.mp.Process(target=perform, args=part).start()
    stage.say("started")
    stage.wait_for_cue("never")


def speak_when_cued(stage):
    """Say when cued that this still runs."""
    stage.say("up")
    stage.wait_for_cue("speak")
    stage.say("still here")


@claim("stop.grandchildren-are-orphaned", docs="multiprocessing.Process.terminate")
def test_what_a_stopped_process_has_started_runs_on(mp, stage):
    """The children of a process that is terminated are not terminated with it.

    The grandchild is cued to speak only when the end of its parent has been seen, and a beat
    after that. A process that is not stopped goes first: the folder that fork servers have in
    common is then this program's, and not left behind by the one that is stopped.
    """
    first = stage.enter(speak_when_cued)
    first.cue("speak")
    first.returns()
    grandchild = stage.nested(speak_when_cued)
    actor = stage.enter(start_another, grandchild.ticket)
    grandchild.expect("up")
    actor.expect("started")
    actor.process.terminate()
    actor.wait_until_gone()
    assert grandchild.does_not_say("still here")
    grandchild.cue("speak")
    grandchild.expect("still here")
    grandchild.wait_until_gone()
    assert actor.exit_code() == -signal.SIGTERM


def hold(stage, lock):
    """Take the lock and keep it."""
    with lock:
        stage.say("inside")
        stage.wait_for_cue("never")


def ask_for_a_beat(stage, lock):
    """Ask for the lock for a beat; report the answer, and give the lock back."""
    admitted = lock.acquire(timeout=BEAT)
    if admitted:
        lock.release()
    return admitted


@claim(
    "stop.killed-holder-keeps-lock", docs="multiprocessing.Process.terminate", needs=("semaphores",)
)
def test_a_lock_stays_locked_when_its_holder_is_stopped(mp, stage):
    """A lock that was held by a process that was stopped stays locked, for everyone.

    It can be had again when somebody has released it, which anybody may do: so it is the dead
    process alone that keeps it.
    """
    for stop in STOPS:
        lock = mp.Lock()
        holder = stage.enter(hold, lock)
        holder.expect("inside")
        getattr(holder.process, stop)()
        assert holder.exit_code() < 0
        assert not stage.result_of(ask_for_a_beat, lock), f"{stop} has freed the lock"
        lock.release()
        assert stage.result_of(ask_for_a_beat, lock)


def get_for_ever(stage, queue):
    """Wait for an item that never comes."""
    stage.say("getting")
    queue.get()


def see_held(stage, lock):
    """Ask for a lock again and again, until somebody else keeps it."""
    while lock.acquire(timeout=BEAT):
        lock.release()
        time.sleep(TICK)


def put(stage, queue):
    """Put an item."""
    queue.put("an item")


def get_for_a_beat(stage, queue):
    """Ask the queue for an item, for a beat; report what came of it."""
    return result_or_error(queue.get, timeout=BEAT)


@claim(
    "stop.killed-reader-blocks-queue",
    docs="multiprocessing.Process.terminate",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_a_queue_is_blocked_by_a_reader_that_was_killed(mp, stage):
    """A process that is killed while it waits for an item of a Queue blocks it for all others.

    It dies with the queue's lock for readers, which is known to be held by it before it is
    killed. To others the queue then seems to be empty, though an item is there: it comes as
    soon as that lock is released.
    """
    queue = mp.Queue()
    readers = queue._rlock  # nothing public tells whether somebody is reading
    reader = stage.enter(get_for_ever, queue)
    reader.expect("getting")
    stage.result_of(see_held, readers)
    reader.process.kill()
    assert reader.exit_code() < 0
    stage.result_of(put, queue)
    assert stage.result_of(get_for_a_beat, queue) == "Empty"
    readers.release()
    assert stage.result_of(get_for_a_beat, queue) == "an item"
    queue.close()
