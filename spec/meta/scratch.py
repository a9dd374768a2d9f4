"""A copy of the project with chapters that a test writes, and runs that can be interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from spec.faults import VARIABLE
from spec.kit import guardian
from spec.kit.capabilities import WITHOUT
from spec.kit.clock import now
from spec.kit.platforms import processes

ROOT = Path(__file__).parents[2]
# The bound in seconds of a run.
_BOUND = 60.0
_FOLDERS = ("kit", "report", "faults", "simulated", "site")


def eventually(ready: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether ``ready()`` returns true within ``seconds``."""
    deadline = now() + seconds
    while not ready():
        if now() > deadline:
            return False
        time.sleep(0.01)
    return True


class Ended(NamedTuple):
    """The exit code of a run, and its output: stdout and stderr together."""

    exitcode: int
    output: str

    @property
    def lines(self) -> list[str]:
        """The lines of the output, without empty lines."""
        return [line for line in self.output.splitlines() if line.strip()]


class Running:
    """A run that has been started: the leader of a new session, and so of a new process group."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        self._output = output
        guardian.watch(self.pid)

    def interrupt_group(self) -> None:
        """Send SIGINT to its process group, as Control-C in a terminal does."""
        assert hasattr(os, "killpg")
        os.killpg(self.pid, signal.SIGINT)

    def interrupt(self) -> None:
        """Send SIGINT to the run's own process only."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the run's own process only."""
        self._process.kill()

    def ends(self) -> Ended:
        """Wait for the end, for at most 60 s."""
        try:
            self._process.wait(_BOUND)
        finally:
            self._process.kill()  # its guardian ends the rest
            self._process.wait()
            guardian.forget(self.pid)
        with self._output as output:
            output.seek(0)
            return Ended(self._process.returncode, output.read().decode(errors="replace"))


class Scratch:
    """The copy of the project. Its runs create their temporary files in ``temporary``.

    The path of its folder is in the environment of all processes that a run starts, to tell them
    from other processes of the machine.
    """

    def __init__(self) -> None:
        # Short names, because the addresses of local sockets begin with them.
        self.folder = Path(tempfile.mkdtemp(prefix="s"))
        self.root = self.folder / "h"
        self.temporary = self.folder / "t"
        self._chapters: list[str] = []
        self._shared_memory: set[str] = set()
        (self.root / "spec/programs").mkdir(parents=True)
        self.temporary.mkdir()
        for name in ("conftest.py", "pyproject.toml", "spec/conftest.py"):
            shutil.copy2(ROOT / name, self.root / name)
        for folder in _FOLDERS:
            shutil.copytree(ROOT / "spec" / folder, self.root / "spec" / folder)

    def write(self, name: str, text: str) -> Path:
        """Write a file; ``name`` is its path in the copy."""
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def chapter(self, name: str, text: str) -> None:
        """Write a chapter and add it to the end of CHAPTERS."""
        self._chapters.append(name)
        package = (ROOT / "spec/__init__.py").read_text(encoding="utf-8")
        above = package.partition("#: The reading order")[0]
        self.write("spec/__init__.py", f"{above}CHAPTERS = {tuple(self._chapters)!r}\n")
        self.write(f"spec/test_{name}.py", text)

    def python(self, *arguments: str, **environment: str) -> Running:
        """Start an interpreter in the folder of the copy."""
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # set by a shell, for & at its end
            signal.signal(signal.SIGINT, signal.default_int_handler)
        inherited = {k: v for k, v in os.environ.items() if k not in (VARIABLE, WITHOUT)}
        output = tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.root,
            env={**inherited, "TMPDIR": str(self.temporary), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return Running(process, output)

    def start(self, *arguments: str, **environment: str) -> Running:
        """Start a run of pytest."""
        return self.python("-m", "pytest", "-p", "no:cacheprovider", *arguments, **environment)

    def run(self, *arguments: str, **environment: str) -> Ended:
        """Start a run of pytest and wait for its end."""
        return self.start(*arguments, **environment).ends()

    def processes(self) -> dict[int, str]:
        """The processes of the copy's runs, with their command lines."""
        mark = os.fsencode(self.folder)
        return {pid: command for pid, _, _, command in processes() if mark in _surroundings(pid)}

    def note_shared_memory(self) -> set[str]:
        """Note the named semaphores and shared memory that the runs' processes have mapped now."""
        for pid in self.processes():
            self._shared_memory |= _shared_mappings(pid)
        return self._shared_memory

    def left_behind(self) -> list[str]:
        """The leftovers of all runs; waits up to 10 s for guardians and resource trackers."""
        eventually(lambda: not self._left())
        return self._left()

    def _left(self) -> list[str]:
        return [
            *self.processes().values(),
            *(path for path in self._shared_memory if Path(path).exists()),
            *map(str, self.temporary.iterdir()),
        ]


def _surroundings(pid: int) -> bytes:
    """The environment and the command line with which a process was started."""
    try:
        folder = Path("/proc", str(pid))
        return (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
    except OSError:  # the process has ended since
        return b""


def _shared_mappings(pid: int) -> set[str]:
    try:
        lines = Path("/proc", str(pid), "maps").read_text().splitlines()
    except OSError:
        return set()
    mapped = {line.split(None, 5)[5] for line in lines if "/dev/shm/" in line}
    return {path for path in mapped if not path.endswith(" (deleted)")}
