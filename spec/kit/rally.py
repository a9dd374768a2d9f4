"""A rally: whether two players really run at the same time.

They hand a counter back and forth through memory that is not the package's, and neither ever
sleeps nor yields. On two cores a hundred exchanges take microseconds each at the most, however
busy the machine is beside them, since one moment with both on a core is enough. On one core, or
under a lock that both need, every exchange waits until the system or the interpreter switches,
which takes milliseconds. So no ratio of times is needed, and no idle machine.

Run as a program this file is one player, for the probe of the usable cores.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: How many exchanges in a row are timed.
EXCHANGES = 100
#: Seconds in which that many exchanges show that both players ran at once. Two cores took
#: 0.03 to 0.15 ms; one core took 800 ms; two threads took 1,000 ms under CPython's GIL and
#: 150 ms under PyPy's.
AT_ONCE = 0.002
#: Bytes that the players share: whose turn it is, one to spare, and whether to stop.
COURT = 3


def play(court: Any, me: int, seconds: float) -> float:
    """Rally as player ``me`` (0 or 1) on ``court``, bytes that both players share.

    Gives the shortest time, in seconds, that a hundred exchanges took: at once when that was
    short enough, else after ``seconds``. The other player is told by the third byte to stop.
    """
    best = seconds
    deadline = time.perf_counter() + seconds
    begin = time.perf_counter()
    exchanges = spins = 0
    while not court[2]:
        if court[0] == me:
            court[0] = 1 - me
            exchanges += 1
            if exchanges % EXCHANGES == 0:
                end = time.perf_counter()
                best = min(best, end - begin)
                begin = end
                if best < AT_ONCE:
                    break
        else:
            spins += 1
            if spins % 1000 == 0 and time.perf_counter() > deadline:
                break
    court[2] = 1
    return best


def court_in(path: str) -> mmap.mmap:
    """The court that lies in the file ``path``, which holds ``COURT`` zero bytes at first."""
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), COURT)


def two_interpreters_run_at_once(seconds: float = 2.0) -> bool:
    """Whether a rally between two plain interpreters gets there within ``seconds``."""
    with tempfile.TemporaryDirectory() as folder:
        court = Path(folder, "court")
        court.write_bytes(bytes(COURT))
        players = [
            subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, court, str(me), str(seconds)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for me in (0, 1)
        ]
        return min(float(player.communicate()[0]) for player in players) < AT_ONCE


def main(path: str, me: str, seconds: str) -> None:
    """Play one side, on a court in a file, and print the result of ``play``."""
    with court_in(path) as court:
        print(play(court, int(me), float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
