"""Semaphore: how many may be inside at once.

A semaphore is a number of seats. ``acquire`` takes one and waits while none is free;
``release`` gives one back. The package's Semaphore counts the seats for all processes that
hold it; it reaches them as an argument.

In which order those who wait are let in is not promised, so no claim here asks for it:
``semaphore.acquire-order-not-promised`` is a note, not a claim.
"""

import time

from spec.kit import BEAT, TICK, claim

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

    admitted, waited = stage.play(latecomer, semaphore)
    assert not admitted, "a third process got in"
    assert waited >= BEAT - TICK, "the third was sent away without waiting"

    guests[0].cue("leave")
    guests[0].returns()
    admitted, _ = stage.play(latecomer, semaphore)
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
    for beat in stage.beats():
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
        if took < 4.5 * beat:
            break
    assert took < 4.5 * beat, "two were never inside at once"
    assert most_at_once(seated) == 2


def most_at_once(spans):
    """The largest number of spans that have a moment in common."""
    return max(sum(other.begin <= span.begin < other.end for other in spans) for span in spans)


@claim("semaphore.each-holder-acquires-then-releases", docs="multiprocessing.Semaphore.acquire")
def test_each_of_five_processes_acquires_and_then_releases(mp, program):
    """In the tutorial's sample each of five processes acquires once, and later releases once.

    Each line begins with the name of its process. The order of the processes is free.
    """
    outcome = program.run("sample_semaphore")
    assert outcome.exitcode == 0, outcome.errors
    words: dict[str, list[str]] = {}
    for line in outcome.lines:
        name, word = line.split()
        words.setdefault(name, []).append(word)
    assert words == {f"Process-{number}": ["acquires", "releases"] for number in range(1, 6)}
