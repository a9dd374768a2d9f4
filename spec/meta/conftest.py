"""The fixtures for the project's own tests."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spec.meta.scratch import Scratch

if importlib.util.find_spec("jsonschema") is None:
    pytest.exit("the tests in spec/meta need jsonschema: run python -m nox -s meta", returncode=4)

_FIGURES = pytest.StashKey[list[str]]()


def _scratch() -> Iterator[Scratch]:
    """A copy of the project; see :mod:`spec.meta.scratch`. Its runs may leave nothing behind."""
    scratch = Scratch()
    yield scratch
    left = scratch.left_behind()
    shutil.rmtree(scratch.folder, ignore_errors=True)
    assert left == []


scratch = pytest.fixture(_scratch, name="scratch")
scratch_of_module = pytest.fixture(_scratch, name="scratch_of_module", scope="module")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a record of the given lines, and returns its path."""
    number = iter(range(1000))

    def written(*lines: dict[str, Any]) -> Path:
        path = tmp_path / f"{next(number)}.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        return path

    return written


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function that adds a line to the end of the run's output, such as a measured time."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the lines that tests have added with ``figure``."""
    if figures := config.stash.get(_FIGURES, None):
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)
