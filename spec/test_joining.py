"""Joining: waiting for processes to end.

``join`` waits until the process has ended, and returns. What the process did is done by then.
Processes run side by side, so joining one after the other takes as long as the longest of them;
in which order they are joined makes no difference to when they end.
"""

import itertools
import threading
import time

from spec.kit import BEAT, TICK, claim


def sleeper(stage, seconds):
    """Sleep when cued, and report when."""
    stage.say("ready")
    stage.wait_for_cue("sleep")
    with stage.span("asleep"):
        time.sleep(seconds)


def sleep_side_by_side(stage, by):
    """Play the tutorial's two sleepers, of two and five beats, until the beat is long enough.

    Gives whether some performance took less than six beats of the seven that they sleep in sum,
    and the two spans of that performance. No performance may take less than five. Time counts
    from when both are up, since how long starting takes is the machine's affair.
    """
    for beat in stage.beats():
        sleepers = [stage.enter(sleeper, beats * beat, by=by) for beats in (2, 5)]
        for each in sleepers:
            each.expect("ready")
        with stage.span("both") as both:
            for each in sleepers:
                each.cue("sleep")
            for each in sleepers:
                each.process.join(stage.patience)
        for each in sleepers:
            each.returns()
        assert both.seconds >= 5 * beat - TICK, "join returned before the longer sleep was over"
        short, long = (each.spans["asleep"] for each in sleepers)
        if both.seconds < 6 * beat:
            return True, short, long
    return False, short, long


@claim("join.sleeps-take-longest-not-sum", docs="multiprocessing.Process.join")
def test_two_sleepers_take_as_long_as_the_longer_one(mp, stage):
    """Sleeps of 2 and 5 beats in two processes, joined in turn, take about 5 beats and not 7.

    A busy machine may be late, so the scene is played with longer and longer beats until it
    takes less than 6; one sleep after the other would take 7 at any beat.
    """
    witnessed, short, long = sleep_side_by_side(stage, mp.Process)
    assert witnessed, "at no beat did both sleeps take less than 6 beats"
    assert short.begin < long.end
    assert long.begin < short.end


@claim("join.sleeps-overlap-as-in-threads", docs="threading.Thread.join")
def test_sleeps_overlap_by_thread_as_by_process(mp, stage):
    """Sleeps of 2 and 5 beats take about 5 beats in two threads as in two processes."""
    for by in (threading.Thread, mp.Process):
        witnessed, short, long = sleep_side_by_side(stage, by)
        assert witnessed, f"by {by} the sleeps came one after the other"
        assert max(short.begin, long.begin) < min(short.end, long.end)


@claim("join.shorter-sleeper-ends-first", docs="multiprocessing.Process.join")
def test_the_shorter_sleeper_has_the_next_to_last_word(mp, stage, program):
    """Two sleepers print all four lines, and the shorter one's last line comes before the longer's.

    Nothing but their sleeps makes that order, so it is shown to be possible, with longer and
    longer beats, whichever of them is started first. All lines come in every performance.
    """
    for first in ("shorter", "longer"):
        for beat in stage.beats():
            outcome = program.run("sample_sleepers", str(beat), first)
            assert outcome.exitcode == 0, outcome.errors
            assert sorted(outcome.lines) == ["19", "25", "Ann", "Tom"]
            if outcome.lines.index("19") < outcome.lines.index("25"):
                break
        assert outcome.lines.index("19") < outcome.lines.index("25")


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
    assert joining.holds_back("joined"), "join returned while the process was waiting"
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


@claim("join.order-is-free", docs="multiprocessing.Process.join")
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
            actor.falls_silent()
        for place in order:
            actors[place].process.join(stage.patience)
            assert actors[place].process.exitcode == 0

    actors = [stage.enter(leave_when_cued) for _ in range(3)]
    while actors:
        last = actors.pop()
        last.cue("leave")
        last.falls_silent()
        last.process.join(stage.patience)
        assert last.process.exitcode == 0
        assert all(actor.process.is_alive() for actor in actors)
