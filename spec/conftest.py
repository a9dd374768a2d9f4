"""The fixtures for chapters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spec.kit import capabilities, package
from spec.kit.leftovers import Baseline, start_servers
from spec.kit.programs import Programs
from spec.kit.protocols import Multiprocessing
from spec.kit.stage import Event, Stage
from spec.report.plays import FAILED, PATIENCE, START_METHODS, TIMELINE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play every claim once under each start method."""
    if "mp" in metafunc.fixturenames:
        methods = metafunc.config.stash[START_METHODS]
        metafunc.parametrize("mp", methods, indirect=True)


@pytest.fixture
def mp(request: pytest.FixtureRequest) -> Multiprocessing:
    """The package under test with one start method: the result of multiprocessing.get_context().

    Its servers are started before any claim, so that the order of claims makes no difference.
    """
    start_servers()
    return package.context(request.param)


@pytest.fixture
def timeline(request: pytest.FixtureRequest) -> list[Event]:
    """The timeline of a play, which is printed with its failure."""
    timeline: list[Event] = request.node.stash.setdefault(TIMELINE, [])
    return timeline


@pytest.fixture
def stage(
    mp: Multiprocessing,
    timeline: list[Event],
    request: pytest.FixtureRequest,
    leaves_nothing_behind: None,
) -> Iterator[Stage]:
    """Starts actors, listens to them, cues them and ends them; see :mod:`spec.kit.stage`."""
    stage = Stage(mp, request.config.stash[PATIENCE], timeline)
    yield stage
    stage.close()
    if request.node.stash.get(FAILED, None) is False and stage.never_said:
        words = ", ".join(map(repr, stage.never_said))
        pytest.fail(f"no actor ever says {words}, so its absence proves nothing", pytrace=False)


@pytest.fixture
def program(
    mp: Multiprocessing,
    tmp_path: Path,
    timeline: list[Event],
    request: pytest.FixtureRequest,
    leaves_nothing_behind: None,
) -> Programs:
    """Runs whole programs with the start method; see :mod:`spec.kit.programs`."""
    chapter = request.path.stem.removeprefix("test_")
    patience = request.config.stash[PATIENCE]
    return Programs(mp.get_start_method(), chapter, tmp_path, timeline, patience)


@pytest.fixture(autouse=True)
def applies(request: pytest.FixtureRequest) -> None:
    """Skip a claim that does not apply here, and mark a claim that is known not to hold here."""
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
    """Fail a claim that leaves a child, a thread, a file descriptor, shared memory or a file.

    After a failure only children are checked, because the traceback keeps the objects of the
    scene alive; likewise after an interrupt, when there is no verdict to change. Remaining children
    are ended here, because the package would join them at its exit. Remaining shared memory is
    unlinked.
    """
    before = Baseline(request.config.stash[PATIENCE])
    yield
    failed = request.node.stash.get(FAILED, None)
    left = before.left_behind(processes_only=failed is not False)
    if left or failed is not False:
        before.end()
    if left and failed is not None:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)
