"""Pool: handing tasks to a fixed number of worker processes.

A ``Pool`` keeps worker processes, so that a task costs no new process. ``apply()`` does one call
in a worker; ``map()`` and ``starmap()`` call a function for each of many items, and return the
list of results. They block until all is done. ``apply_async()``, ``map_async()`` and
``starmap_async()`` return at once, with an object whose ``get()`` blocks until the result is
there. ``imap()`` and ``imap_unordered()`` return an iterator over the results.

Items go to the workers in chunks: a chunk is one task, done by one worker. Larger chunks cost
fewer messages, smaller ones spread the work more evenly. ``map()`` chooses a chunk size by
itself; ``imap()`` sends items one by one unless ``chunksize`` is given.

Some points surprise people. Functions, arguments and results are pickled, even under fork.
``imap()`` is lazy with its results, but not with its input, which it reads at once. And the end
of a ``with`` block terminates the pool: work that is not done by then is lost.

In the proofs an actor has the pool, since starting and ending one might take forever. Most tasks
are nested actors: they say when they begin, and end when cued, so that the order of all steps is
known.
"""

import os
import pickle

from spec.kit import BEAT, OBSERVED, TICK, claim, result_or_error, submodule
from spec.kit.actors import take_part

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


def work_until_cued(stage, value=None):
    """Say "working", and wait for the cue "finish"; returns the value, and this process's PID."""
    stage.say("working")
    stage.wait_for_cue("finish")
    return value, os.getpid()


def hand_out(stage, tickets):
    """Have a pool of two do the tasks; report the result of each, and the PID of the caller."""
    with stage.mp.Pool(2) as pool:
        results = [pool.apply_async(take_part, (ticket,)) for ticket in tickets]
        return [result.get(stage.patience) for result in results], os.getpid()


@claim("pool.tasks-run-in-several-workers", docs="multiprocessing.pool.Pool")
def test_two_tasks_run_at_once_in_two_workers_and_a_third_does_not(mp, stage):
    """A Pool(n) does up to n tasks at the same time, each in a worker process of its own.

    Both first tasks are at work before either of them may end, and the third begins when one of
    them has ended. The processes that do them are two, and neither is the pool's creator.
    """
    tasks = [stage.nested(work_until_cued) for _ in range(3)]
    caller = stage.enter(hand_out, [task.ticket for task in tasks])
    for task in tasks[:2]:
        task.expect("working")
    assert tasks[2].does_not_say("working"), "a Pool(2) does three tasks at once"
    tasks[0].cue("finish")
    tasks[2].expect("working")
    tasks[1].cue("finish")
    tasks[2].cue("finish")
    results, creator = caller.returns()
    workers = [pid for _, pid in results]
    assert workers == [tasks[0].pid, tasks[1].pid, tasks[0].pid]
    assert len({*workers, creator}) == 3, f"workers {workers}, creator {creator}"


def apply_in_two_ways(stage, first, second):
    """Have tasks done by apply_async(), and then by apply(); tell when each call has returned."""
    with stage.mp.Pool(1) as pool:
        pending = pool.apply_async(take_part, (first,))
        stage.say("asked", pending.ready())
        stage.wait_for_cue("apply")
        done = pool.apply(take_part, (), {"ticket": second})
        stage.say("applied")
        return pending.get(0)[0], done[0]


@claim("pool.apply-blocks-async-does-not", docs="multiprocessing.pool.Pool.apply")
def test_apply_async_returns_before_the_task_ends_and_apply_does_not(mp, stage):
    """apply() blocks until the result is there, and returns it; apply_async() returns at once.

    No task ends before it is cued: apply_async() has returned before that, and apply() has not,
    though its task is at work for a beat.
    """
    first, second = stage.nested(work_until_cued, 1), stage.nested(work_until_cued, 2)
    caller = stage.enter(apply_in_two_ways, first.ticket, second.ticket)
    assert caller.expect("asked") is False
    first.expect("working")
    first.cue("finish")
    caller.cue("apply")
    second.expect("working")
    assert caller.does_not_say("applied"), "apply() has returned before its task ended"
    second.cue("finish")
    assert caller.returns() == (1, 2)


def add(*numbers):
    """The sum of the numbers."""
    return sum(numbers)


def ask_for_async_results(stage):
    """Ask for results in each asynchronous way; report their types and values."""
    kind = submodule("pool").AsyncResult
    with stage.mp.Pool(1) as pool:
        results = {
            "apply_async": pool.apply_async(add, (1, 2)),
            "map_async": pool.map_async(add, [1, 2]),
            "starmap_async": pool.starmap_async(add, [(1, 2), (3,)]),
        }
        return {
            way: (isinstance(result, kind), result.get(stage.patience))
            for way, result in results.items()
        }


@claim("pool.results-are-async-results", docs="multiprocessing.pool.AsyncResult")
def test_each_asynchronous_way_returns_an_async_result(mp, stage):
    """apply_async(), map_async() and starmap_async() return instances of pool.AsyncResult.

    Their values are what apply(), map() and starmap() would return.
    """
    assert stage.result_of(ask_for_async_results) == {
        "apply_async": (True, 3),
        "map_async": (True, [1, 2]),
        "starmap_async": (True, [3, 3]),
    }


def take_all_parts(stage, way, tickets):
    """Have a pool of two do the tasks by map() or starmap(), item by item; say "mapped"."""
    items = [(ticket,) for ticket in tickets] if way == "starmap" else tickets
    with stage.mp.Pool(2) as pool:
        results = getattr(pool, way)(take_part, items, chunksize=1)
        stage.say("mapped")
        return [value for value, _ in results]


@claim("pool.map-keeps-input-order", docs="multiprocessing.pool.Pool.map")
def test_map_returns_results_in_input_order_when_all_are_done(mp, stage):
    """map() blocks until all items are done, and returns the results in the order of the items.

    Of two workers one does the second and then the third item, while the first item is still at
    work. starmap() does the same.
    """
    for way in ("map", "starmap"):
        items = [stage.nested(work_until_cued, number) for number in range(3)]
        caller = stage.enter(take_all_parts, way, [item.ticket for item in items])
        items[0].expect("working")
        for item in items[1:]:
            item.expect("working")
            item.cue("finish")
        assert caller.does_not_say("mapped"), f"{way}() did not wait for the first item"
        items[0].cue("finish")
        assert caller.returns() == [0, 1, 2], way


def map_nothing(stage):
    """Report what each way to map returns for no item, and raises for what is not iterable."""
    observed = {}
    with stage.mp.Pool(1) as pool:
        ways = {
            "map": lambda items: pool.map_async(abs, items).get(stage.patience),
            "starmap": lambda items: pool.starmap_async(abs, items).get(stage.patience),
            "imap": lambda items: list(pool.imap(abs, items)),
            "imap by 2": lambda items: list(pool.imap(abs, items, 2)),
            "imap_unordered": lambda items: list(pool.imap_unordered(abs, items)),
        }
        for way, call in ways.items():
            observed[way] = [
                result_or_error(call, items) for items in ((), iter(()), "", range(0), 5)
            ]
        observed["map, blocking"] = [pool.map(abs, ())]
        observed["starmap, blocking"] = [pool.starmap(abs, ())]
    return observed


@claim("pool.map-of-nothing-is-empty", docs="multiprocessing.pool.Pool.map", level=OBSERVED)
def test_no_item_gives_no_result(mp, stage):
    """For no items map(), starmap() and imap() give no results; a non-iterable raises TypeError.

    imap() raises TypeError when its first result is asked for.
    """
    each = [[], [], [], [], "TypeError"]
    ways = ("map", "starmap", "imap", "imap by 2", "imap_unordered")
    assert stage.result_of(map_nothing) == {
        **dict.fromkeys(ways, each),
        "map, blocking": [[]],
        "starmap, blocking": [[]],
    }


def map_tuples(stage):
    """Report results that show what each way to map passes: the items, or what is in them."""
    items = [(1, 2), [3], (), range(4)]
    with stage.mp.Pool(1) as pool:
        return {
            "starmap": pool.starmap(add, items),
            "starmap by 3": pool.starmap(add, iter(items), 3),
            "starmap of strings": pool.starmap(max, ["spam", "eggs"], chunksize=1),
            "map": result_or_error(pool.map, len, items),
            "imap": list(pool.imap(len, items)),
        }


@claim("pool.starmap-unpacks-arguments", docs="multiprocessing.pool.Pool.starmap")
def test_starmap_unpacks_each_item(mp, stage):
    """starmap() calls the function with each item unpacked as its arguments; map() does not.

    The items may be any iterables, of different lengths.
    """
    assert stage.result_of(map_tuples) == {
        "starmap": [3, 3, 0, 6],
        "starmap by 3": [3, 3, 0, 6],
        "starmap of strings": ["s", "s"],
        "map": [2, 1, 0, 4],
        "imap": [2, 1, 0, 4],
    }


def map_without_blocking(stage, tickets):
    """Ask for tasks by map_async() and starmap_async(); tell when both calls have returned."""
    with stage.mp.Pool(1) as pool:
        mapped = pool.map_async(take_part, tickets[:1])
        starmapped = pool.starmap_async(take_part, [(ticket,) for ticket in tickets[1:]], 1)
        stage.say("asked", mapped.ready(), starmapped.ready())
        return [value for value, _ in mapped.get(stage.patience) + starmapped.get(stage.patience)]


@claim("pool.map-async-does-not-block", docs="multiprocessing.pool.Pool.starmap_async")
def test_map_async_and_starmap_async_return_before_any_item_is_done(mp, stage):
    """map_async() and starmap_async() return at once, and get() returns the list of results.

    Both calls have returned before the first item may end.
    """
    tasks = [stage.nested(work_until_cued, number) for number in range(3)]
    caller = stage.enter(map_without_blocking, [task.ticket for task in tasks])
    assert caller.expect("asked") == (False, False)
    for task in tasks:
        task.expect("working")
        task.cue("finish")
    assert caller.returns() == [0, 1, 2]


def yield_from(stage, way, tickets):
    """Have a pool of two do the tasks in one of two ways; say "yielded" with each result."""
    with stage.mp.Pool(2) as pool:
        for value, _ in getattr(pool, way)(take_part, tickets):
            stage.say("yielded", value)


@claim("pool.imap-ordered-or-by-completion", docs="multiprocessing.pool.Pool.imap_unordered")
def test_imap_yields_by_input_order_and_imap_unordered_by_completion(mp, stage):
    """imap() yields results in the order of the items; imap_unordered(), as they are completed.

    The second of three items is done first. imap_unordered() yields it at once, imap() when the
    first item is done too; neither waits for the third.
    """
    for way in ("imap", "imap_unordered"):
        items = [stage.nested(work_until_cued, number) for number in range(3)]
        caller = stage.enter(yield_from, way, [item.ticket for item in items])
        items[0].expect("working")
        items[1].expect("working")
        items[1].cue("finish")
        items[2].expect("working")
        if way == "imap":
            assert caller.does_not_say("yielded"), "imap() has not waited for its first item"
            items[0].cue("finish")
            assert [caller.expect("yielded"), caller.expect("yielded")] == [0, 1]
        else:
            assert caller.expect("yielded") == 1
            items[0].cue("finish")
            assert caller.expect("yielded") == 0
        items[2].cue("finish")
        assert caller.expect("yielded") == 2
        caller.returns()


def collect_from_one_worker(stage):
    """Have one worker do items; report the results, which are all there before they are taken."""
    with stage.mp.Pool(1) as pool:
        observed = {}
        for chunksize in (1, 3):
            iterator = pool.imap_unordered(abs, range(20), chunksize)
            pool.apply(abs, (0,))
            observed[chunksize] = list(iterator)
        return observed


@claim("pool.one-worker-keeps-order", docs="multiprocessing.pool.Pool.imap_unordered")
def test_with_one_worker_imap_unordered_keeps_the_order(mp, stage):
    """With one worker imap_unordered() yields the results in the order of the items.

    They are taken when the worker has done a later task too.
    """
    expected = {1: list(range(20)), 3: list(range(20))}
    assert stage.result_of(collect_from_one_worker) == expected


def iterate_over_items(stage, way, ticket):
    """Have the only worker busy, and call imap(); say "read" when it has read all items."""

    def items():
        yield from range(50)
        stage.say("read")

    with stage.mp.Pool(1) as pool:
        pool.apply_async(take_part, (ticket,))
        iterator = getattr(pool, way)(abs, items())
        stage.wait_for_cue("iterate")
        return list(iterator), result_or_error(getattr(pool, way), abs, [], buffersize=1)


@claim(
    "pool.imap-reads-input-eagerly",
    docs="multiprocessing.pool.Pool.imap",
    level=OBSERVED,
    contradicts="multiprocessing.pool.Pool.imap",
)
def test_imap_reads_its_input_though_no_result_is_asked_for(mp, stage):
    """imap() reads its whole input at once, though no item is done and no result is asked for.

    The only worker is busy all the time. Long inputs are read until the pipe to the workers is
    full; there is no parameter "buffersize". The documentation calls imap() lazier than map().
    """
    for way in ("imap", "imap_unordered"):
        task = stage.nested(work_until_cued)
        caller = stage.enter(iterate_over_items, way, task.ticket)
        task.expect("working")
        caller.expect("read")
        task.cue("finish")
        caller.cue("iterate")
        assert caller.returns() == (list(range(50)), "TypeError"), way


def ask_next_with_timeout(stage, way, ticket):
    """Ask the iterator of imap() for its next result with a timeout, twice; report what happens.

    Report too whether the iterator for larger chunks has such a method.
    """
    with stage.mp.Pool(1) as pool:
        iterator = getattr(pool, way)(take_part, [ticket])
        error = "none"
        with stage.span("waiting") as waiting:
            try:
                iterator.next(BEAT)
            except stage.mp.TimeoutError:
                error = "TimeoutError"
        stage.say("timed out", error, waiting.seconds)
        value, _ = iterator.next(timeout=stage.patience)
        ended = result_or_error(iterator.next, BEAT)
        return value, ended, hasattr(getattr(pool, way)(abs, [1], 2), "next")


@claim("pool.imap-next-can-time-out", docs="multiprocessing.pool.Pool.imap")
def test_next_with_a_timeout_raises_and_may_be_repeated(mp, stage):
    """next(timeout) of imap()'s iterator raises TimeoutError, and a later call gets the result.

    The task ends after the first call. With a chunksize of 2 the iterator has no such method.
    """
    for way in ("imap", "imap_unordered"):
        task = stage.nested(work_until_cued, 7)
        caller = stage.enter(ask_next_with_timeout, way, task.ticket)
        error, seconds = caller.expect("timed out")
        assert error == "TimeoutError"
        assert seconds >= BEAT - TICK, f"it waited for {seconds:g} s only"
        task.cue("finish")
        assert caller.returns() == (7, "StopIteration", False), way


def worker_of(_):
    """Tell which worker does the item: by its name too, since a PID may be given again at once."""
    return submodule("process").current_process().name, os.getpid()


def tell_worker_of_each(stage, calls):
    """Have a pool do two chunks in each call, a worker one task; report each item's worker."""
    with stage.mp.Pool(2, maxtasksperchild=1) as pool:
        workers = {
            f"{way}(chunksize={size})": list(
                getattr(pool, way)(worker_of, range(2 * size), chunksize=size)
            )
            for way, size in calls
        }
        pool.close()
        pool.join()
    return workers


@claim("pool.chunks-go-to-one-worker", docs="multiprocessing.pool.Pool.map")
def test_the_items_of_a_chunk_are_done_by_one_worker(mp, stage):
    """map(), imap() and imap_unordered() send chunksize items to one worker as one task.

    Each worker is replaced after one task, so two tasks are never done by the same worker: four
    items in chunks of two have two workers, and so have two items in chunks of one.
    """
    calls = [("map", 2), ("imap", 2), ("imap_unordered", 2), ("imap_unordered", 1)]
    found = stage.result_of(tell_worker_of_each, calls)
    counts = {
        call: sorted(workers.count(worker) for worker in set(workers))
        for call, workers in found.items()
    }
    assert counts == {
        "map(chunksize=2)": [2, 2],
        "imap(chunksize=2)": [2, 2],
        "imap_unordered(chunksize=2)": [2, 2],
        "imap_unordered(chunksize=1)": [1, 1],
    }


def count_up(shared):
    """Append to the list; returns its length: the number of calls, in this chunk, until now."""
    shared.append(None)
    return len(shared)


def count_in_chunks(stage):
    """Report the calls of count_up() for items that are all one list, by the way to map them."""
    with stage.mp.Pool(2) as pool:
        return {
            "map of 32": pool.map(count_up, [[]] * 32),
            "map of 9": pool.map(count_up, [[]] * 9),
            "map of 3": pool.map(count_up, [[]] * 3),
            "map of 6 by 4": pool.map(count_up, [[]] * 6, 4),
            "imap of 3": list(pool.imap(count_up, [[]] * 3)),
        }


@claim("pool.map-chooses-chunksize", docs="multiprocessing.pool.Pool.map", level=OBSERVED)
def test_map_makes_up_to_four_chunks_for_each_worker(mp, stage):
    """Without a chunksize, map() makes up to four chunks per worker; imap() sends single items.

    All items are the same list. Each chunk is pickled as a whole, so that its items are one list
    in the worker too, and another list than that of the next chunk.
    """
    assert stage.result_of(count_in_chunks) == {
        "map of 32": [1, 2, 3, 4] * 8,
        "map of 9": [1, 2] * 4 + [1],
        "map of 3": [1] * 3,
        "map of 6 by 4": [1, 2, 3, 4, 1, 2],
        "imap of 3": [1] * 3,
    }


def append_to(items):
    """Append to the list and return it."""
    items.append("task")
    return items


def send_unpicklable(stage):
    """Ask for tasks that cannot be pickled; report the error of get(), and what a copy is."""
    with stage.mp.Pool(1) as pool, open(os.devnull) as file:
        given: list[str] = []
        errors = {
            "lambda": result_or_error(pool.apply_async(lambda: 1).get, stage.patience),
            "file": result_or_error(pool.apply_async(id, (file,)).get, stage.patience),
            "map": result_or_error(pool.map_async(id, [file]).get, stage.patience),
        }
        returned = pool.apply(append_to, (given,))
        return errors, {"returned": returned, "given": given}


@claim("pool.tasks-pickled-even-under-fork", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_an_unpicklable_task_is_an_error_of_its_result(mp, stage):
    """Even under fork a task is pickled: get() raises pickle's error for a lambda.

    An argument is copied likewise: the task's changes to a list are only in its result. The pool
    works on after the errors. Which error it is depends on the object and on the version.
    """
    errors, copies = stage.result_of(send_unpicklable)
    for kind, error in errors.items():
        assert error in ("PicklingError", "AttributeError", "TypeError"), f"{kind}: {error}"
    assert copies == {"returned": ["task"], "given": []}


def pickle_pool(stage):
    """Try to pickle a pool, and to send it to its own worker; report both errors."""
    with stage.mp.Pool(1) as pool:
        sent = pool.apply_async(id, (pool,))
        return {
            "dumps()": result_or_error(pickle.dumps, pool),
            "as an argument": result_or_error(sent.get, stage.patience),
            "afterwards": pool.apply(abs, (-1,)),
        }


@claim("pool.cannot-be-pickled", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_a_pool_cannot_be_pickled(mp, stage):
    """Pickling a Pool raises NotImplementedError: it cannot be sent to another process."""
    assert stage.result_of(pickle_pool) == {
        "dumps()": "NotImplementedError",
        "as an argument": "NotImplementedError",
        "afterwards": 1,
    }


def make_pool(stage, setting):
    """Create a pool of one worker with one more setting, and terminate it."""
    stage.mp.Pool(**{"processes": 1, **setting}).terminate()


def use_bad_settings(stage):
    """Report the errors of bad settings, and the children that are left; and of bad chunk sizes."""
    settings: dict[str, dict[str, object]] = {
        "processes=0": {"processes": 0},
        "processes=-1": {"processes": -1},
        "maxtasksperchild=0": {"maxtasksperchild": 0},
        "maxtasksperchild=1.0": {"maxtasksperchild": 1.0},
        "initializer=5": {"initializer": 5},
    }
    refused = {
        name: result_or_error(make_pool, stage, setting) for name, setting in settings.items()
    }
    refused["children"] = len(stage.mp.active_children())
    with stage.mp.Pool(1) as pool:
        for way in ("imap", "imap_unordered"):
            iterate = getattr(pool, way)
            refused[f"{way} by 0"] = result_or_error(lambda call=iterate: list(call(abs, [1], 0)))
        return refused, pool.map_async(abs, [1, 2], 0).get(stage.patience)


@claim("pool.bad-settings-are-refused", docs="multiprocessing.pool.Pool", level=OBSERVED)
def test_bad_settings_are_refused_before_any_worker_starts(mp, stage):
    """Pool() raises ValueError for less than one worker or task per worker, and starts none.

    An initializer that cannot be called raises TypeError. imap() refuses a chunksize of 0, but
    map() accepts it: it does nothing, and the results are None.
    """
    refused, mapped = stage.result_of(use_bad_settings)
    assert refused == {
        "processes=0": "ValueError",
        "processes=-1": "ValueError",
        "maxtasksperchild=0": "ValueError",
        "maxtasksperchild=1.0": "ValueError",
        "initializer=5": "TypeError",
        "children": 0,
        "imap by 0": "ValueError",
        "imap_unordered by 0": "ValueError",
    }
    assert mapped == [None, None]
