"""Condition: waiting until shared state has changed.

A condition belongs to a lock that protects some shared state. A process that needs another state
acquires the lock, finds the state not ready, and calls ``wait()``: this releases the lock, so that
another process can change the state, blocks until a notification, and re-acquires the lock before
it returns. The process that has changed the state calls ``notify()`` or ``notify_all()`` while it
holds the lock.

Prefer ``wait_for(predicate)``: it checks the state first, and again after each notification. A
notification is not stored: without a waiter it has no effect. Unlike threading, wait() and
notify() without the lock raise AssertionError, not RuntimeError.
"""

import threading

from spec.kit import BEAT, OBSERVED, TICK, claim, result_or_error
from spec.kit.actors import raise_inside_with

NEEDS = ("semaphores",)


def wait_and_keep_lock(stage, condition, depth):
    """Acquire the lock ``depth`` times, wait, and keep the lock until cued; report the answer."""
    for _ in range(depth):
        condition.acquire()
    stage.say("inside")
    answer = condition.wait()
    stage.say("woken")
    stage.wait_for_cue("leave")
    for _ in range(depth):
        condition.release()
    return answer


def notify_and_keep_lock(stage, condition):
    """Acquire the lock, notify, and keep the lock until cued."""
    with condition:
        condition.notify()
        stage.say("notified")
        stage.wait_for_cue("leave")


@claim("condition.wait-releases-lock", docs="threading.Condition.wait")
def test_the_lock_is_free_while_a_process_waits(mp, stage):
    """Condition.wait() releases the lock completely while waiting and re-acquires it on return.

    The waiter has acquired its RLock once, or twice. Another process acquires it and notifies.
    While that process keeps the lock, wait() does not return; afterwards the waiter holds the
    lock, and after as many releases it is free.
    """
    for depth in (1, 2):
        condition = mp.Condition()
        waiter = stage.enter(wait_and_keep_lock, condition, depth)
        waiter.expect("inside")
        notifier = stage.enter(notify_and_keep_lock, condition)
        notifier.expect("notified")
        assert waiter.does_not_say("woken"), "wait() returned while another process held the lock"
        notifier.returns(cue="leave")
        waiter.expect("woken")
        assert not condition.acquire(False), "wait() returned without the lock"
        assert waiter.returns(cue="leave") is True
        assert condition.acquire(False), "the lock is still held"


def notify_when_cued(stage, condition, numbers):
    """For each of ``numbers``, when cued, notify that many waiters, or "all"."""
    for number in numbers:
        stage.wait_for_cue("notify")
        with condition:
            if number == "all":
                condition.notify_all()
            else:
                condition.notify(number)
        stage.say("notified")


def wait_in_each_way(stage, condition):
    """Wait in each way, first with no notifier, then with one; report the answers."""
    with condition:
        answers = {"wait(0)": condition.wait(0)}
        with stage.span("waiting"):
            answers["wait(BEAT)"] = condition.wait(BEAT)
        answers |= {
            "wait_for(true)": condition.wait_for(lambda: "true"),
            "wait_for(None, 0)": condition.wait_for(lambda: None, 0),
            "wait_for(empty, BEAT)": condition.wait_for(lambda: "", BEAT),
        }
        stage.say("inside")
        answers["notified wait()"] = condition.wait(10 * stage.patience)
        calls: list[int] = []

        def true_at_the_third_call():
            calls.append(len(calls))
            stage.say("looking")
            return "third call" if len(calls) == 3 else None

        long = 10 * stage.patience
        answers["notified wait_for()"] = condition.wait_for(true_at_the_third_call, long)
        answers["calls of its predicate"] = len(calls)
    return answers


@claim("condition.waits-report-their-outcome", docs="threading.Condition.wait_for")
def test_wait_and_wait_for_report_their_outcome(mp, stage):
    """Condition.wait() returns False on timeout, else True; wait_for(), its predicate's last value.

    The predicate is called at first and after each notification. The waiter holds the lock when it
    tells that it is about to wait, so the notifier cannot come too early. Timeouts of ten times
    the patience show that a notification ends the wait. The same holds for threads and
    threading.Condition.
    """
    for by, condition in (
        (threading.Thread, threading.Condition()),
        (mp.Process, mp.Condition()),
    ):
        notifier = stage.enter(notify_when_cued, condition, [1, 1, 1], by=by)
        waiter = stage.enter(wait_in_each_way, condition, by=by)
        for word in ("inside", "looking", "looking"):
            waiter.expect(word)
            notifier.cue("notify")
        assert waiter.returns() == {
            "wait(0)": False,
            "wait(BEAT)": False,
            "wait_for(true)": "true",
            "wait_for(None, 0)": None,
            "wait_for(empty, BEAT)": "",
            "notified wait()": True,
            "notified wait_for()": "third call",
            "calls of its predicate": 3,
        }
        notifier.returns()
        seconds = waiter.spans["waiting"].seconds
        assert seconds >= BEAT - TICK, f"wait({BEAT}) returned after {seconds} s"


def wait_for_nothing(stage, condition, ended):
    """Wait with a timeout for what never becomes true; tell ``ended``, and report the answer."""
    with condition:
        with stage.span("waiting"):
            answer = condition.wait_for(lambda: False, 5 * BEAT)
        ended.set()
    return answer


def notify_until_ended(stage, condition, ended):
    """Notify every half beat until ``ended`` is set; report how often."""
    times = 0
    while not ended.wait(BEAT / 2):
        with condition:
            condition.notify_all()
        times += 1
    return times


@claim("condition.wait-for-timeout-is-total", docs="threading.Condition.wait_for")
def test_notifications_do_not_extend_the_timeout_of_wait_for(mp, stage):
    """Condition.wait_for(predicate, t) waits t seconds in all, however often it is notified.

    It is notified every half beat until it has returned; its timeout is five beats. If each
    notification gave it another five beats it would not return within the patience, and a lower
    bound shows that they do not shorten it. The same holds for threads and threading.Condition.
    """
    for by, condition, ended in (
        (threading.Thread, threading.Condition(), threading.Event()),
        (mp.Process, mp.Condition(), mp.Event()),
    ):
        notifier = stage.enter(notify_until_ended, condition, ended, by=by)
        waiter = stage.enter(wait_for_nothing, condition, ended, by=by)
        assert waiter.returns() is False
        seconds = waiter.spans["waiting"].seconds
        assert seconds >= 5 * BEAT - TICK, f"wait_for() returned after {seconds} s"
        notifier.returns()


def wait_until_notified(stage, condition):
    """Call wait() without a timeout; report the answer."""
    with condition:
        stage.say("inside")
        answer = condition.wait()
        stage.say("woken")
    return answer


def wait_for_second_look(stage, condition):
    """Call wait_for() without a timeout, whose predicate is true when it is called again."""
    looks = iter(["", "second look"])
    with condition:
        stage.say("inside")
        answer = condition.wait_for(lambda: next(looks))
        stage.say("woken")
    return answer


@claim("condition.waits-longer-than-seconds", docs="threading.Condition.wait", slow=True)
def test_a_notification_is_waited_for_longer_than_two_seconds(mp, stage):
    """Without a notification, Condition.wait() and wait_for() still block after two seconds.

    Both have no timeout. The test listens for twenty beats to two processes that call them. The
    predicate is true when it is called again, which only a notification may cause.
    """
    condition = mp.Condition()
    waiters = [
        stage.enter(actor, condition) for actor in (wait_until_notified, wait_for_second_look)
    ]
    for each in waiters:
        each.expect("inside")
    assert stage.none_says(waiters, "woken", beats=20), "it returned without a notification"
    with condition:
        condition.notify_all()
    assert [each.returns() for each in waiters] == [True, "second look"]


def wait_twice_when_cued(stage, condition):
    """Twice, when cued, wait with a timeout of 0 and then until notified; report all answers."""
    answers = []
    for _ in range(2):
        stage.wait_for_cue("wait")
        with condition:
            timed_out = condition.wait(0)
            stage.say("inside")
            answers.append({"wait(0)": timed_out, "wait()": condition.wait()})
        stage.say("woken")
    return answers


@claim("condition.notify-one-or-all", docs="threading.Condition.notify", level=OBSERVED)
def test_notify_wakes_n_waiters_and_notify_all_wakes_all(mp, stage):
    """notify() wakes one waiter, notify(n) at most n waiters, and notify_all() all of them.

    The documentation says that an implementation may wake more than n. Three processes and a
    thread of another process wait. Each tells that it is about to wait while it holds the lock, so
    the notifier gets the lock only when all of them wait. Before that, one notification finds no
    waiter and each waiter times out once: neither counts. notify(1) wakes one of four, notify(2)
    two of three, notify(9) the last.
    """
    condition = mp.Condition()
    notifier = stage.enter(notify_when_cued, condition, [1, 1, 2, 9, "all"])
    waiters = [
        stage.enter(wait_twice_when_cued, condition, by=by)
        for by in (mp.Process, mp.Process, mp.Process, threading.Thread)
    ]

    def all_wait():
        for each in waiters:
            each.cue("wait")
        for each in waiters:
            each.expect("inside")

    notifier.cue("notify")
    notifier.expect("notified")
    all_wait()
    left = list(waiters)
    for number in (1, 2):
        notifier.cue("notify")
        for _ in range(number):
            left.remove(stage.first_to_say(left, "woken"))
        assert stage.none_says(left, "woken"), f"notify({number}) woke more than {number}"
    notifier.cue("notify")
    left[0].expect("woken")

    all_wait()
    notifier.cue("notify")
    for each in waiters:
        each.expect("woken")
        assert each.returns() == [{"wait(0)": False, "wait()": True}] * 2
    notifier.returns()


@claim("condition.with-releases-on-exception", docs="multiprocessing.Condition")
def test_a_with_block_releases_the_lock_on_an_exception(mp, stage):
    """A "with condition" block that an exception leaves releases the condition's lock.

    A child leaves the block by an error or by SystemExit, which come out of it unchanged. Then
    the test can acquire the lock. The condition has an RLock of its own, or a Lock.
    """
    for condition in (mp.Condition(), mp.Condition(mp.Lock())):
        for error in (ValueError, SystemExit):
            assert stage.result_of(raise_inside_with, condition, error) == error.__name__
            assert condition.acquire(False), f"held after {error.__name__}"
            condition.release()


def try_locks(stage, locks):
    """Try to acquire each of the named locks without blocking; report the answers."""
    return {name: lock.acquire(False) for name, lock in locks.items()}


def wait_in_turn(stage, conditions):
    """Wait for one condition after the other; report the answers."""
    answers = {}
    for name, condition in conditions.items():
        with condition:
            stage.say("inside")
            answers[name] = condition.wait()
    return answers


def notify_in_turn(stage, conditions):
    """Notify one condition after the other, when cued."""
    for condition in conditions.values():
        stage.wait_for_cue("notify")
        with condition:
            condition.notify()


@claim("condition.takes-lock-or-rlock", docs="multiprocessing.Condition")
def test_a_condition_uses_the_lock_that_it_is_given(mp, stage):
    """Condition(lock) uses that Lock or RLock; Condition() creates an RLock of its own.

    wait() and notify() work with all three. While the test holds the conditions, another
    process cannot acquire the locks that they were given. The test acquires each condition a
    second time: this works with an RLock, and not with a Lock.
    """
    locks = {"Lock": mp.Lock(), "RLock": mp.RLock()}
    conditions = {
        "no lock": mp.Condition(),
        "Lock": mp.Condition(locks["Lock"]),
        "RLock": mp.Condition(locks["RLock"]),
    }
    waiter = stage.enter(wait_in_turn, conditions)
    notifier = stage.enter(notify_in_turn, conditions)
    for _ in conditions:
        waiter.expect("inside")
        notifier.cue("notify")
    assert waiter.returns() == dict.fromkeys(conditions, True)
    notifier.returns()

    assert try_locks(stage, conditions) == dict.fromkeys(conditions, True)
    assert try_locks(stage, conditions) == {"no lock": True, "Lock": False, "RLock": True}
    assert stage.result_of(try_locks, locks) == {"Lock": False, "RLock": False}


def use_without_lock(stage, condition):
    """Call each method of a condition without holding its lock; report the outcomes."""
    return {
        "wait()": result_or_error(condition.wait, 0),
        "wait_for(true)": result_or_error(condition.wait_for, lambda: "true"),
        "wait_for(false)": result_or_error(condition.wait_for, lambda: False, BEAT),
        "notify()": result_or_error(condition.notify),
        "notify_all()": result_or_error(condition.notify_all),
        "release()": result_or_error(condition.release),
    }


@claim("condition.wait-and-notify-need-lock", docs="multiprocessing.Condition", level=OBSERVED)
def test_wait_and_notify_need_the_lock(mp, stage):
    """Calling wait() or notify() without holding the Condition's lock raises AssertionError.

    Unlike threading, which raises RuntimeError. The outcome is the same whether the lock is
    free or the test holds it. wait_for() needs no lock if its predicate is true at once,
    because it does not wait then.
    """
    own, threads = mp.Condition(), threading.Condition()

    def refused_with(error):
        return {
            "wait()": error,
            "wait_for(true)": "true",
            "wait_for(false)": error,
            "notify()": error,
            "notify_all()": error,
            "release()": error,
        }

    for state in ("free", "held by the test"):
        observed = {
            "multiprocessing": stage.result_of(use_without_lock, own),
            "threading": stage.result_of(use_without_lock, threads, by=threading.Thread),
        }
        assert observed == {
            "multiprocessing": refused_with("AssertionError"),
            "threading": refused_with("RuntimeError"),
        }, f"the lock is {state}"
        for condition in (own, threads):
            condition.acquire(False)
