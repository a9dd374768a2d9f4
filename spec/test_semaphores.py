"""Semaphore: how many may be inside at once.

A semaphore is a number of seats. ``acquire`` takes one and waits while none is free;
``release`` gives one back. The package's Semaphore counts the seats for all processes that
hold it; it reaches them as an argument.

In which order those who wait are let in is not promised, so no claim here asks for it:
``semaphore.acquire-order-not-promised`` is a note, not a claim. How long ``acquire`` waits is
told by the same rules as for a Lock, in the chapter on locks.
"""

import threading
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, result_or_error

NEEDS = ("semaphores",)

LEFT_OUT = {
    "semaphore.acquire-order-not-promised": "no order among waiters is promised",
}


def guest(stage, semaphore):
    """Take a seat and keep it until cued to leave."""
    with semaphore:
        stage.say("seated")
        stage.wait_for_cue("leave")


def latecomer(stage, semaphore):
    """Ask for a seat for one beat; report the answer and how long it took."""
    with stage.span("asking") as asking:
        admitted = semaphore.acquire(timeout=BEAT)
    return admitted, asking.seconds


@claim("semaphore.at-most-two", docs="multiprocessing.Semaphore")
def test_two_seats_hold_two_processes_and_no_third(mp, stage):
    """A Semaphore(2) is held by two processes at once, and a third has to wait.

    Both guests are known to be seated before the latecomer asks, so a slow machine can
    delay this proof but cannot change its verdict.
    """
    semaphore = mp.Semaphore(2)
    guests = [stage.enter(guest, semaphore) for _ in range(2)]
    for each in guests:
        each.expect("seated")

    admitted, waited = stage.result_of(latecomer, semaphore)
    assert not admitted, "a third process got in"
    assert waited >= BEAT - TICK, "the third was sent away without waiting"

    guests[0].cue("leave")
    guests[0].returns()
    admitted, _ = stage.result_of(latecomer, semaphore)
    assert admitted, "no seat came free"
    guests[1].cue("leave")
    guests[1].returns()


def visitor(stage, semaphore, seconds):
    """Take a seat when cued, keep it for a while, and report when."""
    stage.say("ready")
    stage.wait_for_cue("go")
    with semaphore, stage.span("seated"):
        time.sleep(seconds)


@claim("semaphore.five-holders-take-three-waves", docs="multiprocessing.Semaphore")
def test_five_holders_of_two_seats_take_three_waves(mp, stage):
    """Five processes that each hold one of two seats for a beat take three beats, not five.

    Less than three is impossible with two seats, at any time. Less than five beats from the
    first to the last needs two inside at once, so the beat grows until a performance shows it.
    In none of them are three inside at the same time.
    """

    def less_than_five_waves(beat):
        semaphore = mp.Semaphore(2)
        visitors = [stage.enter(visitor, semaphore, beat) for _ in range(5)]
        for each in visitors:
            each.expect("ready")
        for each in visitors:
            each.cue("go")
        for each in visitors:
            each.returns()
        seated = [each.spans["seated"] for each in visitors]
        took = max(span.end for span in seated) - min(span.begin for span in seated)
        assert most_at_once(seated) <= 2, "three were inside"
        assert took >= 3 * beat - TICK, "five sat on two seats in less than three waves"
        return took < 4.5 * beat and most_at_once(seated) == 2

    assert stage.at_some_beat(less_than_five_waves), "two were never inside at once"


def most_at_once(spans):
    """The largest number of spans that have a moment in common."""
    return max(sum(other.begin <= span.begin < other.end for other in spans) for span in spans)


@claim("semaphore.each-holder-acquires-then-releases", docs="multiprocessing.Semaphore")
def test_each_of_five_processes_acquires_and_then_releases(mp, program):
    """In the tutorial's sample each of five processes acquires once, and later releases once.

    Each line begins with the name of its process. The order of the processes is free.
    """
    completed = program.run("sample_semaphore")
    assert completed.exitcode == 0, completed.errors
    words: dict[str, list[str]] = {}
    for line in completed.lines:
        name, word = line.split()
        words.setdefault(name, []).append(word)
    assert words == {f"Process-{number}": ["acquires", "releases"] for number in range(1, 6)}


def free_seats(semaphore):
    """Take all the seats that are free, up to ten, and give their number."""
    return sum(semaphore.acquire(False) for _ in range(10))


def take_a_seat(stage, semaphore):
    """Wait for a seat, for ever if need be; report the answer."""
    stage.say("asking")
    admitted = semaphore.acquire(True, None)
    stage.say("seated")
    return admitted


@claim("semaphore.initial-value-defaults-to-one", docs="multiprocessing.Semaphore")
def test_there_is_one_seat_if_not_said_otherwise(mp, stage):
    """A semaphore has one seat if no number is given; with 0, a release has to come first.

    It is so in threading, too. Who asks for a seat of none is not let in for a beat, and is when
    one was released.
    """
    for make in (
        threading.Semaphore,
        threading.BoundedSemaphore,
        mp.Semaphore,
        mp.BoundedSemaphore,
    ):
        assert free_seats(make()) == 1

    for by, closed in ((threading.Thread, threading.Semaphore(0)), (mp.Process, mp.Semaphore(0))):
        assert free_seats(closed) == 0
        waiting = stage.enter(take_a_seat, closed, by=by)
        waiting.expect("asking")
        assert waiting.does_not_say("seated"), "there was a seat of none"
        closed.release()
        assert waiting.returns() is True


def add_seats(stage, semaphore, number):
    """Release seats that nobody has taken."""
    return [semaphore.release() for _ in range(number)]


@claim("semaphore.value-may-exceed-start", docs="multiprocessing.Semaphore")
def test_a_semaphore_may_be_released_more_often_than_acquired(mp, stage):
    """A Semaphore may be released more often than acquired: it has more seats then than at first.

    The seats are added by another process than the one that takes them, or by another thread.
    """
    for by, semaphore in (
        (threading.Thread, threading.Semaphore(1)),
        (mp.Process, mp.Semaphore(1)),
    ):
        assert stage.result_of(add_seats, semaphore, 4, by=by) == [None] * 4
        assert free_seats(semaphore) == 5


def release_too_often(stage, semaphore):
    """Release with no seat taken, take one, and release twice; report all answers."""
    return [
        result_or_error(semaphore.release),
        semaphore.acquire(False),
        result_or_error(semaphore.release),
        result_or_error(semaphore.release),
    ]


@claim(
    "semaphore.bounded-refuses-extra-release",
    docs="multiprocessing.BoundedSemaphore",
    needs=("semaphore-value",),
)
def test_a_bounded_semaphore_never_has_more_seats_than_at_first(mp, stage):
    """To release a BoundedSemaphore that has all its seats raises ValueError, and adds none.

    It is so in threading, too, and in each process. A seat may well be released by another
    process than the one that took it.
    """
    for by, semaphore in (
        (threading.Thread, threading.BoundedSemaphore(2)),
        (mp.Process, mp.BoundedSemaphore(2)),
    ):
        answers = stage.result_of(release_too_often, semaphore, by=by)
        assert answers == ["ValueError", True, None, "ValueError"]
        assert result_or_error(semaphore.release) == "ValueError"
        assert free_seats(semaphore) == 2
        assert stage.result_of(add_seats, semaphore, 2, by=by) == [None, None]
        assert result_or_error(semaphore.release) == "ValueError"
        assert free_seats(semaphore) == 2


def take_and_look(stage, semaphore):
    """Take a seat; report what the value is then."""
    semaphore.acquire(False)
    return semaphore.get_value()


@claim(
    "semaphore.get-value-is-current",
    docs="multiprocessing.Semaphore.get_value",
    needs=("semaphore-value",),
)
def test_get_value_tells_how_many_seats_are_free(mp, stage):
    """get_value tells how many seats are free, whichever process has taken the others.

    Here parity ends: threading's semaphores have no such method.
    """
    for semaphore in (mp.Semaphore(3), mp.BoundedSemaphore(3)):
        seen = [
            semaphore.get_value(),
            stage.result_of(take_and_look, semaphore),
            semaphore.get_value(),
        ]
        semaphore.acquire(False)
        seen += [
            semaphore.get_value(),
            stage.result_of(take_and_look, semaphore),
            semaphore.get_value(),
        ]
        semaphore.release()
        seen += [semaphore.get_value()]
        assert seen == [3, 2, 2, 1, 0, 0, 1]
    assert not hasattr(threading.Semaphore(), "get_value")


@claim("semaphore.locked-at-zero", docs="multiprocessing.Semaphore.locked", since="3.14")
def test_a_semaphore_is_locked_when_no_seat_is_free(mp, stage):
    """locked tells of a semaphore whether no seat is free, whichever processes have taken them."""
    for semaphore in (mp.Semaphore(2), mp.BoundedSemaphore(2)):
        seen = [semaphore.locked()]
        for _ in range(2):
            assert stage.result_of(take_and_leave_taken, semaphore) is True
            seen.append(semaphore.locked())
        semaphore.release()
        seen.append(semaphore.locked())
        assert seen == [False, False, True, False]


def take_and_leave_taken(stage, semaphore):
    """Take a seat, and end without releasing it."""
    return semaphore.acquire(False)


@claim("semaphore.killed-holder-keeps-slot", docs="multiprocessing.Process.terminate")
def test_a_seat_of_a_killed_process_never_comes_free(mp, stage):
    """The seat of a process that is killed never comes free, as that of one that leaves does.

    Two have a seat. One leaves and one is killed; then there is a seat for one, and a third has
    to wait.
    """
    semaphore = mp.Semaphore(2)
    leaving, killed = (stage.enter(guest, semaphore) for _ in range(2))
    for each in (leaving, killed):
        each.expect("seated")
    leaving.cue("leave")
    leaving.returns()
    killed.process.kill()
    assert killed.exit_code() != 0
    assert semaphore.acquire(False), "the seat of the one that left is not free"
    admitted, _ = stage.result_of(latecomer, semaphore)
    assert not admitted, "the seat of the one that was killed came free"


@claim("semaphore.release-takes-no-count", docs="multiprocessing.Semaphore", level=OBSERVED)
def test_release_gives_one_seat_back_and_takes_no_number(mp):
    """release takes no number: it gives back one seat, and release(2) is a TypeError.

    Here parity ends: threading's takes one. The documentation names the parameter of acquire
    as the only difference; this is a second. What was refused has released nothing.
    """
    own, threads = mp.Semaphore(0), threading.Semaphore(0)
    observed = {
        "release(2)": (result_or_error(own.release, 2), result_or_error(threads.release, 2)),
        "release(n=2)": (result_or_error(own.release, n=2), result_or_error(threads.release, n=2)),
        "free seats": (free_seats(own), free_seats(threads)),
    }
    assert observed == {
        "release(2)": ("TypeError", None),
        "release(n=2)": ("TypeError", None),
        "free seats": (0, 4),
    }


@claim("semaphore.negative-start-refused", docs="multiprocessing.Semaphore", level=OBSERVED)
def test_a_negative_number_of_seats_is_an_os_error(mp):
    """A negative number of seats is refused with OSError.

    Here parity ends: threading raises ValueError.
    """
    for own, threads in (
        (mp.Semaphore, threading.Semaphore),
        (mp.BoundedSemaphore, threading.BoundedSemaphore),
    ):
        assert (result_or_error(own, -1), result_or_error(threads, -1)) == ("OSError", "ValueError")


REPRS = {
    # to whom it looks so        Lock, RLock, Semaphore(3), BoundedSemaphore(3)
    "nobody has it": [
        "<Lock(owner=None)>",
        "<RLock(None, 0)>",
        "<Semaphore(value=3)>",
        "<BoundedSemaphore(value=3, maxvalue=3)>",
    ],
    "process Ann has it twice, to Ann": [
        "<Lock(owner=Ann)>",
        "<RLock(Ann, 2)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
    "process Ann has it twice, to another": [
        "<Lock(owner=SomeOtherProcess)>",
        "<RLock(SomeOtherProcess, nonzero)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
    "thread Tom has it twice, to Tom": [
        "<Lock(owner=MainProcess|Tom)>",
        "<RLock(MainProcess|Tom, 2)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
    "thread Tom has it twice, to another": [
        "<Lock(owner=SomeOtherThread)>",
        "<RLock(SomeOtherThread, nonzero)>",
        "<Semaphore(value=1)>",
        "<BoundedSemaphore(value=1, maxvalue=3)>",
    ],
}


def take_twice_and_look(stage, locks):
    """Take each as often as possible, up to two times, report their reprs, and release them."""
    taken = [lock for lock in locks for _ in range(2) if lock.acquire(False)]
    stage.say("taken", [repr(lock) for lock in locks])
    stage.wait_for_cue("release")
    for lock in taken:
        lock.release()


@claim(
    "semaphore.repr-shows-value",
    docs="multiprocessing.Semaphore",
    level=OBSERVED,
    needs=("semaphore-value",),
)
def test_repr_tells_who_has_it_and_how_often(mp, stage):
    """repr tells a lock's owner, an RLock's owner and count, and a semaphore's value and bound.

    The owner is named to itself only; to others it is some other process or thread.
    """
    locks = [mp.Lock(), mp.RLock(), mp.Semaphore(3), mp.BoundedSemaphore(3)]
    observed = {"nobody has it": [repr(lock) for lock in locks]}
    for kind, by, name in (("process", mp.Process, "Ann"), ("thread", threading.Thread, "Tom")):
        owner = stage.enter(take_twice_and_look, locks, by=by, name=name)
        observed[f"{kind} {name} has it twice, to {name}"] = owner.expect("taken")
        observed[f"{kind} {name} has it twice, to another"] = [repr(lock) for lock in locks]
        owner.cue("release")
        owner.returns()
    assert observed == REPRS
