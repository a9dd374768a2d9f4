"""Acquiring: block and timeout, the parameters of acquire().

``acquire()`` blocks until the lock is free. ``acquire(block=False)`` does not wait, and
``acquire(timeout=t)`` waits for at most t seconds; both return whether the lock was acquired. The
rules are the same for Lock, RLock, Semaphore and BoundedSemaphore.

They differ from those of threading, which surprises people who change from one to the other. The
first parameter is named ``block``, not ``blocking``. ``timeout=None``, not -1, means to wait
without a timeout, and a negative timeout counts as 0. With ``block=False`` a timeout is ignored,
where threading raises ValueError.
"""

import threading

from spec.kit import BEAT, TICK, claim, result_or_error
from spec.kit.actors import hold_by_acquire, hold_by_with

NEEDS = ("semaphores",)


def acquire_lock_within(stage, lock, timeout):
    """Try to acquire the lock with a timeout; report the answer."""
    stage.say("asking")
    with stage.span("asking"):
        acquired = lock.acquire(True, timeout)
    stage.say("answered")
    return acquired


@claim("lock.timeout-returns-false", docs="multiprocessing.Lock.acquire")
def test_acquire_gives_up_after_its_timeout(mp, stage):
    """acquire(timeout=t) returns True as soon as the lock is free, or False after t seconds.

    A lower bound shows that False does not come early. A timeout of ten times the patience
    shows that True comes with the release: the test gives up after the patience, long before
    that timeout.
    """
    locks = [mp.Lock(), mp.RLock()]
    for lock in locks:
        assert lock.acquire(False)
    waiting = [stage.enter(acquire_lock_within, lock, BEAT) for lock in locks]
    for each in waiting:
        assert each.returns() is False
        seconds = each.spans["asking"].seconds
        assert seconds >= BEAT - TICK, f"it returned after {seconds} s"

    waiting = [stage.enter(acquire_lock_within, lock, 10 * stage.patience) for lock in locks]
    for each in waiting:
        each.expect("asking")
    assert stage.none_says(waiting, "answered"), "it returned long before its timeout"
    for lock in locks:
        lock.release()
    assert [each.returns() for each in waiting] == [True, True]


@claim("semaphore.timeout-ends-with-release", docs="multiprocessing.Semaphore")
def test_a_release_ends_a_wait_with_a_timeout(mp, stage):
    """Semaphore.acquire(timeout=t) returns True as soon as another process releases it.

    The timeout is ten times the patience: the test gives up long before. acquire() is known to
    have begun, and has one beat to return wrongly before the release.
    """
    semaphores = [mp.Semaphore(0), mp.BoundedSemaphore(1)]
    semaphores[1].acquire(False)
    waiting = [
        stage.enter(acquire_lock_within, semaphore, 10 * stage.patience) for semaphore in semaphores
    ]
    for each in waiting:
        each.expect("asking")
    assert stage.none_says(waiting, "answered"), "it returned long before its timeout"
    for semaphore in semaphores:
        semaphore.release()
    assert [each.returns() for each in waiting] == [True, True]


@claim("lock.none-timeout-is-forever", docs="multiprocessing.Lock.acquire")
def test_a_timeout_of_none_means_forever(mp, stage):
    """acquire(timeout=None) waits without a timeout, as acquire() does; threading uses -1 for this.

    Unlike threading, where None raises TypeError. Both do not return within one beat while the
    lock is held, and return True when it is released. That they do not return later either is
    the next claim, as far as that can be shown.
    """
    for by, lock, forever in (
        (threading.Thread, threading.Lock(), -1),
        (mp.Process, mp.Lock(), None),
    ):
        assert lock.acquire(False)
        waiting = stage.enter(acquire_lock_within, lock, forever, by=by)
        waiting.expect("asking")
        assert waiting.does_not_say("answered"), "it returned while the lock was held"
        lock.release()
        assert waiting.returns() is True
    assert result_or_error(threading.Lock().acquire, True, None) == "TypeError"


def blocks_for_two_seconds(stage, lock):
    """Let three processes ask in three ways for a lock that is held, and release it at last.

    Asserts that none of them gets it within twenty beats, and each of them after the release.
    """
    waiting = [
        stage.enter(hold_by_acquire, lock),
        stage.enter(hold_by_acquire, lock, True, None),
        stage.enter(hold_by_with, lock),
    ]
    for each in waiting:
        each.expect("asking")
        each.cue("leave")
    assert stage.none_says(waiting, "inside", beats=20), "it was acquired while it was held"
    lock.release()
    assert [each.returns() for each in waiting] == [True, True, None]


@claim("lock.waits-longer-than-seconds", docs="multiprocessing.Lock.acquire", slow=True)
def test_a_lock_is_waited_for_longer_than_two_seconds(mp, stage):
    """A held Lock still blocks acquire(), acquire(timeout=None) and "with" after two seconds."""
    lock = mp.Lock()
    assert lock.acquire(False)
    blocks_for_two_seconds(stage, lock)


@claim("lock.rlock-waits-longer-than-seconds", docs="multiprocessing.RLock.acquire", slow=True)
def test_an_rlock_is_waited_for_longer_than_two_seconds(mp, stage):
    """An RLock owned by another process still blocks acquire() and "with" after two seconds."""
    lock = mp.RLock()
    assert lock.acquire(False)
    blocks_for_two_seconds(stage, lock)


@claim("semaphore.waits-longer-than-seconds", docs="multiprocessing.Semaphore", slow=True)
def test_a_semaphore_is_waited_for_longer_than_two_seconds(mp, stage):
    """A semaphore at 0 still blocks acquire() and "with" after two seconds."""
    blocks_for_two_seconds(stage, mp.Semaphore(0))


@claim("condition.lock-waits-longer-than-seconds", docs="threading.Condition", slow=True)
def test_a_conditions_lock_is_waited_for_longer_than_two_seconds(mp, stage):
    """A Condition in use elsewhere still blocks acquire() and "with" after two seconds.

    Its lock is a Lock, which any process can release.
    """
    condition = mp.Condition(mp.Lock())
    assert condition.acquire(False)
    blocks_for_two_seconds(stage, condition)


CALLS = {
    "acquire(False)": lambda lock, long: lock.acquire(False),
    "acquire(block=False)": lambda lock, long: lock.acquire(block=False),
    "acquire(blocking=False)": lambda lock, long: lock.acquire(blocking=False),
    "acquire(True, 0)": lambda lock, long: lock.acquire(True, 0),
    "acquire(True, -1)": lambda lock, long: lock.acquire(True, -1),
    "acquire(True, -long)": lambda lock, long: lock.acquire(True, -long),
    "acquire(False, long)": lambda lock, long: lock.acquire(False, long),
}


def answer(stage, call, lock):
    """The outcome of the call; "long" is ten times the patience, in seconds."""
    return result_or_error(CALLS[call], lock, 10 * stage.patience)


def ask_each(stage, locks, calls, times=1):
    """Make each call on each of the held locks, ``times`` times; report the common answers."""
    with stage.span("asking"):
        for _ in range(times):
            answers = {call: [answer(stage, call, lock) for lock in locks] for call in calls}
    return {call: each[0] if len(set(each)) == 1 else each for call, each in answers.items()}


def hold_each(*locks):
    """Acquire each of the locks in this process; returns them."""
    for lock in locks:
        assert lock.acquire(False)
    return list(locks)


@claim("lock.non-blocking-acquire-never-waits", docs="multiprocessing.Lock.acquire")
def test_a_held_lock_refuses_a_non_blocking_acquire_at_once(mp, stage):
    """acquire(block=False) returns False at once while another process holds the Lock or RLock.

    "At once" has a witness: at some beat, fifty calls on each take less than the beat. A busy
    machine makes that beat longer.
    """
    locks = hold_each(mp.Lock(), mp.RLock())

    def answers_fifty_times(beat):
        asking = stage.enter(ask_each, locks, ["acquire(False)"], 50)
        assert asking.returns() == {"acquire(False)": False}
        return asking.spans["asking"].seconds < beat

    assert stage.at_some_beat(answers_fifty_times), "it returned False, but not at once"


@claim("lock.negative-timeout-is-zero", docs="multiprocessing.Lock.acquire")
def test_a_negative_timeout_counts_as_zero(mp, stage):
    """A negative timeout counts as 0: acquire() on a held lock returns False without waiting.

    Unlike threading, where -1 blocks forever and other negative values raise ValueError. One of
    the timeouts is minus ten times the patience: a wait for its absolute value would fail.
    """
    calls = ["acquire(True, 0)", "acquire(True, -1)", "acquire(True, -long)"]
    locks = hold_each(mp.Lock(), mp.RLock())
    assert stage.result_of(ask_each, locks, calls) == dict.fromkeys(calls, False)

    locks = hold_each(threading.Lock(), threading.RLock())
    calls.remove("acquire(True, -1)")  # it would wait forever
    assert stage.result_of(ask_each, locks, calls, by=threading.Thread) == {
        "acquire(True, 0)": False,
        "acquire(True, -long)": "ValueError",
    }


@claim("lock.non-blocking-ignores-timeout", docs="multiprocessing.Lock.acquire")
def test_a_non_blocking_acquire_ignores_its_timeout(mp, stage):
    """acquire(False, timeout) ignores its timeout; in threading it raises ValueError.

    The timeout is ten times the patience: a wait for it would fail.
    """
    calls = ["acquire(False, long)"]
    locks = hold_each(mp.Lock(), mp.RLock())
    assert stage.result_of(ask_each, locks, calls) == {"acquire(False, long)": False}

    locks = hold_each(threading.Lock(), threading.RLock())
    observed = stage.result_of(ask_each, locks, calls, by=threading.Thread)
    assert observed == {"acquire(False, long)": "ValueError"}


@claim("lock.parameter-named-block", docs="multiprocessing.Lock.acquire")
def test_the_first_parameter_of_acquire_is_block(mp, stage):
    """The first parameter of acquire() is named block; in threading it is named blocking."""
    calls = ["acquire(block=False)", "acquire(blocking=False)"]
    locks = hold_each(mp.Lock(), mp.RLock())
    assert stage.result_of(ask_each, locks, calls) == {
        "acquire(block=False)": False,
        "acquire(blocking=False)": "TypeError",
    }

    locks = hold_each(threading.Lock(), threading.RLock())
    assert stage.result_of(ask_each, locks, calls, by=threading.Thread) == {
        "acquire(block=False)": "TypeError",
        "acquire(blocking=False)": False,
    }


@claim("semaphore.acquire-follows-lock-rules", docs="multiprocessing.Semaphore")
def test_semaphores_answer_acquire_as_locks_do(mp, stage):
    """Semaphore.acquire() and BoundedSemaphore.acquire() treat block and timeout as Lock does.

    All are held by the test's process. In threading, semaphores take a negative timeout as 0, and
    locks do not.
    """
    locks = hold_each(mp.Lock())
    semaphores = hold_each(mp.Semaphore(), mp.BoundedSemaphore())
    answers = stage.result_of(ask_each, semaphores, list(CALLS))
    assert answers == stage.result_of(ask_each, locks, list(CALLS))
    assert answers == dict.fromkeys(CALLS, False) | {"acquire(blocking=False)": "TypeError"}

    semaphores = hold_each(threading.Semaphore(), threading.BoundedSemaphore())
    calls = ["acquire(True, -1)", "acquire(True, -long)"]
    observed = stage.result_of(ask_each, semaphores, calls, by=threading.Thread)
    assert observed == dict.fromkeys(calls, False)
