"""Joining: whether a process lives, and waiting for it to end.

A process is alive from its start until it has ended; from its start on it has a number. ``join``
waits until it has ended, and returns. What the process did is done by then. Processes run side
by side, so joining one after the other takes as long as the longest of them; in which order they
are joined makes no difference to when they end.

``join`` never tells whether the process has ended or the time-out has run out: ``is_alive`` and
``exitcode`` do. It may be called as often as one likes, but not before the start, and not by the
process itself. All this is as with threads, but for the exceptions that are raised.
"""

import itertools
import os
import threading
import time

from spec.kit import (
    BEAT,
    OBSERVED,
    TICK,
    claim,
    is_zombie,
    perform,
    result_or_error,
    wait_for_zombie,
)


def sleep_when_cued(stage, seconds):
    """Sleep when cued, and report when."""
    stage.say("ready")
    stage.wait_for_cue("sleep")
    with stage.span("asleep"):
        time.sleep(seconds)


def overlap(stage, by, beat):
    """Let two sleepers, of two and five beats, sleep at once; whether they took less than six.

    They never take less than five. Time counts from when both have entered: how long a start
    takes depends on the machine.
    """
    sleepers = [stage.enter(sleep_when_cued, beats * beat, by=by) for beats in (2, 5)]
    for each in sleepers:
        each.expect("ready")
    with stage.span("both") as both:
        for each in sleepers:
            each.cue("sleep")
        for each in sleepers:
            each.process.join(stage.patience)
    for each in sleepers:
        each.returns()
    assert both.seconds >= 5 * beat - TICK, "join() returned before the longer sleep was over"
    short, long = (each.spans["asleep"] for each in sleepers)
    return both.seconds < 6 * beat and short.begin < long.end and long.begin < short.end


@claim("join.sleeps-take-longest-not-sum", docs="multiprocessing.Process.join")
def test_two_sleepers_take_as_long_as_the_longer_one(mp, stage):
    """Sleeps of 2 and 5 beats in two processes, joined in turn, take about 5 beats and not 7.

    The witness is one performance that takes less than 6 beats: one sleep after the other takes
    7 at any beat. A busy machine only makes the beat longer.
    """
    assert stage.at_some_beat(lambda beat: overlap(stage, mp.Process, beat))


@claim("join.sleeps-overlap-as-in-threads", docs="threading.Thread.join")
def test_sleeps_overlap_in_threads_as_in_processes(mp, stage):
    """Sleeps of 2 and 5 beats take about 5 beats in two threads as in two processes.

    It takes a second: two performances of five beats each.
    """
    for by in (threading.Thread, mp.Process):
        assert stage.at_some_beat(lambda beat, by=by: overlap(stage, by, beat)), by


@claim("join.shorter-sleeper-ends-first", docs="multiprocessing.Process.join")
def test_the_shorter_sleeper_prints_its_last_line_first(mp, stage, program):
    """Two sleepers print all four lines, and the shorter one's last line comes before the longer's.

    Only their sleeps cause that order, so it is shown to be possible, whichever starts first.
    All lines come in every performance. It takes a second: two performances of five beats.
    """

    def shorter_is_first(beat, first):
        lines = program.lines_of("sample_sleepers", str(beat), first)
        assert sorted(lines) == ["19", "25", "Ann", "Tom"]
        return lines.index("19") < lines.index("25")

    for first in ("shorter", "longer"):
        assert stage.at_some_beat(lambda beat, first=first: shorter_is_first(beat, first)), first


def worker(stage):
    """Wait for the cue to go on, and work for one beat more."""
    stage.wait_for_cue("go on")
    with stage.span("last beat"):
        time.sleep(BEAT)


def joiner(stage, process):
    """Join the process without a time-out; report what came of it and how it stands then."""
    stage.say("joining")
    with stage.span("joining"):
        result = process.join()
    stage.say("joined")
    return result, process.exitcode, process.is_alive()


@claim("join.blocks-until-process-ends", docs="multiprocessing.Process.join")
def test_join_returns_none_when_the_process_has_ended(mp, stage):
    """join without a time-out waits until the process has ended, and returns None.

    A thread joins, since join might not return. The process goes on only when the thread is
    about to join, and works for one more beat; join must not be over before that beat is.
    """
    working = stage.enter(worker)
    joining = stage.enter(joiner, working.process, by=threading.Thread)
    joining.expect("joining")
    assert joining.does_not_say("joined"), "join returned while the process was waiting"
    working.cue("go on")
    assert joining.returns() == (None, 0, False)
    assert joining.spans["joining"].end >= working.spans["last beat"].end


def write_slowly(stage, path):
    """Write one line, and when cued, after a beat, the last one."""
    with open(path, "w") as file:
        file.write("first\n")
        file.flush()
        stage.wait_for_cue("go on")
        time.sleep(BEAT)
        file.write("last\n")


@claim("join.orders-what-follows", docs="multiprocessing.Process.join")
def test_what_follows_join_sees_all_that_the_process_did(mp, stage, tmp_path):
    """All that a process did has happened before what follows join: its last write is there.

    The process writes its last line a beat after it was cued, as the last thing that it does.
    A join that is over a moment early finds the line missing.
    """
    path = tmp_path / "lines"
    actor = stage.enter(write_slowly, str(path))
    actor.cue("go on")
    with stage.span("joining") as joining:
        actor.process.join(stage.patience)
    found = path.read_text()
    assert found == "first\nlast\n"
    actor.returns()
    assert actor.last_word < joining.end


def leave_when_cued(stage):
    """Stay until cued to leave."""
    stage.wait_for_cue("leave")


@claim("join.order-is-free", docs="multiprocessing.Process.join", needs=("many-files",))
def test_processes_can_be_joined_in_any_order(mp, stage):
    """Processes may be joined in any order: none has to wait for another, and none is lost.

    For every order of three processes: they end, by cue, in the order of their start and are
    joined in that other order. Then the other way about: each is joined as soon as it has ended,
    while those that were started before it still run.
    """
    for order in itertools.permutations(range(3)):
        actors = [stage.enter(leave_when_cued) for _ in range(3)]
        for actor in actors:
            actor.cue("leave")
            actor.wait_until_gone()
        for place in order:
            actors[place].process.join(stage.patience)
            assert actors[place].process.exitcode == 0

    actors = [stage.enter(leave_when_cued) for _ in range(3)]
    while actors:
        last = actors.pop()
        last.cue("leave")
        last.wait_until_gone()
        last.process.join(stage.patience)
        assert last.process.exitcode == 0
        assert all(actor.process.is_alive() for actor in actors)


@claim("join.alive-between-start-and-end", docs="multiprocessing.Process.is_alive")
def test_a_process_is_alive_from_its_start_to_its_end(mp, stage):
    """is_alive is false before the start, true as soon as start returns, and false after the end.

    The process lives until it is cued to leave, so it cannot have ended when it is looked at.
    """
    actor = stage.prepare(leave_when_cued)
    before = actor.process.is_alive()
    actor.process.start()
    at_once = actor.process.is_alive()
    actor.cue("leave")
    actor.returns()
    assert (before, at_once, actor.process.is_alive()) == (False, True, False)


@claim(
    "join.is-alive-joins-finished",
    docs="multiprocessing#programming-guidelines",
    needs=("waitid",),
    methods=("fork", "spawn"),
)
def test_to_ask_whether_a_finished_process_is_alive_joins_it(mp, stage):
    """A finished process is a zombie until it is joined, and to ask is_alive joins it.

    The process is known to have ended, as the kernel tells it, when it is asked about; nothing
    else has asked before. The child of a fork server is not the program's own, and no zombie.
    """
    actor = stage.enter(leave_when_cued)
    actor.cue("leave")
    actor.wait_until_gone()
    stage.result_of(wait_for_zombie, actor.process.pid, by=threading.Thread)
    assert is_zombie(actor.process.pid)
    assert not actor.process.is_alive()
    assert result_or_error(is_zombie, actor.process.pid) == "ChildProcessError", (
        "it is a zombie still"
    )
    actor.returns()


@claim("join.pid-set-by-start", docs="multiprocessing.Process.pid")
def test_start_gives_a_process_its_number(mp, stage):
    """pid and ident are None before the start; from then on they are the number of the process.

    The process itself reports its number; its object has it as soon as start returns, and still
    when the process has ended.
    """
    actor = stage.prepare(leave_when_cued)
    before = actor.process.pid, actor.process.ident
    actor.process.start()
    at_once = actor.process.pid, actor.process.ident
    actor.cue("leave")
    actor.returns()
    after = actor.process.pid, actor.process.ident
    assert before == (None, None)
    assert at_once == after == (actor.pid, actor.pid)


def introduce_main_thread(stage):
    """Report the numbers and the name of the thread that this runs in."""
    here = threading.current_thread()
    return {
        "is the main thread": here is threading.main_thread(),
        "is called": here.name,
        "number as noted": here.native_id == os.getpid(),
        "number as the kernel tells it": threading.get_native_id() == os.getpid(),
    }


@claim(
    "join.native-id-equals-pid",
    docs="threading.Thread.native_id",
    level=OBSERVED,
    needs=("native-pids",),
)
def test_a_process_begins_with_a_main_thread_of_its_own(mp, stage):
    """A process runs in a main thread of its own, whose native_id is the number of the process.

    A forked process inherits its parent's note of that number, which has to be corrected.
    """
    assert stage.result_of(introduce_main_thread) == {
        "is the main thread": True,
        "is called": "MainThread",
        "number as noted": True,
        "number as the kernel tells it": True,
    }


def start_thread_and_return(stage, path):
    """Return while a thread still runs that writes its last word when it is cued."""

    def write_late():
        threading.main_thread().join()
        stage.say("alone")
        stage.wait_for_cue("write")
        with open(path, "w") as file:
            file.write("written")

    threading.Thread(target=write_late).start()


def start_daemonic_thread_and_return(stage):
    """Return while a daemonic thread still runs, which never ends."""
    threading.Thread(target=stage.wait_for_cue, args=("never",), daemon=True).start()


@claim("join.child-waits-for-its-threads", docs="threading.Thread.daemon")
def test_a_process_ends_after_its_threads(mp, stage, tmp_path):
    """A process that has nothing more to do waits for its threads, but for the daemonic ones.

    The thread goes on when the main thread is known to have come to its end, and until it is
    cued. A daemonic thread that never ends keeps no process from ending.
    """
    path = tmp_path / "late"
    actor = stage.enter(start_thread_and_return, str(path))
    actor.expect("alone")
    assert actor.process.join(BEAT) is None
    assert actor.process.is_alive()
    actor.cue("write")
    actor.returns()
    assert path.read_text() == "written"
    stage.result_of(start_daemonic_thread_and_return)


def join_for(stage, runner, seconds):
    """Join with a time-out; report what join returned, how long it took, and how it stands."""
    with stage.span("joining") as joining:
        result = runner.join(seconds)
    return result, joining.seconds, runner.is_alive(), getattr(runner, "exitcode", None)


@claim("join.timeout-returns-none", docs="multiprocessing.Process.join")
def test_join_with_a_timeout_does_not_tell_whether_the_process_has_ended(mp, stage):
    """join with a time-out returns None, ended or not: is_alive and exitcode tell, as by threads.

    The process runs on until it is cued, and ends when it is: join has to wait for its whole
    time before, and the process has to be there still.
    """
    for by, code in ((threading.Thread, None), (mp.Process, 0)):
        actor = stage.enter(leave_when_cued, by=by)
        result, waited, *standing = stage.result_of(
            join_for, actor.process, BEAT, by=threading.Thread
        )
        assert (result, standing) == (None, [True, None])
        assert waited >= BEAT - TICK, "join gave up before its time"
        actor.cue("leave")
        actor.wait_until_gone()
        result, _, *standing = stage.result_of(
            join_for, actor.process, stage.patience, by=threading.Thread
        )
        assert (result, standing) == (None, [False, code])
        actor.returns()


@claim("join.negative-timeout-is-zero", docs="multiprocessing.Process.join", level=OBSERVED)
def test_join_for_less_than_no_time_does_not_wait(mp, stage):
    """join with a time-out of zero, or less, returns without waiting, as with threads.

    The process or thread runs on until it is cued, and that happens only afterwards. Zero is
    not taken for none, and a negative time, of more than the stage waits, not for a positive.
    """
    for by in (threading.Thread, mp.Process):
        actor = stage.enter(leave_when_cued, by=by)
        for seconds in (0, 0.0, -TICK, -3 * stage.patience):
            joining = stage.enter(join_for, actor.process, seconds, by=threading.Thread)
            result, _, *standing = joining.returns()
            assert (result, standing) == (None, [True, None])
        actor.cue("leave")
        actor.returns()


@claim("join.may-be-repeated", docs="multiprocessing.Process.join")
def test_a_process_may_be_joined_again_and_again(mp, stage):
    """A process may be joined many times, also when it has ended, with the same exit code.

    It is joined in vain, then until it ends, and then twice more without a time-out, by a
    thread, since join might not return.
    """
    for by, code in ((threading.Thread, None), (mp.Process, 0)):
        actor = stage.enter(leave_when_cued, by=by)
        for _ in range(2):
            actor.process.join(TICK)
        actor.cue("leave")
        actor.returns()
        for _ in range(2):
            joined = stage.result_of(join_for, actor.process, None, by=threading.Thread)
            result, _, *standing = joined
            assert (result, standing) == (None, [False, code])


def start_another_and_vanish(stage, part):
    """Start another process, and when cued, end without waiting for it."""
    stage.mp.Process(target=perform, args=part).start()
    stage.wait_for_cue("vanish")
    os._exit(3)


@claim(
    "join.timeout-held-up-by-grandchild",
    docs="multiprocessing.Process.join",
    level=OBSERVED,
    needs=("waitid",),
    methods=("fork",),
)
def test_join_with_a_timeout_waits_for_grandchildren_too(mp, stage):
    """A forked grandchild holds up a join with a time-out, though the process itself has ended.

    The grandchild has inherited what the sentinel of its parent hangs on. That the process has
    ended is known beforehand, as the kernel tells it; exitcode is not fooled.
    """
    grandchild = stage.nested(leave_when_cued)
    actor = stage.enter(start_another_and_vanish, grandchild.ticket)
    actor.cue("vanish")
    actor.wait_until_gone()
    stage.result_of(wait_for_zombie, actor.process.pid, by=threading.Thread)
    with stage.span("joining") as joining:
        actor.process.join(BEAT)
    assert joining.seconds >= BEAT - TICK
    assert actor.process.exitcode == 3
    grandchild.cue("leave")
    grandchild.wait_until_gone()


def try_forbidden_joins(stage):
    """Join what was not started, and join oneself; report what came of it."""
    mp = stage.mp
    return {
        ("not started", "Thread"): result_or_error(threading.Thread().join),
        ("not started", "Process"): result_or_error(mp.Process().join),
        ("oneself", "Thread"): result_or_error(threading.current_thread().join),
        ("oneself", "Process"): result_or_error(mp.current_process().join),
    }


@claim("join.before-start-fails", docs="multiprocessing.Process.join")
def test_a_process_cannot_be_joined_before_its_start(mp, stage):
    """To join a process before it was started is an error, as with threads.

    An actor tries it, without a time-out, since join might wait for ever. With one it is an
    error too.
    """
    outcomes = stage.result_of(try_forbidden_joins)
    assert outcomes["not started", "Thread"] is not None
    assert outcomes["not started", "Process"] is not None
    assert result_or_error(mp.Process().join, 0) is not None


@claim("join.self-join-fails", docs="multiprocessing.Process.join")
def test_a_process_cannot_join_itself(mp, stage):
    """A process cannot join itself, be it the program's first or another: that is an error.

    The other process tries it without a time-out, the first one for a beat.
    """
    outcomes = stage.result_of(try_forbidden_joins)
    assert outcomes["oneself", "Thread"] is not None
    assert outcomes["oneself", "Process"] is not None
    assert result_or_error(mp.current_process().join, BEAT) is not None


@claim("join.refused-by-assertion", docs="multiprocessing.Process.join", level=OBSERVED)
def test_what_join_refuses_fails_by_an_assertion(mp, stage):
    """A join that is refused raises AssertionError, where a thread's raises RuntimeError."""
    assert stage.result_of(try_forbidden_joins) == {
        ("not started", "Thread"): "RuntimeError",
        ("not started", "Process"): "AssertionError",
        ("oneself", "Thread"): "RuntimeError",
        ("oneself", "Process"): "AssertionError",
    }
