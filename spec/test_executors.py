"""ProcessPoolExecutor: how concurrent.futures uses the package.

``concurrent.futures.ProcessPoolExecutor`` is the higher-level interface to worker processes.
``submit()`` returns a ``Future`` at once; its ``result()`` blocks until the task is done, and
raises what the task has raised. It has the start methods of this package: ``mp_context`` chooses
one. All that is said about main modules, pickling and inheritance is true of its workers too.

Prefer it to ``Pool`` where a worker may die. When one is killed, the executor is broken: all its
futures raise ``BrokenProcessPool``, and so does ``submit()``. A ``Pool`` replaces the worker and
waits forever for the result. The workers of an executor may have children of their own; those of
a ``Pool`` are daemonic and may not.

Some points surprise people. A lambda can be submitted, and fails later, in its future. Under fork
all workers start with the first task, otherwise as many as are needed.
"""

import gc
import os
import threading
import time

from spec.kit import BEAT, OBSERVED, claim, result_or_error
from spec.kit.actors import take_part

NEEDS = ("semaphores",)
EXECUTOR = "concurrent.futures.ProcessPoolExecutor"
BROKEN = "BrokenProcessPool"


def new_executor(*args, **settings):
    """A ProcessPoolExecutor; its module is imported only in the actors that need it."""
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(*args, **settings)


@claim("executor.uses-default-start-method", docs=f"concurrent.futures#{EXECUTOR}")
def test_an_executor_uses_the_default_start_method(mp, program):
    """A ProcessPoolExecutor uses the program's start method, or that of mp_context if it is given.

    The class of a worker's Process tells the start method. The program sets one, and chooses each
    in turn by mp_context. Without any choice it is the platform's default.
    """
    table = program.table_of("start_methods")
    assert table.pop("default") == mp.get_start_method()
    assert table == {method: method for method in table}
    assert mp.get_start_method() in table
    if program.is_default:
        alone = program.run_default("start_methods")
        assert (alone.exitcode, alone.errors) == (0, "")
        assert alone.table["default"] == program.documented_default


@claim(
    "executor.task-limit-needs-other-method-than-fork",
    docs=f"concurrent.futures#{EXECUTOR}",
)
def test_max_tasks_per_child_excludes_fork(mp):
    """ProcessPoolExecutor(max_tasks_per_child=n) raises ValueError under fork, as Pool does not.

    No worker is started.
    """
    outcome = result_or_error(new_executor, 1, mp_context=mp, max_tasks_per_child=5)
    if mp.get_start_method() == "fork":
        assert outcome == "ValueError"
    else:
        outcome.shutdown()


def raise_when_cued(stage):
    """Say "begun"; raise an exception when cued."""
    stage.say("begun")
    stage.wait_for_cue("raise")
    raise ZeroDivisionError("told to")


def submit_and_wait(stage, ticket):
    """Submit a task that raises when cued; report the future's state, and what result() raises."""
    with new_executor(1, mp_context=stage.mp) as executor:
        future = executor.submit(take_part, ticket)
        stage.say("submitted", future.done())
        try:
            future.result(stage.patience)
        except ZeroDivisionError as error:
            return [str(error), type(error.__cause__).__name__, future.done()]


@claim("executor.submit-returns-at-once", docs=f"concurrent.futures#{EXECUTOR}")
def test_submit_returns_before_the_task_ends(mp, stage):
    """submit() returns at once; result() blocks until the task ends and raises its exception.

    The task ends when it is cued, after submit() has returned. The exception is a copy: its cause
    tells the traceback in the worker.
    """
    task = stage.nested(raise_when_cued)
    caller = stage.enter(submit_and_wait, task.ticket)
    assert caller.expect("submitted") is False
    task.expect("begun")
    task.cue("raise")
    assert caller.returns() == ["told to", "_RemoteTraceback", True]


def exit_when_cued(stage):
    """End this worker at once when cued."""
    stage.wait_for_cue("exit")
    os._exit(7)


def wait_long(seconds):
    """Wait as long as it may take for another worker to die."""
    threading.Event().wait(seconds)


def raise_in_initializer():
    """Fail as an initializer; its traceback is not printed."""
    import logging

    logging.disable()
    raise ZeroDivisionError


def errors_of(futures, patience):
    """The names of the exceptions of futures, or their results."""
    return [result_or_error(future.result, patience) for future in futures]


def break_executors(stage, ticket):
    """Break executors by a worker that dies, and by an initializer; report the errors."""
    observed = {}
    with new_executor(2, mp_context=stage.mp) as executor:
        done = executor.submit(abs, -1)
        before = result_or_error(done.result, stage.patience)
        futures = [
            executor.submit(wait_long, stage.patience),
            executor.submit(take_part, ticket),
        ]
        futures += [executor.submit(len, b"large" * 100_000) for _ in range(6)]
        stage.say("all submitted")
        observed["dead worker"] = {
            "before": before,
            "pending": errors_of(futures, stage.patience),
            "submit()": result_or_error(lambda: executor.submit(abs, 1).cancel()),
            "done before": result_or_error(done.result, 0),
        }
    with new_executor(1, stage.mp, raise_in_initializer) as executor:
        observed["initializer"] = {
            "pending": errors_of([executor.submit(abs, 1)], stage.patience),
            "submit()": result_or_error(lambda: executor.submit(abs, 1).cancel()),
        }
    return observed


@claim(
    "executor.dead-worker-breaks-executor",
    docs="concurrent.futures#concurrent.futures.process.BrokenProcessPool",
)
def test_a_dead_worker_breaks_the_executor(mp, stage):
    """If a worker dies or its initializer raises, all pending futures raise BrokenProcessPool.

    So does submit() after that; a result that was there before stays. Unlike Pool, which waits
    forever. One task exits when all are submitted, a second one is at work in another worker, and
    six large ones are on their way or still to be sent. Since 3.15 the exception may have a cause
    that tells the exit code, unless the executor notices the death before the code is there.
    """
    task = stage.nested(exit_when_cued)
    caller = stage.enter(break_executors, task.ticket)
    caller.expect("all submitted")
    task.cue("exit")
    observed = caller.returns()
    assert observed == {
        "dead worker": {
            "before": 1,
            "pending": [BROKEN] * 8,
            "submit()": BROKEN,
            "done before": 1,
        },
        "initializer": {"pending": [BROKEN], "submit()": BROKEN},
    }


def have_children(start_method, patience):
    """Start a Process and a Pool in this worker; report how they have ended."""
    from spec.kit.package import context

    mp = context(start_method)
    child = mp.Process(target=abs, args=(1,))
    child.start()
    child.join(patience)
    with mp.Pool(1) as pool:
        return mp.current_process().daemon, child.exitcode, pool.map(abs, [-1, -2])


def have_children_in_both(stage):
    """Report what becomes of a task with children in an executor and in a Pool."""
    method = stage.mp.get_start_method()
    with new_executor(1, mp_context=stage.mp) as executor:
        in_executor = executor.submit(have_children, method, stage.patience)
        observed = {"executor": result_or_error(in_executor.result, stage.patience)}
    with stage.mp.Pool(1) as pool:
        in_pool = pool.apply_async(have_children, (method, stage.patience))
        observed["Pool"] = result_or_error(in_pool.get, stage.patience)
    return observed


@claim(
    "executor.workers-may-have-children",
    docs="multiprocessing.Process.daemon",
    level=OBSERVED,
)
def test_workers_of_an_executor_may_have_children(mp, stage):
    """The workers of a ProcessPoolExecutor are not daemonic: they may start processes and pools.

    Unlike Pool, whose workers may not: the same task raises AssertionError.
    """
    assert stage.result_of(have_children_in_both) == {
        "executor": (False, 0, [1, 2]),
        "Pool": "AssertionError",
    }


class Unpicklable:
    """Pickling it raises an exception of its own."""

    def __reduce__(self):
        raise FloatingPointError


def return_unpicklable():
    """Return what cannot be pickled."""
    return Unpicklable()


def submit_unpicklable(stage):
    """Submit what cannot be pickled; report what the futures raise, and whether others work."""
    with new_executor(1, mp_context=stage.mp) as executor:
        futures = {
            "lambda": executor.submit(lambda: 1),
            "argument": executor.submit(abs, Unpicklable()),
            "part of an argument": executor.submit(len, [b"x" * 1000, [Unpicklable()]]),
            "result": executor.submit(return_unpicklable),
            "picklable": executor.submit(abs, -1),
        }
        return {
            name: result_or_error(future.result, stage.patience) for name, future in futures.items()
        }


@claim(
    "executor.callables-must-be-picklable",
    docs=f"concurrent.futures#{EXECUTOR}",
)
def test_what_cannot_be_pickled_fails_in_its_future(mp, stage):
    """A function, argument or result that cannot be pickled makes its own future raise, no other.

    Even under fork. submit() does not raise. A lambda raises PicklingError, or AttributeError in
    older releases. The next task succeeds.
    """
    observed = stage.result_of(submit_unpicklable)
    assert observed.pop("lambda") in ("PicklingError", "AttributeError")
    assert observed == {
        "argument": "FloatingPointError",
        "part of an argument": "FloatingPointError",
        "result": "FloatingPointError",
        "picklable": 1,
    }


shutdown_has_begun = threading.Event()


class PickledLate:
    """Pickling it raises an exception, and not before the executor is being shut down."""

    def __reduce__(self):
        shutdown_has_begun.wait()
        raise FloatingPointError


def shut_down_while_pickling(stage):
    """Shut an executor down while a task is pickled; report what its future raises then."""
    executor = new_executor(1, mp_context=stage.mp)
    future = executor.submit(abs, PickledLate())
    closing = threading.Thread(target=executor.shutdown)
    closing.start()
    while result_or_error(lambda: executor.submit(abs, 1).cancel()) != "RuntimeError":
        pass  # shutdown() has not begun
    shutdown_has_begun.set()
    closing.join()
    return result_or_error(future.result, 0)


@claim(
    "executor.shutdown-survives-unpicklable",
    docs="concurrent.futures.Executor.shutdown",
    since="3.13.1",
)
def test_shutdown_returns_though_a_task_cannot_be_sent(mp, stage):
    """shutdown() returns even if a pending task turns out to be unpicklable meanwhile.

    The task is pickled in a thread of the executor, and fails after submit() has begun to raise
    RuntimeError. Before 3.13.1 this could be a deadlock.
    """
    assert stage.result_of(shut_down_while_pickling) == "FloatingPointError"


def wait_for_event(event):
    """Do nothing in a worker until the event is set, so that its executor's tasks are pending."""
    event.wait()


def end_late():
    """Let this worker end a beat later than it would, by a thread that its end waits for."""
    threading.Timer(BEAT, int).start()
    return "done"


def shut_down_with_results(stage):
    """Shut executors down while tasks are pending; report what becomes of these."""
    shut_down, cancelling_over = stage.mp.Event(), stage.mp.Event()
    executor = new_executor(1, stage.mp, wait_for_event, (shut_down,))
    futures = [executor.submit(abs, -number) for number in range(4)]
    executor.shutdown(wait=False)
    shut_down.set()
    observed = {
        "submit()": result_or_error(executor.submit, abs, 1),
        "results": [result_or_error(each.result, stage.patience) for each in futures],
        "second shutdown()": executor.shutdown(),
        "results later": [result_or_error(each.result, 0) for each in futures],
    }
    # The second shutdown() of the first executor has not waited for its worker.
    before = {child.pid for child in stage.mp.active_children()}
    executor = new_executor(1, stage.mp, wait_for_event, (cancelling_over,))
    first = executor.submit(end_late)
    cancelled = [each.cancel() for each in [executor.submit(abs, -2) for _ in range(8)]]
    cancelling_over.set()
    executor.shutdown()
    observed["last cancelled"] = cancelled[-1]
    observed["first"] = result_or_error(first.result, 0)
    observed["children"] = len({child.pid for child in stage.mp.active_children()} - before)
    return observed


@claim("executor.shutdown-loses-no-result", docs="concurrent.futures.Executor.shutdown")
def test_pending_tasks_are_done_though_the_executor_is_shut_down(mp, stage):
    """After shutdown() pending tasks are still done, and submit() raises RuntimeError.

    shutdown() waits for the workers to end, also if futures were cancelled just before. No worker
    begins a task before shutdown(wait=False) has returned, or before the futures are cancelled; a
    task makes the end of its worker late by a beat.
    """
    assert stage.result_of(shut_down_with_results) == {
        "submit()": "RuntimeError",
        "results": [0, 1, 2, 3],
        "second shutdown()": None,
        "results later": [0, 1, 2, 3],
        "last cancelled": True,
        "first": "done",
        "children": 0,
    }


@claim("executor.program-end-waits-for-tasks", docs="concurrent.futures.Executor.shutdown")
def test_a_program_that_ends_waits_for_pending_tasks(mp, program):
    """A program that ends without shutdown() first waits for the pending tasks of its executors.

    It submits three tasks, which print, and ends: exit code 0, and nothing on standard error.
    """
    completed = program.run("no_shutdown")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.lines == ["end of the program", "task 0", "task 1", "task 2"]


def compare_descriptors(stage):
    """Report the descriptors that are open after an executor, beyond those before it."""
    from spec.kit.platforms import descriptors

    def use_executor():
        with new_executor(2, mp_context=stage.mp) as executor:
            executor.submit(abs, -1).result(stage.patience)
        del executor
        gc.collect()  # sentinels of workers are closed when their Process is collected

    use_executor()  # the first one starts servers
    before = descriptors()
    use_executor()
    return sorted(set(descriptors().values()) - set(before.values()))


@claim(
    "executor.shutdown-closes-descriptors",
    docs="concurrent.futures.Executor.shutdown",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_shutdown_closes_all_pipes_of_the_executor(mp, stage):
    """After shutdown() no file descriptor of a ProcessPoolExecutor is open.

    The first executor of the process starts what is to stay, such as a fork server. The second one
    is compared.
    """
    assert stage.result_of(compare_descriptors) == []


def count_workers(stage, beat):
    """Report how many workers an executor for two has: at first, after a task, and after another.

    The other task comes a beat later: the executor learns after its caller that a worker is idle.
    """
    with new_executor(2, mp_context=stage.mp) as executor:
        counts = [len(stage.mp.active_children())]
        for _ in range(2):
            executor.submit(abs, 1).result(stage.patience)
            counts.append(len(stage.mp.active_children()))
            time.sleep(beat)
    return counts


@claim(
    "executor.workers-start-on-demand-unless-forked",
    docs=f"concurrent.futures#{EXECUTOR}",
    level=OBSERVED,
)
def test_all_workers_are_forked_with_the_first_task(mp, stage):
    """An executor starts no worker before the first task; then all under fork, one otherwise.

    Forking later would copy a process whose executor has threads. A second task that comes after
    the end of the first one is done by the same worker, at some beat: a busy machine only makes
    the beat longer.
    """
    expected = [0, 2, 2] if mp.get_start_method() == "fork" else [0, 1, 1]

    def same_worker_does_both(beat):
        counts = stage.result_of(count_workers, beat)
        assert counts[:2] == expected[:2]
        return counts == expected

    assert stage.at_some_beat(same_worker_does_both)


class EmptyError(Exception):
    """An exception that counts as false, as an empty ExceptionGroup of one's own may."""

    def __bool__(self):
        return False


def raise_empty():
    """Raise an exception that counts as false."""
    raise EmptyError


def submit_raising_empty(stage):
    """Report what a future gives whose task has raised an exception that counts as false."""
    with new_executor(1, mp_context=stage.mp) as executor:
        future = executor.submit(raise_empty)
        return [
            result_or_error(future.result, stage.patience),
            type(future.exception(0)).__name__,
        ]


@claim(
    "executor.false-exception-is-raised",
    docs="concurrent.futures.Future.result",
    since="3.13.4",
)
def test_an_exception_that_counts_as_false_is_raised(mp, stage):
    """result() raises the task's exception even if the exception counts as false.

    Before 3.13.4 it returned None, as if the task had succeeded.
    """
    assert stage.result_of(submit_raising_empty) == ["EmptyError", "EmptyError"]


def reach_limit_after_shutdown(stage):
    """Shut an executor down that still needs three workers; report the results of its tasks."""
    shut_down = stage.mp.Event()
    executor = new_executor(1, stage.mp, wait_for_event, (shut_down,), max_tasks_per_child=2)
    futures = [executor.submit(abs, -number) for number in range(6)]
    executor.shutdown(wait=False)
    shut_down.set()
    return [result_or_error(each.result, stage.patience) for each in futures]


@claim(
    "executor.task-limit-survives-shutdown",
    docs="concurrent.futures.Executor.shutdown",
    since="3.14.7",
    methods=("spawn", "forkserver"),
)
def test_workers_are_replaced_after_shutdown(mp, stage):
    """After shutdown(wait=False), a worker that reaches max_tasks_per_child is still replaced.

    The worker does its first task after shutdown(), two tasks in all, and six are pending: three
    workers do them, one after the other. Before 3.14.7 the last four were never done.
    """
    assert stage.result_of(reach_limit_after_shutdown) == [0, 1, 2, 3, 4, 5]
