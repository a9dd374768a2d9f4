"""Barrier: no party goes on until all have arrived.

A barrier is created for a number of parties. Each calls ``wait()``, which blocks until the last
has called it; then all go on, and the barrier can be used again. Each ``wait()`` returns a
different integer, so that the party with the 0, for example, can do what has to be done once. Or
pass an ``action``: one of the parties calls it, before any of them goes on.

If a ``wait()`` times out, if the action raises, or if a process calls ``abort()``, the barrier is
broken: all waiters, present and later, get BrokenBarrierError, until ``reset()`` makes the barrier
usable again. The exception is ``threading.BrokenBarrierError``.

``multiprocessing.Barrier`` is threading's with its state in shared memory. Pass it to each process
as an argument.
"""

import functools
import threading
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, reached, result_or_error

NEEDS = ("semaphores",)


def cross_when_cued(stage, barrier, times):
    """Cross the barrier the given number of times, when cued; report what wait() returned."""
    integers = []
    for crossing in range(times):
        stage.wait_for_cue("cross")
        with stage.span(f"crossing {crossing}"):
            stage.say("at the barrier")
            integers.append(barrier.wait())
        stage.say("across")
    return integers


@claim("barrier.opens-when-all-arrived", docs="multiprocessing.Barrier")
def test_no_party_passes_until_all_have_arrived(mp, stage):
    """Unless a Barrier breaks, wait() blocks until all parties call it and get different integers.

    Two of three parties are at the barrier, and have one beat to pass it wrongly before the third
    comes. Then all pass. The same holds for a second crossing, with another party as the last. A
    party is a process, or a thread of the test's process: two of these are at the barrier at once.
    """
    barrier = mp.Barrier(3)
    parties = [
        stage.enter(cross_when_cued, barrier, 2, by=by)
        for by in (mp.Process, threading.Thread, threading.Thread)
    ]
    for last in (2, 0):
        early = [party for party in parties if party is not parties[last]]
        for each in early:
            each.cue("cross")
            each.expect("at the barrier")
        assert stage.none_says(early, "across"), "a party passed before the last one came"
        parties[last].cue("cross")
        for each in parties:
            each.expect("across")
    integers = [each.returns() for each in parties]
    for crossing in range(2):
        spans = [each.spans[f"crossing {crossing}"] for each in parties]
        assert max(span.begin for span in spans) <= min(span.end for span in spans)
        assert sorted(each[crossing] for each in integers) == [0, 1, 2]


@claim("barrier.waits-longer-than-seconds", docs="threading.Barrier.wait", slow=True)
def test_a_party_is_waited_for_longer_than_two_seconds(mp, stage):
    """Until all parties have come, Barrier.wait() without a timeout blocks even after two seconds.

    Neither the barrier nor wait() has a timeout. The test listens for twenty beats to the first
    of two parties; then the second comes, and both pass.
    """
    barrier = mp.Barrier(2)
    first, second = (stage.enter(cross_when_cued, barrier, 1) for _ in range(2))
    first.cue("cross")
    first.expect("at the barrier")
    assert first.does_not_say("across", beats=20), "a party passed before the last one came"
    second.cue("cross")
    assert sorted([*first.returns(), *second.returns()]) == [0, 1]


def write_after_a_beat(path):
    """Append one line to a file, after a beat."""
    time.sleep(BEAT)
    with open(path, "a") as file:
        file.write("done\n")


def raise_value_error():
    """Raise ValueError."""
    raise ValueError


def read_after_crossing(barrier, path):
    """Cross the barrier; return the contents of the file then."""
    barrier.wait()
    with open(path) as file:
        return file.read()


def cross_twice_and_read(stage, barrier, path):
    """Cross the barrier twice; report the contents of the file after each time."""
    return [read_after_crossing(barrier, path) for _ in range(2)]


def try_to_cross(stage, barrier, *timeout):
    """Wait at the barrier; report the integer, or the name of the exception."""
    with stage.span("waiting"):
        outcome = result_or_error(barrier.wait, *timeout)
    stage.say("answered")
    return outcome


@claim("barrier.action-runs-once", docs="threading.Barrier")
def test_one_party_does_the_action_before_any_goes_on(mp, stage, tmp_path):
    """A barrier's action runs once per use, before any party passes; its error breaks the barrier.

    The action appends its line after one beat, and every party finds that line, once, when it has
    passed. When the action raises ValueError, the party that runs it gets ValueError and the
    other parties get BrokenBarrierError.
    """
    path = tmp_path / "lines"
    path.touch()
    barrier = mp.Barrier(3, functools.partial(write_after_a_beat, str(path)))
    parties = [stage.enter(cross_twice_and_read, barrier, str(path)) for _ in range(3)]
    assert [each.returns() for each in parties] == [["done\n", "done\ndone\n"]] * 3

    barrier = mp.Barrier(3, raise_value_error)
    parties = [stage.enter(try_to_cross, barrier) for _ in range(3)]
    outcomes = sorted(each.returns() for each in parties)
    assert outcomes == ["BrokenBarrierError", "BrokenBarrierError", "ValueError"]
    assert barrier.broken is True


@claim("barrier.timeout-breaks-it", docs="threading.Barrier.wait")
def test_a_timeout_breaks_the_barrier(mp, stage):
    """If Barrier.wait() times out, the barrier breaks: all waiters get BrokenBarrierError.

    This includes waiters that come later. The timeout is that of wait(), or else the barrier's.
    The first barrier has a timeout of ten times the patience, so only the timeout of one beat
    that is given to wait() can end the wait in time. The last barrier has a timeout of one beat,
    and wait() is given the longer one: it goes on for two beats, until the other party comes.
    """
    barrier = mp.Barrier(4, timeout=10 * stage.patience)
    patient = [stage.enter(try_to_cross, barrier, by=by) for by in (mp.Process, threading.Thread)]
    stage.wait_until(lambda: barrier.n_waiting == 2, "two waiting parties")
    impatient = stage.enter(try_to_cross, barrier, BEAT)
    assert impatient.returns() == "BrokenBarrierError"
    seconds = impatient.spans["waiting"].seconds
    assert seconds >= BEAT - TICK, f"wait({BEAT}) raised after {seconds} s"
    assert [each.returns() for each in patient] == ["BrokenBarrierError"] * 2
    assert barrier.broken is True
    assert stage.result_of(try_to_cross, barrier) == "BrokenBarrierError"

    barrier = mp.Barrier(2, timeout=BEAT)
    impatient = stage.enter(try_to_cross, barrier)
    assert impatient.returns() == "BrokenBarrierError"
    seconds = impatient.spans["waiting"].seconds
    assert seconds >= BEAT - TICK, f"wait() raised after {seconds} s"
    assert barrier.broken is True

    barrier = mp.Barrier(2, timeout=BEAT)
    patient = stage.enter(try_to_cross, barrier, 10 * stage.patience)
    stage.wait_until(lambda: barrier.n_waiting == 1, "a waiting party")
    assert patient.does_not_say("answered", beats=2), "its timeout was not that of wait()"
    parties = [patient, stage.enter(try_to_cross, barrier, 10 * stage.patience)]
    assert sorted(each.returns() for each in parties) == [0, 1]


def call_when_cued(stage, barrier, methods):
    """Call one method of the barrier after the other, each when cued."""
    for method in methods:
        stage.wait_for_cue(method)
        getattr(barrier, method)()
        stage.say("called")


@claim("barrier.abort-breaks-reset-repairs", docs="threading.Barrier.abort")
def test_abort_breaks_the_barrier_and_reset_repairs_it(mp, stage):
    """Waiters get BrokenBarrierError on abort() and reset(); reset() makes a barrier usable again.

    After abort() the barrier is broken, and a later waiter gets BrokenBarrierError too. After
    reset(), of a broken barrier or of one with two waiters, it is not broken, and three parties can
    cross it. One of the waiters and of the parties is a thread of the test's process.
    """
    barrier = mp.Barrier(3)
    keeper = stage.enter(call_when_cued, barrier, ["abort", "reset", "reset"])

    def call(method):
        keeper.cue(method)
        keeper.expect("called")

    def enter_each(*kinds):
        return [stage.enter(try_to_cross, barrier, by=by) for by in kinds]

    def outcomes_of_waiting_during(method):
        waiters = enter_each(mp.Process, threading.Thread)
        stage.wait_until(lambda: barrier.n_waiting == 2, "two waiting parties")
        call(method)
        return [each.returns() for each in waiters]

    def outcomes_of_three():
        parties = enter_each(mp.Process, mp.Process, threading.Thread)
        return sorted(each.returns() for each in parties)

    assert outcomes_of_waiting_during("abort") == ["BrokenBarrierError"] * 2
    assert barrier.broken is True
    assert stage.result_of(try_to_cross, barrier) == "BrokenBarrierError"
    call("reset")
    assert barrier.broken is False
    assert outcomes_of_three() == [0, 1, 2]

    assert outcomes_of_waiting_during("reset") == ["BrokenBarrierError"] * 2
    assert barrier.broken is False
    assert outcomes_of_three() == [0, 1, 2]


def attributes_of(barrier):
    """The barrier's attributes, by name."""
    return {
        "parties": barrier.parties,
        "n_waiting": barrier.n_waiting,
        "broken": barrier.broken,
    }


def report_attributes_when_cued(stage, barrier, times):
    """Report the barrier's attributes the given number of times, when cued."""
    for _ in range(times):
        stage.wait_for_cue("look")
        stage.say("seen", attributes_of(barrier))


def abort_barrier(stage, barrier):
    """Break the barrier."""
    barrier.abort()


@claim("barrier.state-seen-by-all", docs="threading.Barrier.n_waiting")
def test_every_process_sees_the_state_of_the_barrier(mp, stage):
    """All processes see the same parties, n_waiting and broken of a barrier.

    The test's process and another one look at it; further processes wait at it, cross it and
    break it. Each look comes after the change before it is known to be complete.
    """
    barrier = mp.Barrier(2)
    observer = stage.enter(report_attributes_when_cued, barrier, 4)

    def seen():
        observer.cue("look")
        return {"by this process": attributes_of(barrier), "by another": observer.expect("seen")}

    def all_see(n_waiting, broken):
        expected = {"parties": 2, "n_waiting": n_waiting, "broken": broken}
        return {"by this process": expected, "by another": expected}

    assert seen() == all_see(0, False)
    waiter = stage.enter(try_to_cross, barrier)
    stage.wait_until(lambda: barrier.n_waiting == 1, "a waiting party")
    assert seen() == all_see(1, False)
    stage.result_of(try_to_cross, barrier)
    waiter.returns()
    assert seen() == all_see(0, False)
    stage.result_of(abort_barrier, barrier)
    assert seen() == all_see(0, True)
    observer.returns()


def catch_broken_barrier_error(stage, barrier):
    """Break the barrier and wait at it; report the module of the exception's class."""
    barrier.abort()
    try:
        barrier.wait()
    except threading.BrokenBarrierError as error:
        return type(error).__module__


@claim("barrier.error-comes-from-threading", docs="threading.BrokenBarrierError", level=OBSERVED)
def test_the_exception_of_a_broken_barrier_is_that_of_threading(mp, stage):
    """A broken Barrier raises threading.BrokenBarrierError; multiprocessing has no such name."""
    assert stage.result_of(catch_broken_barrier_error, mp.Barrier(2)) == "threading"
    assert not hasattr(mp, "BrokenBarrierError")


def parties_or_error(make, parties):
    """The attribute parties of a new barrier, or the name of the exception."""
    barrier = result_or_error(make, parties)
    return getattr(barrier, "parties", barrier)


@claim(
    "barrier.zero-parties-accepted",
    docs="multiprocessing.Barrier",
    level=OBSERVED,
    changes={"3.13": "threading raises ValueError for less than one party"},
)
def test_a_barrier_for_no_parties_can_be_created(mp, stage):
    """Barrier(0) and Barrier(-1) can be created, but no process can pass them.

    wait(0) raises BrokenBarrierError. Unlike threading, which since 3.13 raises ValueError for
    Barrier(0) and Barrier(-1).
    """
    for parties in (0, -1):
        assert parties_or_error(mp.Barrier, parties) == parties
        refused = "ValueError" if reached("3.13") else parties
        assert parties_or_error(threading.Barrier, parties) == refused
        assert stage.result_of(try_to_cross, mp.Barrier(parties), 0) == "BrokenBarrierError"
