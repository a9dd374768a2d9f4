"""What the tests of the house may ask for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from spec.meta.scratch import Scratch


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    """A copy of the house; see :mod:`spec.meta.scratch`."""
    scratch = Scratch()
    yield scratch
    shutil.rmtree(scratch.folder)
