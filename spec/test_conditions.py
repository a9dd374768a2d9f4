"""Condition: waiting until something has changed.

A condition belongs to a lock. Who has the lock, looks, and does not like what it sees, waits:
the lock is free meanwhile, so that another can change something, and is held again when ``wait``
returns. Who has changed something notifies one of those who wait, some, or all.

``wait`` tells whether it was notified or has given up. ``wait_for`` waits until a predicate is
true, and asks it again after each notification. Parity with threading ends in what is raised.
"""

import threading

from spec.kit import BEAT, OBSERVED, TICK, claim, result_or_error

NEEDS = ("semaphores",)


def wait_inside(stage, condition, depth):
    """Take the lock so many times, wait, and keep the lock until cued; report what wait said."""
    for _ in range(depth):
        condition.acquire()
    stage.say("inside")
    answer = condition.wait()
    stage.say("woken")
    stage.wait_for_cue("leave")
    for _ in range(depth):
        condition.release()
    return answer


def change(stage, condition):
    """Take the lock, notify, and keep the lock until cued."""
    with condition:
        condition.notify()
        stage.say("notified")
        stage.wait_for_cue("leave")


@claim("condition.wait-releases-lock", docs="threading.Condition.wait")
def test_the_lock_is_free_while_somebody_waits(mp, stage):
    """wait releases the lock while it waits, however often it was taken, and has it on return.

    Another process gets in and notifies. As long as that one keeps the lock, wait does not
    return; afterwards the lock is held by the one that waited, as often as before.
    """
    for depth in (1, 2):
        condition = mp.Condition()
        waiting = stage.enter(wait_inside, condition, depth)
        waiting.expect("inside")
        changing = stage.enter(change, condition)
        changing.expect("notified")
        assert waiting.does_not_say("woken"), "wait has returned while another had the lock"
        changing.cue("leave")
        changing.returns()
        waiting.expect("woken")
        assert not condition.acquire(False), "wait has returned without the lock"
        waiting.cue("leave")
        assert waiting.returns() is True
        assert condition.acquire(False), "the lock is still held"


def notify_when_cued(stage, condition, numbers):
    """Notify so many, or all, each time when cued."""
    for number in numbers:
        stage.wait_for_cue("notify")
        with condition:
            if number == "all":
                condition.notify_all()
            else:
                condition.notify(number)
        stage.say("notified")


def ask_all(stage, condition):
    """Wait in each way, first with nobody to notify; report the answers, and how long one took."""
    with condition:
        answers = [condition.wait(0)]
        with stage.span("waiting") as waiting:
            answers += [condition.wait(BEAT)]
        answers += [
            condition.wait_for(lambda: "at once"),
            condition.wait_for(lambda: None, 0),
            condition.wait_for(lambda: "", BEAT),
        ]
        stage.say("inside")
        answers += [condition.wait(stage.patience)]
        looks: list[int] = []

        def third_look():
            looks.append(len(looks))
            stage.say("looking")
            return "at the third look" if len(looks) == 3 else None

        answers += [condition.wait_for(third_look, stage.patience)]
    return answers, looks, waiting.seconds


@claim("condition.waits-report-their-outcome", docs="threading.Condition.wait_for")
def test_wait_tells_whether_it_was_notified(mp, stage):
    """wait returns whether it was notified in time; wait_for what its predicate said last.

    The predicate is asked at first and after each notification. It is so with threads and
    threading.Condition, too.
    """
    for by, condition in (
        (threading.Thread, threading.Condition()),
        (mp.Process, mp.Condition()),
    ):
        notifier = stage.enter(notify_when_cued, condition, [1, 1, 1], by=by)
        asking = stage.enter(ask_all, condition, by=by)
        for word in ("inside", "looking", "looking"):
            asking.expect(word)  # it has the lock, and is about to wait
            notifier.cue("notify")
        answers, looks, waited = asking.returns()
        notifier.returns()
        assert answers == [False, False, "at once", None, "", True, "at the third look"]
        assert looks == [0, 1, 2]
        assert waited >= BEAT - TICK


def wait_again_and_again(stage, condition):
    """Twice, when cued, give up waiting at once, and then wait until notified; report all."""
    answers = []
    for _ in range(2):
        stage.wait_for_cue("wait")
        with condition:
            answers.append(condition.wait(0))
            stage.say("inside")
            answers.append(condition.wait())
        stage.say("woken")
    return answers


@claim("condition.notify-one-or-all", docs="threading.Condition.notify", level=OBSERVED)
def test_notify_wakes_so_many_and_notify_all_all(mp, stage):
    """notify wakes one who waits, notify(n) n of them or as many as there are, notify_all all.

    That it is not more is what happens, and not to be relied on, says the documentation. A
    notification that finds nobody waiting is lost; who has given up does not count. Each says
    that it is inside while it has the lock, so the notifier gets in when all of them wait.
    """
    condition = mp.Condition()
    notifier = stage.enter(notify_when_cued, condition, [1, 1, 2, 9, "all"])
    waiters = [stage.enter(wait_again_and_again, condition) for _ in range(4)]

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
        assert stage.none_says(left, "woken"), f"more than {number} woken"
    notifier.cue("notify")
    left[0].expect("woken")

    all_wait()
    notifier.cue("notify")
    for each in waiters:
        each.expect("woken")
        assert each.returns() == [False, True, False, True]
    notifier.returns()


def try_to_take(stage, locks):
    """Whether each lock can be taken."""
    return [lock.acquire(False) for lock in locks]


def wait_in_turn(stage, conditions):
    """Wait for each condition, one after the other; report what wait said."""
    answers = []
    for condition in conditions:
        with condition:
            stage.say("inside")
            answers.append(condition.wait())
    return answers


def notify_in_turn(stage, conditions):
    """Notify one after the other, when cued."""
    for condition in conditions:
        stage.wait_for_cue("notify")
        with condition:
            condition.notify()


@claim("condition.takes-lock-or-rlock", docs="multiprocessing.Condition")
def test_a_condition_uses_the_lock_that_it_is_given(mp, stage):
    """A Condition belongs to the Lock or RLock that it is given, or to an RLock of its own.

    Who holds the condition holds that lock. An RLock lets its owner in again, a Lock does not.
    """
    locks = [mp.Lock(), mp.RLock()]
    conditions = [mp.Condition(), *(mp.Condition(lock) for lock in locks)]
    waiting = stage.enter(wait_in_turn, conditions)
    notifier = stage.enter(notify_in_turn, conditions)
    for _ in conditions:
        waiting.expect("inside")
        notifier.cue("notify")
    assert waiting.returns() == [True, True, True]
    notifier.returns()

    assert [condition.acquire(False) for condition in conditions] == [True, True, True]
    assert [condition.acquire(False) for condition in conditions] == [True, False, True]
    assert stage.result_of(try_to_take, locks) == [False, False]


def misuse(stage, condition):
    """Use a condition without its lock; report what comes of it."""
    return {
        "wait": result_or_error(condition.wait, 0),
        "wait_for what is true": result_or_error(condition.wait_for, lambda: 5),
        "wait_for what is false": result_or_error(condition.wait_for, lambda: False, BEAT),
        "notify": result_or_error(condition.notify),
        "notify_all": result_or_error(condition.notify_all),
        "release": result_or_error(condition.release),
    }


MISUSE = {
    #                          the package's, threading's
    "wait": ("AssertionError", "RuntimeError"),
    "wait_for what is true": (5, 5),
    "wait_for what is false": ("AssertionError", "RuntimeError"),
    "notify": ("AssertionError", "RuntimeError"),
    "notify_all": ("AssertionError", "RuntimeError"),
    "release": ("AssertionError", "RuntimeError"),
}


@claim("condition.wait-and-notify-need-lock", docs="multiprocessing.Condition", level=OBSERVED)
def test_who_has_not_the_lock_may_neither_wait_nor_notify(mp, stage):
    """To wait or notify without holding the lock raises AssertionError.

    Here parity ends: threading raises RuntimeError. It is the same whether nobody has the lock
    or somebody else. A predicate that is true at once needs no lock, since nobody waits.
    """
    own, threads = mp.Condition(), threading.Condition()
    for whose in ("nobody's", "another's"):
        ours = stage.result_of(misuse, own)
        theirs = stage.result_of(misuse, threads, by=threading.Thread)
        observed = {call: (ours[call], theirs[call]) for call in MISUSE}
        assert observed == MISUSE, f"the lock is {whose}"
        for condition in (own, threads):
            condition.acquire(False)
