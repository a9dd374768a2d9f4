"""Whole programs, for claims about a main module or about the end of a program."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple

from spec.kit import guardian, package
from spec.kit.clock import PATIENCE, now
from spec.kit.platforms import default_start_method, reap_tree
from spec.kit.stage import Event, TimedOut

PROGRAMS = Path(__file__).parents[1] / "programs"

# A failure shows the chapter's own lines, not these.
__tracebackhide__ = True


class Completed(NamedTuple):
    """How a program ended: exit code (negative for a signal), output, duration in seconds."""

    path: str
    exitcode: int
    output: str
    errors: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        """The lines that it wrote to standard output."""
        return self.output.splitlines()

    @property
    def table(self) -> dict[str, str]:
        """Its lines of the form ``label: value``.

        Raises AssertionError if a line has another form or a label comes twice: a program whose
        child did something twice would look right otherwise.
        """
        table: dict[str, str] = {}
        for line in self.lines:
            label, colon, value = line.partition(": ")
            assert colon, f"{self.path} printed {line!r}, which is no 'label: value'"
            assert label not in table, f"{self.path} printed {label!r} twice"
            table[label] = value
        return table


class Programs:
    """Runs the programs of ``spec/programs``, each in a new interpreter.

    ``start_method`` is the program's first argument; ``chapter`` is the folder of its programs;
    ``folder`` is a folder for files that a program writes and its claim reads; ``timeline`` gets
    the events of each run; ``patience`` is the bound of a run in seconds.

    The name of a program is its file without ``.py``. A program of another chapter is named with
    its folder, as ``locks/sample_lock``.
    """

    def __init__(
        self,
        start_method: str,
        chapter: str,
        folder: Path,
        timeline: list[Event],
        patience: float = PATIENCE,
    ) -> None:
        self.start_method = start_method
        self.chapter = chapter
        self.folder = folder
        self.timeline = timeline
        self.patience = patience

    @property
    def is_default(self) -> bool:
        """Whether the start method is the platform's default."""
        return self.start_method == package.start_methods()[0]

    @property
    def documented_default(self) -> str:
        """The start method that the documentation gives to a program that chooses none."""
        return default_start_method()

    def run(
        self,
        name: str,
        *arguments: str,
        options: tuple[str, ...] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
        typed: str = "",
    ) -> Completed:
        """Run a program; its first argument is the start method, ``arguments`` follow.

        ``options`` are options of the interpreter (``-O``), ``environment`` is added to this
        process's environment, and ``typed`` is the program's standard input.

        All processes that it has started are ended. Raises TimedOut if it does not end within the
        patience.
        """
        words = [*options, str(self._path(name)), self.start_method, *arguments]
        return self._run(name, words, environment, typed)

    def lines_of(self, name: str, *arguments: str, **settings: Any) -> list[str]:
        """Run a program as :meth:`run` does; returns the lines that it printed.

        Raises AssertionError if its exit code is not zero.
        """
        return self._succeeding(name, *arguments, **settings).lines

    def table_of(self, name: str, *arguments: str, **settings: Any) -> dict[str, str]:
        """As :meth:`lines_of`, for lines ``label: value``; returns :attr:`Completed.table`."""
        return self._succeeding(name, *arguments, **settings).table

    def run_default(self, name: str) -> Completed:
        """Run a program without an argument: it gets the platform's default start method."""
        return self._run(name, [str(self._path(name))])

    def run_together(
        self, run: Callable[[str], Completed], names: Iterable[str]
    ) -> dict[str, Completed]:
        """Run each program by calling ``run`` with its name; returns how each ended.

        Three run at a time, because most of them wait.
        """
        from concurrent.futures import ThreadPoolExecutor  # its import adds locks to every fork

        names = list(names)
        with ThreadPoolExecutor(3) as together:
            return dict(zip(names, together.map(run, names), strict=True))

    def run_typed(self, name: str, *arguments: str) -> Completed:
        """Run a program from standard input, as if it were typed: it has no file."""
        text = self._path(name).read_text(encoding="utf-8")
        return self._run(name, ["-", self.start_method, *arguments], typed=text)

    def run_given(self, name: str, *arguments: str) -> Completed:
        """Run a program as the argument of ``-c``: it has no file."""
        text = self._path(name).read_text(encoding="utf-8")
        return self._run(name, ["-c", text, self.start_method, *arguments])

    def _succeeding(self, name: str, *arguments: str, **settings: Any) -> Completed:
        completed = self.run(name, *arguments, **settings)
        assert completed.exitcode == 0, (
            f"{completed.path} ended with exit code {completed.exitcode}: "
            + (completed.errors.strip().rpartition("\n")[2] or "it wrote nothing to stderr")
        )
        return completed

    def _path(self, name: str) -> Path:
        return PROGRAMS / f"{name if '/' in name else f'{self.chapter}/{name}'}.py"

    def _told(self, name: str) -> str:
        return self._path(name).relative_to(PROGRAMS.parents[1]).as_posix()

    def _note(self, time: float, name: str, kind: str, text: str) -> None:
        if text:
            self.timeline.append(Event(time, name, kind, text.rstrip()))

    def _run(
        self,
        name: str,
        words: list[str],
        environment: Mapping[str, str] = MappingProxyType({}),
        typed: str = "",
    ) -> Completed:
        # Unbuffered, print() writes each part separately, and lines of several processes mix.
        surroundings = {**os.environ, "PYTHONUNBUFFERED": "", **environment}
        # Files, not pipes: a child that outlives the program would hold a pipe open.
        with (
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as errors,
            tempfile.TemporaryFile() as given,
        ):
            given.write(typed.encode())
            given.seek(0)
            began = now()
            # The current directory stays until after the resource trackers have ended: 3.13.0's
            # crashes if its directory was removed.
            program = subprocess.Popen(
                [sys.executable, *words],
                stdin=given,
                stdout=output,
                stderr=errors,
                env=surroundings,
                start_new_session=True,
            )
            guardian.watch(program.pid)
            self._note(began, name, "started", self._told(name))
            try:
                code: int | None = program.wait(self.patience)
            except subprocess.TimeoutExpired:
                code = None
            finally:  # after an interrupt too
                seconds = now() - began
                reap_tree(program)
                guardian.forget(program.pid)
            printed, complained = _text(output), _text(errors)
        ended = began + seconds
        self._note(ended, name, "stdout", printed)
        self._note(ended, name, "stderr", complained)
        if code is None:
            lost = "output that it had not flushed is lost"
            self._note(ended, name, "killed", f"after {seconds:.1f} s; {lost}")
            raise TimedOut(
                f"{self._told(name)} did not end within {self.patience:g} s; it printed "
                f"{printed!r} and wrote {complained!r} to stderr; {lost}"
            )
        self._note(ended, name, "ended", f"with exit code {code}")
        return Completed(self._told(name), code, printed, complained, seconds)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").replace(os.linesep, "\n")
