"""Plays the suite again and again, while two busy loops run for each usable CPU.

A claim that is sometimes red by chance cannot be trusted. Each round has another order. The busy
loops end with this program, also if it is killed.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spec.kit import capabilities
from spec.kit.clock import now
from spec.report.plays import RED
from spec.report.record import RecordError, read

ROOT = Path(__file__).parents[2]
# The bound of one round in seconds.
ROUND = 1200.0
# A busy loop that ends when its standard input does: when this program has ended.
_HOG = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    pass
"""


@contextmanager
def load() -> Iterator[None]:
    """Run two busy loops for each usable CPU, until the context or this process ends."""
    hogs = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", _HOG], stdin=subprocess.PIPE)
        for _ in range(2 * capabilities.usable_cpus())
    ]
    try:
        yield
    finally:
        for hog in hogs:
            hog.communicate()


def highest_rate(reds: int, plays: int) -> float:
    """The upper 95 % confidence bound of the rate of reds, after ``reds`` in ``plays`` plays.

    It is the bound of a Poisson distribution: without reds it is about 3 / ``plays``.
    """
    low, high = 0.0, 3.0 * reds + 10.0
    while high - low > 1e-6:
        mean = (low + high) / 2
        chance = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(reds + 1))
        low, high = (mean, high) if chance > 0.05 else (low, mean)
    return high / plays if plays else 1.0


class Tally:
    """The results of all rounds."""

    def __init__(self) -> None:
        self.plays = self.reds = self.wavering = self.broken = 0
        self.verdicts: dict[tuple[str, str], str] = {}
        self.slowest: dict[tuple[str, str], float] = {}

    def take(self, number: int, path: Path, output: str) -> None:
        """Count the plays in the record of round ``number``, and print those that are red.

        ``output`` is printed if the record is missing or incomplete.
        """
        try:
            record = read(path)
        except RecordError as error:
            self.broken += 1
            print(f"round {number}: {error}\n{output}", flush=True)
            return
        if not record.complete:
            self.broken += 1
            print(f"round {number} is incomplete\n{output}", flush=True)
        for each in record.plays:
            key = each["claim"], each["start_method"]
            self.plays += 1
            self.slowest[key] = max(self.slowest.get(key, 0.0), each["seconds"])
            if each["verdict"] != self.verdicts.setdefault(key, each["verdict"]):
                self.wavering += 1
                print(
                    f"round {number}: {key[0]} under {key[1]} {each['verdict']}, previously "
                    f"{self.verdicts[key]}: {each['reason']}",
                    flush=True,
                )
            if each["verdict"] in RED:
                self.reds += 1
                print(
                    f"round {number}: {key[0]} under {key[1]} {each['verdict']}: {each['reason']}",
                    flush=True,
                )

    def summary(self, seconds: float) -> str:
        """The counts, the bound of the rate of reds, and the slowest plays."""
        lines = [
            f"{self.plays} plays in {seconds:.0f} s, {self.reds} red, "
            f"{self.wavering} with another verdict than in the first round, "
            f"{self.broken} rounds without a complete record: at most one red in "
            f"{1 / highest_rate(self.reds, self.plays):.0f} plays (95 %)"
        ]
        slowest = sorted(self.slowest.items(), key=lambda item: -item[1])[:10]
        lines += [f"    {took:6.2f} s  {claim} under {method}" for (claim, method), took in slowest]
        return "\n".join(lines)


def one_round(number: int, tally: Tally, arguments: list[str]) -> None:
    """Play the suite once, in the order that the number of the round determines."""
    with tempfile.TemporaryDirectory(prefix="mpt") as folder:
        results = Path(folder, "results.jsonl")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--shuffle",
            str(number),
            f"--results={results}",
            *arguments,
        ]
        run = subprocess.run(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ROUND,
            check=False,
        )
        tally.take(number, results, run.stdout)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and play the rounds; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spec.report.stress", description=__doc__)
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--times", type=int, metavar="N", help="play N rounds")
    how_long.add_argument(
        "--minutes",
        type=float,
        default=15.0,
        metavar="M",
        help="begin new rounds for M minutes (default: 15)",
    )
    options, others = parser.parse_known_args(arguments)
    began = now()
    tally = Tally()
    seconds = 60 * options.minutes
    number = 0
    with load():
        while number < options.times if options.times else now() - began < seconds:
            number += 1
            one_round(number, tally, others)
            print(f"round {number}: {tally.plays} plays, {tally.reds} red", flush=True)
    print(tally.summary(now() - began))
    return 1 if tally.reds or tally.wavering or tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
