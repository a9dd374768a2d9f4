"""Barrier: nobody goes on until all have come.

A barrier is made for a number of parties. Each calls ``wait``, and all go on when the last has
come; then the barrier is closed again. Each is given another number, so that one of them can be
chosen for what has to be done once; or an action is named, which one of them does before they
go on.

When a party does not come in time, when the action fails or when somebody calls ``abort``, the
barrier is broken: all who wait, now or later, get BrokenBarrierError until it is ``reset``. The
package's Barrier is threading's with its state in shared memory, and the exception is
threading's own.
"""

import functools
import threading
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, reached, result_or_error

NEEDS = ("semaphores",)

LONG = 1000 * BEAT  # longer than anybody here has patience


def cross(stage, barrier, times):
    """Cross the barrier so many times, each time when cued; report the numbers given."""
    numbers = []
    for trip in range(times):
        stage.wait_for_cue("cross")
        with stage.span(f"crossing {trip}"):
            stage.say("at the barrier")
            numbers.append(barrier.wait())
        stage.say("across")
    return numbers


@claim("barrier.opens-when-all-arrived", docs="multiprocessing.Barrier")
def test_nobody_passes_until_all_have_come(mp, stage):
    """A Barrier lets nobody pass until all have come; then all pass, each with another number.

    Two wait for a beat at least before the third comes. Then the barrier is closed again: it is
    the same a second time, with another one as the last.
    """
    barrier = mp.Barrier(3)
    parties = [stage.enter(cross, barrier, 2) for _ in range(3)]
    for last in (2, 0):
        early = [party for party in parties if party is not parties[last]]
        for each in early:
            each.cue("cross")
            each.expect("at the barrier")
        assert stage.none_says(early, "across"), "one has passed before all had come"
        parties[last].cue("cross")
        for each in parties:
            each.expect("across")
    numbers = [each.returns() for each in parties]
    for trip in range(2):
        crossings = [each.spans[f"crossing {trip}"] for each in parties]
        assert max(span.begin for span in crossings) <= min(span.end for span in crossings)
        assert sorted(given[trip] for given in numbers) == [0, 1, 2]


def write_late(path):
    """Write one line, after a beat."""
    time.sleep(BEAT)
    with open(path, "a") as file:
        file.write("done\n")


def fail():
    """Fail."""
    raise ValueError


def cross_and_read(stage, barrier, path):
    """Cross the barrier, and report what is in the file then."""
    barrier.wait()
    with open(path) as file:
        return file.read()


def try_to_cross(stage, barrier, *timeout):
    """Wait at the barrier; report what came of it, and how long it took."""
    with stage.span("waiting") as waiting:
        came = result_or_error(barrier.wait, *timeout)
    return came, waiting.seconds


@claim("barrier.action-runs-once", docs="threading.Barrier")
def test_one_party_does_the_action_before_all_go_on(mp, stage, tmp_path):
    """The action is done once each time, before anybody goes on; if it fails the barrier breaks.

    It takes a beat before it writes its line, and each finds that line when it has passed. The
    one that does it gets its error, and the others BrokenBarrierError.
    """
    path = tmp_path / "lines"
    path.touch()
    barrier = mp.Barrier(3, functools.partial(write_late, str(path)))
    for times in (1, 2):
        parties = [stage.enter(cross_and_read, barrier, str(path)) for _ in range(3)]
        assert [each.returns() for each in parties] == ["done\n" * times] * 3

    barrier = mp.Barrier(3, fail)
    parties = [stage.enter(try_to_cross, barrier) for _ in range(3)]
    came = sorted(each.returns()[0] for each in parties)
    assert came == ["BrokenBarrierError", "BrokenBarrierError", "ValueError"]
    assert barrier.broken is True


@claim("barrier.timeout-breaks-it", docs="threading.Barrier.wait")
def test_who_waits_in_vain_breaks_the_barrier(mp, stage):
    """A time-out that runs out breaks the barrier: all who wait get BrokenBarrierError.

    So do all who come later. The time-out is that of wait, or else the one of the barrier.
    """
    barrier = mp.Barrier(3, timeout=LONG)
    patient = stage.enter(try_to_cross, barrier)
    stage.wait_until(lambda: barrier.n_waiting == 1, "one who waits")
    came, waited = stage.result_of(try_to_cross, barrier, BEAT)
    assert came == "BrokenBarrierError"
    assert waited >= BEAT - TICK, "it did not wait"
    assert patient.returns()[0] == "BrokenBarrierError"
    assert barrier.broken is True
    assert stage.result_of(try_to_cross, barrier)[0] == "BrokenBarrierError"

    barrier = mp.Barrier(2, timeout=BEAT)
    came, waited = stage.result_of(try_to_cross, barrier)
    assert came == "BrokenBarrierError"
    assert waited >= BEAT - TICK, "it did not wait"
    assert barrier.broken is True


def do_when_cued(stage, barrier, deeds):
    """Call one method of the barrier after the other, each when cued."""
    for deed in deeds:
        stage.wait_for_cue(deed)
        getattr(barrier, deed)()
        stage.say("done")


@claim("barrier.abort-breaks-reset-repairs", docs="threading.Barrier.abort")
def test_abort_breaks_the_barrier_and_reset_repairs_it(mp, stage):
    """abort breaks the barrier for all who wait or come; reset sends who waits away, and repairs.

    Those who are sent away get BrokenBarrierError. After either reset the barrier is not broken,
    and two can cross it.
    """
    barrier = mp.Barrier(2)
    keeper = stage.enter(do_when_cued, barrier, ["abort", "reset", "reset"])

    def keep(deed):
        keeper.cue(deed)
        keeper.expect("done")

    def interrupted(deed):
        waiting = stage.enter(try_to_cross, barrier)
        stage.wait_until(lambda: barrier.n_waiting == 1, "one who waits")
        keep(deed)
        return waiting.returns()[0]

    def two_cross():
        parties = [stage.enter(try_to_cross, barrier) for _ in range(2)]
        return sorted(each.returns()[0] for each in parties)

    assert interrupted("abort") == "BrokenBarrierError"
    assert barrier.broken is True
    assert stage.result_of(try_to_cross, barrier)[0] == "BrokenBarrierError"
    keep("reset")
    assert barrier.broken is False
    assert two_cross() == [0, 1]

    assert interrupted("reset") == "BrokenBarrierError"
    assert barrier.broken is False
    assert two_cross() == [0, 1]


def observe(stage, barrier, times):
    """So many times, when cued, look at the barrier and tell."""
    for _ in range(times):
        stage.wait_for_cue("look")
        stage.say("seen", [barrier.parties, barrier.n_waiting, barrier.broken])


def abort(stage, barrier):
    """Break the barrier."""
    barrier.abort()


@claim("barrier.state-seen-by-all", docs="threading.Barrier.n_waiting")
def test_every_process_sees_the_state_of_the_barrier(mp, stage):
    """parties, n_waiting and broken tell every process how it is with the barrier.

    Two look, the test and another process; those who wait, pass and break it are others still.
    """
    barrier = mp.Barrier(2)
    observer = stage.enter(observe, barrier, 4)

    def seen():
        observer.cue("look")
        return [barrier.parties, barrier.n_waiting, barrier.broken], observer.expect("seen")

    assert seen() == ([2, 0, False], [2, 0, False])
    waiting = stage.enter(try_to_cross, barrier)
    stage.wait_until(lambda: barrier.n_waiting == 1, "one who waits")
    assert seen() == ([2, 1, False], [2, 1, False])
    stage.result_of(try_to_cross, barrier)
    waiting.returns()
    assert seen() == ([2, 0, False], [2, 0, False])
    stage.result_of(abort, barrier)
    assert seen() == ([2, 0, True], [2, 0, True])
    observer.returns()


def catch(stage, barrier):
    """Break the barrier and wait at it; report where the exception's type comes from."""
    barrier.abort()
    try:
        barrier.wait()
    except threading.BrokenBarrierError as error:
        return type(error).__module__


@claim("barrier.error-comes-from-threading", docs="threading.BrokenBarrierError", level=OBSERVED)
def test_the_exception_of_a_broken_barrier_is_that_of_threading(mp, stage):
    """A broken barrier raises threading's BrokenBarrierError; the package has no name for it."""
    assert stage.result_of(catch, mp.Barrier(2)) == "threading"
    assert not hasattr(mp, "BrokenBarrierError")


def made(make, parties):
    """The number of parties of a barrier for so many, or what is raised."""
    barrier = result_or_error(make, parties)
    return getattr(barrier, "parties", barrier)


@claim(
    "barrier.zero-parties-accepted",
    docs="multiprocessing.Barrier",
    level=OBSERVED,
    changes={"3.13": "threading refuses a barrier for nobody"},
)
def test_a_barrier_for_nobody_can_be_made(mp, stage):
    """A Barrier for nobody, or for less, can be made, and lets nobody pass.

    Here parity ends: since 3.13, threading raises ValueError.
    """
    for parties in (0, -1):
        assert made(mp.Barrier, parties) == parties
        assert made(threading.Barrier, parties) == ("ValueError" if reached("3.13") else parties)
        assert stage.result_of(try_to_cross, mp.Barrier(parties), 0)[0] == "BrokenBarrierError"
