"""Pool losses: results that never arrive.

A Pool does not notice that the worker which had a task has ended: it starts another worker, and
the task's ``get()`` blocks forever. The same happens to all results if the thread that receives
them has stopped. ``ProcessPoolExecutor`` of ``concurrent.futures`` reports each of these losses:

| loss | Pool | ProcessPoolExecutor |
| --- | --- | --- |
| worker killed, or ``os._exit()`` | its task's result never comes | ``BrokenProcessPool`` |
| ``sys.exit()`` in a task | its result never comes | the future raises it |
| function that workers cannot find | its result never comes | ``BrokenProcessPool`` |
| initializer raises an exception | new workers forever, no result | ``BrokenProcessPool`` |
| exception that cannot be rebuilt | no result any more | ``BrokenProcessPool`` |
| callback raises an exception | no result any more | logged, and ignored |

A broken executor fails in all of its tasks, also those that are still to come; a Pool goes on
where it can. To be safe with a Pool, call ``get()`` with a timeout, let no task and no callback
raise anything but ordinary exceptions, and give exceptions of your own arguments that
``__init__`` accepts again. After a loss only ``terminate()`` ends a Pool, as ``join()`` waits for
the lost result.

Each proof waits for a lost result for one beat, when another result is known to have arrived
that was asked for later.
"""

from spec.kit import BEAT, OBSERVED, claim, perform, result_or_error

NEEDS = ("semaphores",)

NO_MORE_RESULTS = {
    "result of another pool": "2",
    "first result": "TimeoutError",
    "later result": "TimeoutError",
    "terminate()": "AssertionError",
    "workers left": "1",
}


@claim(
    "pool.raising-callback-stops-results",
    docs="multiprocessing.pool.Pool.apply_async",
    level=OBSERVED,
    contradicts="multiprocessing.pool.Pool.terminate",
)
def test_no_result_arrives_after_a_callback_has_raised(mp, program):
    """If a callback raises an exception, no result of the Pool arrives any more, and it never ends.

    Its own result is lost too. terminate() raises AssertionError and leaves the worker at its task,
    until the program ends. The worker has done two tasks, and another pool's result has arrived.
    """
    completed = program.run("result_thread", "callback", str(program.folder / "done"))
    assert completed.table == NO_MORE_RESULTS
    assert completed.exitcode == 0
    assert "Unrebuildable" in completed.errors, "the callback's exception is not shown"


@claim(
    "pool.unrebuildable-exception-hangs-pool",
    docs="multiprocessing.pool.AsyncResult.get",
    level=OBSERVED,
    contradicts="multiprocessing.pool.AsyncResult.get",
)
def test_no_result_arrives_after_an_exception_that_cannot_be_rebuilt(mp, program):
    """An exception whose class needs other arguments than it was pickled with stops all results.

    Its __init__() takes two arguments, and passes one on. terminate() raises AssertionError and
    leaves the worker at its task, until the program ends.
    """
    completed = program.run("result_thread", "exception", str(program.folder / "done"))
    assert completed.table == NO_MORE_RESULTS
    assert completed.exitcode == 0
    assert "TypeError" in completed.errors, "the error is not shown"


@claim(
    "pool.base-exception-loses-task",
    docs="multiprocessing.pool.AsyncResult.get",
    level=OBSERVED,
    contradicts="multiprocessing.pool.AsyncResult.get",
)
def test_sys_exit_in_a_task_loses_its_result(mp, program):
    """sys.exit() or another BaseException in a task ends the worker, and get() never returns.

    The worker is replaced, and the next task is done by the replacement.
    """
    kinds = ("sys.exit()", "KeyboardInterrupt", "BaseException")
    table = program.table_of("lost_tasks", *kinds)
    lost = "TimeoutError, worker replaced: True"
    assert {kind: table[kind] for kind in kinds} == dict.fromkeys(kinds, lost)


@claim("pool.dead-worker-replaced-task-lost", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_a_killed_worker_is_replaced_and_its_task_is_lost(mp, program):
    """A worker that is killed or calls os._exit() is replaced; the result of its task never comes.

    The next task is done by the replacement.
    """
    kinds = ("os._exit()", "killed")
    table = program.table_of("lost_tasks", *kinds)
    lost = "TimeoutError, worker replaced: True"
    assert {kind: table[kind] for kind in kinds} == dict.fromkeys(kinds, lost)


@claim("pool.lost-task-blocks-join", docs="multiprocessing.pool.Pool.join", level=OBSERVED)
def test_join_waits_for_a_lost_task(mp, program):
    """After close(), join() blocks forever if a task was lost; terminate() ends the Pool.

    Another pool, without a loss, is closed and joined meanwhile.
    """
    table = program.table_of("lost_tasks", "os._exit()")
    del table["os._exit()"]
    assert table == {"join() blocks": "True", "terminate()": "None", "workers left": "0"}


@claim("pool.unknown-function-loses-task", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_a_function_that_is_defined_too_late_ends_the_worker(mp, program):
    """A function that the worker cannot find ends the worker, and the task's result never comes.

    The function is defined after the worker has started. The worker is replaced, and the
    replacement does the next task.
    """
    completed = program.run("late_function")
    assert completed.table == {"result": "TimeoutError", "worker replaced": "True"}
    assert completed.exitcode == 0
    assert "AttributeError" in completed.errors


@claim(
    "pool.raising-initializer-respawns-forever", docs="multiprocessing.pool.Pool", level=OBSERVED
)
def test_a_raising_initializer_starts_workers_forever(mp, program):
    """If the initializer raises an exception, the Pool starts new workers forever and does no task.

    Four workers, one after the other, have called it. terminate() ends that.
    """
    completed = program.run("raising_initializer", str(program.folder / "starts"))
    assert completed.table == {
        "result": "TimeoutError",
        "result of another pool": "2",
        "workers left": "0",
    }
    assert completed.exitcode == 0
    assert "ValueError" in completed.errors


def use_pool_of_parent(stage, pool):
    """Ask the parent's pool for a task; report the error of its result, and of map()."""
    asked = pool.apply_async(abs, (-1,))
    stage.say("asked", result_or_error(asked.get, BEAT))
    stage.wait_for_cue("end")


def share_pool_with_child(stage, ticket):
    """Hand a pool to a forked child; report the result of a task while the child waits for its."""
    with stage.mp.Pool(1) as pool:
        child = stage.mp.Process(target=perform, args=(*ticket, pool))
        child.start()
        stage.wait_for_cue("ask")
        result = pool.apply_async(abs, (-2,)).get(stage.patience)
        stage.say("served", result)
        child.join(stage.patience)
        return child.exitcode


@claim("pool.forked-child-gets-no-result", docs="multiprocessing.pool.Pool", methods=("fork",))
def test_a_forked_child_cannot_use_the_pool_of_its_parent(mp, stage):
    """A Pool serves only its creator: tasks of a forked child are not done, without any error.

    The creator's own task is done before and after the child's attempt.
    """
    child = stage.nested(use_pool_of_parent)
    creator = stage.enter(share_pool_with_child, child.ticket)
    assert child.expect("asked") == "TimeoutError"
    creator.cue("ask")
    assert creator.expect("served") == 2
    child.cue("end")
    assert creator.returns() == 0
