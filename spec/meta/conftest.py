"""What the tests of the house may ask for."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator

import pytest

from spec.meta.scratch import Scratch

if importlib.util.find_spec("jsonschema") is None:
    pytest.exit("the tests in spec/meta need jsonschema: run python -m nox -s meta", returncode=4)

_FIGURES = pytest.StashKey[list[str]]()


def _scratch() -> Iterator[Scratch]:
    """A copy of the house; see :mod:`spec.meta.scratch`. Nothing may be left of its runs."""
    scratch = Scratch()
    yield scratch
    left = scratch.left_behind()
    shutil.rmtree(scratch.folder, ignore_errors=True)
    assert left == []


scratch = pytest.fixture(_scratch, name="scratch")
scratch_of_module = pytest.fixture(_scratch, name="scratch_of_module", scope="module")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Shows a line at the end of the run, so that it can be quoted."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the figures."""
    if figures := config.stash.get(_FIGURES, None):
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)
