"""Faults of pool workers."""

import os
import time
from typing import Any

from spec.faults import fault, replace

KEPT: list[Any] = []


@fault("pool.worker", "pool.initializer-runs-per-worker")
def replacements_are_not_initialized(original, inqueue, outqueue, initializer=None, *args):
    """A replacement does not call the initializer: its tasks fail, hours after the start."""
    from multiprocessing import process

    replacement = process.current_process()._identity[-1] > 1
    original(inqueue, outqueue, None if replacement else initializer, *args)


@fault("pool.worker", "pool.initializer-runs-per-worker")
def initializer_is_called_twice(original, inqueue, outqueue, initializer=None, initargs=(), *args):
    """Each worker calls the initializer twice."""
    if initializer is not None:
        initializer(*initargs)
    original(inqueue, outqueue, initializer, initargs, *args)


@fault("pool.worker", "pool.worker-replaced-after-max-tasks")
def one_task_more(original, inqueue, outqueue, initializer, initargs, maxtasks=None, *args):
    """A worker does a task more than maxtasksperchild allows, if that is more than one."""
    if maxtasks is not None and maxtasks > 1:
        maxtasks += 1
    original(inqueue, outqueue, initializer, initargs, maxtasks, *args)


@fault("pool.worker", "pool.worker-replaced-after-max-tasks")
def workers_grow_old(original, inqueue, outqueue, initializer, initargs, maxtasks=None, *args):
    """A worker is replaced after ten tasks, even without maxtasksperchild: caches are lost."""
    original(inqueue, outqueue, initializer, initargs, maxtasks or 10, *args)


@fault("pool.Pool.__init__", "pool.default-size-follows-cpus")
def counts_the_other_cpus(original, self, processes=None, *args, **kwargs):
    """Pool() counts the CPUs of the machine where it should count the usable ones."""
    if processes is None:
        usable = hasattr(os, "process_cpu_count")
        processes = os.cpu_count() if usable else len(os.sched_getaffinity(0))
    original(self, processes, *args, **kwargs)


@fault("pool.worker", "pool.workers-cannot-have-children")
def workers_are_not_daemonic(original, *args, **kwargs):
    """A task can start processes: they outlive a terminated pool."""
    from multiprocessing import process

    process.current_process()._config["daemon"] = False
    original(*args, **kwargs)


@fault("pool.Pool.apply", "pool.workers-keep-early-globals")
def creator_does_calls_without_arguments(original, self, func, *args):
    """apply() of a function without arguments is done by the creator itself."""
    return original(self, func, *args) if args else func()


@fault("pool.worker", "pool.locks-come-through-initializer")
def workers_get_locks_of_their_own(original, inqueue, outqueue, initializer, initargs, *args):
    """A lock in initargs is a new one in each worker: it excludes no other process."""
    from multiprocessing import get_context, synchronize

    initargs = tuple(
        get_context().Lock() if isinstance(each, synchronize.Lock) else each for each in initargs
    )
    original(inqueue, outqueue, initializer, initargs, *args)


@fault("context.assert_spawning", "pool.locks-come-through-initializer")
def locks_are_refused_by_type_error(original, obj):
    """A lock as an argument of a task raises TypeError."""
    try:
        original(obj)
    except RuntimeError as error:
        raise TypeError(*error.args) from None


@fault("pool.Pool.__init__", "pool.context-can-be-given")
def context_is_ignored(original, self, *args, context=None, **kwargs):
    """The workers always start by the default method, whichever context is given."""
    original(self, *args, **kwargs)


@fault("pool.Pool._repopulate_pool", "pool.failed-creation-ends-workers")
def failed_pool_leaves_its_workers(original, self):
    """If a pool fails in its creation, the workers that have started run on."""
    try:
        original(self)
    except OSError:
        self._pool = []
        raise


@fault("pool.worker", "pool.worker-forgets-finished-task")
def worker_keeps_its_last_task(original, inqueue, outqueue, *args, **kwargs):
    """An idle worker keeps the arguments of its last task: large ones take memory for nothing."""
    get = inqueue.get

    def get_and_keep():
        KEPT[:] = [KEPT, get()]
        return KEPT[1]

    inqueue.get = get_and_keep
    original(inqueue, outqueue, *args, **kwargs)


@fault("pool.worker", "pool.worker-forgets-finished-task")
def worker_keeps_its_last_result(original, inqueue, outqueue, *args, **kwargs):
    """An idle worker keeps the result of its last task: a large one takes memory for nothing."""
    put = outqueue.put

    def put_and_keep(result):
        KEPT[:] = [result]
        put(result)

    outqueue.put = put_and_keep
    original(inqueue, outqueue, *args, **kwargs)


@fault("pool.Pool.close", "pool.close-finishes-accepted-tasks", crude=True)
def close_terminates(original, self):
    """close() ends the workers at once: accepted tasks are lost."""
    self.terminate()


@fault("pool.Pool._check_running", "pool.close-finishes-accepted-tasks")
def closed_pool_takes_tasks(original, self):
    """A closed pool takes new tasks, and loses them."""
    if self._state != "CLOSE":
        original(self)


@fault("pool.Pool.close", "pool.close-finishes-accepted-tasks")
def workers_stay_until_join(original, self):
    """The workers of a closed pool stay until join(): a program with many is full of them."""
    self._state = "CLOSE"

    def close_and_join():
        self._state = "RUN"
        original(self)
        type(self).join(self)

    self.join = close_and_join


@fault("pool.Pool.join", "pool.join-waits-for-workers")
def join_ignores_running_pool(original, self):
    """join() of a pool that is not closed returns at once: tasks seem to be done."""
    if self._state != "RUN":
        original(self)


@fault("pool.Pool.join", "pool.join-waits-for-workers")
def join_gives_up_after_a_moment(original, self):
    """join() waits for a moment only: tasks that take longer seem to be done."""
    if self._state == "RUN":
        original(self)
    self._worker_handler.join(0.05)


@fault("pool.Pool.join", "pool.join-waits-for-workers")
def join_waits_for_tasks_only(original, self):
    """join() returns when all tasks are done: the workers' exit handlers are still running."""
    workers, self._pool = self._pool, []
    try:
        original(self)
    finally:
        self._pool = workers


@fault("pool.Pool.terminate", "pool.terminate-drops-outstanding-work")
def terminate_waits_for_tasks(original, self):
    """terminate() waits until all tasks are done: a task that hangs hangs the program."""
    self.close()
    while self._cache:
        time.sleep(0.005)
    original(self)


@fault("pool.Pool.__exit__", "pool.with-terminates-without-waiting")
def with_waits_for_tasks(original, self, *args):
    """The end of a with block waits for all tasks: the claim is out of date."""
    self.close()
    self.join()


@fault("pool.Pool.__enter__", "pool.ended-pool-refuses-work")
def ended_pool_can_be_entered(original, self):
    """A with statement accepts a pool that has ended."""
    return self


@fault("pool.Pool.imap", "pool.ended-pool-refuses-work")
def ended_pool_takes_items(original, self, func, iterable, chunksize=1):
    """imap() of an ended pool returns an iterator that never yields anything."""
    return iter(()) if self._state != "RUN" else original(self, func, iterable, chunksize)


@fault("pool.Pool.__del__", "pool.unclosed-pool-warns")
def unclosed_pool_is_silent(original, self):
    """A pool that is collected without close() or terminate() gives no warning."""
    original(self, _warn=lambda *args, **kwargs: None)


@fault("pool.Pool.__init__", "pool.unclosed-pool-warns", "pool.collected-pool-is-ended")
def pools_live_forever(original, self, *args, **kwargs):
    """A pool that is deleted without close() is never collected: its workers stay."""
    original(self, *args, **kwargs)
    KEPT.append(self)


@fault("pool", "pool.unclosed-pool-spares-exit")
def exit_waits_for_tasks(module):
    """At its exit a program waits for the tasks of its pools."""
    from multiprocessing import util

    def wait_for_tasks(self):
        while self._cache:
            time.sleep(0.005)

    def init(original, self, *args, **kwargs):
        original(self, *args, **kwargs)
        util.Finalize(None, wait_for_tasks, args=(self,), exitpriority=20)

    replace(module.Pool, "__init__", init)


@fault("pool.Pool._join_exited_workers", "pool.any-dead-worker-is-replaced")
def only_the_eldest_is_replaced(original, pool):
    """A Pool notices the end of its eldest worker only: with the others gone, it does less."""
    return bool(pool) and pool[0].exitcode is not None and original(pool)
