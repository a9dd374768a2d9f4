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
    """Handle SIGTERM, and when it has come and the cue too, exit with 3 plus how often it came."""
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    stage.say("up")
    # Not by waiting for a cue: if SIGTERM comes as that call begins, the handler runs after it.
    while not asked:
        time.sleep(TICK)
    stage.say("asked to end")
    stage.wait_for_cue("end")
    sys.exit(3 + len(asked))


@claim("stop.sigterm-handler-runs", docs="multiprocessing.Process.terminate", needs=("signals",))
def test_a_sigterm_handler_runs_and_decides_on_the_exit_code(mp, stage):
    """terminate() runs the SIGTERM handler of the process, which then can choose its exit code.

    The process says that its handler has run, and exits with 4 when it is cued: the handler has
    run once.
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


@claim(
    "stop.terminate-never-insists",
    docs="multiprocessing.Process.terminate",
    level=OBSERVED,
    needs=("signals",),
    slow=True,
)
def test_terminate_does_not_kill_after_seconds(mp, stage):
    """terminate() sends SIGTERM once: seconds later, a process that handles it still runs.

    The process handles SIGTERM and is joined for more than two seconds: it is neither killed nor
    asked again, as its exit code tells.
    """
    actor = stage.enter(exit_with_four_after_sigterm)
    actor.expect("up")
    actor.process.terminate()
    actor.expect("asked to end")
    actor.process.join(25 * BEAT)
    assert actor.process.exitcode is None
    actor.cue("end")
    assert actor.exit_code() == 4


@claim("stop.terminate-works-from-start", docs="multiprocessing.Process.terminate", level=OBSERVED)
def test_a_process_can_be_terminated_as_soon_as_it_is_started(mp, stage):
    """terminate() called as soon as start() returns ends even a process that is still starting.

    Its exit code is -SIGTERM, as later. The target would wait for a cue that never comes.
    """
    actor = stage.prepare(wait_to_be_stopped)
    actor.process.start()
    actor.process.terminate()
    assert actor.exit_code() == -signal.SIGTERM


def pause_and_go_on(stage):
    """Stop this process by SIGSTOP, speak when it is continued, and wait for the cue to leave."""
    stage.say("pausing")
    os.kill(os.getpid(), signal.Signals["SIGSTOP"])
    stage.say("awake")
    stage.wait_for_cue("leave")


def has_gone_on(actor):
    """Continue an actor that has stopped itself; whether it has spoken since."""
    os.kill(actor.pid, signal.Signals["SIGCONT"])
    return actor.has_said("awake")


@claim(
    "stop.paused-process-is-alive",
    docs="multiprocessing.Process.is_alive",
    level=OBSERVED,
    needs=("signals",),
)
def test_a_process_that_is_stopped_by_sigstop_is_alive(mp, stage):
    """A process that SIGSTOP has stopped is alive: exitcode is None, and join(timeout) times out.

    The process stops itself, and says nothing for a beat. SIGCONT is sent until it speaks, since
    one that comes before the stop is lost. Then the process leaves by cue, with exit code 0.
    """
    actor = stage.enter(pause_and_go_on)
    actor.expect("pausing")
    assert actor.does_not_say("awake")
    with stage.span("joining") as joining:
        actor.process.join(BEAT)
    observed = {"is_alive()": actor.process.is_alive(), "exitcode": actor.process.exitcode}
    assert observed == {"is_alive()": True, "exitcode": None}
    assert joining.seconds >= BEAT - TICK, f"join({BEAT}) returned after {joining.seconds:.3f} s"
    stage.wait_until(lambda: has_gone_on(actor), "the actor going on after SIGCONT")
    actor.returns(cue="leave")


def wait_until_paused(stage, pid):
    """An actor for a thread: wait until SIGSTOP has stopped the child, without collecting that."""
    options = os.WSTOPPED | os.WNOWAIT  # type: ignore[attr-defined,unused-ignore]
    os.waitid(os.P_PID, pid, options)  # type: ignore[attr-defined,unused-ignore]


@claim(
    "stop.kill-ends-paused-process",
    docs="multiprocessing.Process.kill",
    level=OBSERVED,
    needs=("signals", "waitid"),
    methods=("fork", "spawn"),
)
def test_kill_ends_a_paused_process_and_terminate_does_not(mp, stage):
    """kill() ends a process that SIGSTOP has stopped; terminate() does so only once it continues.

    Two processes stop themselves, which the kernel confirms to their parent, and are terminated.
    A beat later both still exist: then one is killed and the other continued. Under forkserver
    their parent is the server.
    """
    actors = {then: stage.enter(pause_and_go_on) for then in ("SIGCONT", "kill()")}
    for actor in actors.values():
        actor.expect("pausing")
        stage.result_of(wait_until_paused, actor.pid, by=threading.Thread)
        actor.process.terminate()
        actor.process.join(BEAT)
    paused = {then: actor.process.exitcode for then, actor in actors.items()}
    assert paused == {"SIGCONT": None, "kill()": None}
    os.kill(actors["SIGCONT"].pid, signal.Signals["SIGCONT"])
    actors["kill()"].process.kill()
    codes = {then: actor.exit_code() for then, actor in actors.items()}
    assert codes == {"SIGCONT": -signal.SIGTERM, "kill()": -signal.Signals["SIGKILL"]}


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


def put_an_item(stage, queue):
    """Put an item into the queue."""
    queue.put("an item")


def get_at_once_and_within_a_beat(stage, queue):
    """Try to get an item without blocking and for one beat; report each, or the exception."""
    return [result_or_error(queue.get, False), result_or_error(queue.get, timeout=BEAT)]


@claim(
    "stop.killed-reader-blocks-queue",
    docs="multiprocessing.Process.terminate",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_a_queue_is_blocked_by_a_reader_that_was_killed(mp, stage):
    """After a process is killed while waiting in Queue.get(), no process can get items from it.

    The killed process held the queue's lock for readers. For other readers the queue then seems to
    have no item, though empty() is False. Nothing public tells when a reader has that lock, so one
    witness is enough: a busy machine only makes the time longer that the reader has for it.
    """

    def blocks_others(beat):
        queue = mp.Queue()
        reader = stage.enter(get_from_empty_queue, queue)
        reader.expect("getting")
        reader.process.join(beat)
        reader.process.kill()
        assert reader.exit_code() < 0
        stage.result_of(put_an_item, queue)
        assert not queue.empty()
        items = stage.result_of(get_at_once_and_within_a_beat, queue)
        queue.close()
        return items == ["Empty", "Empty"]

    assert stage.at_some_beat(blocks_others), "others get the item"
