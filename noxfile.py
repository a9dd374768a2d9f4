"""The sessions: what is run, on which Pythons."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.sessions = ["spec", "simulated", "meta", "coverage", "lint", "sample"]

PROJECT = nox.project.load_toml("pyproject.toml")
# The classifiers have no words for these builds and implementations of a version.
OTHERS = ["3.13t", "3.14t", "3.15t", "pypy3.11"]
PYTHONS = [*nox.project.python_versions(PROJECT), *OTHERS]


# Spawned children import their chapter again and again: with byte code on disk they are cheaper.
BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
# Warnings are errors here, where no plugin is but ours. The one of a fork from a process with
# threads is none: with "error" it would vanish up to 3.14, and on 3.15 raise when the child exists.
PYTEST = ("python", "-m", "pytest", "-W", "error", "-W", "ignore:This process:DeprecationWarning")


# A run of these claims executes what a run executes of the kit's modules of differences.
_MEASURED = ("-n", "2", "--claim=stop", "--claim=start-method")


def _install(session: nox.Session, group: str) -> None:
    session.install(*nox.project.dependency_groups(PROJECT, group))


@nox.session(python=PYTHONS)
def spec(session: nox.Session) -> None:
    """Prove every claim on this Python; what follows -- goes to pytest."""
    _install(session, "test")
    session.run(*PYTEST, *session.posargs, env=BYTECODE)


@nox.session
def simulated(session: nox.Session) -> None:
    """Prove the claims as on macOS and on Windows, as far as Linux can be them."""
    _install(session, "test")
    for platform in ("darwin", "win32"):
        session.run(*PYTEST, *session.posargs, env={**BYTECODE, "SPEC_PLATFORM": platform})


@nox.session
def coverage(session: nox.Session) -> None:
    """Show which lines of the kit's differences between platforms no run executes, and why.

    A run that is measured judges nothing: coverage's hooks change how children start.
    """
    _install(session, "meta")
    measured = {**BYTECODE, "COVERAGE_FILE": str(Path(session.create_tmp(), "data"))}
    run = ("python", "-m", "coverage", "run", *PYTEST[1:], "-q", "-W", "ignore")
    for platform in ("", "darwin", "win32"):
        here = {**measured, "SPEC_PLATFORM": platform}
        session.run(*run, *_MEASURED, env=here, success_codes=[0, 1])
        session.run(*run, "-n", "0", "spec/meta/test_stage.py", env=here, success_codes=[0, 1])
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
    """Show that every claim turns red under its faults; -- --fault NAME, --claim ID, --others."""
    _install(session, "test")
    session.run("python", "-m", "spec.faults", *session.posargs, env=BYTECODE)


@nox.session
def picture(session: nox.Session) -> None:
    """Draw the README's picture of a run, .github/terminal.svg."""
    _install(session, "picture")
    session.run("python", "-m", "spec.report.picture", env=BYTECODE)


@nox.session
def sample(session: nox.Session) -> None:
    """Show it for one fault of each chapter."""
    _install(session, "test")
    session.run("python", "-m", "spec.faults", "--sample", env=BYTECODE)


@nox.session(python=PYTHONS)
def stress(session: nox.Session) -> None:
    """Play the suite again and again on a busy machine; -- --times N or --minutes M."""
    _install(session, "test")
    session.run("python", "-m", "spec.report.stress", *session.posargs, env=BYTECODE)
