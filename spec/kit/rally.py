"""A rally: whether two players really run at the same time.

They hand a counter back and forth through memory that is not the package's, and neither ever
sleeps nor yields. On two cores a hundred exchanges are over in a fraction of a millisecond,
however busy the machine is beside them, since one moment with both on a core is enough. On one
core, or under a lock that both need, every exchange waits until the system or the interpreter
switches, which takes milliseconds. So no ratio of times is needed, and no idle machine.

Run as a program this file is one player, for the probe of the usable cores.
"""

from __future__ import annotations

import mmap
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: How many exchanges in a row are timed.
EXCHANGES = 100
#: Seconds in which that many exchanges show that both players ran at once. Two cores took
#: 0.03 to 0.15 ms; one core took 800 ms; two threads took 1,000 ms under CPython's GIL and
#: 150 ms under PyPy's.
AT_ONCE = 0.002
#: Bytes that the players share: whose turn it is, whether both ran at once, whether to stop.
COURT = 3


def play(court: Any, me: int, seconds: float) -> None:
    """Rally as player ``me`` (0 or 1) on ``court``, bytes that both players share.

    Ends as soon as a hundred exchanges have shown that both players ran at once, else after
    ``seconds``; ``ran_at_once`` tells which.
    """
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
    """Whether the rally that was played on ``court`` showed both players running at once."""
    return bool(court[1])


def court_in(path: str) -> mmap.mmap:
    """The court that lies in the file ``path``, which holds ``COURT`` zero bytes at first."""
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), COURT)


def main(path: str, me: str, seconds: str) -> None:
    """Play one side, on a court in a file."""
    with court_in(path) as court:
        play(court, int(me), float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
