"""Semaphore: how many may be inside at once.

A semaphore is a number of seats. ``acquire`` takes one and waits while none is free;
``release`` gives one back. The package's Semaphore counts the seats for all processes that
hold it; it reaches them as an argument.

In which order those who wait are let in is not promised, so no claim here asks for it:
``semaphore.acquire-order-not-promised`` is a note, not a claim.
"""

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
