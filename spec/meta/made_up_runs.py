"""Made-up records of whole runs: all claims, on any Python, with the verdicts that a test wants."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spec.kit.claims import Claim
from spec.meta.made_up import FOOT, HEAD, PLAY
from spec.report import catalogue
from spec.report.catalogue import START_METHODS
from spec.report.plays import HOLDS, NOT_APPLICABLE


def record(
    path: Path,
    verdicts: Mapping[tuple[str, str], tuple[str, str]] | None = None,
    left_out: tuple[str, ...] = (),
    **facts: Any,
) -> Path:
    """Write the record of a complete run, and return its path.

    ``verdicts`` maps a claim's id and a start method to a verdict and its reason. All others hold,
    or do not apply. The claims that are ``left_out`` are not in it. ``facts`` replace those of the
    head.
    """
    head = {**HEAD, **facts}
    plays = [
        _play(claim, method, *(verdicts or {}).get((claim.id, method), _usual(claim, method, head)))
        for claim in catalogue.by_id().values()
        for method in START_METHODS
        if claim.id not in left_out
    ]
    lines = [head, *plays, {**FOOT, "expected": len(plays)}]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def _usual(claim: Claim, method: str, head: dict[str, Any]) -> tuple[str, str]:
    version = tuple(int(part) for part in re.findall(r"\d+", head["python"])[:3])
    why = "; ".join(filter(None, [claim.outdated(version), claim.foreign(method)]))
    return (NOT_APPLICABLE, why) if why else (HOLDS, "")


def _play(claim: Claim, method: str, verdict: str, reason: str) -> dict[str, Any]:
    play = {**PLAY, "claim": claim.id, "level": claim.level, "start_method": method}
    timeline = [] if verdict == NOT_APPLICABLE else PLAY["timeline"]
    return {**play, "verdict": verdict, "reason": reason, "timeline": timeline}
