"""Plays the claims of each fault with that fault, and prints whether they turned red.

The claims that a fault breaks are played under every start method where it breaks them. With
``--others`` all other claims are played too, under the cheapest start method, to see which of them
turn red. The exit code is 1 if a claim has no fault, if a claim stays green under one of its
faults, or if a run gives no verdicts.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from spec.faults import VARIABLE, Fault, catalogue
from spec.kit import capabilities
from spec.kit.clock import now
from spec.kit.platforms import environment, limit_damage, processes
from spec.report import catalogue as claims
from spec.report.plays import NOT_APPLICABLE, RED
from spec.report.record import RecordError, read

ROOT = Path(__file__).parents[2]
# The factor of the patience: 2 s, because many faults make a call block forever.
PATIENCE = "0.1"
# The bounds of a run with a fault: its duration in seconds, the CPU time of each of its processes
# in seconds, and the number of its processes at the same time. A fault of Lock made a Pool start
# workers without end.
SECONDS = 240.0
PROCESSOR_SECONDS = 120
PROCESSES = 100
# A run of other claims ends after so many are red: the fault is imprecise, and more show no more.
MANY = 10
# So much of a reason is shown.
WIDTH = 150


# Errors of a program, not of its data: the package raises none of them for what claims do.
_ERROR = r"(?:AttributeError|IndexError|KeyError|ImportError|ModuleNotFoundError|NameError"
_ERROR += r"|RecursionError|TypeError|UnboundLocalError|ZeroDivisionError)"
# The last frame of a traceback, as the interpreter writes it; pytest may have indented it.
_IN_TRACEBACK = re.compile(
    r"""^(?:E\s+)?\s*File\ ".*(?P<file>spec/faults/\w+\.py)",\ line\ (?P<line>\d+),\ in\ .*\n
    (?:E\s+)?(?P<code>.*)\n(?:(?:E\s+)?[\s~^]+\n)?(?:E\s+)?(?P<error>"""
    + _ERROR
    + r"\b.*)$",
    re.MULTILINE | re.VERBOSE,
)
# The same as pytest shows it for the test's own process.
_IN_FAILURE = re.compile(
    r"^>(?P<code>.*)\n(?:.*\^.*\n)?E\s+(?P<error>"
    + _ERROR
    + r"\b.*)\n(?:E.*\n)*\n(?P<file>spec/faults/\w+\.py):(?P<line>\d+): ",
    re.MULTILINE,
)


class Run(NamedTuple):
    """The verdicts of one run and their reasons, by claim and start method.

    ``trouble`` is why some are missing; ``broken`` tells of exceptions that are the fault's own.
    """

    verdicts: dict[tuple[str, str], str]
    reasons: dict[tuple[str, str], str]
    trouble: str
    broken: list[str]


class Result(NamedTuple):
    """The run of a fault's own claims, and the ids of the other claims that it turned red."""

    fault: Fault
    own: Run
    others: list[str]
    seconds: float

    def mark(self, claim: str) -> str:
        """The result for one claim: "red", "GREEN" or "n/a".

        It is "red" if the claim turned red under every start method where it applies, and "n/a"
        if it does not apply here.
        """
        if claims.by_id()[claim].outdated():
            return "n/a"
        played = [verdict for (id, _), verdict in self.own.verdicts.items() if id == claim]
        applicable = [verdict for verdict in played if verdict != NOT_APPLICABLE]
        if played and not applicable:
            return "n/a"
        return "red" if played and all(verdict in RED for verdict in applicable) else "GREEN"

    @property
    def wrong(self) -> int:
        """The number of claims that stayed green, plus one for trouble and one if it is broken."""
        green = sum(self.mark(claim) == "GREEN" for claim in self.fault.breaks)
        return green + bool(self.own.trouble) + bool(self.own.broken)

    def reasons(self, claim: str) -> list[str]:
        """Why the claim is red, each reason once."""
        return list(
            dict.fromkeys(
                f"{verdict}: {self.own.reasons[id, method]}"
                for (id, method), verdict in self.own.verdicts.items()
                if id == claim and verdict in RED
            )
        )


def play(fault: Fault, with_others: bool) -> Result:
    """Play the claims of a fault with it and, if ``with_others``, all other claims too."""
    began = now()
    known = claims.by_id()
    if all(known[id].outdated() for id in fault.breaks):
        return Result(
            fault, Run({}, {}, "", []), [], 0.0
        )  # none of its claims is about this version
    methods = [
        method for method in capabilities.start_methods() if method in (fault.only or (method,))
    ]
    own = run(fault, list(fault.breaks), methods)
    red: list[str] = []
    if with_others:
        rest = sorted({claim.id for claim in known.values() if claim.id not in fault.breaks})
        verdicts = run(
            fault, rest, capabilities.start_methods()[:1], "--maxfail", str(MANY)
        ).verdicts
        red = sorted({id for (id, _), verdict in verdicts.items() if verdict in RED})
    return Result(fault, own, red, now() - began)


def run(fault: Fault, wanted: list[str], methods: list[str], *options: str) -> Run:
    """Play the claims ``wanted`` with the fault in every process, within the bounds above."""
    with tempfile.TemporaryDirectory(prefix="mpf") as folder:
        results, output = Path(folder, "results.jsonl"), Path(folder, "output")
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
            f"--results={results}",
        ]
        # Only their chapters: to collect all would take longer than most plays.
        known = claims.by_id()
        command += sorted({f"spec/test_{known[id].chapter}.py" for id in wanted})
        command += [*options, *(f"--claim={claim}" for claim in wanted)]
        command += [f"--start-method={method}" for method in methods]
        surroundings = {**os.environ, VARIABLE: fault.name, "TMPDIR": folder}
        with output.open("w") as file:
            started = subprocess.Popen(
                command, cwd=ROOT, env=surroundings, stdout=file, stderr=subprocess.STDOUT
            )
            limit_damage(started.pid, PROCESSOR_SECONDS)
            trouble = supervise(started, Path(folder))
        wait_for_guardian(Path(folder))
        if not trouble and started.returncode not in (0, 1):
            trouble = f"the run failed:\n{output.read_text()}"
        text = output.read_text(errors="replace")
        try:
            plays = read(results).plays
        except RecordError as error:
            return Run({}, {}, trouble or text.strip() or str(error), [])
    keys = [(each["claim"], each["start_method"]) for each in plays]
    return Run(
        dict(zip(keys, (each["verdict"] for each in plays), strict=True)),
        dict(zip(keys, (each["reason"] for each in plays), strict=True)),
        trouble,
        accidents(text),
    )


def accidents(output: str) -> list[str]:
    """The exceptions in the output of a run that a fault did not mean to raise, each once.

    A defect may raise: with ``raise``, or what the package raises when it is called. Other
    exceptions whose last frame is in ``spec/faults`` tell that the fault itself is broken: then a
    red claim proves nothing.
    """
    found = []
    for pattern in (_IN_TRACEBACK, _IN_FAILURE):
        for match in pattern.finditer(output):
            if not match["code"].strip().startswith("raise"):
                found.append(f"{match['file']}, line {match['line']}: {match['error'].strip()}")
    return list(dict.fromkeys(found))


def supervise(started: subprocess.Popen[bytes], folder: Path) -> str:
    """Wait for the end of a run, or kill it when it exceeds a bound; returns the reason, if any."""
    deadline = now() + SECONDS
    mark = os.fsencode(folder)
    reason = ""
    while not reason:
        try:
            started.wait(1)
            return ""
        except subprocess.TimeoutExpired:
            number = sum(
                any(mark in entry for entry in environment(pid) or ()) for pid, *_ in processes()
            )
        if number > PROCESSES:
            reason = f"the run had {number} processes at the same time"
        elif now() > deadline:
            reason = f"the run did not end within {SECONDS:g} s"
    started.kill()  # its guardian ends the rest
    started.wait()
    return reason


def wait_for_guardian(folder: Path) -> None:
    """Wait until the guardian of the run in ``folder`` has removed its folder, for at most 10 s."""
    deadline = now() + 10
    while list(folder.glob("mps-*")) and now() < deadline:
        time.sleep(0.01)


def rows(result: Result, methods: list[str]) -> list[str]:
    """The table's rows for one fault: each claim, and its verdict under each start method."""
    lines = [f"{result.fault.name}  ({result.seconds:.1f} s)"]
    for claim in result.fault.breaks:
        cells = "".join(
            f"{result.own.verdicts.get((claim, method), '-'):<16}" for method in methods
        )
        lines.append(f"    {result.mark(claim):<5}  {cells}{claim}")
        lines += [f"           {reason[:WIDTH]}" for reason in result.reasons(claim)]
    lines += [f"    also   {claim}" for claim in result.others]
    if len(result.others) >= MANY:
        lines.append("    also   perhaps more: the run was stopped here")
    lines += [f"    BROKEN {accident}" for accident in result.own.broken]
    if result.own.trouble:
        lines.append(f"    {result.own.trouble}")
    return lines


def choose(options: argparse.Namespace) -> list[Fault]:
    """The faults that the options select; exits with an error if a name is unknown."""
    faults = list(catalogue().values())
    for name in options.fault or ():
        if name not in catalogue():
            near = difflib.get_close_matches(name, catalogue(), n=3, cutoff=0.4)
            sys.exit(
                f"no fault is named {name!r}: did you mean {', '.join(near) or faults[0].name}?"
            )
    if problem := claims.unknown(options.claim or ()):
        sys.exit(problem)
    if options.fault:
        faults = [fault for fault in faults if fault.name in options.fault]
    if options.claim:
        known = claims.by_id()
        faults = [
            fault
            for fault in faults
            if any(id in known and claims.matches(known[id], options.claim) for id in fault.breaks)
        ]
    if options.sample:
        faults = list({fault.name.partition(".")[0]: fault for fault in reversed(faults)}.values())
    for fault in faults:
        if problem := claims.unknown(fault.breaks):
            sys.exit(f"{fault.name}: {problem}")
    return faults


def play_all(faults: list[Fault], with_others: bool) -> Iterator[Result]:
    """Play the faults, several at the same time, and yield the results in order.

    With a fault most claims wait most of the time, so there are two runs for each core. A claim
    about two players that run at the same time needs all cores: the runs of its faults come first,
    one after the other.
    """
    known = claims.by_id()
    computing = {"gil", "no-gil", "several-cores"}
    wide = [
        fault
        for fault in faults
        if any(not computing.isdisjoint(known[id].needs) for id in fault.breaks)
    ]
    others = [fault for fault in faults if fault not in wide]
    for chosen, at_once in ((wide, 1), (others, 2 * capabilities.usable_cpus())):
        with ThreadPoolExecutor(at_once) as pool:
            yield from pool.map(lambda fault: play(fault, with_others), chosen)


def report(results: Iterable[Result], with_others: bool) -> int:
    """Print the table as results come; returns the number of green claims and failed runs."""
    methods = capabilities.start_methods()
    print("           " + "".join(f"{method:<16}" for method in methods))
    wrong = faults = pairs = others = 0
    for result in results:
        print("\n".join(rows(result, methods)), flush=True)
        faults += 1
        pairs += len(result.fault.breaks)
        others += len(result.others)
        wrong += result.wrong
    also = f"{others} other claims turned red; " if with_others else ""
    print(f"{faults} faults, {pairs} pairs of fault and claim; {also}{wrong} wrong")
    return wrong


def without_fault(wanted: Sequence[str] | None) -> list[str]:
    """The ids of claims, of those ``wanted`` if given, that no fault breaks."""
    broken = {id for fault in catalogue().values() for id in fault.breaks}
    return [
        id
        for id, claim in claims.by_id().items()
        if id not in broken and (wanted is None or claims.matches(claim, wanted))
    ]


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and play the faults; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spec.faults", description=__doc__)
    parser.add_argument("--fault", action="append", metavar="NAME", help="this fault (repeatable)")
    parser.add_argument(
        "--claim",
        action="append",
        metavar="ID",
        help="the faults of this claim, or of the claims of this subject or chapter (repeatable)",
    )
    parser.add_argument(
        "--sample",
        action="store_true",
        help="the first fault of each chapter",
    )
    parser.add_argument(
        "--others",
        action="store_true",
        help="also show which other claims each fault turns red (takes several times as long)",
    )
    options = parser.parse_args(arguments)
    began = now()
    wrong = report(play_all(choose(options), options.others), options.others)
    for claim in [] if options.fault else without_fault(options.claim):
        print(f"no fault breaks {claim}")
        wrong += 1
    print(f"{now() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
