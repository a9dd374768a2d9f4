"""The parts of the guardian: the processes that it ends, and those that it leaves alone."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from spec.kit import guardian, platforms

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no guardian here")

SLEEP = "import sys; sys.stdin.read()"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run's folder, where process groups are noted."""
    monkeypatch.setenv(guardian.FOLDER, str(tmp_path))
    return tmp_path


@pytest.fixture
def start():
    """A function that starts a process which waits; all of them end with the test.

    ``more`` is added to the environment; ``settings`` are arguments of Popen.
    """
    with ExitStack() as ending:

        def start(more: dict[str, str] | None = None, **settings) -> subprocess.Popen[bytes]:
            theirs = {name: value for name, value in os.environ.items() if name != guardian.FOLDER}
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", SLEEP],
                stdin=subprocess.PIPE,
                start_new_session=True,
                env={**theirs, **(more or {})},
                **settings,
            )
            return ending.enter_context(process)

        yield start


@pytest.fixture
def pipe():
    """Both ends of the pipe by which the guardian recognises forks."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def no_proc(monkeypatch):
    """As on macOS: ps lists the processes, and their environment is unknown."""
    monkeypatch.setattr(platforms, "sys", SimpleNamespace(platform="darwin"))


def end(folder, pipe):
    """End the processes of the folder's run; returns the groups that are left alone."""
    return guardian.end_all(folder, os.fstat(pipe[0]).st_ino, {os.getpid()})


def note(group: int, seconds_ago: float) -> None:
    """Note a group with a time that is ``seconds_ago``."""
    guardian.watch(group)
    noted = Path(os.environ[guardian.FOLDER], f"group-{group}")
    os.utime(noted, (0, time.time() - seconds_ago))


def test_what_is_marked_is_ended_and_nothing_else(folder, start, pipe):
    marked = start({guardian.FOLDER: str(folder)})
    forked = start(pass_fds=[pipe[1]])
    others = [
        start(),
        start({guardian.FOLDER: f"{folder}-2"}),
        start({"PWD": str(folder)}, cwd=folder),
    ]
    assert end(folder, pipe) == []
    assert marked.wait() == forked.wait() == -signal.SIGKILL
    assert [other.poll() for other in others] == [None, None, None]


def test_a_group_whose_leader_was_noted_is_ended(folder, start, pipe, no_proc):
    leader = start()
    note(leader.pid, 0)
    assert end(folder, pipe) == []
    assert leader.wait() == -signal.SIGKILL


def test_a_number_that_was_given_anew_is_left_alone(folder, start, pipe, no_proc):
    younger = start()
    note(younger.pid, 60)
    assert end(folder, pipe) == []
    assert younger.poll() is None


def test_a_group_without_a_leader_is_left_alone_and_told(folder, start, pipe, no_proc, monkeypatch):
    monkeypatch.setattr(guardian, "_LAST_WAIT", 0.2)
    program = "import os, sys; os.fork() and os._exit(0); sys.stdin.read()"
    leader = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program], stdin=subprocess.PIPE, start_new_session=True
    )
    leader.wait()
    note(leader.pid, 0)
    assert end(folder, pipe) == [leader.pid]
    assert platforms.group_exists(leader.pid)
    assert leader.stdin is not None
    leader.stdin.close()


def test_where_nothing_can_be_seen_living_groups_are_left_alone_and_told(
    folder, start, pipe, monkeypatch
):
    monkeypatch.setattr(guardian, "_LAST_WAIT", 0.2)
    monkeypatch.setattr(guardian, "processes", list)
    living, gone = start(), start()
    for each in (living, gone):
        note(each.pid, 0)
    gone.kill()
    gone.wait()
    assert end(folder, pipe) == [living.pid]
    assert living.poll() is None


def test_a_forgotten_group_is_not_noted(folder):
    guardian.watch(7)
    assert set(guardian._noted(folder)) == {7}
    guardian.forget(7)
    guardian.forget(7)
    assert guardian._noted(folder) == {}


def test_after_an_interrupt_all_is_ended_but_the_run_and_its_guardian(
    folder, start, pipe, monkeypatch
):
    watching = start({guardian.FOLDER: str(folder)})
    worker = start({guardian.FOLDER: str(folder)})
    known = guardian._Watch(watching.pid, os.fstat(pipe[0]).st_ino)
    monkeypatch.setattr(guardian, "_watch", [known])
    guardian.end_workers()
    assert worker.wait() == -signal.SIGKILL
    assert watching.poll() is None


def test_the_guardian_runs_in_a_fork_and_its_starter_prints_the_pid(monkeypatch, capfd):
    """The first process prints the PID of the guardian, which it has forked, and exits."""

    def leave(code):
        raise SystemExit(code)

    monkeypatch.setattr(os, "fork", lambda: 77)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit, match="0"):
        guardian.main("folder", "1", "2")
    assert capfd.readouterr().out == "77"


def test_the_guardian_tidies_up_at_the_end_of_its_input(folder, pipe, monkeypatch, capsys):
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "setsid", lambda: None)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO()))
    monkeypatch.setattr(guardian, "end_all", lambda *_: [8, 9])
    guardian.main(str(folder), "1", str(pipe[0]))
    assert not folder.exists()
    assert capsys.readouterr().err == (
        "left alone, because it is unknown whether they belong to the run: process groups 8, 9\n"
    )


def test_an_exit_that_has_no_end_is_cut_short(monkeypatch, capsys):
    codes: list[int] = []
    monkeypatch.setattr(threading, "main_thread", lambda: SimpleNamespace(join=lambda: None))
    monkeypatch.setattr(guardian, "_EXIT", 0.01)
    monkeypatch.setattr(os, "_exit", codes.append)
    guardian._cut_short(3)
    assert codes == [3]
    assert "the exit was cut short" in capsys.readouterr().err


def test_a_guardian_that_cannot_start_is_one_line_and_leaves_nothing(
    folder, tmp_path_factory, monkeypatch
):
    temporary = tmp_path_factory.mktemp("temporary")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(sys, "executable", str(temporary / "python"))
    with pytest.raises(guardian.GuardianError, match=r"did not start: .*No such file") as caught:
        guardian.start()
    assert "\n" not in str(caught.value)
    assert list(temporary.iterdir()) == []


def test_no_folder_for_temporary_files_is_one_line(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "missing"))
    with pytest.raises(guardian.GuardianError, match="there is no folder for temporary files"):
        guardian.start()


def test_the_run_removes_its_folder_and_a_fork_of_it_does_not(folder):
    guardian._remove(str(folder), os.getpid() + 1)
    assert folder.exists()
    guardian._remove(str(folder), os.getpid())
    assert not folder.exists()
