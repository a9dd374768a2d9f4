"""Pool results: results, errors and callbacks.

``apply_async()`` and its relatives return an ``AsyncResult``. ``get()`` blocks until the task has
ended, and returns its result or raises its exception; ``wait()`` only blocks, ``ready()`` only
asks, and ``successful()`` tells results from exceptions. A timeout is an end of the waiting, not
of the task: a task cannot be cancelled.

An exception comes back as an instance of its own type, and the traceback of the worker is its
``__cause__``. If no ``get()`` is called and no ``error_callback`` is given, the failure of a task
is silent: keep the results of ``apply_async()`` and ask each of them.

Callbacks run in a thread of the pool's creator, the same thread that receives all results. As
long as a callback runs, no other result arrives, and one that waits keeps a core busy; and no
callback may raise an exception (see the chapter about what a Pool loses).
"""

import gc
import os
import threading
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, now, result_or_error, submodule
from spec.kit.actors import take_part

NEEDS = ("semaphores",)


def answer_when_cued(stage, value):
    """Say "at work", wait for the cue "answer" and return the value."""
    stage.say("at work")
    stage.wait_for_cue("answer")
    return value


def fail_when_cued(stage, value):
    """Say "at work", wait for the cue "answer" and raise ValueError with the value."""
    stage.say("at work")
    stage.wait_for_cue("answer")
    raise ValueError(value)


def get_too_early(stage, ticket):
    """Ask for a result with timeouts; report the answers before and after the task has ended."""
    with stage.mp.Pool(1) as pool:
        result = pool.apply_async(take_part, (ticket,))
        errors = []
        with stage.span("waiting"):
            for timeout in (BEAT, 0, -1):
                try:
                    result.get(timeout)
                except stage.mp.TimeoutError as error:
                    errors.append(type(error) is stage.mp.TimeoutError)
        stage.say("timed out", errors)
        return [result.get(stage.patience), result.get(timeout=0), result.get()]


@claim("pool.get-timeout-spares-task", docs="multiprocessing.pool.AsyncResult.get")
def test_a_get_that_times_out_leaves_the_task_alone(mp, stage):
    """get(timeout) raises TimeoutError after the timeout; the task goes on, for a later get().

    The task ends only after all calls have timed out. Further calls get the same result again.
    """
    task = stage.nested(answer_when_cued, 7)
    caller = stage.enter(get_too_early, task.ticket)
    assert caller.expect("timed out") == [True, True, True]
    waited = caller.spans["waiting"].seconds
    assert waited >= BEAT - TICK, f"get() gave up after {waited:g} s"
    task.expect("at work")
    task.cue("answer")
    assert caller.returns() == [7, 7, 7]


def get_without_timeout(stage, ticket):
    """Get the result of a task without a timeout, and say it."""
    with stage.mp.Pool(1) as pool:
        stage.say("got", pool.apply_async(take_part, (ticket,)).get())


@claim("pool.get-never-gives-up", docs="multiprocessing.pool.AsyncResult.get", slow=True)
def test_get_without_a_timeout_waits_as_long_as_the_task_takes(mp, stage):
    """get() without a timeout blocks until the task has ended, however long it takes.

    The task takes more than two seconds.
    """
    task = stage.nested(answer_when_cued, 7)
    caller = stage.enter(get_without_timeout, task.ticket)
    task.expect("at work")
    assert stage.none_says([caller], "got", beats=22)
    task.cue("answer")
    assert caller.expect("got") == 7
    caller.returns()


@claim("pool.timeout-error-is-process-error", docs="multiprocessing.TimeoutError", level=OBSERVED)
def test_timeout_error_is_not_the_built_in_one(mp):
    """multiprocessing.TimeoutError derives from ProcessError, not from the built-in TimeoutError.

    An "except TimeoutError" without its import does not catch it.
    """
    error = mp.TimeoutError
    assert {
        "ProcessError": issubclass(error, mp.ProcessError),
        "TimeoutError": issubclass(error, TimeoutError),
        "OSError": issubclass(error, OSError),
    } == {"ProcessError": True, "TimeoutError": False, "OSError": False}


def readiness_of(result):
    """The answers of ready() and successful()."""
    return {"ready": result.ready(), "successful": result_or_error(result.successful)}


def ask_for_states(stage, tickets):
    """Report the state of three results before and after their tasks have ended."""
    with stage.mp.Pool(1) as pool:
        results = [
            pool.apply_async(take_part, tickets[:1]),
            pool.apply_async(take_part, tickets[1:2]),
            pool.map_async(take_part, tickets[2:]),
        ]
        stage.say("before", [readiness_of(result) for result in results])
        with stage.span("waiting"):
            waited = results[0].wait(BEAT)
        stage.say("waited", waited, [result.ready() for result in results])
        returned = [result.wait(stage.patience) for result in results]
        return returned, [readiness_of(result) for result in results]


def play_states(stage):
    """Play a scene of a task that returns, one that raises, and map() over one of each.

    Returns the caller, which has waited for a beat, what it has reported before, and what it
    reports when all tasks have ended.
    """
    actors = (answer_when_cued, fail_when_cued, answer_when_cued, fail_when_cued)
    tasks = [stage.nested(actor, 0) for actor in actors]
    caller = stage.enter(ask_for_states, [task.ticket for task in tasks])
    before = caller.expect("before"), caller.expect("waited")
    for task in tasks:
        task.expect("at work")
        task.cue("answer")
    return caller, before, caller.returns()


@claim("pool.result-tells-its-state", docs="multiprocessing.pool.AsyncResult.ready")
def test_ready_is_false_until_the_task_has_ended(mp, stage):
    """ready() is False until the task has returned or raised an exception, and then True."""
    _, (before, waited), (_, after) = play_states(stage)
    assert [state["ready"] for state in before] == [False, False, False]
    assert waited[1] == [False, False, False]
    assert [state["ready"] for state in after] == [True, True, True]


@claim("pool.successful-needs-an-end", docs="multiprocessing.pool.AsyncResult.successful")
def test_successful_raises_until_the_task_has_ended(mp, stage):
    """successful() raises ValueError before the end, and then tells results from exceptions.

    One of the two items of map_async() has raised an exception, and so map_async() has failed.
    """
    _, (before, _), (_, after) = play_states(stage)
    assert [state["successful"] for state in before] == ["ValueError"] * 3
    assert [state["successful"] for state in after] == [True, False, False]


@claim("pool.wait-returns-none", docs="multiprocessing.pool.AsyncResult.wait")
def test_wait_returns_none_and_raises_nothing(mp, stage):
    """wait() returns None after the end of the task or the timeout; it raises no exception.

    Neither the timeout nor the task's own exception is raised.
    """
    caller, (_, (waited, _)), (returned, _) = play_states(stage)
    assert waited is None
    seconds = caller.spans["waiting"].seconds
    assert seconds >= BEAT - TICK, f"wait() gave up after {seconds:g} s"
    assert returned == [None, None, None]


class Broken(Exception):
    """An exception of a task, with an argument and an attribute."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


def break_down(item=3):
    """Raise Broken with the item."""
    raise Broken(item)


def catch(call, *args):
    """The exception that the call raises."""
    try:
        call(*args)
    except Exception as error:
        return error
    return None


def fail_in_each_way(stage):
    """Report the exceptions of a task that fails, by the way to call it."""
    with stage.mp.Pool(1) as pool:
        errors = {
            "apply": catch(pool.apply, break_down),
            "get": catch(pool.apply_async(break_down).get, stage.patience),
            "map": catch(pool.map, break_down, [3]),
            "starmap": catch(pool.starmap, break_down, [(3,)]),
            "imap": catch(list, pool.imap(break_down, [3])),
            "imap by 2": catch(list, pool.imap(break_down, [3], 2)),
            "imap_unordered": catch(list, pool.imap_unordered(break_down, [3])),
        }
        return {
            way: (type(error) is Broken, getattr(error, "reason", None), str(error.__cause__))
            for way, error in errors.items()
        }


@claim("pool.get-raises-exception-of-task", docs="multiprocessing.pool.AsyncResult.get")
def test_the_exception_of_a_task_is_raised_to_the_caller(mp, stage):
    """get() raises the exception that the task raised, an instance of the same class.

    Its attributes are the same too. apply(), map(), starmap() and the iterators do likewise.
    """
    for way, (same_type, reason, _) in stage.result_of(fail_in_each_way).items():
        assert (same_type, reason) == (True, 3), way


@claim(
    "pool.exception-keeps-type-and-traceback",
    docs="multiprocessing.pool.AsyncResult.get",
    level=OBSERVED,
)
def test_the_cause_of_an_exception_is_the_traceback_of_the_worker(mp, stage):
    """The __cause__ of a task's exception shows the traceback of the worker as a string.

    It names the function that failed and the line, and ends with the exception.
    """
    for way, (_, _, cause) in stage.result_of(fail_in_each_way).items():
        assert "Traceback (most recent call last)" in cause, f"{way}: {cause}"
        assert "in break_down" in cause, f"{way}: {cause}"
        assert "raise Broken(item)" in cause, f"{way}: {cause}"
        last = cause.strip('"\n').rpartition("\n")[2]
        assert last.startswith("spec.test_pool_results.Broken"), f"{way}: {cause}"


@claim(
    "pool.uncollected-failure-is-silent",
    docs="multiprocessing.pool.Pool.apply_async",
    level=OBSERVED,
)
def test_a_failure_is_silent_if_its_result_is_not_asked_for(mp, program):
    """A task's exception is silently ignored if get() is not called and no error_callback is given.

    The program ends with exit code 0 and writes nothing to stderr; only successful() tells.
    """
    completed = program.run("uncollected")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.table == {"successful": "False", "map successful": "False"}


def notes_of_callbacks(stage, ask, *args):
    """Ask for a result with both callbacks; returns a list of which were called, and how."""
    notes = []
    asked = threading.Event()  # a callback waits until its result has a name
    creator = os.getpid()

    def note(kind, value):
        asked.wait(stage.patience)
        in_thread = threading.current_thread() is not threading.main_thread()
        notes.append((kind, value, in_thread and os.getpid() == creator, result.ready()))

    result = ask(
        *args,
        callback=lambda value: note("result", value),
        error_callback=lambda error: note(type(error).__name__, error.reason),
    )
    asked.set()
    result.wait(stage.patience)
    return notes


def note_callbacks(stage):
    """Report the notes of callbacks for each asynchronous way, and for results and exceptions."""
    with stage.mp.Pool(1) as pool:
        return {
            "apply_async": notes_of_callbacks(stage, pool.apply_async, abs, (-2,))
            + notes_of_callbacks(stage, pool.apply_async, break_down),
            "map_async": notes_of_callbacks(stage, pool.map_async, abs, [-1, 2])
            + notes_of_callbacks(stage, pool.map_async, break_down, [3, 4]),
            "starmap_async": notes_of_callbacks(stage, pool.starmap_async, abs, [(-1,), (2,)], 1)
            + notes_of_callbacks(stage, pool.starmap_async, break_down, [(3,), (4,)], 1),
        }


@claim("pool.callbacks-run-in-helper-thread", docs="multiprocessing.pool.Pool.apply_async")
def test_one_of_the_two_callbacks_is_called_in_a_thread(mp, stage):
    """A thread of the creator calls callback with the result, or error_callback with the exception.

    Never both. It is not the main thread, and the result is not ready before the callback has
    returned.
    """
    assert stage.result_of(note_callbacks)["apply_async"] == [
        ("result", 2, True, False),
        ("Broken", 3, True, False),
    ]


@claim("pool.map-calls-back-once", docs="multiprocessing.pool.Pool.map_async")
def test_the_callback_of_map_async_gets_the_whole_list(mp, stage):
    """map_async() calls callback once with the list of all results, or error_callback once.

    starmap_async() does the same. Of several exceptions error_callback gets the first.
    """
    observed = stage.result_of(note_callbacks)
    for way in ("map_async", "starmap_async"):
        assert observed[way] == [("result", [1, 2], True, False), ("Broken", 3, True, False)], way


def call_back_slowly(stage, ticket):
    """Have a callback that blocks; report whether the result of another task comes meanwhile."""
    gate = threading.Event()
    called = threading.Event()

    def block(_):
        called.set()
        gate.wait(stage.patience)

    with stage.mp.Pool(1) as pool:
        slow = pool.apply_async(abs, (-1,), callback=block)
        other = pool.apply_async(abs, (-2,))
        pool.apply_async(take_part, (ticket,))
        stage.wait_for_cue("get")
        called.wait(stage.patience)
        other.wait(BEAT)
        meanwhile = slow.ready(), other.ready()
        gate.set()
        return meanwhile, slow.get(stage.patience), other.get(stage.patience)


@claim("pool.slow-callback-delays-results", docs="multiprocessing.pool.Pool.apply_async")
def test_no_result_arrives_during_a_callback(mp, stage):
    """As long as a callback runs, no other result arrives, though its task has ended.

    There is one worker, and it has begun a third task, so the other task has ended. Its result
    arrives when the callback has returned.
    """
    third = stage.nested(answer_when_cued, 3)
    caller = stage.enter(call_back_slowly, third.ticket)
    third.expect("at work")
    caller.cue("get")
    meanwhile, *results = caller.returns()
    assert meanwhile == (False, False)
    assert results == [1, 2]


def spend_during_callback(stage):
    """Report the processor time during a callback: in a beat, and from the next result on.

    The latter is measured until half a beat has been spent, for at most half of the patience.
    """
    gate = threading.Event()
    called = threading.Event()

    def block(_):
        called.set()
        gate.wait(stage.patience)

    def spent_since(began):
        time.sleep(BEAT)
        return time.process_time() - began

    with stage.mp.Pool(1) as pool:
        pool.apply_async(abs, (-1,), callback=block)
        called.wait(stage.patience)
        alone = spent_since(time.process_time())
        pool.apply_async(abs, (-2,))
        deadline = now() + stage.patience / 2
        began = time.process_time()
        while (spent := spent_since(began)) < BEAT / 2 and now() < deadline:
            pass
        gate.set()
        return alone, spent


@claim(
    "pool.slow-callback-keeps-core-busy",
    docs="multiprocessing.pool.Pool.apply_async",
    level=OBSERVED,
)
def test_a_result_that_waits_for_a_callback_keeps_a_core_busy(mp, stage):
    """From the next result on, the Pool's creator keeps a core busy as long as a callback runs.

    It spends half a beat of processor time or more, and less than a quarter in a whole beat before
    the other result has come.
    """
    alone, spent = stage.result_of(spend_during_callback)
    assert alone < BEAT / 4
    assert spent >= BEAT / 2


def halve(number):
    """Half of an even number; raises ValueError for an odd one."""
    if number % 2:
        raise ValueError(number)
    return number // 2


def take_each(iterator):
    """The results of an iterator that may raise exceptions in between: their names instead."""
    taken: list[object] = []
    while not taken or taken[-1] != "StopIteration":
        taken.append(result_or_error(next, iterator))
    return taken


def iterate_over_failure(stage):
    """Halve three numbers, of which the second is odd, in each way; report the results."""
    with stage.mp.Pool(1) as pool:
        return {
            "map": result_or_error(pool.map, halve, [2, 3, 4], 1),
            "imap": take_each(pool.imap(halve, [2, 3, 4])),
            "imap_unordered": take_each(pool.imap_unordered(halve, [2, 3, 4])),
        }


@claim("pool.imap-goes-on-after-failure", docs="multiprocessing.pool.Pool.imap", level=OBSERVED)
def test_imap_raises_at_the_place_of_the_failure_and_goes_on(mp, stage):
    """For a failing item map() raises its exception; imap() raises it there, and yields the rest.

    There is one worker, so that imap_unordered() keeps the order too.
    """
    assert stage.result_of(iterate_over_failure) == {
        "map": "ValueError",
        "imap": [1, "ValueError", 2, "StopIteration"],
        "imap_unordered": [1, "ValueError", 2, "StopIteration"],
    }


def map_with_failure(stage, tickets):
    """Map over tasks of which one fails; say "failed" with the exception."""
    with stage.mp.Pool(2) as pool:
        error = catch(pool.map, take_part, tickets, 1)
        stage.say("failed", str(error))


@claim("pool.map-failure-waits-for-all", docs="multiprocessing.pool.Pool.map")
def test_map_raises_when_all_items_are_done(mp, stage):
    """map() raises the exception of an item only when all other items are done too.

    Two workers do three items, and the first fails: its worker does the third one, so the failure
    has been reported. Of two failures the one that came first is raised.
    """
    failing, other, last = (stage.nested(fail_when_cued, number) for number in range(3))
    caller = stage.enter(map_with_failure, [task.ticket for task in (failing, other, last)])
    other.expect("at work")
    failing.expect("at work")
    failing.cue("answer")
    last.expect("at work")
    assert caller.does_not_say("failed"), "map() has not waited for all of its items"
    other.cue("answer")
    last.cue("answer")
    assert caller.expect("failed") == "0"
    caller.returns()


def return_lambda(_=None):
    """Return an object that cannot be pickled."""
    return lambda: None


def raise_lambda(_=None):
    """Raise an exception that cannot be pickled."""
    raise ValueError(lambda: None)


def collect_unpicklable(stage):
    """Report the errors of results that cannot be pickled, and the workers that returned them."""
    with stage.mp.Pool(1) as pool:
        worker = pool.apply(os.getpid)
        ways = {
            "apply": (pool.apply, return_lambda),
            "map": (pool.map, return_lambda, [1, 2], 1),
            "exception": (pool.apply, raise_lambda),
        }
        errors = {way: catch(*call) for way, call in ways.items()}
        expected = submodule("pool").MaybeEncodingError
        told = {
            way: (isinstance(error, expected), "lambda" in str(error))
            for way, error in errors.items()
        }
        return told, pool.apply(os.getpid) == worker


@claim(
    "pool.unpicklable-result-is-reported",
    docs="multiprocessing.pool.AsyncResult.get",
    level=OBSERVED,
)
def test_a_result_that_cannot_be_pickled_is_an_error(mp, stage):
    """get() raises pool.MaybeEncodingError for a result or exception that cannot be pickled.

    Its message shows the result. The worker goes on.
    """
    told, same_worker = stage.result_of(collect_unpicklable)
    assert told == dict.fromkeys(("apply", "map", "exception"), (True, True))
    assert same_worker


def numbers_until_failure(count):
    """Yield so many even numbers, and then raise KeyError."""
    yield from range(0, 2 * count, 2)
    raise KeyError(count)


def map_failing_iterables(stage):
    """Map over iterables that raise an exception, in each way; report the results."""
    with stage.mp.Pool(1) as pool:
        return {
            "map": result_or_error(pool.map, halve, numbers_until_failure(2)),
            "imap": take_each(pool.imap(halve, numbers_until_failure(2))),
            "imap by 2": take_each(pool.imap(halve, numbers_until_failure(2), 2)),
            "at once": take_each(pool.imap(halve, numbers_until_failure(0))),
            "imap_unordered": take_each(pool.imap_unordered(halve, numbers_until_failure(2))),
            "afterwards": pool.apply(halve, (6,)),
        }


@claim("pool.failing-iterable-is-reported", docs="multiprocessing.pool.Pool.imap", level=OBSERVED)
def test_an_exception_of_the_iterable_is_raised_to_the_caller(mp, stage):
    """map() raises an exception of its iterable; imap() raises it after the results before it.

    If already the first item fails, its exception is raised likewise. The pool works on.
    """
    assert stage.result_of(map_failing_iterables) == {
        "map": "KeyError",
        "imap": [0, 1, "KeyError", "StopIteration"],
        "imap by 2": [0, 1, "KeyError", "StopIteration"],
        "at once": ["KeyError", "StopIteration"],
        "imap_unordered": [0, 1, "KeyError", "StopIteration"],
        "afterwards": 3,
    }


def drop_pool_and_get(stage, ticket):
    """Ask for results of pools to which there is no other reference; report the results."""
    result = stage.mp.Pool(1).apply_async(take_part, (ticket,))
    iterator = stage.mp.Pool(1).imap(abs, [-1, -2])
    gc.collect()
    stage.say("collected")
    return result.get(stage.patience), [iterator.next(stage.patience) for _ in range(2)]


@claim("pool.awaited-result-keeps-pool", docs="multiprocessing.pool.AsyncResult", level=OBSERVED)
def test_a_pool_lives_as_long_as_its_results_are_awaited(mp, stage):
    """A result that is still awaited keeps its Pool alive, without another reference to it.

    The garbage is collected while the task is at work.
    """
    task = stage.nested(answer_when_cued, 5)
    caller = stage.enter(drop_pool_and_get, task.ticket)
    task.expect("at work")
    caller.expect("collected")
    task.cue("answer")
    assert caller.returns() == (5, [1, 2])
