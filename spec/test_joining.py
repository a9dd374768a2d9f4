"""Joining: whether a process is alive, and waiting for it to end.

A process is alive from ``start()`` until it has ended, and has a PID from ``start()`` on.
``join()`` blocks until the process has ended; everything that the process did is done by then.
Processes run side by side, so joining several of them takes as long as the longest of them runs.
The order of the joins makes no difference to when the processes end.

With a timeout, ``join()`` returns None whether or not the process has ended: ask ``is_alive()``
or ``exitcode`` afterwards. It may be called again and again, but not before ``start()``, and a
process cannot join itself. All this is as with threads, except for the exceptions that are raised.

Two facts surprise people. When ``run()`` has returned, a process still waits for its non-daemonic
threads. And under fork, a grandchild that still runs keeps ``join(timeout)`` waiting for a child
that has ended.
"""

import os
import threading
import time

from spec.kit import (
    BEAT,
    OBSERVED,
    TICK,
    claim,
    is_zombie,
    now,
    result_or_error,
    wait_for_zombie,
)
from spec.kit.actors import wait_until_cued


def sleep_when_cued(stage, seconds):
    """Sleep when cued, and report when."""
    stage.say("ready")
    stage.wait_for_cue("sleep")
    with stage.span("asleep"):
        time.sleep(seconds)


def sleeps_overlap(stage, by, beat):
    """Let two actors sleep 2 and 5 beats at once; whether both take less than 6 together.

    They never take less than 5. The time counts from when both have entered: how long a start
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
    assert both.seconds >= 5 * beat - TICK, (
        f"join() returned {both.seconds:.3f} s after the cues, before the longer sleep was over"
    )
    short, long = (each.spans["asleep"] for each in sleepers)
    return both.seconds < 6 * beat and short.begin < long.end and long.begin < short.end


@claim("join.sleeps-take-longest-not-sum", docs="multiprocessing.Process.join")
def test_two_sleeping_processes_take_as_long_as_the_longer_sleep(mp, stage):
    """Two processes that sleep side by side take as long as the longer sleep, not as the sum.

    They sleep 2 and 5 beats and are joined in turn. The witness is one run that takes less than
    6 beats: one sleep after the other takes 7 at any beat. A busy machine only makes the beat
    longer.
    """
    assert stage.at_some_beat(lambda beat: sleeps_overlap(stage, mp.Process, beat))


@claim("join.sleeps-overlap-as-in-threads", docs="threading.Thread.join")
def test_sleeps_overlap_in_threads_as_in_processes(mp, stage):
    """Two sleeps overlap in threads as in processes: both together take as long as the longer.

    The same scene of 2 and 5 beats is played with threads and with processes. It takes a second:
    two runs of 5 beats each.
    """
    for by in (threading.Thread, mp.Process):
        assert stage.at_some_beat(lambda beat, by=by: sleeps_overlap(stage, by, beat)), by


@claim("join.shorter-sleeper-ends-first", docs="multiprocessing.Process.join")
def test_the_shorter_sleeper_can_print_its_last_line_first(mp, stage, program):
    """Of two sleeping processes, the shorter sleeper can finish first, in either start order.

    The program's processes print a line before and a line after their sleeps. Only the sleeps
    order the last two lines, so one run in which the shorter sleeper's line comes first is the
    witness. All four lines come in every run. It takes a second: two runs of 5 beats.
    """

    def shorter_is_first(beat, first):
        lines = program.lines_of("sample_sleepers", str(beat), first)
        assert sorted(lines) == ["19", "25", "Ann", "Tom"]
        return lines.index("19") < lines.index("25")

    for first in ("shorter", "longer"):
        assert stage.at_some_beat(lambda beat, first=first: shorter_is_first(beat, first)), first


def work_for_a_beat_when_cued(stage):
    """Wait for the cue to go on, and work for one more beat."""
    stage.wait_for_cue("go on")
    with stage.span("last beat"):
        time.sleep(BEAT)


def join_and_look(stage, runner, *timeout):
    """Join the process or thread; report what join() returns and how the runner is then."""
    stage.say("joining")
    with stage.span("joining"):
        result = runner.join(*timeout)
    stage.say("joined")
    return {
        "join()": result,
        "is_alive()": runner.is_alive(),
        "exitcode": getattr(runner, "exitcode", None),
    }


@claim("join.blocks-until-process-ends", docs="multiprocessing.Process.join")
def test_join_blocks_until_the_process_has_ended(mp, stage):
    """join() without a timeout blocks until the process has ended, and returns None.

    A thread joins, since join() might not return. The process goes on only when the thread is
    about to join, and works for one more beat; join() must not return before that beat is over.
    """
    working = stage.enter(work_for_a_beat_when_cued)
    joining = stage.enter(join_and_look, working.process, by=threading.Thread)
    joining.expect("joining")
    assert joining.does_not_say("joined"), "join() returned while the process was waiting"
    working.cue("go on")
    assert joining.returns() == {"join()": None, "is_alive()": False, "exitcode": 0}
    assert joining.spans["joining"].end >= working.spans["last beat"].end


@claim("join.never-gives-up", docs="multiprocessing.Process.join", slow=True)
def test_join_without_a_timeout_does_not_give_up(mp, stage):
    """join() without a timeout still blocks after seconds, and returns once the process ends.

    The process runs until it is cued, which happens only after more than two seconds.
    """
    waiting = stage.enter(wait_until_cued)
    joining = stage.enter(join_and_look, waiting.process, by=threading.Thread)
    joining.expect("joining")
    assert joining.does_not_say("joined", beats=25), "join() has given up"
    waiting.cue("leave")
    assert joining.returns() == {"join()": None, "is_alive()": False, "exitcode": 0}


@claim("join.long-timeout-is-kept", docs="multiprocessing.Process.join", slow=True)
def test_join_with_a_long_timeout_does_not_give_up_early(mp, stage):
    """join(timeout) with a timeout of many seconds still blocks after two of them.

    The timeout is longer than the patience. The process runs until it is cued, which happens only
    after more than two seconds.
    """
    waiting = stage.enter(wait_until_cued)
    timeout = 3 * stage.patience
    joining = stage.enter(join_and_look, waiting.process, timeout, by=threading.Thread)
    joining.expect("joining")
    assert joining.does_not_say("joined", beats=25), "join() has given up"
    waiting.cue("leave")
    assert joining.returns() == {"join()": None, "is_alive()": False, "exitcode": 0}


def join_beside_others(stage, process):
    """Join the process, while other threads do too; return what join() returns."""
    stage.say("joining")
    result = process.join()
    stage.say("joined")
    return result


def join_in_three_threads(stage):
    """Join a process in three threads, then cue it to leave; returns the process, which has ended.

    Asserts that join() returns None in each thread, and only after the cue.
    """
    waiting = stage.enter(wait_until_cued)
    joining = [
        stage.enter(join_beside_others, waiting.process, by=threading.Thread) for _ in range(3)
    ]
    for each in joining:
        each.expect("joining")
    assert stage.none_says(joining, "joined"), "join() returned while the process was waiting"
    waiting.cue("leave")
    assert [each.returns() for each in joining] == [None, None, None]
    return waiting.process


@claim("join.several-threads-may-join", docs="multiprocessing.Process.join", level=OBSERVED)
def test_several_threads_may_join_a_process(mp, stage):
    """Several threads can join a process at the same time: each join() returns after its end.

    Three threads join before the process is cued to leave. Whether the exit code is right is
    another claim, join.joiners-lose-forkserver-exitcode.
    """
    join_in_three_threads(stage)


@claim(
    "join.joiners-lose-forkserver-exitcode",
    docs="multiprocessing.Process.exitcode",
    level=OBSERVED,
    methods=("forkserver",),
)
def test_several_joining_threads_can_lose_the_exit_code(mp, stage):
    """Under forkserver, exitcode can become 255 if several threads join a process at once.

    The fork server sends the exit code once. The thread that reads second finds nothing, and
    takes the server for dead: github.com/python/cpython/issues/130895. One witness is enough,
    since the threads race.
    """
    assert stage.at_some_beat(lambda beat: join_in_three_threads(stage).exitcode == 255)


def write_last_line_when_cued(stage, path):
    """Write a line, and when cued, a beat later, the last line."""
    with open(path, "w") as file:
        file.write("first\n")
        file.flush()
        stage.wait_for_cue("go on")
        time.sleep(BEAT)
        file.write("last\n")


@claim("join.orders-what-follows", docs="multiprocessing.Process.join")
def test_the_last_write_of_a_joined_process_is_there(mp, stage, tmp_path):
    """Once a process is joined, its work is done: even its last write to a file is visible.

    The process writes its last line a beat after it was cued, as the last thing that it does.
    A join() that returns a moment early finds the line missing.
    """
    path = tmp_path / "lines"
    actor = stage.enter(write_last_line_when_cued, str(path))
    actor.cue("go on")
    with stage.span("joining") as joining:
        actor.process.join(stage.patience)
    found = path.read_text()
    assert found == "first\nlast\n"
    actor.returns()
    assert actor.last_word < joining.end


@claim("join.order-is-free", docs="multiprocessing.Process.join", needs=("many-files",))
def test_processes_can_be_joined_in_any_order(mp, stage):
    """Processes can be joined in any order: join() waits for no other, and no exit code is lost.

    Three processes end, by cue, in the order of their start, and are joined in another order: the
    youngest first, the oldest before the one in the middle. Then each of three others is ended and
    joined while the rest still run: the youngest first, the oldest before the one in the middle.
    """
    actors = [stage.enter(wait_until_cued) for _ in range(3)]
    for actor in actors:
        actor.cue("leave")
        actor.wait_until_gone()
    for place in (2, 0, 1):
        actors[place].process.join(stage.patience)
        assert actors[place].process.exitcode == 0, f"process {place}"

    actors = [stage.enter(wait_until_cued) for _ in range(3)]
    for place in (2, 0, 0):
        ended = actors.pop(place)
        ended.cue("leave")
        ended.wait_until_gone()
        began = now()
        ended.process.join(stage.patience)
        assert now() - began < stage.patience, "join() waited for another process"
        assert ended.process.exitcode == 0
        assert all(actor.process.is_alive() for actor in actors)


@claim("join.alive-between-start-and-end", docs="multiprocessing.Process.is_alive")
def test_a_process_is_alive_from_its_start_to_its_end(mp, stage):
    """is_alive() is False before start(), True as soon as start() returns, False after the end.

    The process runs until it is cued to leave, so it cannot have ended when it is asked about.
    Nothing joins it: is_alive() is called until it returns False.
    """
    actor = stage.prepare(wait_until_cued)
    alive = {"before start()": actor.process.is_alive()}
    actor.process.start()
    alive["after start()"] = actor.process.is_alive()
    assert alive == {"before start()": False, "after start()": True}
    actor.cue("leave")
    actor.wait_until_gone()
    stage.wait_until(lambda: not actor.process.is_alive(), "is_alive() returning False")
    actor.returns()


def ask_for_half_a_beat_and_until_end(stage, process):
    """Call is_alive() for half a beat, say how often it was False, and on until the end."""
    asked, ended, end = 0, 0, now() + BEAT / 2
    while now() < end:
        asked += 1
        ended += not process.is_alive()
    stage.say("asked", asked > 0, ended)
    while process.is_alive():
        time.sleep(TICK)


@claim(
    "join.several-threads-may-ask",
    docs="multiprocessing.Process.is_alive",
    level=OBSERVED,
)
def test_several_threads_may_ask_whether_a_process_is_alive(mp, stage):
    """Several threads can call is_alive() at the same time: True until the end, then False.

    Three threads ask for half a beat while the process waits for its cue, and then until each of
    them gets False.
    """
    waiting = stage.enter(wait_until_cued)
    asking = [
        stage.enter(ask_for_half_a_beat_and_until_end, waiting.process, by=threading.Thread)
        for _ in range(3)
    ]
    assert [each.expect("asked") for each in asking] == [(True, 0)] * 3
    waiting.cue("leave")
    for each in asking:
        each.returns()


@claim(
    "join.is-alive-joins-finished",
    docs="multiprocessing#programming-guidelines",
    needs=("waitid",),
    methods=("fork", "spawn"),
)
def test_is_alive_joins_a_finished_process(mp, stage):
    """Under fork and spawn, is_alive() joins a finished child, which then is no longer a zombie.

    The child is known to have ended, as the kernel tells it, before is_alive() is called, and is
    a zombie then: nothing else has asked before. A fork server's child is never the program's
    zombie.
    """
    actor = stage.enter(wait_until_cued)
    actor.cue("leave")
    actor.wait_until_gone()
    stage.result_of(wait_for_zombie, actor.process.pid, by=threading.Thread)
    assert is_zombie(actor.process.pid)
    assert not actor.process.is_alive()
    zombie = result_or_error(is_zombie, actor.process.pid)
    assert zombie == "ChildProcessError", f"the child is still there: is_zombie() gives {zombie}"
    actor.returns()


def pid_and_ident(process):
    """The two names of a process's ID."""
    return {"pid": process.pid, "ident": process.ident}


@claim("join.pid-set-by-start", docs="multiprocessing.Process.pid")
def test_start_gives_a_process_its_pid(mp, stage):
    """pid and ident are None before start() and the process ID afterwards.

    The process itself reports its PID. The object has it as soon as start() returns, and still
    after the process has ended.
    """
    actor = stage.prepare(wait_until_cued)
    before = pid_and_ident(actor.process)
    actor.process.start()
    at_once = pid_and_ident(actor.process)
    actor.returns(cue="leave")
    after = pid_and_ident(actor.process)
    assert before == {"pid": None, "ident": None}
    assert at_once == after == {"pid": actor.pid, "ident": actor.pid}


def describe_main_thread(stage):
    """Report the name and the native IDs of the thread that this runs in."""
    here = threading.current_thread()
    return {
        "is main_thread()": here is threading.main_thread(),
        "name": here.name,
        "native_id is the PID": here.native_id == os.getpid(),
        "get_native_id() is the PID": threading.get_native_id() == os.getpid(),
    }


@claim(
    "join.native-id-equals-pid",
    docs="threading.Thread.native_id",
    level=OBSERVED,
    needs=("native-pids",),
)
def test_the_native_id_of_the_main_thread_is_the_pid(mp, stage):
    """On Linux, a child runs in a main thread of its own, whose native_id is the process ID.

    A forked child inherits its parent's record of that ID, which has to be corrected.
    """
    assert stage.result_of(describe_main_thread) == {
        "is main_thread()": True,
        "name": "MainThread",
        "native_id is the PID": True,
        "get_native_id() is the PID": True,
    }


def return_before_writing_thread(stage, path):
    """Return while a thread still runs, which writes a file when it is cued."""

    def write_late():
        threading.main_thread().join()
        stage.say("main thread is over")
        stage.wait_for_cue("write")
        with open(path, "w") as file:
            file.write("written")

    threading.Thread(target=write_late).start()


def return_before_daemonic_thread(stage):
    """Return while a daemonic thread still runs, which never ends."""
    threading.Thread(target=stage.wait_for_cue, args=("never",), daemon=True).start()


@claim("join.child-waits-for-its-threads", docs="threading.Thread.daemon")
def test_a_process_waits_for_its_non_daemonic_threads(mp, stage, tmp_path):
    """After run() returns, a process waits for its non-daemonic threads, not for daemonic threads.

    The thread runs until it is cued, which happens only when the main thread is known to be
    over. In a second process a daemonic thread never ends, and that process ends all the same.
    """
    path = tmp_path / "late"
    actor = stage.enter(return_before_writing_thread, str(path))
    actor.expect("main thread is over")
    assert actor.process.join(BEAT) is None
    assert actor.process.is_alive()
    actor.returns(cue="write")
    assert path.read_text() == "written"
    stage.result_of(return_before_daemonic_thread)


@claim("join.timeout-returns-none", docs="multiprocessing.Process.join")
def test_join_with_a_timeout_does_not_tell_whether_the_process_has_ended(mp, stage):
    """join(timeout) returns None whether or not the process ended; is_alive() and exitcode tell.

    A thread is joined in the same way, and has no exitcode. The process or thread runs until it
    is cued: the first join() waits for its whole timeout. The second, after the end, has a
    timeout as long as the patience.
    """
    for by, exitcode in ((threading.Thread, None), (mp.Process, 0)):
        actor = stage.enter(wait_until_cued, by=by)
        joining = stage.enter(join_and_look, actor.process, BEAT, by=threading.Thread)
        assert joining.returns() == {"join()": None, "is_alive()": True, "exitcode": None}
        waited = joining.spans["joining"].seconds
        assert waited >= BEAT - TICK, f"join({BEAT}) returned after {waited:.3f} s"
        actor.cue("leave")
        actor.wait_until_gone()
        assert stage.result_of(
            join_and_look, actor.process, stage.patience, by=threading.Thread
        ) == {"join()": None, "is_alive()": False, "exitcode": exitcode}
        actor.returns()


@claim("join.timeout-ends-with-process", docs="multiprocessing.Process.join")
def test_join_with_a_timeout_returns_as_soon_as_the_process_ends(mp, stage):
    """join(timeout) returns as soon as the process ends, however long the timeout is.

    A thread joins with a timeout that is longer than the patience, and the process is cued to
    leave while it does. A thread is joined in the same way.
    """
    for by, exitcode in ((threading.Thread, None), (mp.Process, 0)):
        actor = stage.enter(wait_until_cued, by=by)
        timeout = 3 * stage.patience
        joining = stage.enter(join_and_look, actor.process, timeout, by=threading.Thread)
        joining.expect("joining")
        assert joining.does_not_say("joined"), "join() returned while the process was waiting"
        actor.cue("leave")
        assert joining.returns() == {"join()": None, "is_alive()": False, "exitcode": exitcode}
        actor.returns()


@claim("join.negative-timeout-is-zero", docs="multiprocessing.Process.join", level=OBSERVED)
def test_join_does_not_wait_with_a_timeout_of_zero_or_less(mp, stage):
    """With a timeout of 0 or less, join() does not wait for the end, as with threads.

    The process or thread runs until it is cued, which happens only after join() has returned. So
    0 is not taken for None, nor a negative timeout, longer than the patience, for its absolute
    value.
    """
    for by in (threading.Thread, mp.Process):
        actor = stage.enter(wait_until_cued, by=by)
        for timeout in (0, 0.0, -TICK, -3 * stage.patience):
            joined = stage.result_of(join_and_look, actor.process, timeout, by=threading.Thread)
            assert joined == {"join()": None, "is_alive()": True, "exitcode": None}, timeout
        actor.returns(cue="leave")


@claim("join.may-be-repeated", docs="multiprocessing.Process.join")
def test_a_process_may_be_joined_again_and_again(mp, stage):
    """join() may be called again and again, also after the end; exitcode does not change.

    Two calls run out of time, a third sees the end, and two more have no timeout. A thread makes
    those, since join() might not return. Threads allow the same.
    """
    for by, exitcode in ((threading.Thread, None), (mp.Process, 0)):
        actor = stage.enter(wait_until_cued, by=by)
        for _ in range(2):
            actor.process.join(TICK)
        actor.returns(cue="leave")
        for _ in range(2):
            joined = stage.result_of(join_and_look, actor.process, None, by=threading.Thread)
            assert joined == {"join()": None, "is_alive()": False, "exitcode": exitcode}


def start_another_and_vanish(stage, ticket):
    """Start another process, and when cued, end without waiting for it."""
    stage.start(ticket)
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
    """Under fork, a running grandchild keeps join(timeout) waiting although the child has ended.

    The grandchild has inherited the pipe that makes the child's sentinel ready when all its
    writers are gone. The child is known to have ended, as the kernel tells it, before join() is
    called; exitcode tells the truth.
    """
    grandchild = stage.nested(wait_until_cued)
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
    """Join a thread and a process before their start, and the current ones; report the errors."""
    mp = stage.mp
    return {
        "Thread before start()": result_or_error(threading.Thread().join),
        "Process before start()": result_or_error(mp.Process().join),
        "current_thread()": result_or_error(threading.current_thread().join),
        "current_process()": result_or_error(mp.current_process().join),
    }


@claim("join.before-start-fails", docs="multiprocessing.Process.join")
def test_a_process_cannot_be_joined_before_its_start(mp, stage):
    """Calling join() before start() raises an exception, as with threads.

    An actor calls it without a timeout, since join() might wait forever; the test calls it with
    a timeout of 0.
    """
    errors = stage.result_of(try_forbidden_joins)
    assert errors["Thread before start()"] is not None
    assert errors["Process before start()"] is not None
    assert result_or_error(mp.Process().join, 0) is not None


@claim("join.self-join-fails", docs="multiprocessing.Process.join")
def test_a_process_cannot_join_itself(mp, stage):
    """Calling current_process().join() raises an exception, in the main process or a child.

    The child calls it without a timeout, the main process with a timeout of one beat.
    """
    errors = stage.result_of(try_forbidden_joins)
    assert errors["current_thread()"] is not None
    assert errors["current_process()"] is not None
    assert result_or_error(mp.current_process().join, BEAT) is not None


@claim("join.refused-by-assertion", docs="multiprocessing.Process.join", level=OBSERVED)
def test_a_refused_join_raises_assertion_error(mp, stage):
    """join() before start() or on itself raises AssertionError, where threads raise RuntimeError.

    The actor's joins have no timeout, as in the two claims before.
    """
    assert stage.result_of(try_forbidden_joins) == {
        "Thread before start()": "RuntimeError",
        "Process before start()": "AssertionError",
        "current_thread()": "RuntimeError",
        "current_process()": "AssertionError",
    }
