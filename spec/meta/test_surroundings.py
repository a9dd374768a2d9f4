"""Unusual environments: a run names the missing capability, or ends with one line of error.

It never ends with a traceback.
"""

import multiprocessing
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spec import simulated
from spec.kit.capabilities import CAPABILITIES
from spec.meta.chapters import SIMPLE
from spec.meta.scratch import Ended, Scratch, eventually
from spec.report.plays import CRASHES, HOLDS, NOT_APPLICABLE
from spec.report.record import read

WORKERS = pytest.mark.parametrize("workers", ["0", "2"])


def needy(capability: str) -> str:
    """The text of a chapter with one claim, needy.holds, which needs the capability."""
    text = SIMPLE.replace("claim\n", f'claim\n\nNEEDS = ("{capability}",)\n', 1)
    return text.format(name="needy")


@pytest.fixture
def simple(scratch: Scratch) -> Scratch:
    """A copy of the project with one claim, simple.holds."""
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    return scratch


def verdicts(scratch: Scratch) -> set[tuple[str, str, str]]:
    """Each claim's verdict and its reason, under all start methods together."""
    plays = read(scratch.root / "record").plays
    return {(play["claim"], play["verdict"], play["reason"]) for play in plays}


def in_shell(
    scratch: Scratch, first: str, *arguments: str, options: str = "-rmn", **environment: str
) -> Ended:
    """A run in a shell that executes ``first`` before it, as root in new namespaces.

    ``options`` are those of unshare.
    """
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    shell = ["unshare", options, "sh", "-c", f'{first} && exec "$@"', "-", *words]
    program = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"
    return scratch.python("-c", program, *shell, **environment).ends()


can_mount = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-rmn", "true"], capture_output=True).returncode != 0,
    reason="namespaces cannot be created here (unshare -rmn)",
)


@WORKERS
@pytest.mark.parametrize("switch", ["-O", "-OO"])
def test_asserts_that_are_off_are_told_in_one_line(simple, switch, workers):
    run = simple.python(switch, "-m", "pytest", "-n", workers).ends()
    assert run.exitcode == 4
    (line,) = run.lines
    assert line.startswith("ERROR: assert statements are disabled")
    assert "-O, PYTHONOPTIMIZE" in line


@WORKERS
def test_another_root_is_told_in_one_line(simple, workers):
    run = simple.run("-n", workers, "--rootdir=/", str(simple.root))
    assert run.exitcode == 4
    assert run.lines == [f"ERROR: the root directory of pytest must be {simple.root}, not /"]


def test_a_name_that_workers_cannot_be_told_is_told_in_one_line(simple):
    odd = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    odd["PYTHONPATH"] = str(simple.folder / "häuser")
    run = simple.run("-n", "2", **odd)
    assert run.exitcode == 4
    (line,) = run.lines
    assert "h\\udcc3\\udca4user" in line
    assert "run with -n 0" in line
    assert simple.run("-n", "0", **odd).exitcode == 0


STRANGER = """
import warnings


def pytest_configure(config):
    warnings.warn("a stranger's", DeprecationWarning)
"""


@WORKERS
def test_a_strangers_warning_does_not_end_the_run(simple, workers):
    simple.write("stranger.py", STRANGER)
    run = simple.run("-n", workers, "-p", "stranger", PYTHONPATH=str(simple.root))
    assert run.exitcode == 0, run.output
    assert "INTERNALERROR" not in run.output


@WORKERS
@pytest.mark.parametrize("switches", [("-X", "dev"), ("-W", "error")], ids=" ".join)
def test_nothing_is_complained_of_in_development_mode(simple, switches, workers):
    run = simple.python(*switches, "-m", "pytest", "-n", workers).ends()
    assert run.exitcode == 0, run.output
    assert "ResourceWarning" not in run.output


def test_the_guardian_is_found_where_the_current_directory_is_no_path_of_modules(simple):
    run = simple.run("-n", "2", PYTHONSAFEPATH="1")
    assert run.exitcode == 0, run.output
    assert simple.left_behind() == []


BLOCK = '''
"""Scratch: a claim with a block of shared memory."""

from spec.kit import claim, package


@claim("block.holds", docs="multiprocessing.shared_memory.SharedMemory")
def test_a_block_can_be_created(mp, stage):
    """A block can be created."""
    block = package.submodule("shared_memory").SharedMemory(create=True, size=1)
    block.close()
    block.unlink()
'''

# The private names of the package for its fork server and its resource tracker.
SERVERS = "_forkserver _forkserver_pid _forkserver_alive_fd _forkserver_address _inherited_fds"
TRACKERS = "_resource_tracker _fd _pid ensure_running get_temp_dir"


def test_the_private_names_of_the_packages_servers_are_not_needed(simple):
    simple.chapter("block", BLOCK)
    other = simple.root / "other/multiprocessing"
    shutil.copytree(Path(multiprocessing.__file__).parent, other)
    private = re.compile(rf"\b({'|'.join(f'{SERVERS} {TRACKERS}'.split())})\b")
    for module in other.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        module.write_text(private.sub(r"\1_of_others", text), encoding="utf-8")
    run = simple.run("-n", "0", "--results=record", PYTHONPATH=str(other.parent))
    assert run.exitcode == 0, run.output
    assert {(claim, verdict) for claim, verdict, _ in verdicts(simple)} == {
        ("simple.holds", HOLDS),
        ("block.holds", HOLDS),
    }


@pytest.mark.skipif(
    sys.version_info >= (3, 14),
    reason="since Python 3.14 the package uses a folder with a shorter path then",
)
def test_a_long_path_for_temporary_files_costs_the_fork_server_only(simple):
    simple.chapter("needy", needy("addresses"))
    long = simple.temporary / ("x" * (90 - len(str(simple.temporary))))
    long.mkdir()
    run = simple.run("-n", "2", "--results=record", TMPDIR=str(long))
    assert eventually(lambda: list(long.iterdir()) == [])
    long.rmdir()
    assert run.exitcode == 0, run.output
    lack = CAPABILITIES["addresses"].lack
    assert f"missing: addresses: {lack}" in run.lines
    assert verdicts(simple) >= {
        ("simple.holds", HOLDS, ""),
        ("simple.holds", NOT_APPLICABLE, lack),
        ("needy.holds", NOT_APPLICABLE, lack),
    }


@can_mount
@WORKERS
@pytest.mark.parametrize(
    ("first", "capability"),
    [
        ("mount -t tmpfs -o ro none /dev/shm", "semaphores"),
        ("ulimit -n 64", "many-files"),
    ],
)
def test_what_is_missing_is_a_verdict_with_a_sentence(simple, first, capability, workers):
    simple.chapter("needy", needy(capability))
    run = in_shell(simple, first, "-n", workers, "--results=record")
    assert run.exitcode == 0, run.output
    lack = CAPABILITIES[capability].lack
    assert f"missing: {capability}: {lack}" in run.lines
    assert verdicts(simple) == {("simple.holds", HOLDS, ""), ("needy.holds", NOT_APPLICABLE, lack)}


@can_mount
@WORKERS
@pytest.mark.parametrize(
    ("first", "blind"),
    [
        ("true", None),  # the new namespace has no network, not even the loopback interface
        ("mount -t tmpfs none /proc", "processes: they cannot be listed here (/proc, ps)"),
    ],
    ids=["no-network", "no-proc"],
)
def test_what_cannot_be_looked_for_is_a_line_in_the_head(simple, first, blind, workers):
    run = in_shell(simple, first, "-n", workers, "--results=record")
    assert run.exitcode == 0, run.output
    assert verdicts(simple) == {("simple.holds", HOLDS, "")}
    told = [line for line in run.lines if line.startswith("not checked after a claim: ")]
    if blind is None:
        assert told == []
    else:
        assert f"not checked after a claim: {blind}" in told


@can_mount
@WORKERS
def test_without_local_sockets_and_a_network_the_run_says_what_it_needs(simple, workers):
    """So it would be on Windows without a loopback interface."""
    run = in_shell(simple, "true", "-n", workers, **{simulated.VARIABLE: "win32"})
    assert run.exitcode == 4
    (line,) = run.lines
    assert line.startswith("ERROR: actors need local sockets or the loopback interface")


def test_a_record_that_cannot_be_written_on_is_told_and_ends_the_run_red(simple):
    """The claims are still played."""
    simple.write("full.py", FULL)
    run = simple.run("-n", "0", "-p", "full", "--results=record", PYTHONPATH=str(simple.root))
    assert run.exitcode == 1
    assert "INTERNALERROR" not in run.output
    trouble = "the record is incomplete, record cannot be written: No space left on device"
    assert trouble in run.lines
    assert any("holds" in line for line in run.lines)


# As on a disk that is full after the first line of the record.
FULL = """
from spec.report import record

write = record.Writer._write


def fill(self, **line):
    write(self, **line)
    self._file = open("/dev/full", "w")


record.Writer._write = fill
"""


CRASH = '''
"""Scratch: a test that ends its own process."""

import os

from spec.kit import claim


@claim("crash.of-the-test", docs="multiprocessing")
def test_its_process_ends(mp, stage):
    """The test's own process ends."""
    os._exit(3)
'''


def test_the_reason_of_a_crash_is_that_a_worker_crashed(scratch):
    """The reason is not the first line of the printed failure, which is the claim."""
    scratch.chapter("crash", CRASH)
    scratch.run("-n", "2", "--start-method", "spawn", "--results=record")
    ((claim, verdict, reason),) = verdicts(scratch)
    assert (claim, verdict) == ("crash.of-the-test", CRASHES)
    assert reason.startswith("worker 'gw")
    assert "crashed" in reason


@can_mount
def test_a_run_as_process_one_removes_its_folder(simple):
    """The kernel kills its guardian when process 1 ends."""
    run = in_shell(simple, "true", "-n", "0", options="-rpf")
    assert run.exitcode == 0, run.output
    assert list(simple.temporary.iterdir()) == []
