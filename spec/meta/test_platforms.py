"""The differences between platforms, on a system that refuses some calls."""

import importlib
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from spec.kit import capabilities, platforms
from spec.kit.mappings import SHARED_MEMORY
from spec.kit.platforms import remove_noted

linux = pytest.mark.skipif(not Path(SHARED_MEMORY).is_dir(), reason="only Linux has this")


def refuse(*_, **__):
    """Replaces a function: raises PermissionError, as a system that refuses a call."""
    raise PermissionError("not for you")


def test_what_cannot_be_listed_is_empty_and_told(monkeypatch):
    for name in ("listdir", "readlink"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    assert platforms.processes() == []
    assert platforms.descriptors() == {}
    assert platforms.shared_mappings() == set()
    assert platforms.is_marked(os.getpid(), "an=entry", 0) in (False, None)
    assert {"processes", "descriptors"} <= platforms.unsurveyed().keys()


def test_where_there_is_no_ps_nothing_is_listed(monkeypatch):
    monkeypatch.setattr(platforms, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert platforms.processes() == []
    assert platforms.led_since(os.getpid(), 0.0) is None


def test_ps_lists_this_process_and_not_itself(monkeypatch):
    monkeypatch.setattr(platforms, "sys", SimpleNamespace(platform="darwin"))
    listed = {pid: (parent, command) for pid, parent, _, command in platforms.processes()}
    assert os.getpid() in listed
    children = [command for parent, command in listed.values() if parent == os.getpid()]
    assert not any(command.startswith("ps ") for command in children)


def test_a_command_line_that_is_no_text_is_listed(monkeypatch):
    monkeypatch.setattr(platforms, "sys", SimpleNamespace(platform="darwin"))
    odd = os.fsdecode(b"\xe4\xff")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()", odd],
        stdin=subprocess.PIPE,
    ) as process:
        assert process.pid in {pid for pid, *_ in platforms.processes()}


@linux
def test_what_a_killed_process_had_mapped_loses_its_name():
    program = (
        "import sys; from multiprocessing.shared_memory import SharedMemory as S; "
        "s = S(create=True, size=8); print(s.name, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # its resource tracker warns about the block
    ) as process:
        assert process.stdout is not None
        path = SHARED_MEMORY + process.stdout.readline().decode().strip()
        assert path in platforms.shared_names()
        platforms.remove_shared_memory(platforms.kill_noting(process.pid))
        assert path not in platforms.shared_names()


def test_a_process_that_is_gone_can_be_killed_again():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    platforms.kill_tree(process.pid)
    assert not platforms.is_marked(process.pid, "an=entry", 0)
    assert platforms._linux_process(str(process.pid)) is None
    assert platforms._target_of(f"/proc/{process.pid}/fd/0") == ""
    assert platforms.kill_noting(process.pid) == set()


@linux
def test_what_may_be_a_resource_tracker_is_not_killed(monkeypatch):
    """It has no command line at the moment when it begins to be one."""
    listed = [
        (1, 0, 7, "python -c from multiprocessing.spawn import spawn_main"),
        (2, 0, 7, "python -c from multiprocessing.resource_tracker import main;main(5)"),
        (3, 0, 7, ""),
        (4, 0, 8, "python"),
    ]
    monkeypatch.setattr(platforms, "processes", lambda: listed)
    monkeypatch.setattr(platforms, "group_exists", lambda group: True)
    killed: list[int] = []
    monkeypatch.setattr(platforms, "kill", killed.append)
    platforms.kill_tree(7)
    assert killed == [7, 1]


def test_no_stack_is_requested_of_a_process_that_is_gone(monkeypatch):
    def kill(*_):
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    assert not platforms.request_stack(77)


@linux
def test_a_process_is_given_a_bound_of_processor_time():
    resource = importlib.import_module("resource")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as process:
        platforms.limit_damage(process.pid, 77)
        assert resource.prlimit(process.pid, resource.RLIMIT_CPU) == (77, 77)


@linux
def test_the_processor_time_contains_what_ended_children_and_servers_have_spent(monkeypatch):
    """A server that has ended is a child that has ended; on other systems nothing is told."""
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True); input()"
    before = platforms.processor_seconds([]) or 0.0
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        running = platforms.processor_seconds([process.pid]) or 0.0
        process.communicate(b"\n")
    ended = platforms.processor_seconds([process.pid]) or 0.0
    assert min(running, ended) >= before + 0.15
    for name in ("darwin", "win32"):
        monkeypatch.setattr(platforms, "sys", SimpleNamespace(platform=name))
        assert platforms.processor_seconds([]) is None


@pytest.mark.parametrize("answer", [PermissionError, ProcessLookupError, None])
def test_another_users_group_exists(monkeypatch, answer):
    def killpg(*_):
        if answer:
            raise answer

    monkeypatch.setattr(os, "killpg", killpg, raising=False)
    assert platforms.group_exists(77) == (answer is not ProcessLookupError)


@linux
def test_shared_memory_is_missing_where_it_cannot_be_created(monkeypatch):
    probe = capabilities.CAPABILITIES["shared-memory"].probe
    assert probe()
    monkeypatch.setattr(importlib.import_module("_posixshmem"), "shm_open", refuse)
    assert not probe()
    monkeypatch.setitem(sys.modules, "_posixshmem", None)
    assert not probe()


def test_a_probe_that_is_refused_what_it_needs_is_one_line(monkeypatch):
    refused = capabilities.Capability("", refuse)
    monkeypatch.setitem(capabilities.CAPABILITIES, "refused", refused)
    with pytest.raises(capabilities.ProbeError) as caught:
        capabilities.has("refused")
    assert str(caught.value) == "the probe for 'refused' could not run: not for you"


@pytest.mark.parametrize(
    ("probe", "owner", "name"),
    [
        ("many-files", os, "open"),
        ("scripts", subprocess, "run"),
        ("addresses", socket.socket, "bind"),
        ("semaphores", importlib, "import_module"),
        ("semaphore-value", importlib, "import_module"),
    ],
)
def test_what_a_system_refuses_is_missing(monkeypatch, probe, owner, name):
    monkeypatch.setattr(owner, name, refuse)
    assert not capabilities.CAPABILITIES[probe].probe()


def test_one_processor_is_not_several(monkeypatch):
    monkeypatch.setattr(capabilities, "usable_cpus", lambda: 1)
    assert not capabilities.CAPABILITIES["several-cores"].probe()


@linux
def test_only_noted_shared_memory_of_the_run_is_unlinked(tmp_path):
    block, stranger = (Path(SHARED_MEMORY, f"spec-{secrets.token_hex(4)}") for _ in range(2))
    block.touch()
    stranger.touch()
    try:
        for noted in (block, Path(SHARED_MEMORY, "spec-is-gone")):
            (tmp_path / noted.name).touch()
        remove_noted(tmp_path.iterdir(), time.time() + 60)  # older than the run
        assert block.exists()
        remove_noted(tmp_path.iterdir(), time.time())
        assert not block.exists()
        assert stranger.exists()
    finally:
        block.unlink(missing_ok=True)
        stranger.unlink(missing_ok=True)
