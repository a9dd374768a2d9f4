"""Claims that contradict the documentation: a small program shows each without this suite."""

import subprocess
import sys
from pathlib import Path

import pytest

from spec.kit.claims import Claim
from spec.report import catalogue

FOLDER = Path(__file__).parents[1] / "contradictions"
MOST_LINES = 20
PROGRAMS = {
    claim.id.replace(".", "_").replace("-", "_") + ".py": claim
    for claim in catalogue.by_id().values()
    if claim.contradicts
}


def test_each_contradiction_has_a_program():
    assert {path.name for path in FOLDER.glob("*.py")} == PROGRAMS.keys()


@pytest.mark.parametrize(("name", "claim"), PROGRAMS.items(), ids=PROGRAMS)
def test_a_program_is_short_and_shows_something(name: str, claim: Claim):
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) <= MOST_LINES
    assert "spec" not in text
    if why := claim.outdated():
        pytest.skip(why)
    run = subprocess.run(
        [sys.executable, str(FOLDER / name)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout.strip()) != (0, "")
    assert run.returncode == 0, run.stderr
