"""Event: one process signals, and all waiters go on.

An event has a flag that all processes share; it is not set at first. ``wait()`` blocks until a
process or thread calls ``set()``, which wakes all waiters, in every process. The event stays set,
so later calls of ``wait()`` return at once, until ``clear()`` resets it.

Use it to tell other processes that something has happened once: that a server is ready, or that
all should stop. To wait for a state that changes again and again, use a Condition.

All methods behave as those of ``threading.Event``, with one exception. A ``wait()`` that ``set()``
wakes looks at the flag again before it returns, so it can return False, even without a timeout, if
``clear()`` follows ``set()`` at once. Pass the event to each process as an argument.
"""

import threading

from spec.kit import BEAT, OBSERVED, TICK, claim

NEEDS = ("semaphores",)


def wait_without_timeout(stage, event):
    """Wait for the event, however long it takes; report the answer."""
    stage.say("waiting")
    answer = event.wait()
    stage.say("woken")
    return answer


@claim("event.set-wakes-every-waiter", docs="multiprocessing.Event")
def test_set_wakes_all_waiters(mp, stage):
    """A new Event is not set, so processes block in wait(); a single set() wakes all of them.

    Two processes and a thread of the test's process are about to wait, and have one beat to
    return wrongly before the event is set. Each then returns True from wait(), at its own speed.
    """
    event = mp.Event()
    assert not event.is_set()
    waiters = [
        stage.enter(wait_without_timeout, event, by=by)
        for by in (mp.Process, mp.Process, threading.Thread)
    ]
    for each in waiters:
        each.expect("waiting")
    assert stage.none_says(waiters, "woken"), "a waiter returned before set()"
    event.set()
    assert [each.returns() for each in waiters] == [True, True, True]


@claim("event.waits-longer-than-seconds", docs="threading.Event.wait", slow=True)
def test_an_event_is_waited_for_longer_than_two_seconds(mp, stage):
    """Until an Event is set, wait() without a timeout still blocks after two seconds.

    The test listens for twenty beats to a process that waits. When the test has set the event,
    wait() returns True.
    """
    event = mp.Event()
    waiter = stage.enter(wait_without_timeout, event)
    waiter.expect("waiting")
    assert waiter.does_not_say("woken", beats=20), "wait() returned before set()"
    event.set()
    assert waiter.returns() is True


def wait_with_timeout(stage, event, timeout):
    """Wait for the event with a timeout; report the answer."""
    with stage.span("waiting"):
        return event.wait(timeout)


@claim("event.wait-tells-if-set", docs="threading.Event.wait")
def test_wait_tells_whether_the_event_was_set(mp, stage):
    """Event.wait() returns False after its timeout, or True without waiting if the event is set.

    A lower bound shows that False does not come early. wait(0) returns True when the event is set,
    so no waiting is needed for that.
    """
    event = mp.Event()
    waiter = stage.enter(wait_with_timeout, event, BEAT)
    assert waiter.returns() is False
    seconds = waiter.spans["waiting"].seconds
    assert seconds >= BEAT - TICK, f"it returned after {seconds} s"
    event.set()
    assert stage.result_of(wait_with_timeout, event, 0) is True
    assert event.wait(0) is True


def report_answers_in_each_state(stage, event):
    """Bring a new event into each of its states; report all answers."""
    answers = {
        "new": {
            "is_set()": event.is_set(),
            "wait(0)": event.wait(0),
            "wait(-1)": event.wait(-1),
            "wait(BEAT)": event.wait(BEAT),
        }
    }
    event.set()
    answers["set"] = {
        "is_set()": event.is_set(),
        "wait(0)": event.wait(0),
        "wait(-1)": event.wait(-1),
        "wait()": event.wait(),
    }
    event.set()
    answers["set twice"] = {"is_set()": event.is_set()}
    event.clear()
    event.clear()
    answers["cleared twice"] = {"is_set()": event.is_set(), "wait(0)": event.wait(0)}
    stage.say("cleared")
    answers["set by the test"] = {"wait(long)": event.wait(10 * stage.patience)}
    stage.say("woken")
    return answers


@claim("event.behaves-as-in-threading", docs="multiprocessing.Event")
def test_an_event_answers_as_that_of_threading_does(mp, stage):
    """Unless clear() follows set() at once, Event's methods return the same as threading.Event's.

    The same calls are made by a thread and by a process. The last wait() is answered by a set()
    in the test's process. Its timeout is ten times the patience: it ends with the set(). A
    waiter that set() wakes may find the flag cleared again, and returns False then; in threading
    it returns True. No wait() is under way here when clear() is called.
    """
    observed = {}
    for by, event in ((threading.Thread, threading.Event()), (mp.Process, mp.Event())):
        caller = stage.enter(report_answers_in_each_state, event, by=by)
        caller.expect("cleared")
        assert caller.does_not_say("woken"), "it returned long before its timeout"
        event.set()
        observed[by] = caller.returns()
    assert observed[mp.Process] == observed[threading.Thread]
    assert observed[mp.Process] == {
        "new": {"is_set()": False, "wait(0)": False, "wait(-1)": False, "wait(BEAT)": False},
        "set": {"is_set()": True, "wait(0)": True, "wait(-1)": True, "wait()": True},
        "set twice": {"is_set()": True},
        "cleared twice": {"is_set()": False, "wait(0)": False},
        "set by the test": {"wait(long)": True},
    }


def wait_until_false(stage, event):
    """Wait for the event without a timeout, again and again until wait() returns False."""
    while event.wait():
        pass
    stage.say("false")


@claim("event.quick-clear-can-make-wait-false", docs="threading.Event.wait", level=OBSERVED)
def test_wait_can_return_false_if_clear_follows_set_at_once(mp, stage):
    """If clear() follows set() at once, Event.wait() without a timeout can return False.

    Unlike threading, whose wait() returns True then. A process waits again and again, and the
    test sets and clears the event until wait() has returned False once: that is the witness.
    """
    event = mp.Event()
    waiter = stage.enter(wait_until_false, event)

    def set_and_clear():
        event.set()
        event.clear()
        return waiter.has_said("false")

    stage.wait_until(set_and_clear, "a wait() that returns False")
    waiter.returns()


def clear_and_wait(stage, event, timeout):
    """Clear the event, and wait for it with a timeout; report the answer."""
    event.clear()
    return wait_with_timeout(stage, event, timeout)


@claim("event.clear-blocks-later-waits", docs="threading.Event.clear")
def test_clear_makes_later_waits_block_again(mp, stage):
    """After clear(), Event.wait() blocks again, in the calling process and in other processes.

    The test's process clears the event, and then a child. Both wait after each clear(). Lower
    bounds show that neither returns before its timeout.
    """
    event = mp.Event()

    def blocks_in_this_process(cleared_by):
        assert event.is_set() is False, f"cleared by {cleared_by}, and still set"
        with stage.span("waiting") as waiting:
            assert event.wait(BEAT) is False
        seconds = waiting.seconds
        assert seconds >= BEAT - TICK, f"cleared by {cleared_by}: returned after {seconds} s"

    def blocks_in_a_child(child, cleared_by):
        assert child.returns() is False, f"cleared by {cleared_by}, and a child sees it set"
        seconds = child.spans["waiting"].seconds
        assert seconds >= BEAT - TICK, f"cleared by {cleared_by}: returned after {seconds} s"

    event.set()
    assert event.wait(0) is True
    event.clear()
    blocks_in_this_process("this process")
    blocks_in_a_child(stage.enter(wait_with_timeout, event, BEAT), "this process")

    event.set()
    assert event.wait(0) is True
    blocks_in_a_child(stage.enter(clear_and_wait, event, BEAT), "itself")
    blocks_in_this_process("a child")
    blocks_in_a_child(stage.enter(wait_with_timeout, event, BEAT), "another child")


def set_event(stage, event):
    """Set the event."""
    event.set()


@claim("event.child-set-reaches-parent", docs="multiprocessing.Event")
def test_a_parent_sees_that_its_child_has_set_the_event(mp, stage):
    """When a child sets an Event, is_set() returns True in its parent."""
    event = mp.Event()
    assert event.is_set() is False
    stage.result_of(set_event, event)
    assert event.is_set() is True


def event_state_in_repr(stage, event):
    """The first and the last word of the event's repr; its address is in between."""
    name, _, _, word = repr(event).strip("<>").split()
    return f"{name} {word}"


@claim("event.repr-shows-state", docs="multiprocessing.Event", level=OBSERVED)
def test_repr_shows_whether_the_event_is_set(mp, stage):
    """repr() of an Event shows whether it is set, whichever process has set it.

    A child sets it, and the test clears it.
    """
    event = mp.Event()
    observed = {"new": event_state_in_repr(stage, event)}
    stage.result_of(set_event, event)
    observed |= {
        "set by a child": event_state_in_repr(stage, event),
        "set by a child, in another child": stage.result_of(event_state_in_repr, event),
    }
    event.clear()
    observed |= {"cleared": event_state_in_repr(stage, event)}
    assert observed == {
        "new": "Event unset",
        "set by a child": "Event set",
        "set by a child, in another child": "Event set",
        "cleared": "Event unset",
    }
