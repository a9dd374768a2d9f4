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

from spec.kit import OBSERVED, claim, result_or_error
from spec.kit.actors import wait_until_cued


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
