"""The modules that a child has loaded: the kit adds few to those of a bare child.

A bare child is one that the package starts without the kit.
"""

import sys

import pytest

from spec.kit.platforms import TRACKER, processes
from spec.meta.actors import loaded, write_loaded
from spec.meta.servers import Teller

# Modules that only the run needs. With them a child takes five times as long to start.
FOREIGN = {"pytest", "_pytest", "pluggy", "xdist", "execnet", "spec.report", "spec.conftest"}
# Modules that an actor's spawned process has loaded, and a bare child with a target in spec.meta
# has not.
KIT = {
    "__future__",
    "faulthandler",
    "spec.kit",
    "spec.kit.actor",
    "spec.kit.actors",
    "spec.kit.channel",
    "spec.kit.claims",
    "spec.kit.clock",
    "spec.kit.mappings",
    "spec.kit.package",
    "spec.kit.parity",
    "spec.kit.zombies",
}


def foreign(modules):
    """Those of ``modules`` that no child should load."""
    return {name for name in modules if any(f"{name}.".startswith(f"{each}.") for each in FOREIGN)}


@pytest.fixture
def bare(mp, tmp_path):
    """The modules that a bare child has loaded."""
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
    """A bare child of the fork server has its server's modules and the module of its target."""
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
    """Its modules cannot be read, but its command line shows that it runs one function only."""
    semaphore = mp.Semaphore()
    trackers = [command for *_, command in processes() if f"{TRACKER} import main" in command]
    assert trackers, semaphore
    assert not any("pytest" in command for command in trackers)
