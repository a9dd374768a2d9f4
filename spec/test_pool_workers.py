"""Pool workers: how they start, and how they end.

The workers of a pool start with it, and live until its end, unless ``maxtasksperchild`` limits
the number of tasks of each; then it is replaced. ``initializer`` is called once in each worker,
in replacements too: it is the way to give workers a lock or a queue, which cannot be arguments of
tasks, and large data that all tasks need.

Workers are daemonic, so a task can start neither processes nor another ``Pool``. They have the
globals of their start: under fork the creator's, under the other start methods those of a fresh
import; later changes do not reach them.

``close()`` lets the workers end when all tasks are done, and ``join()`` waits for that.
``terminate()`` ends them at once, and so does the end of a ``with`` block: collect all results
inside it, or call ``close()`` and ``join()`` there. Do not leave the end of a pool to the garbage
collector.
"""

import gc
import os
import threading
import time
import warnings
import weakref
from contextlib import suppress
from types import SimpleNamespace

from spec.kit import BEAT, OBSERVED, TICK, claim, now, perform, reached, result_or_error, submodule
from spec.kit.actors import take_part
from spec.kit.package import start_methods

NEEDS = ("semaphores",)

NOTES: list[tuple[object, ...]] = []


def note_initialization(*args):
    """Note that the initializer was called in this process, and its arguments."""
    NOTES.append(args)


def tell_notes(_):
    """The notes of this worker, and its name."""
    return submodule("process").current_process().name, list(NOTES)


def ask_initialized_workers(stage):
    """Have four workers, one after the other, tell how they were initialized."""
    with stage.mp.Pool(1, note_initialization, ("a", 1), maxtasksperchild=1) as pool:
        return pool.map(tell_notes, range(4), chunksize=1)


@claim("pool.initializer-runs-per-worker", docs="multiprocessing.pool.Pool")
def test_each_worker_calls_the_initializer_once(mp, stage):
    """Each worker, replacements included, calls initializer(*initargs) once, before its tasks.

    Every task has a worker of its own.
    """
    told = stage.result_of(ask_initialized_workers)
    assert len({name for name, _ in told}) == 4, f"workers: {told}"
    assert [notes for _, notes in told] == [[("a", 1)]] * 4


def name_of_worker(_=None):
    """The name of this worker: no other worker of the pool has it, even later."""
    return submodule("process").current_process().name


def do_tasks_with_limit(stage):
    """Report which worker does each task, by the limit of tasks per worker."""
    with stage.mp.Pool(1, maxtasksperchild=2) as pool:
        limited = [pool.apply(name_of_worker) for _ in range(5)]
        chunks = pool.map(name_of_worker, range(4), 4) + pool.map(name_of_worker, range(4), 2)
    with stage.mp.Pool(1) as pool:
        unlimited = [pool.apply(name_of_worker) for _ in range(20)]
    return limited + chunks, unlimited


@claim("pool.worker-replaced-after-max-tasks", docs="multiprocessing.pool.Pool")
def test_a_worker_is_replaced_after_its_last_task(mp, stage):
    """maxtasksperchild=n: a worker is replaced after n tasks; by default it lives as the pool does.

    A task is a call or a chunk of items, not an item.
    """
    limited, unlimited = stage.result_of(do_tasks_with_limit)
    names = sorted(set(limited), key=limited.index)
    assert [names.index(name) for name in limited] == [0, 0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3]
    assert len(set(unlimited)) == 1


def exit_if_named(name):
    """End this worker at once, in the midst of its task, if it has this name."""
    if name_of_worker() == name:
        os._exit(3)


def end_each_worker(stage):
    """End the younger of two workers and then the elder; report that each was replaced."""
    replaced = []
    with stage.mp.Pool(2) as pool:
        for place in (1, 0):
            name = sorted(worker.name for worker in stage.mp.active_children())[place]
            while name in (workers := [each.name for each in stage.mp.active_children()]) or (
                len(workers) != 2
            ):
                pool.apply_async(exit_if_named, (name,))  # perhaps to the other worker
                time.sleep(BEAT / 10)
            replaced.append(place)
    return replaced


@claim("pool.any-dead-worker-is-replaced", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_each_worker_that_ends_is_replaced(mp, stage):
    """A worker that ends in the midst of a task is replaced, whichever of the workers it is.

    The younger of two ends, and then the elder. Each time the pool has two workers again, and not
    the one that has ended; it may take as long as the patience.
    """
    assert stage.result_of(end_each_worker) == [1, 0]


def count_default_workers(stage):
    """Report the number of workers of Pool() for a process that may use one CPU of several."""
    usable = os.sched_getaffinity(0)  # type: ignore[attr-defined,unused-ignore]
    os.sched_setaffinity(0, {min(usable)})  # type: ignore[attr-defined,unused-ignore]
    os.cpu_count = lambda: 2  # not as many as there are: they may be hundreds
    with stage.mp.Pool() as pool:
        return len(stage.mp.active_children()), len(pool.map(abs, range(4)))


@claim(
    "pool.default-size-follows-cpus",
    docs="multiprocessing.pool.Pool",
    needs=("affinity",),
    changes={"3.13": "The CPUs that the process may use count, not those of the machine."},
)
def test_the_default_size_is_the_number_of_usable_cpus(mp, stage):
    """Pool() has a worker per CPU that the process may use; before 3.13, per CPU of the machine.

    The process restricts itself to one CPU. The package is told that the machine has two.
    """
    workers = 1 if reached("3.13") else 2
    assert stage.result_of(count_default_workers) == (workers, 4)


def do_nothing_at_all():
    """Do nothing."""


def start_children(stage):
    """Try to start a process and a pool in a worker; report the errors."""
    mp = stage.mp
    return {
        "daemonic": submodule("process").current_process().daemon,
        "Process": result_or_error(mp.Process(target=do_nothing_at_all).start),
        "Pool": result_or_error(lambda: mp.Pool(1).terminate()),
    }


def have_worker_start_children(stage, ticket):
    """Report the errors of a task that starts children, and the result of a later one."""
    with stage.mp.Pool(1) as pool:
        return pool.apply(take_part, (ticket,)), pool.apply(abs, (-1,))


@claim("pool.workers-cannot-have-children", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_a_task_cannot_start_a_process_or_a_pool(mp, stage):
    """Workers are daemonic: starting a Process or a Pool in a task raises AssertionError."""
    errors, afterwards = stage.result_of(
        have_worker_start_children, stage.nested(start_children).ticket
    )
    assert errors == {"daemonic": True, "Process": "AssertionError", "Pool": "AssertionError"}
    assert afterwards == 1


SETTING = ["import"]


def tell_setting(_=None):
    """The value of a global of this worker."""
    return SETTING[-1]


def change_setting_around_pool(stage):
    """Change a global before and after a pool is created; report what its workers see."""
    SETTING.append("before")
    with stage.mp.Pool(1, maxtasksperchild=2) as pool:
        pool.apply(abs, (0,))
        SETTING.append("after")
        return [pool.apply(tell_setting), pool.apply(tell_setting)]


@claim("pool.workers-keep-early-globals", docs="multiprocessing#programming-guidelines")
def test_workers_have_the_globals_of_their_start(mp, stage):
    """Workers have the globals of their start: under fork the creator's, else a fresh import's.

    The first worker is known to have started before the last change. It is replaced after that,
    and under fork the replacement has the new value.
    """
    forked = mp.get_start_method() == "fork"
    expected = ["before", "after"] if forked else ["import", "import"]
    assert stage.result_of(change_setting_around_pool) == expected


GIVEN = SimpleNamespace()


def keep_given(lock, queue):
    """Keep the lock and the queue for the tasks of this worker."""
    GIVEN.lock = lock
    GIVEN.queue = queue


def use_given(_=None):
    """Try to acquire the lock, and tell the answer through the queue."""
    GIVEN.queue.put(GIVEN.lock.acquire(False))


def give_primitives(stage):
    """Give a lock and a queue to a worker in two ways; report the errors and what it can do."""
    lock, queue = stage.mp.Lock(), stage.mp.SimpleQueue()
    with lock, stage.mp.Pool(1, keep_given, (lock, queue)) as pool:
        errors = [
            result_or_error(pool.apply_async(id, (each,)).get, stage.patience)
            for each in (lock, queue, stage.mp.Queue(), stage.mp.Event(), stage.mp.Value("i"))
        ]
        pool.apply_async(use_given).get(stage.patience)
        return errors, queue.get()


@claim("pool.locks-come-through-initializer", docs="multiprocessing#programming-guidelines")
def test_locks_and_queues_are_arguments_of_the_initializer_only(mp, stage):
    """Locks and queues reach workers as initargs; as a task's arguments they raise RuntimeError.

    The worker finds the lock held by its creator, and says so through the queue.
    """
    errors, acquired = stage.result_of(give_primitives)
    assert errors == ["RuntimeError"] * 5
    assert acquired is False


def class_of_worker():
    """The name of the class of this worker's Process."""
    return type(submodule("process").current_process()).__name__


def use_two_contexts(stage):
    """Report the class of the workers of a pool with a given context, and that of the context.

    Each of two start methods is used, so that one of them is not the default.
    """
    pool_class = submodule("pool").Pool
    own = stage.mp.get_start_method()
    # Not forkserver under fork: a forked child cannot use the fork server of its parent.
    other = "spawn" if own != "spawn" else next(each for each in start_methods() if each != own)
    observed = {}
    for method in (own, other):
        context = stage.mp.get_context(method)
        with pool_class(1, context=context) as pool:
            observed[method] = pool.apply(class_of_worker), context.Process.__name__
    return observed


@claim(
    "pool.context-can-be-given",
    docs="multiprocessing.pool",
    needs=("several-start-methods",),
)
def test_the_workers_start_by_the_method_of_the_context(mp, stage):
    """pool.Pool(context=...) starts its workers by the start method of that context."""
    for method, (worker, expected) in stage.result_of(use_two_contexts).items():
        assert worker == expected, method


class FailingContext:
    """A context whose second process cannot be started."""

    def __init__(self, context):
        self.context = context
        self.started = []

    def __getattr__(self, name):
        return getattr(self.context, name)

    def Process(self, *args, **kwargs):
        """Return the first process; raise OSError instead of a second one."""
        if self.started:
            raise OSError("no more processes")
        self.started.append(self.context.Process(*args, **kwargs))
        return self.started[0]


def fail_to_create(stage):
    """Have Pool(2) fail at its second worker; report the error, and whether the first is alive."""
    context = FailingContext(stage.mp)
    error = result_or_error(submodule("pool").Pool, 2, context=context)
    return error, len(context.started), context.started[0].is_alive()


@claim("pool.failed-creation-ends-workers", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_workers_end_if_the_pool_cannot_be_created(mp, stage):
    """If a worker cannot be started, Pool() raises the error and ends the workers before it."""
    assert stage.result_of(fail_to_create) == ("OSError", 1, False)


def work_when_cued(stage, value=None):
    """Say "busy", wait for the cue "end" and return the value."""
    stage.say("busy")
    stage.wait_for_cue("end")
    return value


class Item:
    """An argument or a result: other than a list, it can be referred to weakly."""


def say_when_forgotten(stage, references):
    """Say "forgotten" when all of the weak references are dead."""
    while any(reference() is not None for reference in references):
        gc.collect()
        time.sleep(TICK)
    stage.say("forgotten")


def return_item(stage, item):
    """Return a new item; a thread watches both items from now on."""
    result = Item()
    references = [weakref.ref(item), weakref.ref(result)]
    threading.Thread(target=say_when_forgotten, args=(stage, references), daemon=True).start()
    return result


def have_item_returned(stage, ticket):
    """Have a worker do one task, and leave it idle after that."""
    with stage.mp.Pool(1) as pool:
        pool.apply(take_part, ((*ticket, Item()),))
        stage.wait_for_cue("end")


@claim("pool.worker-forgets-finished-task", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_an_idle_worker_keeps_nothing_of_its_last_task(mp, stage):
    """An idle worker keeps no reference to the arguments and the result of its last task.

    The worker gets no other task. Its own thread sees that both have gone.
    """
    worker = stage.nested(return_item)
    caller = stage.enter(have_item_returned, worker.ticket)
    worker.expect("forgotten")
    caller.returns(cue="end")


USES = {
    "apply": lambda pool: pool.apply(abs, (1,)),
    "apply_async": lambda pool: pool.apply_async(abs, (1,)),
    "map": lambda pool: pool.map(abs, [1]),
    "map_async": lambda pool: pool.map_async(abs, [1]),
    "starmap": lambda pool: pool.starmap(abs, [(1,)]),
    "starmap_async": lambda pool: pool.starmap_async(abs, [(1,)]),
    "imap": lambda pool: pool.imap(abs, [1]),
    "imap by 2": lambda pool: pool.imap(abs, [1], 2),
    "imap_unordered": lambda pool: pool.imap_unordered(abs, [1]),
    "imap_unordered by 2": lambda pool: pool.imap_unordered(abs, [1], 2),
    "with": lambda pool: pool.__enter__(),
}


def uses_of(pool):
    """The name of the exception that each use of the pool raises."""
    return {name: result_or_error(lambda use=use: use(pool) and None) for name, use in USES.items()}


def close_with_tasks(stage, tickets):
    """Close a pool of one worker that has two tasks; report their results."""
    pool = stage.mp.Pool(1)
    results = pool.map_async(take_part, tickets, 1)
    pool.close()
    stage.say("closed", uses_of(pool))
    results.wait(stage.patience)
    stage.wait_for_cue("join")
    pool.join()
    return results.get(0)


@claim("pool.close-finishes-accepted-tasks", docs="multiprocessing.pool.Pool.close")
def test_accepted_tasks_are_done_after_close(mp, stage):
    """After close() new tasks raise ValueError, accepted ones are done, and the workers then end.

    The second task begins after close(). The worker ends without join().
    """
    tasks = [stage.nested(work_when_cued, number) for number in range(2)]
    caller = stage.enter(close_with_tasks, [task.ticket for task in tasks])
    assert caller.expect("closed") == dict.fromkeys(USES, "ValueError")
    for task in tasks:
        task.expect("busy")
        task.cue("end")
    tasks[1].wait_until_gone()
    caller.cue("join")
    assert caller.returns() == [0, 1]


def work_and_stay_when_cued(stage):
    """Say "busy", and end the task at the cue "end", but this process only at the cue "leave"."""
    stage.say("busy")
    stage.wait_for_cue("end")
    threading.Thread(target=stage.wait_for_cue, args=("leave",)).start()


def join_pool(stage, ticket):
    """Join a pool before and after it is closed; report the error and the result."""
    pool = stage.mp.Pool(2)
    result = pool.apply_async(take_part, (ticket,))
    early = result_or_error(pool.join)
    pool.close()
    stage.say("joining", early)
    joined = pool.join()
    stage.say("joined", result.ready(), len(stage.mp.active_children()))
    return joined, pool.join()


@claim("pool.join-waits-for-workers", docs="multiprocessing.pool.Pool.join")
def test_join_waits_until_tasks_and_workers_have_ended(mp, stage):
    """join() raises ValueError before close() or terminate(); then it waits for the workers' end.

    The task ends after join() was called, and a thread keeps its worker from ending with it. join()
    may be called again.
    """
    task = stage.nested(work_and_stay_when_cued)
    caller = stage.enter(join_pool, task.ticket)
    assert caller.expect("joining") == "ValueError"
    task.expect("busy")
    task.cue("end")
    assert caller.does_not_say("joined"), "join() has not waited for the worker's end"
    task.cue("leave")
    assert caller.expect("joined") == (True, 0)
    assert caller.returns() == (None, None)


def end_with_tasks(stage, tickets, end):
    """End a pool of one worker that has two tasks; report what became of their results."""
    pool = stage.mp.Pool(1)
    control = pool.apply_async(abs, (-1,))
    results = [pool.apply_async(take_part, (ticket,)) for ticket in tickets]
    control.wait(stage.patience)
    stage.wait_for_cue("end it")
    if end == "terminate":
        pool.terminate()
    else:
        with pool:
            pass
    stage.say("ended", control.get(0), [result.ready() for result in results])
    errors = [result_or_error(result.get, BEAT) for result in results]
    pool.join()
    return errors, len(stage.mp.active_children())


def play_end_with_tasks(stage, end):
    """Play a scene that ends a pool while one task is at work and one waits; returns the report."""
    working, waiting = stage.nested(work_when_cued), stage.nested(work_when_cued)
    caller = stage.enter(end_with_tasks, [working.ticket, waiting.ticket], end)
    working.expect("busy")
    caller.cue("end it")
    ended = caller.expect("ended")
    working.wait_until_gone()
    reported = caller.returns()
    assert not waiting.has_said("busy"), "a task began after the end of its pool"
    return ended, reported


@claim("pool.terminate-drops-outstanding-work", docs="multiprocessing.pool.Pool.terminate")
def test_terminate_ends_workers_in_the_middle_of_a_task(mp, stage):
    """terminate() ends the workers at once: tasks at work are cut off, waiting ones never begin.

    The task at work is never told to end. No result of the two arrives, though that of an earlier
    task has.
    """
    assert play_end_with_tasks(stage, "terminate") == (
        (1, [False, False]),
        (["TimeoutError", "TimeoutError"], 0),
    )


@claim("pool.with-terminates-without-waiting", docs="multiprocessing.pool.Pool")
def test_the_end_of_a_with_block_does_not_wait_for_tasks(mp, stage):
    """The end of a with block terminates the Pool: results that are not there yet never arrive.

    The task at work is never told to end.
    """
    assert play_end_with_tasks(stage, "with") == (
        (1, [False, False]),
        (["TimeoutError", "TimeoutError"], 0),
    )


def use_ended_pools(stage):
    """Report what a closed and a terminated pool raise, and what ends them again."""
    observed = {}
    closed = stage.mp.Pool(1)
    closed.close()
    observed["close"] = uses_of(closed)
    closed.join()
    observed["close and join"] = uses_of(closed)
    with suppress(KeyError), stage.mp.Pool(1) as left:
        raise KeyError
    observed["with"] = uses_of(left)
    again = [pool_end() for pool in (closed, left) for pool_end in (pool.close, pool.terminate)]
    return observed, again


@claim("pool.ended-pool-refuses-work", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_a_closed_or_terminated_pool_refuses_all_uses(mp, stage):
    """A closed or terminated Pool raises ValueError for each new task, and in a with statement.

    A with block that was left by an exception has terminated it too. Closing or terminating it
    again has no effect.
    """
    observed, again = stage.result_of(use_ended_pools)
    refused = dict.fromkeys(USES, "ValueError")
    assert observed == {"close": refused, "close and join": refused, "with": refused}
    assert again == [None] * 4


def drop_pool(stage, ticket):
    """Drop the only reference to a running pool; say the category of each warning about a pool."""
    warned = []

    def note(message, category, *_):
        if "pool" in str(message).lower():  # others are about what else is collected
            warned.append(category.__name__)

    warnings.simplefilter("always")
    warnings.showwarning = note
    pool = stage.mp.Pool(1)
    pool.apply(perform, ticket)
    del pool
    deadline = now() + stage.patience / 2
    while not warned and now() < deadline:  # the pool's threads may still refer to it
        gc.collect()
        time.sleep(TICK)
    gc.collect()  # PyPy frees an object with __del__() only when it is collected once more
    stage.say("dropped", warned)
    stage.wait_for_cue("leave")


def say_here(stage):
    """Say "here"."""
    stage.say("here")


@claim("pool.unclosed-pool-warns", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_a_collected_pool_gives_a_resource_warning(mp, stage):
    """A Pool that is collected without close() or terminate() gives a ResourceWarning."""
    caller = stage.enter(drop_pool, stage.nested(say_here).ticket)
    assert caller.expect("dropped") == ["ResourceWarning"]
    caller.returns(cue="leave")


@claim("pool.collected-pool-is-ended", docs="multiprocessing.pool.Pool.terminate")
def test_the_workers_of_a_collected_pool_end(mp, stage):
    """The workers of a Pool to which no reference is left end when it is collected.

    The documentation promises it, and also warns not to rely on it. The process that has created
    the pool lives on meanwhile.
    """
    worker = stage.nested(say_here)
    caller = stage.enter(drop_pool, worker.ticket)
    worker.expect("here")
    caller.expect("dropped")
    worker.wait_until_gone()
    caller.returns(cue="leave")


@claim("pool.unclosed-pool-spares-exit", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_a_program_can_end_without_ending_its_pool(mp, program):
    """A program whose Pool is neither closed nor terminated ends normally, and so do the workers.

    One worker waits for a task, and the other has one that never ends by itself.
    """
    completed = program.run("unclosed")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.lines == ["1"]
