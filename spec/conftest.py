"""What a chapter may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spec.kit import capabilities, package
from spec.kit.leftovers import Baseline
from spec.kit.programs import Programs
from spec.kit.protocols import Multiprocessing
from spec.kit.stage import Stage
from spec.report.plays import FAILED, PATIENCE, START_METHODS, TIMELINE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play every claim under each start method."""
    if "mp" in metafunc.fixturenames:
        methods = metafunc.config.stash[START_METHODS]
        metafunc.parametrize("mp", methods, indirect=True)


@pytest.fixture
def mp(request: pytest.FixtureRequest) -> Multiprocessing:
    """The package under test, with one start method: what multiprocessing.get_context gives.

    The fork server is started before any claim: which claim comes first should make no
    difference, and children that start servers of their own put their files where its files are.
    """
    if request.param == "forkserver":
        package.submodule("forkserver").ensure_running()
    return package.context(request.param)


@pytest.fixture
def stage(
    mp: Multiprocessing, request: pytest.FixtureRequest, leaves_nothing_behind: None
) -> Iterator[Stage]:
    """Where actors are started, heard, cued and reaped; see :mod:`spec.kit.stage`."""
    stage = Stage(mp, request.config.stash[PATIENCE])
    request.node.stash[TIMELINE] = stage.timeline
    yield stage
    stage.close()
    if request.node.stash.get(FAILED, None) is False and (words := stage.never_said):
        pytest.fail("listened for what no actor ever says: " + ", ".join(words), pytrace=False)


@pytest.fixture
def program(
    mp: Multiprocessing, tmp_path: Path, request: pytest.FixtureRequest, leaves_nothing_behind: None
) -> Programs:
    """Runs whole programs under the start method; see :mod:`spec.kit.programs`."""
    return Programs(mp.get_start_method(), tmp_path, request.config.stash[PATIENCE])


@pytest.fixture(autouse=True)
def applies(request: pytest.FixtureRequest) -> None:
    """Say why a claim is not applicable here, or known not to hold."""
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
    """No claim leaves a child, a thread, a descriptor, shared memory or a file.

    A failure's traceback holds on to the objects of its scene: then only children count. So
    it is with an interrupt, which has no verdict to be changed. Children that are left are
    ended here: at its exit the package would wait for them. Shared memory that is left loses
    its name.
    """
    before = Baseline()
    yield
    failed = request.node.stash.get(FAILED, None)
    left = before.left_behind(processes_only=failed is not False)
    if left or failed is not False:
        before.end()
    if left and failed is not None:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)
