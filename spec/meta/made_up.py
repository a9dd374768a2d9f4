"""The lines of a made-up record, for tests of the programs that read records."""

from spec.report.record import FORMAT

CLAIM = "semaphore.at-most-two"
HEAD = {
    "kind": "head",
    "format": FORMAT,
    "started": "2026-01-02T03:04:05.678+00:00",
    "implementation": "multiprocessing",
    "python": "3.13.0",
    "python_implementation": "CPython",
    "build": "main",
    "gil": True,
    "platform": "Linux-6.1.0-18-cloud-x86_64-with-glibc2.36",
    "libc": "glibc 2.36",
    "start_methods": ["fork", "forkserver", "spawn"],
    "default_start_method": "fork",
    "cpus": 2,
    "patience": 20.0,
    "missing": {"no-gil": "the GIL is on"},
    "taken_away": [],
    "simulated": "",
    "unsurveyed": {},
}
EVENTS = [[0.0, "hold", "say", "holding", None], [0.1, "hold", "span", "asleep", 0.2]]
#: Of the claim under spawn: it holds.
PLAY = {
    "kind": "play",
    "claim": CLAIM,
    "level": "documented",
    "start_method": "spawn",
    "verdict": "holds",
    "seconds": 0.5,
    "processes": 3,
    "interpreters": 1,
    "processor_seconds": 0.1,
    "reason": "",
    "timeline": EVENTS,
}
FOOT = {"kind": "foot", "seconds": 1.0, "verdicts": {"holds": 1}, "expected": 1, "complete": True}
