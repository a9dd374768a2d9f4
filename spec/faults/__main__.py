"""Plays each fault against the claims that it breaks, and prints whether they turned red.

Ends with 1 when a claim has no fault, when a claim stays green under one, and when a run gives
no verdict.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from spec.faults import VARIABLE, Fault, catalogue
from spec.kit import capabilities
from spec.kit.clock import now
from spec.report import catalogue as claims
from spec.report.facts import usable_cpus
from spec.report.plays import NOT_APPLICABLE, RED
from spec.report.record import RecordError, read

ROOT = Path(__file__).parents[2]
# Faults that make something wait for ever are many: they are waited for 2 seconds.
PATIENCE = "0.1"
# Seconds that all the plays of one fault may take.
BOUND = 240.0


class Result(NamedTuple):
    """What a fault did: ``verdicts`` by claim and start method, or the ``trouble`` there was."""

    fault: Fault
    verdicts: dict[tuple[str, str], str]
    seconds: float
    trouble: str

    def mark(self, claim: str) -> str:
        """Red when the claim turned red wherever it applies; n/a when it applies nowhere here."""
        played = [verdict for (id, _), verdict in self.verdicts.items() if id == claim]
        applicable = [verdict for verdict in played if verdict != NOT_APPLICABLE]
        if played and not applicable:
            return "n/a"
        return "red" if played and all(verdict in RED for verdict in applicable) else "GREEN"


def play(fault: Fault) -> Result:
    """Play the claims that ``fault`` breaks, with the fault in every process."""
    began = now()
    with tempfile.TemporaryDirectory(prefix="mpf") as folder:
        results = Path(folder, "results.jsonl")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0",
            "-p",
            "no:cacheprovider",
            "--patience",
            PATIENCE,
            "--results",
            str(results),
        ]
        for claim in fault.breaks:
            command += ["--claim", claim]
        for method in fault.only:
            if method in capabilities.start_methods():
                command += ["--start-method", method]
        run = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, VARIABLE: fault.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = run.communicate(timeout=BOUND)
            trouble = "" if run.returncode in (0, 1) else f"the run broke:\n{output}"
        except subprocess.TimeoutExpired:
            run.kill()  # its guardian ends the rest
            run.communicate()
            trouble = f"the run had no end within {BOUND:g} s"
        try:
            plays = read(results).plays
        except RecordError as error:
            plays, trouble = [], trouble or str(error)
    verdicts = {(each["claim"], each["start_method"]): each["verdict"] for each in plays}
    return Result(fault, verdicts, now() - began, trouble)


def rows(result: Result, methods: list[str]) -> list[str]:
    """The table's rows for one fault: each claim, and its verdict under each start method."""
    lines = [f"{result.fault.name}  ({result.seconds:.1f} s)"]
    for claim in result.fault.breaks:
        cells = "".join(f"{result.verdicts.get((claim, method), '-'):<16}" for method in methods)
        lines.append(f"    {result.mark(claim):<5}  {cells}{claim}")
    if result.trouble:
        lines.append(f"    {result.trouble}")
    return lines


def choose(options: argparse.Namespace) -> list[Fault]:
    """The faults that the options ask for; ends the program for a name that is none."""
    faults = list(catalogue().values())
    for name in options.fault or ():
        if name not in catalogue():
            sys.exit(f"no fault is named {name!r}; there are {', '.join(sorted(catalogue()))}")
    if options.fault:
        faults = [fault for fault in faults if fault.name in options.fault]
    if options.claim:
        faults = [
            fault
            for fault in faults
            if any(
                id == want or id.startswith(f"{want}.")
                for id in fault.breaks
                for want in options.claim
            )
        ]
    if options.sample:
        faults = list({fault.name.partition(".")[0]: fault for fault in reversed(faults)}.values())
    return faults


def without_fault() -> list[str]:
    """The claims that no fault breaks."""
    broken = {id for fault in catalogue().values() for id in fault.breaks}
    return [
        claim.id
        for chapter in claims.chapters()
        for claim in chapter.claims
        if claim.id not in broken
    ]


def report(results: Iterable[Result]) -> int:
    """Print the table as it comes; the number of things that are wrong."""
    methods = capabilities.start_methods()
    print("           " + "".join(f"{method:<16}" for method in methods))
    wrong = faults = pairs = 0
    for result in results:
        print("\n".join(rows(result, methods)), flush=True)
        faults += 1
        pairs += len(result.fault.breaks)
        green = sum(result.mark(claim) == "GREEN" for claim in result.fault.breaks)
        wrong += green + bool(result.trouble)
    print(f"{faults} faults, {pairs} pairs of fault and claim, {wrong} wrong")
    return wrong


def main(arguments: list[str] | None = None) -> Any:
    """Read the command line and play."""
    parser = argparse.ArgumentParser(prog="python -m spec.faults", description=__doc__)
    parser.add_argument("--fault", action="append", metavar="NAME", help="this fault (repeatable)")
    parser.add_argument(
        "--claim",
        action="append",
        metavar="ID",
        help="the faults of this claim, or of all that begin so (repeatable)",
    )
    parser.add_argument("--sample", action="store_true", help="the first fault of each chapter")
    options = parser.parse_args(arguments)
    began = now()
    with ThreadPoolExecutor(usable_cpus()) as pool:
        wrong = report(pool.map(play, choose(options)))
    for claim in without_fault():
        print(f"no fault breaks {claim}")
        wrong += 1
    print(f"{now() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
