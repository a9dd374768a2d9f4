"""Whole programs: what a claim needs that is about a main module, or about a program's end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple

from spec.kit import guardian, package
from spec.kit.clock import PATIENCE, now
from spec.kit.platforms import default_start_method, reap_tree
from spec.kit.stage import TimedOut

PROGRAMS = Path(__file__).parents[1] / "programs"


class Completed(NamedTuple):
    """How a program ended: exit code (negative for a signal), what it wrote, seconds it took."""

    exitcode: int
    output: str
    errors: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        """What it wrote, line by line."""
        return self.output.splitlines()


class Programs:
    """Runs the programs of ``spec/programs``, each in an interpreter of its own.

    ``start_method`` is the program's first argument, ``patience`` the bound of a run in
    seconds, ``folder`` where a program may leave files for its claim to read.
    """

    def __init__(self, start_method: str, folder: Path, patience: float = PATIENCE) -> None:
        self.start_method = start_method
        self.folder = folder
        self.patience = patience

    @property
    def is_default(self) -> bool:
        """Whether the start method is the one that a program gets without asking."""
        return self.start_method == package.start_methods()[0]

    @property
    def documented_default(self) -> str:
        """The start method that the documentation promises to a program that does not choose."""
        return default_start_method()

    def run(
        self,
        name: str,
        *arguments: str,
        options: tuple[str, ...] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
        typed: str = "",
    ) -> Completed:
        """Run ``spec/programs/<name>.py``; its first argument is the start method.

        ``options`` are the interpreter's own (``-O``), ``environment`` is added to this one's,
        ``typed`` is what the program finds on its standard input.

        Nothing of its tree is left afterwards. Raises TimedOut when it has not ended in time.
        """
        words = [*options, str(PROGRAMS / f"{name}.py"), self.start_method, *arguments]
        return self._run(name, words, environment, typed)

    def run_default(self, name: str) -> Completed:
        """Run it without a word on the start method, so under the platform's default."""
        return self._run(name, [str(PROGRAMS / f"{name}.py")])

    def run_together(
        self, run: Callable[[str], Completed], names: Iterable[str]
    ) -> dict[str, Completed]:
        """How each program ends, run by ``run``; three at a time, since most of them wait."""
        from concurrent.futures import ThreadPoolExecutor  # it has locks taken at every fork

        names = list(names)
        with ThreadPoolExecutor(3) as together:
            return dict(zip(names, together.map(run, names), strict=True))

    def run_typed(self, name: str, *arguments: str) -> Completed:
        """Run it as if it were typed: it comes from the standard input, and has no file."""
        text = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
        return self._run(name, ["-", self.start_method, *arguments], typed=text)

    def run_given(self, name: str, *arguments: str) -> Completed:
        """Run it given on the command line, with -c: it has no file."""
        text = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
        return self._run(name, ["-c", text, self.start_method, *arguments])

    def _run(
        self,
        name: str,
        words: list[str],
        environment: Mapping[str, str] = MappingProxyType({}),
        typed: str = "",
    ) -> Completed:
        # Unbuffered, print writes each piece on its own, and the lines of processes get mixed.
        surroundings = {**os.environ, "PYTHONUNBUFFERED": "", **environment}
        # Files, not pipes: whoever outlives the program holds a pipe open.
        with (
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as errors,
            tempfile.TemporaryFile() as given,
        ):
            given.write(typed.encode())
            given.seek(0)
            began = now()
            # The working directory outlives the resource trackers: 3.13.0's crashes without one.
            program = subprocess.Popen(
                [sys.executable, *words],
                stdin=given,
                stdout=output,
                stderr=errors,
                env=surroundings,
                start_new_session=True,
            )
            guardian.watch(program.pid)
            try:
                code: int | None = program.wait(self.patience)
            except subprocess.TimeoutExpired:
                code = None
            finally:  # after an interrupt too
                seconds = now() - began
                reap_tree(program)
                guardian.forget(program.pid)
            said, complained = _text(output), _text(errors)
        if code is None:
            raise TimedOut(
                f"the program {name} has not ended within {self.patience:g} s; "
                f"it wrote {said!r} and complained {complained!r}"
            )
        return Completed(code, said, complained, seconds)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").replace(os.linesep, "\n")
