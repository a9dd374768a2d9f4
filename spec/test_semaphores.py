"""Semaphore: at most n holders at once.

A semaphore has a value, 1 by default. ``acquire()`` lowers it by one, and blocks while it is 0;
``release()`` raises it by one. So a ``Semaphore(n)`` limits how many processes do something at
the same time. Like a lock, it is passed to each process as an argument.

A Semaphore does not notice a ``release()`` too many: its value may exceed the initial value. A
BoundedSemaphore raises ValueError instead. Neither notices when its holder is killed: that
process never releases it. Unlike threading, ``release()`` takes no argument.

The order in which waiters acquire a semaphore is not promised, so no claim here is about it. The
parameters of ``acquire()`` follow the same rules as a Lock's: see the chapter Acquiring.
"""

import threading
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, result_or_error
from spec.kit.actors import raise_inside_with

NEEDS = ("semaphores",)

LEFT_OUT = {
    "semaphore.acquire-order-not-promised": "no order among waiters is promised",
}


def hold_semaphore_until_cued(stage, semaphore):
    """Hold the semaphore until cued."""
    with semaphore:
        stage.say("holding")
        stage.wait_for_cue("release")


def ask_semaphore_for_a_beat(stage, semaphore):
    """Try to acquire the semaphore for one beat; report the answer."""
    with stage.span("asking"):
        return semaphore.acquire(timeout=BEAT)


@claim("semaphore.at-most-two", docs="multiprocessing.Semaphore")
def test_two_processes_hold_it_and_a_third_does_not_get_in(mp, stage):
    """Two processes can hold a Semaphore(2) at once; a third blocks until one releases it.

    Both holders are known to hold it before the third process asks, so a slow machine can
    delay this proof but cannot change its verdict.
    """
    semaphore = mp.Semaphore(2)
    holders = [stage.enter(hold_semaphore_until_cued, semaphore) for _ in range(2)]
    for each in holders:
        each.expect("holding")

    third = stage.enter(ask_semaphore_for_a_beat, semaphore)
    assert third.returns() is False, "a third process holds it"
    seconds = third.spans["asking"].seconds
    assert seconds >= BEAT - TICK, f"the third process gave up after {seconds} s"

    holders[0].returns(cue="release")
    assert stage.result_of(ask_semaphore_for_a_beat, semaphore), "the release had no effect"
    holders[1].returns(cue="release")


@claim("semaphore.threads-count-too", docs="multiprocessing.Semaphore")
def test_threads_count_as_processes_do(mp, stage):
    """Each thread that acquires a Semaphore counts as a holder, even in the process of another.

    A process and a thread of the test's process hold a Semaphore(2). While they do, a second
    thread of the test's process and another process ask for a beat and get False. When the thread
    has released it, the second thread acquires it.
    """
    semaphore = mp.Semaphore(2)
    holders = [
        stage.enter(hold_semaphore_until_cued, semaphore, by=by)
        for by in (mp.Process, threading.Thread)
    ]
    for each in holders:
        each.expect("holding")
    asking = {
        "a process": stage.enter(ask_semaphore_for_a_beat, semaphore),
        "a thread": stage.enter(ask_semaphore_for_a_beat, semaphore, by=threading.Thread),
    }
    observed = {name: each.returns() for name, each in asking.items()}
    assert observed == {"a process": False, "a thread": False}
    holders[1].returns(cue="release")
    assert stage.result_of(ask_semaphore_for_a_beat, semaphore, by=threading.Thread) is True
    holders[0].returns(cue="release")


def hold_semaphore_for(stage, semaphore, seconds):
    """Acquire the semaphore when cued, hold it for a while, and report when."""
    stage.say("ready")
    stage.wait_for_cue("acquire")
    with semaphore, stage.span("holding"):
        time.sleep(seconds)


def most_at_once(spans):
    """The largest number of spans that have a moment in common."""
    return max(sum(other.begin <= span.begin < other.end for other in spans) for span in spans)


@claim("semaphore.five-holders-take-three-waves", docs="multiprocessing.Semaphore")
def test_five_holders_of_a_semaphore_of_two_take_three_waves(mp, stage):
    """Five processes that each hold a Semaphore(2) for t seconds take about 3t seconds, not 5t.

    Three at once are never allowed, so less than 3t is a defect at any time. The witness is one
    performance that takes less than 4.5t, in which two were inside at once: without that, it takes
    5t. A busy machine only makes t longer.
    """

    def takes_three_waves(beat):
        semaphore = mp.Semaphore(2)
        holders = [stage.enter(hold_semaphore_for, semaphore, beat) for _ in range(5)]
        for each in holders:
            each.expect("ready")
        for each in holders:
            each.cue("acquire")
        for each in holders:
            each.returns()
        spans = [each.spans["holding"] for each in holders]
        took = max(span.end for span in spans) - min(span.begin for span in spans)
        most = most_at_once(spans)
        assert most <= 2, f"{most} processes held it at once"
        assert took >= 3 * beat - TICK, f"five holders took {took} s with t = {beat} s"
        return took < 4.5 * beat and most == 2

    assert stage.at_some_beat(takes_three_waves), "two processes never held it at once"


@claim("semaphore.each-holder-acquires-then-releases", docs="multiprocessing.Semaphore")
def test_each_of_five_processes_acquires_and_then_releases(mp, program):
    """Each of five processes that share a Semaphore(2) acquires it once and then releases it once.

    It is the tutorial's sample. Each line that it prints begins with the name of its process; the
    processes come in any order.
    """
    words: dict[str, list[str]] = {}
    for line in program.lines_of("sample_semaphore"):
        name, word = line.split()
        words.setdefault(name, []).append(word)
    assert words == {f"Process-{number}": ["acquires", "releases"] for number in range(1, 6)}


def acquire_all(semaphore):
    """Acquire the semaphore without blocking as often as possible, up to ten times; how often."""
    return sum(semaphore.acquire(False) for _ in range(10))


def acquire_semaphore_within(stage, semaphore, *timeout):
    """Try to acquire the semaphore, with a timeout or without; report the answer."""
    stage.say("asking")
    acquired = semaphore.acquire(True, *timeout)
    stage.say("acquired")
    return acquired


@claim("semaphore.initial-value-defaults-to-one", docs="multiprocessing.Semaphore")
def test_the_initial_value_is_one_by_default(mp, stage):
    """A semaphore starts at 1 by default; if it starts at 0, acquire() blocks until a release().

    The same holds in threading. acquire() does not return within one beat, and returns after the
    release.
    """
    for make in (
        threading.Semaphore,
        threading.BoundedSemaphore,
        mp.Semaphore,
        mp.BoundedSemaphore,
    ):
        assert acquire_all(make()) == 1

    for by, semaphore in (
        (threading.Thread, threading.Semaphore(0)),
        (mp.Process, mp.Semaphore(0)),
    ):
        assert acquire_all(semaphore) == 0
        waiting = stage.enter(acquire_semaphore_within, semaphore, None, by=by)
        waiting.expect("asking")
        assert waiting.does_not_say("acquired"), "a Semaphore(0) was acquired"
        semaphore.release()
        assert waiting.returns() is True


@claim("semaphore.with-releases-on-exception", docs="multiprocessing.Semaphore")
def test_a_with_block_releases_the_semaphore_on_an_exception(mp, stage):
    """A "with semaphore" block that an exception leaves releases the semaphore once.

    A child leaves the block by an error or by SystemExit, which come out of it unchanged. Then
    the test can acquire the semaphore, which starts at 1, once.
    """
    for make in (mp.Semaphore, mp.BoundedSemaphore):
        for error in (ValueError, SystemExit):
            semaphore = make(1)
            assert stage.result_of(raise_inside_with, semaphore, error) == error.__name__
            left = acquire_all(semaphore)
            assert left == 1, f"its value is {left} after {error.__name__}"


def release_semaphore(stage, semaphore, times):
    """Release a semaphore that this process or thread has not acquired; report the results."""
    return [semaphore.release() for _ in range(times)]


@claim("semaphore.value-may-exceed-start", docs="multiprocessing.Semaphore")
def test_a_semaphore_can_be_released_more_often_than_acquired(mp, stage):
    """A Semaphore's value can exceed its initial value: extra release() calls are allowed.

    Another process or thread releases it, and the test acquires it. The same holds in threading.
    """
    for by, semaphore in (
        (threading.Thread, threading.Semaphore(1)),
        (mp.Process, mp.Semaphore(1)),
    ):
        assert stage.result_of(release_semaphore, semaphore, 4, by=by) == [None] * 4
        assert acquire_all(semaphore) == 5


def release_semaphore_too_often(stage, semaphore):
    """Release an unused semaphore, acquire it once, release it twice; report all outcomes."""
    return {
        "release() when unused": result_or_error(semaphore.release),
        "acquire(False)": semaphore.acquire(False),
        "release()": result_or_error(semaphore.release),
        "second release()": result_or_error(semaphore.release),
    }


@claim(
    "semaphore.bounded-refuses-extra-release",
    docs="multiprocessing.BoundedSemaphore",
    needs=("semaphore-value",),
)
def test_a_bounded_semaphore_refuses_an_extra_release(mp, stage):
    """release() on a BoundedSemaphore at its initial value raises ValueError and has no effect.

    The same holds in threading, and in each process. A process may release a semaphore that
    another process acquired.
    """
    for by, semaphore in (
        (threading.Thread, threading.BoundedSemaphore(2)),
        (mp.Process, mp.BoundedSemaphore(2)),
    ):
        assert stage.result_of(release_semaphore_too_often, semaphore, by=by) == {
            "release() when unused": "ValueError",
            "acquire(False)": True,
            "release()": None,
            "second release()": "ValueError",
        }
        assert result_or_error(semaphore.release) == "ValueError"
        assert acquire_all(semaphore) == 2
        assert stage.result_of(release_semaphore, semaphore, 2, by=by) == [None, None]
        assert result_or_error(semaphore.release) == "ValueError"
        assert acquire_all(semaphore) == 2


def acquire_and_get_value(stage, semaphore):
    """Try to acquire the semaphore without blocking; report its value then."""
    semaphore.acquire(False)
    return semaphore.get_value()


@claim(
    "semaphore.get-value-is-current",
    docs="multiprocessing.Semaphore.get_value",
    needs=("semaphore-value",),
)
def test_get_value_counts_the_acquisitions_of_all_processes(mp, stage):
    """get_value() returns the current value, whichever processes have acquired the semaphore.

    A child and its parent acquire it in turn; both call get_value(). Unlike threading, whose
    semaphores have no such method.
    """
    for semaphore in (mp.Semaphore(3), mp.BoundedSemaphore(3)):
        observed = {
            "new": semaphore.get_value(),
            "acquired by a child, in the child": stage.result_of(acquire_and_get_value, semaphore),
            "acquired by a child": semaphore.get_value(),
        }
        semaphore.acquire(False)
        observed |= {
            "acquired here too": semaphore.get_value(),
            "acquired by all, in a child": stage.result_of(acquire_and_get_value, semaphore),
            "acquired by all": semaphore.get_value(),
        }
        semaphore.release()
        observed |= {"released": semaphore.get_value()}
        assert observed == {
            "new": 3,
            "acquired by a child, in the child": 2,
            "acquired by a child": 2,
            "acquired here too": 1,
            "acquired by all, in a child": 0,
            "acquired by all": 0,
            "released": 1,
        }
    assert not hasattr(threading.Semaphore(), "get_value")


def acquire_semaphore_and_end(stage, semaphore):
    """Try to acquire the semaphore without blocking, and end without releasing it."""
    return semaphore.acquire(False)


def locked_by_value(stage, semaphore):
    """What locked() of a semaphore with value 2 returns, while two children acquire it and end."""
    observed = {"value 2": semaphore.locked()}
    for value in (1, 0):
        assert stage.result_of(acquire_semaphore_and_end, semaphore) is True
        observed[f"value {value}"] = semaphore.locked()
    semaphore.release()
    return observed | {"value 1 again": semaphore.locked()}


LOCKED_BY_VALUE = {"value 2": False, "value 1": False, "value 0": True, "value 1 again": False}


@claim("semaphore.locked-at-zero", docs="multiprocessing.Semaphore.locked", since="3.14")
def test_a_semaphore_is_locked_at_zero(mp, stage):
    """A semaphore's locked() is True at value 0, else False, whichever processes acquired it.

    Two children acquire it, one after the other, and end; the test calls locked().
    """
    assert locked_by_value(stage, mp.Semaphore(2)) == LOCKED_BY_VALUE


@claim(
    "semaphore.bounded-locked-at-zero",
    docs="multiprocessing.BoundedSemaphore.locked",
    since="3.14",
)
def test_a_bounded_semaphore_is_locked_at_zero(mp, stage):
    """A BoundedSemaphore's locked() is True at value 0, and False at any other value.

    Two children acquire it, one after the other, and end; the test calls locked().
    """
    assert locked_by_value(stage, mp.BoundedSemaphore(2)) == LOCKED_BY_VALUE


@claim("semaphore.killed-holder-keeps-slot", docs="multiprocessing.Process.terminate")
def test_a_killed_holder_does_not_release_it(mp, stage):
    """A killed process never releases the semaphore that it holds.

    Two processes hold a Semaphore(2). The first leaves its with block, and the second is killed:
    after that the semaphore can be acquired once, and a further process does not acquire it
    within one beat.
    """
    semaphore = mp.Semaphore(2)
    leaving, killed = (stage.enter(hold_semaphore_until_cued, semaphore) for _ in range(2))
    for each in (leaving, killed):
        each.expect("holding")
    leaving.returns(cue="release")
    killed.process.kill()
    assert killed.exit_code() != 0
    assert semaphore.acquire(False), "the process that left has not released it"
    assert not stage.result_of(ask_semaphore_for_a_beat, semaphore), "the kill released it"


@claim("semaphore.release-takes-no-count", docs="multiprocessing.Semaphore", level=OBSERVED)
def test_release_takes_no_argument(mp):
    """Semaphore.release() takes no argument: release(2) raises TypeError and has no effect.

    Unlike threading, where release(2) raises the value by two. The documentation names the
    parameter of acquire() as the only difference to threading; this is a second.
    """
    own, threads = mp.Semaphore(0), threading.Semaphore(0)
    observed = {
        kind: {
            "release(2)": result_or_error(semaphore.release, 2),
            "release(n=2)": result_or_error(semaphore.release, n=2),
            "value": acquire_all(semaphore),
        }
        for kind, semaphore in (("multiprocessing", own), ("threading", threads))
    }
    assert observed == {
        "multiprocessing": {"release(2)": "TypeError", "release(n=2)": "TypeError", "value": 0},
        "threading": {"release(2)": None, "release(n=2)": None, "value": 4},
    }


@claim("semaphore.negative-start-refused", docs="multiprocessing.Semaphore", level=OBSERVED)
def test_a_negative_initial_value_raises_os_error(mp):
    """Semaphore(-1) and BoundedSemaphore(-1) raise OSError; in threading they raise ValueError."""
    makers = {
        "Semaphore": mp.Semaphore,
        "BoundedSemaphore": mp.BoundedSemaphore,
        "threading.Semaphore": threading.Semaphore,
        "threading.BoundedSemaphore": threading.BoundedSemaphore,
    }
    assert {name: result_or_error(make, -1) for name, make in makers.items()} == {
        "Semaphore": "OSError",
        "BoundedSemaphore": "OSError",
        "threading.Semaphore": "ValueError",
        "threading.BoundedSemaphore": "ValueError",
    }


REPRS = {
    # of a Lock, an RLock, a Semaphore(3) and a BoundedSemaphore(3)
    "free": [
        "<Lock(owner=None)>",
        "<RLock(None, 0)>",
        "<Semaphore(value=3)>",
        "<BoundedSemaphore(value=3, maxvalue=3)>",
    ],
    "acquired twice by process Ann, in Ann": [
        "<Lock(owner=Ann)>",
        "<RLock(Ann, 2)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
    "acquired twice by process Ann, in another": [
        "<Lock(owner=SomeOtherProcess)>",
        "<RLock(SomeOtherProcess, nonzero)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
    "acquired twice by thread Tom, in Tom": [
        "<Lock(owner=MainProcess|Tom)>",
        "<RLock(MainProcess|Tom, 2)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
    "acquired twice by thread Tom, in another": [
        "<Lock(owner=SomeOtherThread)>",
        "<RLock(SomeOtherThread, nonzero)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
}


def acquire_twice_and_report_reprs(stage, locks):
    """Acquire each as often as possible, up to twice, report their reprs, and release them."""
    acquired = [lock for lock in locks for _ in range(2) if lock.acquire(False)]
    stage.say("acquired", [repr(lock) for lock in locks])
    stage.wait_for_cue("release")
    for lock in acquired:
        lock.release()


@claim(
    "semaphore.repr-shows-value",
    docs="multiprocessing.Semaphore",
    level=OBSERVED,
    needs=("semaphore-value",),
)
def test_repr_shows_owner_count_value_and_bound(mp, stage):
    """repr() shows a Lock's owner, an RLock's owner and count, and a semaphore's value and bound.

    Only the owner itself sees its name; other processes and threads see that the owner is some
    other process or thread. Only a BoundedSemaphore has a bound.
    """
    locks = [mp.Lock(), mp.RLock(), mp.Semaphore(3), mp.BoundedSemaphore(3)]
    observed = {"free": [repr(lock) for lock in locks]}
    for kind, by, name in (("process", mp.Process, "Ann"), ("thread", threading.Thread, "Tom")):
        owner = stage.enter(acquire_twice_and_report_reprs, locks, by=by, name=name)
        observed[f"acquired twice by {kind} {name}, in {name}"] = owner.expect("acquired")
        observed[f"acquired twice by {kind} {name}, in another"] = [repr(lock) for lock in locks]
        owner.returns(cue="release")
    assert observed == REPRS
