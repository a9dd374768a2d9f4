"""Shared memory lifetimes: when a block is removed.

A block of shared memory belongs to no process. On POSIX it exists until a process calls
``unlink()``, or until the system is restarted; ``close()``, and the end of its creator, do not
remove it. On Windows it is the other way: the block is gone with its last open handle, and
``unlink()`` does nothing.

Therefore the package has a resource tracker on POSIX: a process that learns of all blocks that a
program and its children create *or attach to*, and removes those that are left when all of them
have ended, with a warning. That surprises people: a second program, started by other means, has a
tracker of its own, which removes the blocks of the first. ``track=False``, since Python 3.13,
prevents it.

A ``SharedMemoryManager`` is the convenient way: it unlinks all blocks that were made through it
when its ``with`` block ends. In the proofs an actor has the manager, since starting and ending
one might take forever.
"""

import importlib
import os
import re
import signal
import sys

from spec.kit import BEAT, OBSERVED, TICK, claim, reached, result_or_error, submodule
from spec.kit.blocks import Blocks, new_name

NEEDS = ("shared-memory",)
POSIX = ("named-memory",)


def state_of_block(name):
    """Whether there is a block of this name, which is removed then, or the exception."""
    with Blocks() as blocks:
        found = result_or_error(blocks.attach, name)
        return found if isinstance(found, str) else "exists"


def create_block_and_end(stage, name):
    """Create a block of this name, write a byte there, close it and end."""
    block = submodule("shared_memory").SharedMemory(name, create=True, size=4)
    block.buf[0] = 5
    block.close()


@claim(
    "shared-memory.outlives-its-creator",
    docs="multiprocessing.shared_memory.SharedMemory",
    needs=POSIX,
)
def test_a_block_exists_after_the_end_of_its_creator(mp, stage):
    """On POSIX, a block outlives the process that created it, with its data.

    A child creates it, closes it and ends; no process is attached then. After that the test
    attaches to it.
    """
    name = new_name()
    creator = stage.enter(create_block_and_end, name)
    creator.returns()
    assert creator.exit_code() == 0
    with Blocks() as blocks:
        assert blocks.attach(name).buf[0] == 5


def attach_with_errors_to(stage, name, path):
    """Make a named pipe the standard error, for whatever this starts; attach; report a byte."""
    sys.stderr = open(path, "w")  # noqa: SIM115 - it stays open to the end
    block = submodule("shared_memory").SharedMemory(name)
    seen = block.buf[0]
    block.close()
    return seen


def has_no_writer(pipe):
    """Whether no process has the pipe open for writing."""
    try:
        return os.read(pipe, 1000) == b""
    except BlockingIOError:
        return False


@claim(
    "shared-memory.children-share-one-tracker",
    docs="multiprocessing.shared_memory.SharedMemory",
    needs=POSIX,
)
def test_the_end_of_a_child_does_not_remove_a_block(mp, stage, tmp_path):
    """The end of a child that attached to a block does not remove it: one tracker serves all.

    If the child had a resource tracker of its own, that would hold the child's standard error
    open, a named pipe: the test waits until no process does, and attaches then.
    """
    posix = importlib.import_module("os")  # the type checker knows no such names on Windows
    path = str(tmp_path / "errors")
    posix.mkfifo(path)
    pipe = os.open(path, os.O_RDONLY | posix.O_NONBLOCK)
    try:
        with Blocks() as blocks:
            block = blocks.new(4)
            block.buf[0] = 5
            child = stage.enter(attach_with_errors_to, block.name, path)
            assert child.returns() == 5
            assert child.exit_code() == 0
            stage.wait_until(lambda: has_no_writer(pipe), "the end of the child's tracker")
            assert blocks.attach(block.name).buf[0] == 5
    finally:
        os.close(pipe)


def leave_blocks(program, way, number=1, suffix=""):
    """Run the program that leaves so many blocks; its outcome, the blocks' names and states."""
    names = [new_name() + suffix for _ in range(number)]
    try:
        completed = program.run("leaving", way, *names)
    finally:
        states = [state_of_block(name) for name in names]
    assert completed.lines == ["made True"] * number, completed.errors
    return completed, names, states


WARNING = r"There appear to be (\d+) leaked shared_memory objects to clean up at shutdown(.*)"


@claim(
    "shared-memory.leaked-block-removed-with-warning",
    docs="multiprocessing.shared_memory.SharedMemory.unlink",
    level=OBSERVED,
    needs=POSIX,
    changes={"3.13": "the warning lists the names of the blocks"},
)
def test_blocks_that_were_left_are_removed_with_a_warning(mp, program):
    """On POSIX, blocks not unlinked when a program ends are removed, and a warning counts them.

    The resource tracker does it, which has ended too when the test looks. A program that unlinks
    its two blocks gets no warning.
    """
    tidy, _, states = leave_blocks(program, "tidy", 2)
    assert (tidy.errors, states) == ("", ["FileNotFoundError"] * 2)
    leaving, names, states = leave_blocks(program, "leave", 2)
    assert leaving.exitcode == 0
    assert states == ["FileNotFoundError"] * 2
    warnings = re.findall(WARNING, leaving.errors)
    assert [number for number, _ in warnings] == ["2"], leaving.errors
    listed = [f"/{name}" in warnings[0][1] for name in names]
    assert listed == [reached("3.13")] * 2, leaving.errors


@claim(
    "shared-memory.removed-after-creator-killed",
    docs="multiprocessing#contexts-and-start-methods",
    needs=(*POSIX, "signals"),
)
def test_blocks_of_a_killed_program_are_removed(mp, program):
    """On POSIX, the blocks of a program that is killed are removed, too.

    The program sends SIGKILL to itself. The resource tracker survives it, and warns.
    """
    killed, _, states = leave_blocks(program, "kill")
    assert killed.exitcode == -signal.Signals["SIGKILL"]
    assert states == ["FileNotFoundError"]
    assert len(re.findall(WARNING, killed.errors)) == 1, f"on stderr: {killed.errors!r}"


@claim(
    "shared-memory.name-may-contain-colon",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
    needs=POSIX,
    since="3.13.10, 3.14.1",
)
def test_a_block_with_a_colon_in_its_name_is_tracked(mp, program):
    """On POSIX, a block whose name contains a colon is tracked as any other.

    A program that unlinks it ends without a message. If the program does not, the block is removed
    with a warning. Before, the resource tracker printed a traceback, and the block stayed.
    """
    tidy, _, states = leave_blocks(program, "tidy", suffix=":")
    assert (tidy.exitcode, tidy.errors, states) == (0, "", ["FileNotFoundError"])
    leaving, _, states = leave_blocks(program, "leave", suffix=":")
    assert [number for number, _ in re.findall(WARNING, leaving.errors)] == ["1"], leaving.errors
    assert "Traceback" not in leaving.errors
    assert states == ["FileNotFoundError"]


@claim(
    "shared-memory.untracked-block-outlives-program",
    docs="multiprocessing.shared_memory.SharedMemory",
    needs=POSIX,
    since="3.13",
)
def test_an_untracked_block_outlives_its_program(mp, program):
    """On POSIX, a block created with track=False outlives its program, without a warning.

    The test attaches to it after the program's end, and unlinks it.
    """
    completed, _, states = leave_blocks(program, "untracked")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert states == ["exists"]


@claim(
    "shared-memory.pickling-loses-track",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
    needs=POSIX,
    since="3.13",
)
def test_an_unpickled_object_is_tracked(mp, program):
    """An unpickled SharedMemory object is tracked, even if it was pickled with track=False.

    So the block is removed, with a warning, when the program ends: as with an object that was
    passed to a child which is not forked.
    """
    completed, _, states = leave_blocks(program, "pickled")
    assert states == ["FileNotFoundError"]
    assert len(re.findall(WARNING, completed.errors)) == 1, f"on stderr: {completed.errors!r}"


@claim(
    "shared-memory.stranger-exit-removes-block",
    docs="multiprocessing.shared_memory.SharedMemory",
    needs=POSIX,
)
def test_the_exit_of_a_stranger_removes_a_block(mp, program):
    """On POSIX, a block is removed when another program ends that only attached to it.

    The other program is started by subprocess: it has a resource tracker of its own, and closes
    the block. The first program keeps its data, and its unlink() raises FileNotFoundError.
    """
    assert program.table_of("stranger", "tracked") == {
        "the stranger reads": "5",
        "the stranger's tracker warns": "True",
        "attached before, it reads": "5",
        "attached anew, it is": "FileNotFoundError",
        "unlink()": "FileNotFoundError",
    }


@claim(
    "shared-memory.untracked-stranger-spares-block",
    docs="multiprocessing.shared_memory.SharedMemory",
    needs=POSIX,
    since="3.13",
)
def test_a_stranger_that_does_not_track_spares_a_block(mp, program):
    """A program that attaches to a block with track=False does not remove it at its end."""
    completed = program.run("stranger", "untracked")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.table == {
        "the stranger reads": "5",
        "the stranger's tracker warns": "False",
        "attached before, it reads": "5",
        "attached anew, it is": "there",
        "unlink()": "None",
    }


@claim(
    "shared-memory.unlinked-during-shutdown",
    docs="multiprocessing.shared_memory.SharedMemory.unlink",
    level=OBSERVED,
    needs=("counted-references",),  # without them, objects are not deleted at the exit either
)
def test_unlink_works_while_the_interpreter_shuts_down(mp, program):
    """close() and unlink() work in a __del__ that the interpreter calls during its shutdown.

    The program ends with the object alive in its main module. Nothing is written to standard
    error, neither an exception nor the resource tracker's warning.
    """
    completed = program.run("at_exit")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.lines == ["closed", "unlinked"]


def new_manager(mp, **settings):
    """A SharedMemoryManager that is not started yet."""
    return submodule("managers").SharedMemoryManager(ctx=mp, **settings)


def make_three(manager):
    """Have the manager make two blocks and a list; the blocks of all, and whether they work."""
    shareable = manager.ShareableList([1, "a"])
    made = [manager.SharedMemory(5), manager.SharedMemory(size=7), shareable.shm]
    attached = submodule("shared_memory").SharedMemory(made[0].name)
    attached.buf[0] = 9
    works = {
        "sizes": made[0].size >= 5 and made[1].size >= 7,
        "block": made[0].buf[0],
        "list": list(shareable),
    }
    for each in (*made, attached):
        each.close()
    return [each.name for each in made], works


def end_manager(stage, way):
    """Have a manager make blocks, and end it; report whether they worked, and what is left."""
    manager = new_manager(stage.mp)
    if way == "with":
        with manager:
            names, works = make_three(manager)
    else:
        manager.start()
        names, works = make_three(manager)
        manager.shutdown()
    return {
        **works,
        "left": [state_of_block(name) for name in names],
        "children": len(stage.mp.active_children()),
    }


@claim(
    "shared-memory.manager-frees-its-blocks",
    docs="multiprocessing.managers.SharedMemoryManager",
    needs=("addresses",),
)
def test_a_manager_frees_its_blocks(mp, stage):
    """At its shutdown() or with-exit, a SharedMemoryManager removes all blocks made through it.

    They are two blocks and that of a ShareableList; until then they can be attached to. The
    manager's process ends, too.
    """
    for way in ("with", "shutdown()"):
        assert stage.result_of(end_manager, way) == {
            "sizes": True,
            "block": 9,
            "list": [1, "a"],
            "left": ["FileNotFoundError"] * 3,
            "children": 0,
        }, way


def error_or_made(call, *args):
    """The name of the error that the call raises, "OSError" for all its subclasses; or "made"."""
    try:
        call(*args)
    except OSError:
        return "OSError"
    except Exception as error:
        return type(error).__name__
    return "made"


def use_out_of_time(stage):
    """Report how calls of a manager end before its start() and after its shutdown()."""
    manager = new_manager(stage.mp)
    calls = ((manager.SharedMemory, 4), (manager.ShareableList, [1]))
    before = [error_or_made(*call) for call in calls]
    manager.start()
    manager.shutdown()
    return {
        "before start()": before,
        "after shutdown()": [error_or_made(*call) for call in calls],
    }


@claim(
    "shared-memory.manager-works-while-started",
    docs="multiprocessing.managers.SharedMemoryManager.SharedMemory",
    level=OBSERVED,
    needs=("addresses",),
)
def test_a_manager_makes_no_blocks_before_its_start(mp, stage):
    """A SharedMemoryManager raises ValueError before start(), and OSError after shutdown().

    Which subclass of OSError it is depends on the system.
    """
    assert stage.result_of(use_out_of_time) == {
        "before start()": ["ValueError", "ValueError"],
        "after shutdown()": ["OSError", "OSError"],
    }


def hold_list_until_cued(stage):
    """Have a manager make a list, and say its block's name; when cued, report the list."""
    with new_manager(stage.mp) as manager:
        shareable = manager.ShareableList(["alpha", 1, None])
        stage.say("made", shareable.shm.name)
        stage.wait_for_cue("report")
        items = list(shareable)
        shareable.shm.close()
        return items


@claim(
    "shared-memory.manager-list-is-shared",
    docs="multiprocessing.managers.SharedMemoryManager.ShareableList",
    needs=("addresses",),
)
def test_a_managers_list_is_shared_by_name(mp, stage):
    """All processes that attach to a SharedMemoryManager's ShareableList write to the same list.

    The test attaches by the name of the list's block, reads the items, and changes two of them;
    then the process that has the manager reads them.
    """
    holder = stage.enter(hold_list_until_cued)
    shareable = submodule("shared_memory").ShareableList(name=holder.expect("made"))
    try:
        assert list(shareable) == ["alpha", 1, None]
        shareable[0], shareable[2] = "beta", 2.5
    finally:
        shareable.shm.close()
    assert holder.returns(cue="report") == ["beta", 1, 2.5]


def serve_until_cued(stage, key):
    """Start a manager with this authkey, say its address, and shut it down when cued."""
    with new_manager(stage.mp, authkey=key) as manager:
        stage.say("serving", manager.address)
        stage.wait_for_cue("end")


def make_by_address_until_cued(stage, address, key):
    """Connect a manager to the address, and have a block made; when cued, close the block."""
    manager = submodule("managers").SharedMemoryManager(address, key)
    manager.connect()
    block = manager.SharedMemory(4)
    block.buf[0] = 5
    stage.say("made", block.name)
    stage.wait_for_cue("leave")
    block.close()


@claim(
    "shared-memory.manager-reachable-by-address",
    docs="multiprocessing.managers.SharedMemoryManager",
    needs=("addresses",),
)
def test_another_process_has_blocks_made_by_address(mp, stage):
    """A SharedMemoryManager connected to another's address and authkey uses the same server.

    The block that it makes outlives the process that asked for it, and is removed when the server
    is shut down by the process that started it.
    """
    server = stage.enter(serve_until_cued, b"a key")
    maker = stage.enter(make_by_address_until_cued, server.expect("serving"), b"a key")
    name = maker.expect("made")
    with Blocks() as blocks:
        attached = blocks.attach(name)
        maker.returns(cue="leave")
        again = blocks.attach(name)
        assert again.buf[0] == 5
        again.close()
        attached.close()
        server.returns(cue="end")
        assert state_of_block(name) == "FileNotFoundError"


@claim(
    "shared-memory.manager-leaves-no-warning",
    docs="multiprocessing.managers.SharedMemoryManager",
    needs=("addresses",),
)
def test_a_program_with_a_manager_ends_without_a_warning(mp, program):
    """No warning is printed for blocks that a SharedMemoryManager has freed, or at its end.

    The program uses the manager before anything else, so its server is the first process that
    could start a resource tracker. Both have one tracker.
    """
    completed = program.run("managed")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.table == {"list": "[1, 2]", "block": "FileNotFoundError"}


def interrupt_server(stage):
    """Send SIGINT to a manager's server; after a beat, report whether it works."""
    with new_manager(stage.mp) as manager:
        (server,) = stage.mp.active_children()
        os.kill(server.pid, signal.SIGINT)
        server.join(BEAT)
        if not server.is_alive():
            return "ended"
        block = manager.SharedMemory(4)
        block.close()
        return "alive, and made a block"


@claim(
    "shared-memory.manager-ignores-interrupt",
    docs="multiprocessing.managers.SharedMemoryManager",
    level=OBSERVED,
    needs=("addresses", "signals"),
)
def test_an_interrupt_does_not_end_the_server(mp, stage):
    """The server of a SharedMemoryManager ignores SIGINT, as Ctrl-C sends it to all processes.

    It is alive one beat after the signal, and makes a block then.
    """
    assert stage.result_of(interrupt_server) == "alive, and made a block"


def unlink_second_of_three(stage):
    """Have a manager make three blocks, unlink the second, and report what shutdown() leaves."""
    manager = new_manager(stage.mp, shutdown_timeout=TICK)
    manager.start()
    blocks = [manager.SharedMemory(4) for _ in range(3)]
    blocks[1].unlink()
    told = {"shutdown()": manager.shutdown()}
    for number, block in enumerate(blocks):
        block.close()
        told[f"block {number}"] = state_of_block(block.name)
    return told


@claim(
    "shared-memory.manager-stops-at-missing-block",
    docs="multiprocessing.managers.SharedMemoryManager",
    level=OBSERVED,
    contradicts="multiprocessing.managers.SharedMemoryManager",
    needs=("addresses", *POSIX),
)
def test_a_manager_does_not_free_blocks_after_a_missing_one(mp, stage):
    """If a manager's block was unlinked, shutdown() silently leaves those made after it.

    The documentation says that shutdown() unlinks all blocks of the manager. Its server stops at
    the missing one, and shutdown() ignores that. It has no other way to free a single block.
    """
    assert stage.result_of(unlink_second_of_three) == {
        "shutdown()": None,
        "block 0": "FileNotFoundError",
        "block 1": "FileNotFoundError",
        "block 2": "exists",
    }
