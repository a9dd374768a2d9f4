"""Stopping a process from outside: terminate(), kill() and interrupt().

``terminate()`` asks a process to end: it may answer with a signal handler, but by default it ends
without finally clauses or exit handlers. ``kill()`` does not ask. ``interrupt()`` raises
KeyboardInterrupt in the process, as Ctrl-C does. None of the three waits for the end: ``join()``
does. Threads have nothing of the kind: they share their memory, and a thread that was cut off in
the middle of its work would leave that memory in an unusable state.

Stop a process only if it holds nothing that other processes need. A Lock that it held stays
locked, and a Queue that it was reading from can become useless for every other process. Its
children are not stopped with it.
"""

import atexit
import os
import signal
import sys
import threading
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, reached, result_or_error, submodule


def wait_to_be_stopped(stage):
    """Wait for a cue that never comes."""
    stage.say("waiting")
    stage.wait_for_cue("never")


@claim("stop.threads-have-no-terminate", docs="multiprocessing#introduction")
def test_a_process_can_be_stopped_from_outside_and_a_thread_cannot(mp, stage):
    """A Process can be stopped with terminate() or kill(); a Thread has neither method.

    The process waits for a cue that never comes: only being stopped can end it.
    """
    for stop in ("terminate", "kill"):
        actor = stage.enter(wait_to_be_stopped)
        actor.expect("waiting")
        getattr(actor.process, stop)()
        assert actor.exit_code() != 0
        assert not hasattr(threading.Thread, stop)


def leave_notes_at_end(stage, folder):
    """Wait for the cue to leave, and leave a note in each place where cleanup could be done."""

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
def test_a_terminated_process_does_no_cleanup(mp, stage, tmp_path):
    """By default, terminate() ends a process without running finally clauses or exit handlers.

    Its exit code is -SIGTERM, on Windows too. A second process leaves on cue and does its cleanup;
    since 3.13 all children run exit handlers then.
    """
    folders = {name: tmp_path / name for name in ("terminated", "leaving")}
    actors = {}
    for name, folder in folders.items():
        folder.mkdir()
        actors[name] = stage.enter(leave_notes_at_end, str(folder))
        actors[name].expect("up")
    actors["terminated"].process.terminate()
    actors["leaving"].cue("leave")
    codes = {name: actor.exit_code() for name, actor in actors.items()}
    notes = {name: sorted(note.name for note in folders[name].iterdir()) for name in folders}
    assert codes == {"terminated": -signal.SIGTERM, "leaving": 0}
    assert notes["terminated"] == []
    assert set(notes["leaving"]) >= {"finally clause", *(["exit handler"] * reached("3.13"))}


def exit_with_four_after_sigterm(stage):
    """Handle SIGTERM, and when it has come and the cue too, exit with 4."""
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    stage.say("up")
    # Not by waiting for a cue: if SIGTERM comes as that call begins, the handler runs after it.
    while not asked:
        time.sleep(TICK)
    stage.say("asked to end")
    stage.wait_for_cue("end")
    sys.exit(4)


@claim("stop.sigterm-handler-runs", docs="multiprocessing.Process.terminate", needs=("signals",))
def test_a_sigterm_handler_runs_and_decides_on_the_exit_code(mp, stage):
    """terminate() runs the SIGTERM handler of the process, which then can choose its exit code.

    The process says that its handler has run, and exits with 4 when it is cued.
    """
    actor = stage.enter(exit_with_four_after_sigterm)
    actor.expect("up")
    actor.process.terminate()
    actor.expect("asked to end")
    actor.cue("end")
    assert actor.exit_code() == 4


def is_alive_after_terminate(stage, process):
    """Terminate the process; report whether it is still alive when terminate() has returned."""
    process.terminate()
    return process.is_alive()


@claim(
    "stop.terminate-is-asynchronous",
    docs="multiprocessing.Process.terminate",
    level=OBSERVED,
    needs=("signals",),
)
def test_terminate_does_not_wait_for_the_end(mp, stage):
    """terminate() does not wait for the end of the process; join() does.

    The process handles SIGTERM and ends only at a cue, which is given after terminate() has
    returned. A thread calls terminate(), since it might wait.
    """
    actor = stage.enter(exit_with_four_after_sigterm)
    actor.expect("up")
    assert stage.result_of(is_alive_after_terminate, actor.process, by=threading.Thread) is True
    actor.expect("asked to end")
    actor.process.join(BEAT)
    assert actor.process.exitcode is None
    actor.cue("end")
    actor.process.join(stage.patience)
    assert actor.process.exitcode == 4


def ignore_sigterm(stage):
    """Ignore SIGTERM, speak when cued, and wait to be killed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        stage.say("up")
        stage.wait_for_cue("speak")
        stage.say("still here")
        stage.wait_for_cue("never")
    finally:
        stage.say("cleaning up")


@claim("stop.kill-cannot-be-caught", docs="multiprocessing.Process.kill", needs=("signals",))
def test_kill_ends_a_process_that_ignores_sigterm(mp, stage):
    """kill() ends even a process that ignores SIGTERM; its exitcode is then -SIGKILL.

    The process still speaks after terminate(), so it does ignore SIGTERM. No finally clause runs
    when it is killed.
    """
    actor = stage.enter(ignore_sigterm)
    actor.expect("up")
    actor.process.terminate()
    actor.cue("speak")
    actor.expect("still here")
    actor.process.kill()
    assert actor.exit_code() == -9
    assert "cleaning up" not in stage.said


INTERRUPTED = {
    "exit codes": {"lets it through": "1", "exits with 3": "3", "swallows it": "0"},
    "cleaned up": ["exits with 3", "lets it through", "swallows it"],
    "lives on": ["swallows it"],
}


@claim(
    "stop.interrupt-raises-keyboard-interrupt",
    docs="multiprocessing.Process.interrupt",
    needs=("signals",),
    since="3.14",
)
def test_interrupt_raises_keyboard_interrupt(mp, program):
    """By default, interrupt() raises KeyboardInterrupt in a process, which may catch it and go on.

    The exit code is 1 if the exception is not caught. A process that catches it may exit with
    another code, or go on and end with 0; finally clauses run in each case. Each process is known
    to be up before it is interrupted.
    """
    exit_codes = program.table_of("interrupted", str(program.folder))
    notes = sorted(path.name.split(", ") for path in program.folder.iterdir())
    assert {
        "exit codes": exit_codes,
        "cleaned up": [way for way, note in notes if note == "cleaned up"],
        "lives on": [way for way, note in notes if note == "lives on"],
    } == INTERRUPTED


def exit_with_five_after_sigint(stage):
    """Handle SIGINT, and when it has come exit with 5."""
    asked = []
    signal.signal(signal.SIGINT, lambda *_: asked.append(True))
    stage.say("up")
    while not asked:
        time.sleep(TICK)
    sys.exit(5)


def ignore_sigint(stage):
    """Ignore SIGINT, speak when cued, and exit with 6."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stage.say("up")
    stage.wait_for_cue("speak")
    stage.say("still here")
    sys.exit(6)


@claim(
    "stop.interrupt-obeys-sigint-handler",
    docs="multiprocessing.Process.interrupt",
    needs=("signals",),
    since="3.14",
)
def test_a_sigint_handler_runs_instead_of_keyboard_interrupt(mp, stage):
    """If a process handles SIGINT, interrupt() runs the handler; if it ignores SIGINT, it goes on.

    The handler makes the first process exit with 5. The second is cued after interrupt() has
    returned, so the signal has come: it speaks, and exits with its own code. A KeyboardInterrupt
    would end each with 1.
    """
    handling = stage.enter(exit_with_five_after_sigint)
    ignoring = stage.enter(ignore_sigint)
    for actor in (handling, ignoring):
        actor.expect("up")
        actor.process.interrupt()
    assert handling.exit_code() == 5
    ignoring.cue("speak")
    ignoring.expect("still here")
    assert ignoring.exit_code() == 6


def exit_with_three_when_cued(stage):
    """Exit with 3 when cued."""
    stage.wait_for_cue("leave")
    sys.exit(3)


STOPS = ("terminate", "kill")
UNAFFECTED = {
    "after the end": None,
    "exitcode": 3,
    "after join()": None,
    "exitcode at last": 3,
    "before start()": "AttributeError",
}


def stop_finished_process(mp, stage, stop):
    """Call the method ``stop`` of a process that has ended, and of one that was not started.

    It is called when the process has ended and was not joined yet, and again after the join. The
    sentinel tells of the end, since an actor's last word comes a moment before its interpreter has
    ended.
    """
    actor = stage.enter(exit_with_three_when_cued)
    actor.cue("leave")
    assert submodule("connection").wait([actor.process.sentinel], stage.patience)
    return {
        "after the end": result_or_error(getattr(actor.process, stop)),
        "exitcode": actor.exit_code(),
        "after join()": result_or_error(getattr(actor.process, stop)),
        "exitcode at last": actor.process.exitcode,
        "before start()": result_or_error(lambda: getattr(mp.Process(), stop)()),
    }


@claim("stop.finished-process-unaffected", docs="multiprocessing.Process.terminate", level=OBSERVED)
def test_terminate_and_kill_do_nothing_to_a_finished_process(mp, stage):
    """terminate() and kill() have no effect after the end, and raise AttributeError before start().

    They return None before and after the join, and the exit code stays 3.
    """
    observed = {stop: stop_finished_process(mp, stage, stop) for stop in STOPS}
    assert observed == dict.fromkeys(STOPS, UNAFFECTED)


@claim(
    "stop.finished-process-not-interrupted",
    docs="multiprocessing.Process.interrupt",
    level=OBSERVED,
    needs=("signals",),
    since="3.14",
)
def test_interrupt_does_nothing_to_a_finished_process(mp, stage):
    """interrupt() has no effect after the end, and raises AttributeError before start().

    It returns None before and after the join, and the exit code stays 3.
    """
    assert stop_finished_process(mp, stage, "interrupt") == UNAFFECTED


def start_another(stage, ticket):
    """Start another process, and wait for a cue that never comes."""
    stage.start(ticket)
    stage.say("started")
    stage.wait_for_cue("never")


def speak_when_cued(stage):
    """Say, when cued, that this still runs."""
    stage.say("up")
    stage.wait_for_cue("speak")
    stage.say("still here")


def join_parents_group_and_speak(stage):
    """Join the process group of the parent, and then say, when cued, that this still runs."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, stage.mp.parent_process().pid)  # an actor leads a group of its own
    speak_when_cued(stage)


@claim("stop.grandchildren-are-orphaned", docs="multiprocessing.Process.terminate")
def test_the_children_of_a_terminated_process_run_on(mp, stage):
    """The children of a process that is terminated or killed are not stopped with it: they run on.

    Parent and grandchild are in one process group, which a signal could reach as a whole. The
    grandchild is cued to speak a beat after the end of its parent has been seen. A process that
    is not stopped goes first: the temporary folder that fork servers share then belongs to the
    test's process, which removes it; the stopped process could not.
    """
    first = stage.enter(speak_when_cued)
    first.returns(cue="speak")
    for stop in STOPS:
        grandchild = stage.nested(join_parents_group_and_speak)
        actor = stage.enter(start_another, grandchild.ticket)
        actor.expect("started")
        grandchild.expect("up")
        getattr(actor.process, stop)()
        actor.wait_until_gone()
        assert grandchild.does_not_say("still here")
        assert not grandchild.has_ended, f"{stop}() has ended the child of the process too"
        grandchild.cue("speak")
        grandchild.expect("still here")
        grandchild.wait_until_gone()
        assert actor.exit_code() < 0, f"{stop}()"


def hold_lock_to_the_end(stage, lock):
    """Hold the lock, and wait for a cue that never comes."""
    with lock:
        stage.say("holding")
        stage.wait_for_cue("never")


def lock_within_a_beat(stage, lock):
    """Try to acquire the lock for one beat; report the answer, and release the lock again."""
    acquired = lock.acquire(timeout=BEAT)
    if acquired:
        lock.release()
    return acquired


@claim(
    "stop.killed-holder-keeps-lock", docs="multiprocessing.Process.terminate", needs=("semaphores",)
)
def test_a_lock_stays_locked_when_its_holder_is_stopped(mp, stage):
    """A Lock stays locked when its holder is terminated or killed; another process can release it.

    The holder is known to have ended before another process asks for the lock. The test then
    releases the lock, as any process may, and the lock can be acquired again: so nothing else
    holds it.
    """
    for stop in STOPS:
        lock = mp.Lock()
        holder = stage.enter(hold_lock_to_the_end, lock)
        holder.expect("holding")
        getattr(holder.process, stop)()
        assert holder.exit_code() < 0
        assert not stage.result_of(lock_within_a_beat, lock), f"{stop}() has freed the lock"
        lock.release()
        assert stage.result_of(lock_within_a_beat, lock)


def get_from_empty_queue(stage, queue):
    """Wait for an item that never comes."""
    stage.say("getting")
    queue.get()


def wait_until_lock_is_held(stage, lock):
    """Try to acquire the lock again and again, until another process keeps it for a beat."""
    while lock.acquire(timeout=BEAT):
        lock.release()
        time.sleep(TICK)


def put_an_item(stage, queue):
    """Put an item into the queue."""
    queue.put("an item")


def get_within_a_beat(stage, queue):
    """Try to get an item for one beat; report the item, or the exception's name."""
    return result_or_error(queue.get, timeout=BEAT)


@claim(
    "stop.killed-reader-blocks-queue",
    docs="multiprocessing.Process.terminate",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_a_queue_is_blocked_by_a_reader_that_was_killed(mp, stage):
    """After a process is killed while waiting in Queue.get(), no process can get items from it.

    The killed process holds the queue's lock for readers, which is known before it is killed. For
    other readers the queue then seems to be empty, though an item is in it: they get the item as
    soon as that lock is released.
    """
    queue = mp.Queue()
    readers = queue._rlock  # nothing public tells whether a process is reading
    reader = stage.enter(get_from_empty_queue, queue)
    reader.expect("getting")
    stage.result_of(wait_until_lock_is_held, readers)
    reader.process.kill()
    assert reader.exit_code() < 0
    stage.result_of(put_an_item, queue)
    assert stage.result_of(get_within_a_beat, queue) == "Empty"
    readers.release()
    assert stage.result_of(get_within_a_beat, queue) == "an item"
    queue.close()
