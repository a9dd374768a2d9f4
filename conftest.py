"""The run: its options, its checks, its order and its guardian."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import random
import shlex
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from spec import CHAPTERS, faults
from spec.kit import capabilities, costs, guardian, package
from spec.kit.channel import connect, listen
from spec.kit.claims import LEVELS, Claim
from spec.kit.clock import PATIENCE as SECONDS_OF_PATIENCE
from spec.kit.leftovers import start_servers
from spec.report import catalogue
from spec.report.plays import FAILED, METER, PATIENCE, START_METHODS, TIMELINE, verdict_of
from spec.report.run import Run

ROOT = Path(__file__).parent
# The timeout of a test as a multiple of the patience, for a hang that the kit's own bounds, which
# are much shorter, do not end.
_LAST_RESORT = 8
# Most claims wait most of the time, so there are three workers for each core. Runs of all claims on
# two cores with CPython 3.13 took: 171 s without workers, 60 to 62 s with 4 workers, 61 s with 5,
# 55 to 56 s with 6, 57 s with 8. More than eight have not been measured.
_WORKERS_PER_CORE = 3
_MOST_WORKERS = 8
# Up to so many claims end before workers have started: one claim takes 1.0 s instead of 1.6 s.
_HANDFUL = 3

try:
    faults.install_in_run()
except faults.FaultError as error:  # too early for UsageError: the command line is not read yet
    sys.exit(f"ERROR: {faults.VARIABLE}: {error}")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("specification")
    group.addoption(
        "--start-method",
        action="append",
        metavar="NAME",
        help="play the claims under this start method only (repeatable)",
    )
    group.addoption(
        "--claim",
        action="append",
        metavar="ID",
        help="play this claim only, or the claims of this subject or chapter (repeatable)",
    )
    group.addoption(
        "--about",
        action="append",
        metavar="NAME",
        help="play or list only claims about this documented name, such as Queue.get (repeatable)",
    )
    group.addoption(
        "--level",
        metavar="LEVEL",
        help="play or list only claims of this level: documented or observed",
    )
    group.addoption(
        "--slow",
        action="store_true",
        help="also play the claims whose proof takes several seconds",
    )
    group.addoption(
        "--claims",
        nargs="?",
        const="text",
        metavar="json",
        help="list the claims by chapter without playing them; --claims=json lists them as data",
    )
    group.addoption(
        "--patience",
        default="1",
        metavar="FACTOR",
        help=f"multiply the patience, the bound of every wait, by this factor "
        f"(default: 1, {SECONDS_OF_PATIENCE:g} s)",
    )
    group.addoption(
        "--results",
        metavar="FILE",
        help="write the record of the run, JSON lines, to this new file; write --results=FILE, "
        "because pytest may take a separate FILE for a path of tests. With --results=FOLDER/ the "
        "record is named by the environment and replaces the previous one, in a run of all claims",
    )
    group.addoption(
        "--shuffle",
        metavar="SEED",
        help="play the claims in a random order, the same for the same seed",
    )


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """List the claims, and play none, if ``--claims`` is given."""
    wanted, level = config.getoption("claims"), config.getoption("level")
    if level not in (None, *LEVELS):
        raise pytest.UsageError(f"--level {level}: choose from {', '.join(LEVELS)}")
    if wanted is None:
        return None
    if wanted not in ("text", "json"):
        raise pytest.UsageError(f"--claims={wanted}: use --claims for text, --claims=json for data")
    _check_catalogue(config)
    chapters = catalogue.chapters(_selection(config))
    print(
        json.dumps(catalogue.listing(chapters), indent=2)
        if wanted == "json"
        else catalogue.listing_as_text(chapters)
    )
    return 0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check and note the settings of the run, and start its guardian."""
    if unfit := _unfit(config):
        raise pytest.UsageError(unfit)
    config.stash[PATIENCE] = _patience(config)
    config.stash[START_METHODS] = _start_methods(config)
    _check_catalogue(config)
    if config.option.timeout is None:
        config.option.timeout = _LAST_RESORT * config.stash[PATIENCE]
    if hasattr(config, "workerinput"):
        _configure_worker(config)
    else:
        _bind_results(config)
        _start_guardian()
        _try_sockets()
        config.pluginmanager.register(Run(config), "run")
    if config.getoption("results") is not None:
        faults.pass_on()
        costs.count_starts()


def _check_catalogue(config: pytest.Config) -> None:
    """Raise UsageError, with one line, for a wrong chapter or claim, or an unknown ``--claim``."""
    try:
        catalogue.check()
    except catalogue.CatalogueError as error:
        raise pytest.UsageError(str(error)) from None
    selection = _selection(config)
    problem = catalogue.unknown(selection.wanted) or catalogue.undocumented(selection.about)
    if problem:
        raise pytest.UsageError(problem)


def _selection(config: pytest.Config) -> catalogue.Selection:
    level, wanted, about = map(config.getoption, ("level", "claim", "about"))
    return catalogue.Selection(level or "", wanted or (), about or ())


def _patience(config: pytest.Config) -> float:
    given = config.getoption("patience")  # a string: argparse's own error has many lines
    try:
        factor = float(given)
    except ValueError:
        factor = 0.0
    if not 0 < factor < 1000:
        raise pytest.UsageError(f"--patience {given}: give a factor above 0 and below 1000")
    return factor * SECONDS_OF_PATIENCE


def _start_methods(config: pytest.Config) -> list[str]:
    known = [*package.start_methods(), *capabilities.CAPABILITIES]
    for name in sorted(capabilities.taken_away().difference(known)):
        raise pytest.UsageError(
            f"{capabilities.WITHOUT}: {name!r} is unknown: choose from {', '.join(known)}"
        )
    offered = capabilities.start_methods()
    if not offered:
        raise pytest.UsageError(f"{capabilities.WITHOUT}: no start method is left")
    wanted = config.getoption("start_method") or offered
    for method in wanted:
        if method not in offered:
            raise pytest.UsageError(f"--start-method {method}: choose from {', '.join(offered)}")
    return [method for method in offered if method in wanted]


def _configure_worker(config: pytest.Config) -> None:
    """Give a worker its own folder, and a process group that the guardian knows."""
    told = vars(config)["workerinput"]
    number = told["workerid"].removeprefix("gw")
    capabilities.learn(told["capabilities"])
    guardian.use_folder(f"w{number:0>2}")  # as short as the run's own: paths may be too long
    guardian.watch_own_group()
    guardian.keep_pipes_from_forks()


def _unfit(config: pytest.Config) -> str:
    """Why this run cannot prove any claim; empty if it can."""
    if pytest.version_tuple < (9,):  # older versions do not read the table in pyproject.toml
        return f"pytest 9 or later is needed, and this is {pytest.__version__}"
    if sys.flags.optimize:
        return "assert statements are disabled, which every proof needs: omit -O, PYTHONOPTIMIZE"
    if hasattr(config, "workerinput"):
        return ""
    # Spawned children would run the pytest script again as their main module.
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is None and Path(sys.argv[0]).stem in ("pytest", "py.test"):
        return (
            "type 'python -m pytest' instead of 'pytest': "
            "spawned children would run the script again"
        )
    if not ROOT.samefile(config.rootpath):
        return f"the root directory of pytest must be {ROOT}, not {config.rootpath}"
    if config.getoption("reruns", None):
        return "--reruns: a claim that is repeated until it holds is not proved"
    if config.getoption("tx", None) and (name := _not_utf8()):
        return (
            f"workers cannot receive a name that cannot be encoded in UTF-8: {name!a}; "
            "run with -n 0, or with PYTHONUTF8=1"
        )
    return ""


def _not_utf8() -> str:
    """The first name with surrogates, from bytes that the locale cannot decode; empty if none.

    Workers receive the path of the checkout, the folder for temporary files, sys.path and
    sys.argv.
    """
    for name in (str(ROOT), tempfile.gettempdir(), *sys.path, *sys.argv):
        try:
            name.encode()
        except UnicodeEncodeError:
            return name
    return ""


def _start_guardian() -> None:
    try:
        guardian.start()
    except guardian.GuardianError as error:
        raise pytest.UsageError(str(error)) from None


def _try_sockets() -> None:
    """Raise UsageError if actors cannot connect to a test: every claim would seem to crash."""
    path = Path(tempfile.gettempdir(), "listener")
    try:
        with listen(str(path)) as listener:
            connect(listener.getsockname()).close()
    except OSError as error:
        raise pytest.UsageError(
            f"actors need local sockets or the loopback interface, and neither works: {error}"
        ) from None
    finally:
        path.unlink(missing_ok=True)


def _bind_results(config: pytest.Config) -> None:
    """Pass ``--results FILE`` to workers as one word, ``--results=FILE``.

    They would take a separate FILE, which exists by then, for a path of tests, and its folder for
    the root directory.
    """
    config.invocation_params = dataclasses.replace(
        config.invocation_params, args=tuple(_bound(list(config.invocation_params.args)))
    )
    if added := os.environ.get("PYTEST_ADDOPTS"):
        os.environ["PYTEST_ADDOPTS"] = shlex.join(_bound(shlex.split(added)))


def _bound(words: list[str]) -> list[str]:
    while "--results" in words[:-1]:
        place = words.index("--results")
        words[place : place + 2] = [f"--results={words[place + 1]}"]
    return words


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the chapters in reading order, and keep the claims that the options select."""
    rank = {f"spec/test_{name}.py": place for place, name in enumerate(CHAPTERS)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
    kept = [item for item in items if _is_selected(_claim_of(item), config)]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    if (seed := config.getoption("shuffle")) is not None:
        random.Random(seed).shuffle(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Take the items out of garbage collection, which claims ask for and forked actors do too."""
    if hasattr(gc, "freeze"):  # PyPy has none
        gc.collect()
        gc.freeze()


def _is_selected(claim: Claim | None, config: pytest.Config) -> bool:
    """Whether the options select a claim; other items, only if they select no claims."""
    selection = _selection(config)
    if claim is None:
        return not any(selection)
    return selection.contains(claim) and not catalogue.is_left_out(
        claim, config.getoption("slow"), selection.wanted
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Limit the duration of the exit: a leftover of a claim may block it forever."""
    guardian.bound_exit(int(session.exitstatus))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Measure the cost of the play from here on, in a run with a record."""
    if item.config.getoption("results") is not None and _claim_of(item) is not None:
        start_servers()
        item.stash[METER] = costs.Meter()


def _cost_of(item: pytest.Item) -> list[float | None]:
    return list(item.stash[METER].cost() if METER in item.stash else costs.Cost())


def _claim_of(item: pytest.Item) -> Claim | None:
    return getattr(getattr(item, "obj", None), "claim", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The number of workers with ``-n auto``; 0 if only a few claims are played."""
    named = config.getoption("claim") or [arg for arg in config.args if "::" in arg]
    few = 0 < len(named) <= _HANDFUL and all("." in name for name in named)
    return 0 if few else min(_WORKERS_PER_CORE * capabilities.usable_cpus(), _MOST_WORKERS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the verdict and the timeline to the report, which workers send to the run."""
    report = yield
    if call.when == "call" or report.failed:
        item.stash[FAILED] = report.failed
    if _claim_of(item) is not None:
        verdict, reason = verdict_of(report, call)
        noted = item.stash.get(TIMELINE, [])
        events = sorted(noted, key=lambda event: event.time)
        began = events[0].time if events else 0.0
        vars(report)["phase"] = {
            "verdict": verdict,
            "reason": reason,
            "timeline": [
                [event.time - began, *event[1:4], None if event.end is None else event.end - began]
                for event in events
            ],
            "cost": _cost_of(item) if call.when == "teardown" else [],
        }
    return report
