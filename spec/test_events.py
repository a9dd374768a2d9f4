"""Event: one signal for all who wait.

An event is clear at first. ``wait`` waits until somebody calls ``set``, which lets all who wait
go on, in whichever process they are. It stays set until ``clear``. All of it is as in threading.
"""

import threading

from spec.kit import BEAT, OBSERVED, TICK, claim

NEEDS = ("semaphores",)


def waiter(stage, event):
    """Wait for the event, for ever if need be; report what wait said."""
    stage.say("waiting")
    answer = event.wait()
    stage.say("woken")
    return answer


@claim("event.set-wakes-every-waiter", docs="multiprocessing.Event")
def test_set_wakes_all_who_wait(mp, stage):
    """An event is clear at first, and one set wakes every process that waits for it.

    All three are about to wait and have a beat's time to do so before the event is set.
    """
    event = mp.Event()
    assert not event.is_set()
    waiters = [stage.enter(waiter, event) for _ in range(3)]
    for each in waiters:
        each.expect("waiting")
    assert stage.none_says(waiters, "woken"), "woken by nobody"
    event.set()
    assert [each.returns() for each in waiters] == [True, True, True]


def time_a_wait(stage, event, timeout):
    """Wait with a time-out; report the answer and how long it took."""
    with stage.span("waiting") as waiting:
        answer = event.wait(timeout)
    return answer, waiting.seconds


@claim("event.wait-tells-if-set", docs="threading.Event.wait")
def test_wait_tells_whether_the_event_was_set(mp, stage):
    """wait returns False when its time-out has passed, and True at once when the event is set.

    That it is at once is shown by a time-out of zero, which leaves no time to wait.
    """
    event = mp.Event()
    answer, waited = stage.result_of(time_a_wait, event, BEAT)
    assert answer is False
    assert waited >= BEAT - TICK
    event.set()
    assert stage.result_of(time_a_wait, event, 0)[0] is True
    assert event.wait(0) is True


def drive(stage, event):
    """Lead the event through all its states; report all answers."""
    seen = [event.is_set(), event.wait(0), event.wait(-1), event.wait(BEAT)]
    event.set()
    seen += [event.is_set(), event.wait(0), event.wait(-1), event.wait()]
    event.set()
    seen += [event.is_set()]
    event.clear()
    event.clear()
    seen += [event.is_set(), event.wait(0)]
    stage.say("cleared")
    seen += [event.wait(stage.patience)]
    return seen


@claim("event.behaves-as-in-threading", docs="multiprocessing.Event")
def test_an_event_answers_as_that_of_threading_does(mp, stage):
    """Event's is_set, set, clear and wait give the same answers as those of threading.Event.

    One scene is played with a thread and with a process; in it the event is set once from the
    other side.
    """
    answers = []
    for by, event in ((threading.Thread, threading.Event()), (mp.Process, mp.Event())):
        driver = stage.enter(drive, event, by=by)
        driver.expect("cleared")
        event.set()
        answers.append(driver.returns())
    assert answers[0] == answers[1]
    assert answers[1] == [
        False,
        False,
        False,
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
        True,
    ]


@claim("event.clear-blocks-later-waits", docs="threading.Event.clear")
def test_clear_makes_later_waits_wait_again(mp, stage):
    """After clear, wait waits again, in the process that cleared the event and in others."""
    event = mp.Event()
    event.set()
    assert event.wait(0) is True
    event.clear()
    assert event.is_set() is False
    answer, waited = stage.result_of(time_a_wait, event, BEAT)
    assert answer is False
    assert waited >= BEAT - TICK
    with stage.span("waiting") as waiting:
        assert event.wait(BEAT) is False
    assert waiting.seconds >= BEAT - TICK


def setter(stage, event):
    """Set the event."""
    event.set()


@claim("event.child-set-reaches-parent", docs="multiprocessing.Event")
def test_what_a_child_sets_its_parent_sees(mp, stage):
    """An event that a child has set is set for its parent."""
    event = mp.Event()
    assert event.is_set() is False
    stage.result_of(setter, event)
    assert event.is_set() is True


def state(stage, event):
    """What an event's repr says, but for the number that tells one event from another."""
    name, _, _, word = repr(event).strip("<>").split()
    return name, word


@claim("event.repr-shows-state", docs="multiprocessing.Event", level=OBSERVED)
def test_repr_tells_whether_the_event_is_set(mp, stage):
    """The repr of an Event tells whether it is set, whichever process has set it."""
    event = mp.Event()
    seen = [state(stage, event)]
    stage.result_of(setter, event)
    seen += [state(stage, event), stage.result_of(state, event)]
    event.clear()
    seen += [state(stage, event)]
    assert seen == [("Event", "unset"), ("Event", "set"), ("Event", "set"), ("Event", "unset")]
