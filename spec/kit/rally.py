"""A rally: it shows whether two players really run at the same time.

They pass a turn back and forth through memory that is not the package's, and neither of them
sleeps or yields. On two cores a hundred exchanges take a fraction of a millisecond, even on a busy
machine, because one moment with both players on a core is enough. On one core, or under a lock
that both need, every exchange waits until the system or the interpreter switches, which takes
milliseconds. So the verdict needs no ratio of times and no idle machine. Where the system lets a
thread choose its core, each player stays on one of its own: on a busy machine the system has kept
both on one core for ten seconds and more.

Run as a program, this file is one player, for the probe of the usable cores.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The number of consecutive exchanges that are timed together.
EXCHANGES = 100
#: Seconds: if so many exchanges take less, both players ran at the same time. Two cores took
#: 0.03 to 0.15 ms; one core took 800 ms; two threads took 1,000 ms under CPython's GIL and
#: 150 ms under PyPy's.
AT_ONCE = 0.002
#: The number of bytes that the players share: the player whose turn it is, whether both ran at
#: the same time, whether to stop.
COURT = 3


def _take_core(me: int) -> None:
    """Keep this thread on a core that the other player does not choose."""
    choose = getattr(os, "sched_setaffinity", None)  # on Linux
    if choose is not None and hasattr(os, "sched_getaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError):  # where it is forbidden, the rally may take longer
            choose(0, {usable[me % len(usable)]})


def play(court: Any, me: int, seconds: float) -> None:
    """Play as player ``me`` (0 or 1) on ``court``, bytes that both players share.

    Returns as soon as a hundred exchanges have shown that both players ran at the same time, at
    the latest after ``seconds``; :func:`ran_at_once` returns the result.
    """
    _take_core(me)
    deadline = time.perf_counter() + seconds
    begin = time.perf_counter()
    exchanges = spins = 0
    while not court[2]:
        if court[0] == me:
            court[0] = 1 - me
            exchanges += 1
            if exchanges % EXCHANGES == 0:
                end = time.perf_counter()
                if end - begin < AT_ONCE:
                    court[1] = 1
                    break
                begin = end
        else:
            spins += 1
            if spins % 1000 == 0 and time.perf_counter() > deadline:
                break
    court[2] = 1


def ran_at_once(court: Any) -> bool:
    """Whether the rally on ``court`` has shown that both players ran at the same time."""
    return bool(court[1])


def court_in(path: str) -> mmap.mmap:
    """The court in the file ``path``, which has to contain ``COURT`` zero bytes at first."""
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), COURT)


def main(path: str, me: str, seconds: str) -> None:
    """Play as one player, on a court in a file."""
    with court_in(path) as court:
        play(court, int(me), float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
