"""The nox sessions, and the Pythons that they run on."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.sessions = ["spec", "simulated", "meta", "lint", "sample", "browser", "report"]

PROJECT = nox.project.load_toml("pyproject.toml")
# The classifiers in pyproject.toml cannot name these builds and implementations.
OTHERS = ["3.13t", "3.14t", "3.15t", "pypy3.11"]
RELEASES = nox.project.python_versions(PROJECT)
PYTHONS = [*RELEASES, *OTHERS]


# Each spawned child imports its chapter again: with bytecode on disk that is cheaper.
BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
# Warnings are errors here, because the environment has only the plugins that are needed. The
# warning about a fork with several threads is ignored: with "error" it is lost up to 3.14, and on
# 3.15 it is raised after the child has been created.
PYTEST = ("python", "-m", "pytest", "-W", "error", "-W", "ignore:This process:DeprecationWarning")


# These claims execute the same lines of the measured modules as a run of all claims does.
_MEASURED = ("-n", "2", "--claim=stop", "--claim=start-method")


def _install(session: nox.Session, group: str) -> None:
    session.install(*nox.project.dependency_groups(PROJECT, group))


def _record(session: nox.Session) -> tuple[str, ...]:
    """The option for the record of the run, unless the arguments have their own.

    A folder keeps the record of the last run of each environment. A run of selected claims, such as
    with -- --claim ID, writes none there.
    """
    own = any(word.startswith("--results") for word in session.posargs)
    return () if own else ("--results=.results/",)


@nox.session(python=PYTHONS)
def spec(session: nox.Session) -> None:
    """Prove every claim on this Python, and keep the record; arguments after -- go to pytest."""
    _install(session, "test")
    # In CI slow claims are played once: they wait for seconds, and differ by no version so far.
    slow = ["--slow"] if os.environ.get("CI") and session.python == RELEASES[-1] else []
    session.run(*PYTEST, *slow, *_record(session), *session.posargs, env=BYTECODE)


@nox.session
def simulated(session: nox.Session) -> None:
    """Prove the claims on simulated macOS and Windows, as far as Linux can simulate them."""
    _install(session, "test")
    for platform in ("darwin", "win32"):
        simulating = {**BYTECODE, "SPEC_PLATFORM": platform}
        session.run(*PYTEST, *_record(session), *session.posargs, env=simulating)


@nox.session(python=PYTHONS)
def coverage(session: nox.Session) -> None:
    """Show which lines of the package under test the claims execute; judges nothing."""
    _install(session, "coverage")
    folder = Path(session.create_tmp()).absolute()
    for old in folder.iterdir():
        old.unlink()
    rcfile = f"--rcfile={Path('spec/meta/coverage.ini').absolute()}"
    measured = {**BYTECODE, "COVERAGE_FILE": str(folder / "data")}
    run = ("python", "-m", "coverage", "run", rcfile)
    all_claims = ("-m", "pytest", "-q", "-n", "2", "--slow", "-W", "ignore")
    session.run(*run, *all_claims, *session.posargs, env=measured, success_codes=[0, 1])
    session.run(*run, "-m", "spec.meta.import_package", env=measured)
    session.run("python", "-m", "coverage", "combine", "-q", rcfile, env=measured)
    report = str(folder / "report.json")
    session.run("python", "-m", "coverage", "json", "-q", rcfile, "-o", report, env=measured)
    session.run("python", "-m", "spec.meta.covered", report)


@nox.session(name="kit-coverage")
def kit_coverage(session: nox.Session) -> None:
    """Show which lines of the platform-dependent modules no run executes, and why.

    The verdicts of a measured run are ignored: coverage's hooks change how children start.
    """
    _install(session, "coverage")
    measured = {**BYTECODE, "COVERAGE_FILE": str(Path(session.create_tmp(), "data"))}
    run = ("python", "-m", "coverage", "run", *PYTEST[1:], "-q", "-W", "ignore")
    for platform in ("", "darwin", "win32"):
        here = {**measured, "SPEC_PLATFORM": platform}
        session.run(*run, *_MEASURED, env=here, success_codes=[0, 1])
        stage = ("spec/meta/test_stage.py", "-k", "not docstrings")  # those run copies
        session.run(*run, "-n", "0", *stage, env=here, success_codes=[0, 1])
    parts = ("spec/meta/test_guardian.py", "spec/meta/test_platforms.py")
    session.run(*run, "-n", "0", *parts, env=measured, success_codes=[0, 1])
    session.run("python", "-m", "coverage", "combine", "-q", env=measured)
    session.run("python", "-m", "spec.meta.unrun", env=measured)


@nox.session
def meta(session: nox.Session) -> None:
    """Test the kit, the report and the catalogue of faults."""
    _install(session, "meta")
    session.run(*PYTEST, "-n", "0", "spec/meta", *session.posargs, env=BYTECODE)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, imports and types, for Linux, macOS and Windows, and the workflows."""
    _install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    for platform in ("linux", "darwin", "win32"):
        session.run("mypy", "--platform", platform)
    session.run("zizmor", "--offline", "--quiet", ".github")


@nox.session
def claims(session: nox.Session) -> None:
    """List the claims; -- --claims=json lists them as data."""
    _install(session, "test")
    session.run(*PYTEST, "-n", "0", *(session.posargs or ["--claims"]))


@nox.session(python=PYTHONS)
def faults(session: nox.Session) -> None:
    """Show that each claim turns red under its faults; -- --fault NAME, --claim ID, --others."""
    _install(session, "test")
    session.run("python", "-m", "spec.faults", *session.posargs, env=BYTECODE)


@nox.session
def report(session: nox.Session) -> None:
    """Write report.html and book.html from .results; -- RECORD... -o FILE for other records."""
    _install(session, "report")
    words = session.posargs or [".results", "-o", "report.html", "--book", "book.html"]
    session.run("python", "-m", "spec.report.page", *words)


@nox.session
def browser(session: nox.Session) -> None:
    """Test the page in Chromium, if there is one; SPEC_CHROMIUM is its path."""
    _install(session, "browser")
    session.run(*PYTEST, "-n", "0", "spec/meta/browser", *session.posargs, env=BYTECODE)


@nox.session
def picture(session: nox.Session) -> None:
    """Draw the pictures in the README: of a run, and of the page of the records in .results."""
    _install(session, "picture")
    session.run("python", "-m", "spec.report.picture", env=BYTECODE)
    session.run("python", "-m", "spec.report.page.picture", *session.posargs)


@nox.session
def sample(session: nox.Session) -> None:
    """Show that claims turn red, for one fault of each chapter."""
    _install(session, "test")
    session.run("python", "-m", "spec.faults", "--sample", env=BYTECODE)


@nox.session(python=PYTHONS)
def stress(session: nox.Session) -> None:
    """Play the suite again and again on a busy machine; -- --times N or --minutes M."""
    _install(session, "test")
    session.run("python", "-m", "spec.report.stress", *session.posargs, env=BYTECODE)
