"""What a chapter may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spec.kit import capabilities, package
from spec.kit.leftovers import Baseline
from spec.kit.programs import Programs
from spec.kit.protocols import Multiprocessing
from spec.kit.stage import Event, Stage
from spec.report.plays import FAILED, PATIENCE, START_METHODS, TIMELINE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play every claim under each start method."""
    if "mp" in metafunc.fixturenames:
        methods = metafunc.config.stash[START_METHODS]
        metafunc.parametrize("mp", methods, indirect=True)


@pytest.fixture
def mp(request: pytest.FixtureRequest) -> Multiprocessing:
    """The package under test with one start method: what multiprocessing.get_context() returns.

    The fork server is started before any claim, so that the order of claims makes no
    difference. Children that start servers of their own put their files beside its files.
    """
    if request.param == "forkserver":
        package.submodule("forkserver").ensure_running()
    return package.context(request.param)


@pytest.fixture
def timeline(request: pytest.FixtureRequest) -> list[Event]:
    """The evidence of a play, which its failure shows."""
    timeline: list[Event] = request.node.stash.setdefault(TIMELINE, [])
    return timeline


@pytest.fixture
def stage(
    mp: Multiprocessing,
    timeline: list[Event],
    request: pytest.FixtureRequest,
    leaves_nothing_behind: None,
) -> Iterator[Stage]:
    """Starts, listens to, cues and ends actors; see :mod:`spec.kit.stage`."""
    stage = Stage(mp, request.config.stash[PATIENCE], timeline)
    yield stage
    stage.close()
    if request.node.stash.get(FAILED, None) is False and stage.never_said:
        words = ", ".join(map(repr, stage.never_said))
        pytest.fail(f"no actor ever says {words}, whose absence was to be proved", pytrace=False)


@pytest.fixture
def program(
    mp: Multiprocessing,
    tmp_path: Path,
    timeline: list[Event],
    request: pytest.FixtureRequest,
    leaves_nothing_behind: None,
) -> Programs:
    """Runs whole programs under the start method; see :mod:`spec.kit.programs`."""
    chapter = request.path.stem.removeprefix("test_")
    patience = request.config.stash[PATIENCE]
    return Programs(mp.get_start_method(), chapter, tmp_path, timeline, patience)


@pytest.fixture(autouse=True)
def applies(request: pytest.FixtureRequest) -> None:
    """Skip a claim that is not applicable here, and mark one that is known not to hold."""
    claim = getattr(getattr(request.node, "obj", None), "claim", None)
    if claim is None:
        return
    played = getattr(request.node, "callspec", None)
    method = played and played.params.get("mp")
    unfit = filter(None, [claim.outdated(), claim.foreign(method)])
    needs = dict.fromkeys([*claim.needs, *(["addresses"] if method == "forkserver" else [])])
    if lacking := [*unfit, *capabilities.lacks(tuple(needs))]:
        pytest.skip("; ".join(lacking))
    for mark, reason in claim.deviations.items():
        if capabilities.has(mark):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture
def leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a claim that leaves a child, a thread, a descriptor, shared memory or a file.

    The traceback of a failure keeps the objects of its scene alive, so then only children count;
    likewise after an interrupt, which has no verdict to change. Children that are left are
    ended here, because the package would wait for them at its exit. Shared memory that is left
    is unlinked.
    """
    before = Baseline()
    yield
    failed = request.node.stash.get(FAILED, None)
    left = before.left_behind(processes_only=failed is not False)
    if left or failed is not False:
        before.end()
    if left and failed is not None:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)
