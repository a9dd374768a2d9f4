"""Pool: handing tasks to a fixed number of worker processes.

A ``Pool`` keeps worker processes, so that a task costs no new process. ``apply_async()`` asks for
one call and returns an object whose ``get()`` blocks until the result is there; ``map()``,
``imap()`` and ``imap_unordered()`` call a function for each of many items.

Items go to the workers in chunks: a chunk is one task, done by one worker. Larger chunks cost
fewer messages, smaller ones spread the work more evenly. ``map()`` chooses a chunk size by
itself; the others send items one by one unless ``chunksize`` is given.

A pool has to be closed or terminated, or used in a ``with`` block, which terminates it. In the
proofs an actor has the pool, since starting and ending one might take forever.
"""

import os

from spec.kit import claim, submodule

NEEDS = ("semaphores",)


def ask_for_many(stage, number):
    """Ask a pool for several calls, all at once; report the result of each."""
    with stage.mp.Pool(2) as pool:
        results = [pool.apply_async(abs, (-each,)) for each in range(number)]
        return [result.get(stage.patience) for result in results]


@claim("pool.each-call-gets-its-own-result", docs="multiprocessing.pool.Pool.apply_async")
def test_each_pending_call_gets_its_own_result(mp, stage):
    """Each apply_async() call gets its own result, even if several calls are pending at once.

    Eight calls, each with another result, are asked for before the first result is fetched.
    """
    assert stage.result_of(ask_for_many, 8) == list(range(8))


def worker_of(_):
    """Tell which worker does the item: by its name too, since a PID may be given again at once."""
    return submodule("process").current_process().name, os.getpid()


def tell_worker_of_each(stage, way, chunksize):
    """Have a pool do four items, with workers that do one task each; report each item's worker."""
    with stage.mp.Pool(2, maxtasksperchild=1) as pool:
        workers = list(getattr(pool, way)(worker_of, range(4), chunksize=chunksize))
        pool.close()
        pool.join()
    return workers


@claim("pool.chunks-go-to-one-worker", docs="multiprocessing.pool.Pool.map")
def test_the_items_of_a_chunk_are_done_by_one_worker(mp, stage):
    """map(), imap() and imap_unordered() send chunksize items to one worker as one task.

    Each worker is replaced after one task, so two tasks are never done by the same worker: four
    items in chunks of two have two workers, and in chunks of one four.
    """
    for way in ("map", "imap", "imap_unordered"):
        workers = stage.result_of(tell_worker_of_each, way, 2)
        counts = sorted(workers.count(worker) for worker in set(workers))
        assert counts == [2, 2], f"{way}(chunksize=2): items of each worker: {counts}"
    workers = stage.result_of(tell_worker_of_each, "imap_unordered", 1)
    assert len(set(workers)) == 4, f"imap_unordered(chunksize=1): {workers}"
