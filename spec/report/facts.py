"""The head of every run and of every record: the package under test and its platform."""

from __future__ import annotations

import platform
import sys
from typing import Any

from spec import simulated
from spec.kit import capabilities, package
from spec.kit.platforms import unsurveyed


def facts(patience: float) -> dict[str, Any]:
    """The facts that a verdict depends on; ``patience`` is in seconds.

    Runs the probes of all capabilities; raises ProbeError if one of them cannot run.
    """
    offered = capabilities.start_methods()
    return {
        "implementation": package.IMPLEMENTATION,
        "python": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "build": " ".join(sys.version.split()),
        "gil": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
        "platform": platform.platform(),
        "libc": " ".join(part for part in platform.libc_ver() if part) or "unknown",
        "start_methods": offered,
        "default_start_method": package.start_methods()[0],
        "cpus": capabilities.usable_cpus(),
        "patience": patience,
        "missing": {
            name: capability.lack
            for name, capability in capabilities.CAPABILITIES.items()
            if capability.lack and not capabilities.has(name)
        },
        "taken_away": sorted(capabilities.taken_away()),
        "simulated": simulated.platform(),
        "unsurveyed": unsurveyed(),
    }


def as_lines(known: dict[str, Any]) -> list[str]:
    """The facts as lines of text."""
    gil = "on" if known["gil"] else "off"
    default = known["default_start_method"]
    methods = ", ".join(
        f"{method} (the default)" if method == default else method
        for method in known["start_methods"]
    )
    lines = [
        f"under test: {known['implementation']} of {known['python_implementation']} "
        f"{known['python']}, GIL {gil}",
        f"build: {known['build']}",
        f"on: {known['platform']}, libc {known['libc']}, {known['cpus']} usable CPUs",
        f"start methods: {methods}; patience {known['patience']:g} s",
    ]
    if known["simulated"]:
        lines.append(f"simulated by {simulated.VARIABLE}: {known['simulated']}, as far as possible")
    lines += [f"missing: {name}: {lack}" for name, lack in known["missing"].items()]
    lines += [
        f"not checked after a claim: {what}: {reason}"
        for what, reason in known["unsurveyed"].items()
    ]
    if known["taken_away"]:
        lines.append(f"excluded by {capabilities.WITHOUT}: {', '.join(known['taken_away'])}")
    return lines
