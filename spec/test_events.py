"""Event: one process signals, and all waiters go on.

An event has a flag that all processes share; it is not set at first. ``wait()`` blocks until a
process or thread calls ``set()``, which wakes all waiters, in every process. The event stays set,
so later calls of ``wait()`` return at once, until ``clear()`` resets it.

Use it to tell other processes that something has happened once: that a server is ready, or that
all should stop. To wait for a state that changes again and again, use a Condition.

All methods behave as those of ``threading.Event``. Pass the event to each process as an argument.
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

    Three processes are about to wait, and have one beat to return wrongly before the event is
    set. Each then returns True from wait(), at its own speed.
    """
    event = mp.Event()
    assert not event.is_set()
    waiters = [stage.enter(wait_without_timeout, event) for _ in range(3)]
    for each in waiters:
        each.expect("waiting")
    assert stage.none_says(waiters, "woken"), "a waiter returned before set()"
    event.set()
    assert [each.returns() for each in waiters] == [True, True, True]


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
    answers["set by the test"] = {"wait(patience)": event.wait(stage.patience)}
    return answers


@claim("event.behaves-as-in-threading", docs="multiprocessing.Event")
def test_an_event_answers_as_that_of_threading_does(mp, stage):
    """Event's methods is_set(), set(), clear() and wait() return the same as threading.Event's.

    The same calls are made by a thread and by a process. The last wait() is answered by a set()
    in the test's process.
    """
    observed = {}
    for by, event in ((threading.Thread, threading.Event()), (mp.Process, mp.Event())):
        caller = stage.enter(report_answers_in_each_state, event, by=by)
        caller.expect("cleared")
        event.set()
        observed[by] = caller.returns()
    assert observed[mp.Process] == observed[threading.Thread]
    assert observed[mp.Process] == {
        "new": {"is_set()": False, "wait(0)": False, "wait(-1)": False, "wait(BEAT)": False},
        "set": {"is_set()": True, "wait(0)": True, "wait(-1)": True, "wait()": True},
        "set twice": {"is_set()": True},
        "cleared twice": {"is_set()": False, "wait(0)": False},
        "set by the test": {"wait(patience)": True},
    }


@claim("event.clear-blocks-later-waits", docs="threading.Event.clear")
def test_clear_makes_later_waits_block_again(mp, stage):
    """After clear(), Event.wait() blocks again, in the calling process and in other processes.

    Lower bounds show that neither process returns before its timeout.
    """
    event = mp.Event()
    event.set()
    assert event.wait(0) is True
    event.clear()
    assert event.is_set() is False
    waiter = stage.enter(wait_with_timeout, event, BEAT)
    assert waiter.returns() is False
    seconds = waiter.spans["waiting"].seconds
    assert seconds >= BEAT - TICK, f"another process returned after {seconds} s"
    with stage.span("waiting") as waiting:
        assert event.wait(BEAT) is False
    assert waiting.seconds >= BEAT - TICK, f"this process returned after {waiting.seconds} s"


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
