"""Pool: tasks for a number of workers.

A pool keeps worker processes and hands them tasks: calls of a function. ``apply_async`` asks for
one call and gives a result to be waited for, ``map`` and its relatives ask for many. Items are
handed over in chunks; a chunk is one task, done by one worker.

A pool is held by an actor here, since to make one and to end it may take for ever.
"""

import os

from spec.kit import claim, submodule

NEEDS = ("semaphores",)


def ask_for_many(stage, number):
    """Ask a pool for calls, all at once; report the result of each."""
    with stage.mp.Pool(2) as pool:
        results = [pool.apply_async(abs, (-each,)) for each in range(number)]
        return [result.get(stage.patience) for result in results]


@claim("pool.each-call-gets-its-own-result", docs="multiprocessing.pool.Pool.apply_async")
def test_calls_under_way_at_once_get_their_own_results(mp, stage):
    """Calls that are under way at the same time each get their own result.

    They are asked for while the workers are still coming up, so none is over before the last
    one is asked for.
    """
    assert stage.result_of(ask_for_many, 8) == list(range(8))


def worker_of(_):
    """Tell which process did the item: by its name too, since pids may be given again at once."""
    return submodule("process").current_process().name, os.getpid()


def hand_out(stage, way, chunksize):
    """Have a pool do four items, by workers that do one task each; report who did which."""
    with stage.mp.Pool(2, maxtasksperchild=1) as pool:
        workers = list(getattr(pool, way)(worker_of, range(4), chunksize=chunksize))
        pool.close()
        pool.join()
    return workers


@claim("pool.chunks-go-to-one-worker", docs="multiprocessing.pool.Pool.map")
def test_the_items_of_a_chunk_are_done_by_one_worker(mp, stage):
    """With chunksize, so many items go to one worker as one task, by map, imap, imap_unordered.

    Each worker does one task and is replaced, so two tasks are never done by the same process.
    """
    for way in ("map", "imap", "imap_unordered"):
        two = stage.result_of(hand_out, way, 2)
        assert sorted(two.count(worker) for worker in set(two)) == [2, 2], way
    one = stage.result_of(hand_out, "imap_unordered", 1)
    assert len(set(one)) == 4
