"""Robustness: processes of programs with closed streams, blocked signals and worker threads.

A program that starts processes may be a service without standard streams, may block signals, may
handle them at any moment, and may have worker threads. None of this should keep a process from
being started, from ending with its own exit code, or from being joined.

Each claim here was once untrue: its defect was in a release of Python, and was mended. The table of
such defects is ``spec/faults/history.tsv``. Claims that hold since some release say so.
"""

import os
import signal
import sys
import threading

from spec.kit import OBSERVED, claim, reached, result_or_error, submodule
from spec.kit.actors import tell_system_parent, wait_until_cued


@claim("process.streams-may-be-missing", docs="multiprocessing.Process.start", level=OBSERVED)
def test_start_needs_no_standard_streams(mp, program):
    """start() works in a program whose sys.stdout and sys.stderr are closed or None.

    The program writes the exit codes to a file, since it has no streams.
    """
    path = program.folder / "codes"
    completed = program.run("missing_streams", str(path))
    assert (completed.exitcode, completed.errors) == (0, "")
    assert path.read_text().splitlines() == ["None: 0", "closed: 0"]


def close_streams(way):
    """Close the standard streams of this process, or set them to None."""
    if way == "closed":
        sys.stdout.close()
        sys.stderr.close()
    else:
        sys.stdout = sys.stderr = None


@claim("process.child-may-close-streams", docs="multiprocessing.Process.exitcode", level=OBSERVED)
def test_a_child_may_close_its_streams(mp, stage):
    """A child that closes sys.stdout and sys.stderr, or sets them to None, has exit code 0."""
    for way in ("closed", "None"):
        process = mp.Process(target=close_streams, args=(way,))
        process.start()
        process.join(stage.patience)
        assert process.exitcode == 0, way


@claim(
    "start-method.blocked-signals-stay-blocked",
    docs="multiprocessing.Process.start",
    level=OBSERVED,
    needs=("signals",),
    since="3.13.2, 3.14",
)
def test_start_leaves_the_mask_of_blocked_signals(mp, program):
    """start() leaves the signals blocked that the program has blocked.

    Under spawn and forkserver, the first start() starts the resource tracker, with some signals
    blocked for a moment. The program compares its mask of signals before and afterwards.
    """
    assert program.table_of("blocked_signals") == {
        "blocked before": "SIGINT SIGTERM SIGUSR1",
        "blocked afterwards": "SIGINT SIGTERM SIGUSR1",
    }


def do_nothing():
    """Do nothing."""


def start_one(mp, patience):
    """Start a process and join it; its exit code."""
    process = mp.Process(target=do_nothing)
    process.start()
    process.join(patience)
    return process.exitcode


def start_in_worker(stage):
    """Start a process in a worker thread of an executor; report its exit code."""
    from concurrent.futures import ThreadPoolExecutor  # an import that few children need

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(start_one, stage.mp, stage.patience).result()


@claim(
    "process.worker-threads-may-start",
    docs="multiprocessing.Process.exitcode",
    level=OBSERVED,
    since="3.13.1",
)
def test_a_worker_thread_of_an_executor_can_start_a_process(mp, stage):
    """A process whose target returns has exit code 0, even if a worker thread has started it.

    Before Python 3.13.1 a forked child had exit code 1: at its end it tried to join the worker
    threads of its parent.
    """
    assert stage.result_of(start_in_worker) == 0


def join_and_handle_signals(stage, ticket):
    """Start a nested actor and join it, while signals may come; report the exit code."""
    signal.signal(signal.Signals["SIGUSR1"], lambda *_: stage.say("handled"))
    child = stage.start(ticket)
    stage.say("joining")
    child.join()
    stage.say("joined")
    return child.exitcode


@claim(
    "join.signals-do-not-end-it",
    docs="multiprocessing.Process.join",
    level=OBSERVED,
    needs=("signals",),
)
def test_a_signal_does_not_end_join(mp, stage):
    """A signal that the caller handles while it waits in join() does not end the join().

    The signal is sent three times, and each time its handler says so. Then the test listens for a
    beat: the caller must not have joined. The child ends by a cue.
    """
    child = stage.nested(wait_until_cued)
    joiner = stage.enter(join_and_handle_signals, child.ticket)
    joiner.expect("joining")
    for _ in range(3):
        os.kill(joiner.pid, signal.Signals["SIGUSR1"])
        joiner.expect("handled")
        assert joiner.does_not_say("joined")
    child.returns(cue="leave")
    joiner.expect("joined")
    assert joiner.returns() == 0


class EndsChild:
    """An argument that ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def start_a_child_that_dies(stage):
    """Start a process that ends while it unpickles its arguments; report what start() raises."""
    process = stage.mp.Process(target=do_nothing, args=(EndsChild(), bytes(2_000_000)))
    return {"start()": result_or_error(process.start)}


@claim(
    "argument.start-fails-if-child-dies",
    docs="multiprocessing.Process.start",
    level=OBSERVED,
    methods=("spawn",),
    since="3.13.8, 3.14.1",
)
def test_start_raises_if_the_child_ends_early(mp, stage):
    """start() raises BrokenPipeError if a spawned child ends before it has read its arguments.

    The arguments are larger than a pipe holds, so start() is still writing them when the child
    ends. A start() that waited for the child to read on would exceed the patience.
    """
    assert stage.result_of(start_a_child_that_dies) == {"start()": "BrokenPipeError"}


def hold_passed_on_lock(stage, lock):
    """Hold the lock until cued."""
    with lock:
        stage.say("inside")
        stage.wait_for_cue("leave")


def pass_lock_on(stage, ticket, lock):
    """Pass the lock on to a nested actor, and wait for its end."""
    child = stage.start((*ticket, lock))
    child.join(stage.patience)
    return child.exitcode


@claim(
    "lock.reaches-grandchildren",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    needs=("semaphores",),
    since="3.11.6, 3.12",
)
def test_a_lock_can_be_passed_on_to_a_grandchild(mp, stage):
    """A Lock that a child has received can be passed on to a grandchild, and excludes there."""
    lock = mp.Lock()
    grandchild = stage.nested(hold_passed_on_lock)
    child = stage.enter(pass_lock_on, grandchild.ticket, lock)
    grandchild.expect("inside")
    assert not lock.acquire(False), "the grandchild holds another lock"
    grandchild.returns(cue="leave")
    assert child.returns() == 0
    assert lock.acquire(False), "the lock is still held"


@claim(
    "process.exit-handlers-may-start",
    docs="multiprocessing.Process.start",
    level=OBSERVED,
    changes={
        "3.12": "under fork start() raises RuntimeError there",
        "3.12.3, 3.13": "it works again",
    },
)
def test_an_exit_handler_can_start_a_process(mp, program):
    """A handler that atexit calls at the program's end can start a process and join it.

    The child calls a function of a module, not of the main module: when exit handlers run, the
    main module has no __file__ any more, and a spawned child could not import it.
    """
    fails = reached("3.12") and not reached("3.12.3, 3.13") and mp.get_start_method() == "fork"
    places = ["program"] if fails else ["program", "exit handler"]
    expected: dict[str, str] = {}
    for place in places:
        expected |= {f"child of {place}": "started", f"child of {place}, exitcode": "0"}
    assert program.table_of("exit_handler") == expected


@claim("process.allocator-may-be-chosen", docs="multiprocessing.Process.start", level=OBSERVED)
def test_processes_start_with_another_memory_allocator(mp, program):
    """start() works with PYTHONMALLOC=debug: a child can use another memory allocator.

    Two children start, one by one.
    """
    assert program.table_of("ordinary", environment={"PYTHONMALLOC": "debug"}) == {
        "child 1": "started",
        "child 1, exitcode": "0",
        "child 2": "started",
        "child 2, exitcode": "0",
    }


@claim(
    "process.paused-thread-is-no-warning",
    docs="multiprocessing.Process.start",
    level=OBSERVED,
    methods=("fork",),
    since="3.14.1",
)
def test_a_thread_that_is_stopped_before_the_fork_is_no_warning(mp, program):
    """start() does not warn of threads under fork if os.register_at_fork() has stopped them all.

    One handler stops the program's only other thread before the fork; another one starts it again
    in the program after the fork. As a control, a second start() leaves the thread alone: it warns.
    """
    assert program.table_of("paused_thread") == {
        "thread paused": "[]",
        "thread running": "['DeprecationWarning']",
    }


def start_given_thread(stage, thread, done):
    """Start a thread that was created in the parent; report the outcome, and what it has done."""
    error = result_or_error(thread.start)
    if error is None:
        thread.join(stage.patience)
    return {"start()": error, "done": done}


@claim(
    "process.threads-may-be-made-before-fork",
    docs="multiprocessing.Process.start",
    level=OBSERVED,
    methods=("fork",),
    changes={
        "3.13": "start() of the thread raises RuntimeError",
        "3.13.4, 3.14": "it works again",
    },
)
def test_a_forked_child_can_start_a_thread_of_its_parent(mp, stage):
    """A Thread that was created but not started before a fork can be started in the child."""
    done: list[str] = []
    thread = threading.Thread(target=done.append, args=("work",))
    fails = reached("3.13") and not reached("3.13.4, 3.14")
    assert stage.result_of(start_given_thread, thread, done) == {
        "start()": "RuntimeError" if fails else None,
        "done": [] if fails else ["work"],
    }
    assert done == []


def draw_values(stage):
    """Report values that should be different in each process."""
    import random
    import tempfile
    import uuid

    return {
        "tempfile.mktemp()": tempfile.mktemp(),
        "random.random()": random.random(),
        "uuid.uuid4()": str(uuid.uuid4()),
    }


@claim(
    "process.forked-children-draw-different-values",
    docs="multiprocessing.Process.start",
    level=OBSERVED,
    methods=("fork",),
)
def test_forked_children_draw_different_random_values(mp, stage):
    """Forked children choose other random numbers, UUIDs and names of temporary files.

    This process draws values before the forks, so that the children inherit the generators. It
    draws again after them, and all four drawings differ in everything.
    """
    before = draw_values(None)
    drawn = [stage.result_of(draw_values) for _ in range(2)]
    drawn += [before, draw_values(None)]
    for label in before:
        assert len({values[label] for values in drawn}) == 4, (label, drawn)


@claim(
    "process.childs-end-spares-parents-objects",
    docs="multiprocessing.Process.start",
    level=OBSERVED,
    methods=("fork",),
    needs=("addresses",),
)
def test_a_forked_child_does_not_clean_up_for_its_parent(mp, stage):
    """A forked child that ends leaves its parent's Listener and Manager in order.

    Both were created before the fork, so the child has them. After its end a client can connect to
    the Listener, and the Manager still has a list.
    """
    with submodule("connection").Listener() as listener, mp.Manager() as manager:
        numbers = manager.list([1, 2])
        assert stage.result_of(tell_system_parent) == os.getpid()
        assert result_or_error(numbers.append, 3) is None
        assert numbers[:] == [1, 2, 3]
        assert os.path.exists(listener.address)
        with submodule("connection").Client(listener.address), listener.accept():
            pass
