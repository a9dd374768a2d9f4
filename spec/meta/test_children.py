"""What a child has loaded: as good as nothing beyond what a bare child of the package has."""

import sys

import pytest

from spec.kit.platforms import TRACKER, processes
from spec.meta.actors import loaded, write_loaded
from spec.meta.servers import Teller

# What only the run has a use for. A child would load it in five times a bare child's time.
FOREIGN = {"pytest", "_pytest", "pluggy", "xdist", "execnet", "spec.report", "spec.conftest"}
# What a spawned child in a claim has loaded beyond a bare one with a target in spec.meta.
KIT = {
    "__future__",
    "spec.kit",
    "spec.kit.actor",
    "spec.kit.channel",
    "spec.kit.claims",
    "spec.kit.clock",
    "spec.kit.mappings",
    "spec.kit.package",
    "spec.kit.parity",
}


def foreign(modules):
    """Those of ``modules`` that no child should have."""
    return {name for name in modules if any(f"{name}.".startswith(f"{each}.") for each in FOREIGN)}


@pytest.fixture
def bare(mp, tmp_path):
    """The modules of a bare child of the package."""
    path = tmp_path / "modules"
    child = mp.Process(target=write_loaded, args=(path,))
    child.start()
    child.join()
    return set(path.read_text().splitlines())


def test_an_actors_process_has_loaded_the_kit_and_no_more(mp, stage, bare):
    modules = set(stage.result_of(loaded))
    if mp.get_start_method() == "fork":
        assert modules <= set(sys.modules)
    else:
        assert foreign(modules) == set()
        assert modules - bare <= KIT


def test_the_fork_server_has_loaded_nothing_of_the_run(mp, bare):
    """A bare child of the fork server has what the server has, and the module of its target."""
    if mp.get_start_method() == "fork":
        assert bare <= set(sys.modules)
    else:
        assert foreign(bare) == set()


def test_a_managers_server_has_loaded_nothing_of_the_run(mp):
    with Teller(ctx=mp) as manager:
        modules = manager.loaded()._getvalue()  # type: ignore[attr-defined]
    if mp.get_start_method() != "fork":
        assert foreign(modules) == set()


def test_the_resource_tracker_is_an_interpreter_of_its_own(mp):
    """It cannot be asked. But it was started anew, to run one function of the package."""
    semaphore = mp.Semaphore()
    trackers = [command for *_, command in processes() if f"{TRACKER} import main" in command]
    assert trackers, semaphore
    assert not any("pytest" in command for command in trackers)
