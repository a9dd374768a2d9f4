"""ThreadPool and multiprocessing.dummy: the same interface with threads.

``multiprocessing.pool.ThreadPool`` has the interface of ``Pool``, with threads of the calling
process as workers. Nothing is pickled or copied: functions may be lambdas, and arguments and
results are the objects themselves. It suits tasks that mostly wait, for files or the network; for
those that compute, the threads take turns at the GIL. ``multiprocessing.dummy`` goes further: it
has the names of the package, ``Process``, ``Queue``, ``Lock``, ``Pipe``, ``Pool`` and so on, and
all are made of threads. So a program can try threads instead of processes by changing one import.

New programs rather use ``concurrent.futures.ThreadPoolExecutor``, whose futures work with the rest
of the library.

Some points surprise people. A thread cannot be terminated: ``terminate()`` of a ThreadPool leaves a
task at work, and ``dummy.Process`` has no such method, nor a PID. Some of the package's names are
missing in ``dummy``. And what a task changes is changed for all.
"""

import array
import os
import queue
import sys
import threading

from spec.kit import OBSERVED, claim, reached, result_or_error, submodule


def new_thread_pool(*args, **settings):
    """A ThreadPool of the package under test."""
    return submodule("pool").ThreadPool(*args, **settings)


def use_every_method(stage):
    """Have a pool of threads do tasks in each way; report the results and where they were done."""
    seen, where = [], set()

    def task(number):
        where.add((os.getpid(), threading.current_thread() is threading.main_thread()))
        seen.append(number)
        return number * 10

    patience = stage.patience
    with new_thread_pool(2) as pool:
        results = {
            "apply": pool.apply(task, (1,)),
            "apply_async": pool.apply_async(lambda: task(1)).get(patience),
            "map": pool.map(task, [1, 2]),
            "map_async": pool.map_async(task, [1, 2]).get(patience),
            "imap": list(pool.imap(task, [1, 2])),
            "imap_unordered": sorted(pool.imap_unordered(task, [1, 2])),
            "starmap": pool.starmap(lambda a, b: task(a + b), [(1, 0), (1, 1)]),
            "starmap_async": pool.starmap_async(task, [(1,), (2,)]).get(patience),
        }
        unpicklable = threading.Lock()
        observed = {
            "same object": pool.apply(lambda given: given, (unpicklable,)) is unpicklable,
            "seen": sorted(seen),
            "where": where == {(os.getpid(), False)},
        }
        pool.close()
        pool.join()
        observed["closed"] = result_or_error(pool.apply, task, (1,))
    return observed, results


@claim("dummy.thread-pool-stays-in-process", docs="multiprocessing.pool.ThreadPool")
def test_a_thread_pool_works_in_the_calling_process(mp, stage):
    """A ThreadPool has Pool's methods; its tasks run in threads of the process, on its own objects.

    The task is a closure, which cannot be pickled, that changes a list of its caller. An object
    that cannot be pickled comes back as itself.
    """
    observed, results = stage.result_of(use_every_method)
    assert observed == {
        "same object": True,
        "seen": sorted([1] * 8 + [2] * 6),
        "where": True,
        "closed": "ValueError",
    }
    assert results == {
        **dict.fromkeys(("apply", "apply_async"), 10),
        **{way: [10, 20] for way in results if not way.startswith("apply")},
    }


def initialize_threads(stage):
    """Report the types of a pool of threads and its results, and how often each was initialized."""
    notes, together = [], threading.Barrier(3)

    def task(number):
        together.wait(stage.patience)
        return threading.get_ident()

    def note(*values):
        notes.append((threading.get_ident(), values))

    with new_thread_pool(3, note, ("a", 1)) as pool:
        kind = submodule("pool")
        result = pool.map_async(task, range(3), chunksize=1)
        workers = result.get(stage.patience)
        return {
            "Pool": isinstance(pool, kind.Pool),
            "AsyncResult": isinstance(result, kind.AsyncResult),
            "workers": len(set(workers)),
            "one note each": sorted(notes) == sorted((worker, ("a", 1)) for worker in workers),
        }


@claim("dummy.thread-pool-is-a-pool", docs="multiprocessing.pool.ThreadPool")
def test_a_thread_pool_is_a_pool(mp, stage):
    """ThreadPool is a subclass of Pool; the initializer runs once in each of its n threads.

    Three tasks meet at a barrier, so three threads do one task each. What map_async() returns is an
    AsyncResult.
    """
    assert stage.result_of(initialize_threads) == {
        "Pool": True,
        "AsyncResult": True,
        "workers": 3,
        "one note each": True,
    }


def give_options_of_processes(stage):
    """Report what ThreadPool() raises for options of processes and for wrong arguments."""
    # A pool without __init__() has a __del__() that fails, which would be printed.
    sys.unraisablehook = lambda unraisable: None
    before = threading.active_count()

    def outcome(*args, **settings):
        return result_or_error(lambda: new_thread_pool(*args, **settings).terminate())

    return {
        "maxtasksperchild": outcome(1, maxtasksperchild=5),
        "context": outcome(1, context=stage.mp),
        "four positions": outcome(1, None, (), 5),
        "no workers": outcome(0),
        "initializer": outcome(1, "no function"),
        "threads": threading.active_count() - before,
    }


@claim("dummy.thread-pool-refuses-process-options", docs="multiprocessing.pool.ThreadPool")
def test_a_thread_pool_takes_no_options_of_processes(mp, stage):
    """ThreadPool() raises TypeError for maxtasksperchild and context, which Pool() accepts.

    They are given by name and by position. No thread is left behind.
    """
    assert stage.result_of(give_options_of_processes) == {
        **dict.fromkeys(("maxtasksperchild", "context", "four positions"), "TypeError"),
        "no workers": "ValueError",
        "initializer": "TypeError",
        "threads": 0,
    }


class UnpicklableError(Exception):
    """An exception that cannot be pickled: its attribute is a lock."""

    def __init__(self):
        super().__init__("message")
        self.lock = threading.Lock()


def raise_in_threads(stage):
    """Have tasks raise one exception; report whether it comes out itself, and with what cause."""
    error = UnpicklableError()

    def fail(*args):
        raise error

    observed = {}
    with new_thread_pool(1) as pool:
        for way, call in {
            "apply": lambda: pool.apply(fail),
            "map": lambda: pool.map(fail, [1]),
            "imap": lambda: next(pool.imap(fail, [1])),
        }.items():
            try:
                call()
            except UnpicklableError as caught:
                observed[way] = [caught is error, str(caught.__cause__)]
    return observed


@claim(
    "dummy.thread-pool-exception-keeps-identity",
    docs="multiprocessing.pool.ThreadPool",
    level=OBSERVED,
)
def test_the_exception_of_a_task_is_raised_itself(mp, stage):
    """A ThreadPool raises the very exception that a task has raised; it has no __cause__.

    Unlike Pool, which raises a copy with a RemoteTraceback as its cause. This exception cannot be
    pickled.
    """
    itself = [True, "None"]
    assert stage.result_of(raise_in_threads) == {"apply": itself, "map": itself, "imap": itself}


def count_default_threads(stage):
    """Report how many threads default pools have in a process that may use one CPU of two."""
    usable = os.sched_getaffinity(0)  # type: ignore[attr-defined,unused-ignore]
    os.sched_setaffinity(0, {min(usable)})  # type: ignore[attr-defined,unused-ignore]
    os.cpu_count = lambda: 2
    counts = []
    for make in (new_thread_pool, submodule("dummy").Pool):
        notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        with make(None, notes.put, ("begun",)) as pool:
            pool.close()
            pool.join()
        counts.append(notes.qsize())
    return counts


@claim(
    "dummy.thread-pool-size-follows-cpus",
    docs="multiprocessing.pool.ThreadPool",
    needs=("affinity",),
    changes={"3.13": "The CPUs that the process may use count, not those of the machine."},
)
def test_the_default_number_of_threads_is_the_number_of_usable_cpus(mp, stage):
    """ThreadPool() has a thread per CPU that the process may use; before 3.13, per CPU there is.

    The process restricts itself to one CPU. The package is told that the machine has two. Each
    thread notes itself when it is initialized.
    """
    threads = 1 if reached("3.13") else 2
    assert stage.result_of(count_default_threads) == [threads, threads]


def terminate_busy_threads(stage):
    """Terminate a pool of threads while a task is at work; let it go on, and report that it did."""
    proceed, done, begun = threading.Event(), threading.Event(), threading.Event()
    ran: list[int] = []
    workers: list[threading.Thread] = []

    def work():
        workers.append(threading.current_thread())
        begun.set()
        proceed.wait(stage.patience)
        done.set()

    with new_thread_pool(1) as pool:
        pool.apply_async(work)
        pool.apply_async(ran.append, (1,))
        begun.wait(stage.patience)
    still_at_work = not done.is_set()
    proceed.set()
    workers[0].join(stage.patience)  # after that it does no other task
    return {
        "at work after terminate()": still_at_work,
        "done": done.is_set(),
        "worker has ended": not workers[0].is_alive(),
        "queued task": ran,
    }


@claim(
    "dummy.thread-pool-cannot-stop-tasks",
    docs="multiprocessing.pool.ThreadPool",
    level=OBSERVED,
)
def test_terminate_does_not_stop_a_running_thread(mp, stage):
    """terminate() of a ThreadPool returns while a task is at work, which goes on to its end.

    Unlike Pool, whose workers it kills. A "with pool" block ends with terminate(). The task waits
    until that has returned; a task that was still queued is never done.
    """
    assert stage.result_of(terminate_busy_threads) == {
        "at work after terminate()": True,
        "done": True,
        "worker has ended": True,
        "queued task": [],
    }


def live_as_dummy(stage):
    """Report the exit codes of a dummy process in its life, and what active_children() tells."""
    dummy = submodule("dummy")
    proceed = threading.Event()
    process = dummy.Process(target=proceed.wait, args=(stage.patience,), name="Ann")
    codes = [process.exitcode]
    process.start()
    codes.append(process.exitcode)
    children = [child is process for child in dummy.active_children()]
    proceed.set()
    process.join(stage.patience)
    codes.append(process.exitcode)
    at_end = len(dummy.active_children())
    with dummy.Pool(1) as pool:
        kind = type(pool).__name__
    return {
        "exit codes": codes,
        "children": children,
        "children at the end": at_end,
        "name": process.name,
        "Pool": kind,
    }


@claim("dummy.replicates-api-over-threading", docs="multiprocessing.dummy")
def test_dummy_is_made_of_threads(mp, stage):
    """In multiprocessing.dummy a Process is a Thread, and other objects are those of threading.

    A Process has exitcode None until it has ended, and then 0. Queue and JoinableQueue are
    queue.Queue, Pool() returns a ThreadPool, and Manager() the module itself, with list and dict.
    """
    dummy = submodule("dummy")
    for name in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"):
        assert getattr(dummy, name) is getattr(threading, name), name
    manager = dummy.Manager()
    assert {
        "Process": issubclass(dummy.Process, threading.Thread),
        "current_process": dummy.current_process() is threading.current_thread(),
        "Queue": dummy.Queue is queue.Queue,
        "JoinableQueue": issubclass(dummy.JoinableQueue, queue.Queue),
        "Manager": manager is dummy,
        "list": manager.list is list,
        "dict": manager.dict is dict,
        "Namespace": manager.Namespace(a=1).a,
        "Value": dummy.Value("i", 3).value,
        "Array": dummy.Array("i", [1, 2]),
        "freeze_support": dummy.freeze_support(),
    } == {
        **dict.fromkeys(("Process", "current_process", "Queue", "JoinableQueue"), True),
        **dict.fromkeys(("Manager", "list", "dict"), True),
        "Namespace": 1,
        "Value": 3,
        "Array": array.array("i", [1, 2]),
        "freeze_support": None,
    }
    assert stage.result_of(live_as_dummy) == {
        "exit codes": [None, None, 0],
        "children": [True],
        "children at the end": 0,
        "name": "Ann",
        "Pool": "ThreadPool",
    }


@claim("dummy.pipe-passes-same-object", docs="multiprocessing.dummy", level=OBSERVED)
def test_a_dummy_pipe_hands_over_the_object_itself(mp):
    """Unlike Pipe(), dummy.Pipe() hands over the very object that is sent, in both directions.

    Such an object need not be picklable. poll() works as with a connection.
    """
    one, other = submodule("dummy").Pipe()
    unpicklable = threading.Lock()
    for sending, receiving in ((one, other), (other, one)):
        assert receiving.poll() is False
        sending.send(unpicklable)
        assert receiving.poll() is True
        assert receiving.recv() is unpicklable
        assert receiving.poll() is False
    assert result_or_error(mp.Pipe()[0].send, unpicklable) in ("TypeError", "PicklingError")


@claim(
    "dummy.process-has-no-pid",
    docs="multiprocessing.dummy",
    level=OBSERVED,
    contradicts="multiprocessing.dummy",
)
def test_dummy_lacks_parts_of_the_interface(mp):
    """dummy.Process has no pid, sentinel, authkey, terminate(), kill() or close(), before start().

    According to the documentation, dummy replicates the interface of the package. It lacks some
    functions as well.
    """
    dummy = submodule("dummy")
    of_process = ["pid", "sentinel", "authkey", "terminate", "kill", "close"]
    of_module = ["cpu_count", "get_context", "set_start_method", "SimpleQueue", "log_to_stderr"]
    real, fake = mp.Process(), dummy.Process()
    assert [name for name in of_process if hasattr(fake, name)] == []
    assert [name for name in of_module if hasattr(dummy, name)] == []
    assert [name for name in of_process if not hasattr(type(real), name)] == []
    assert [name for name in of_module if not hasattr(mp, name)] == []


def change_objects(pid, shared, queue):
    """Change a list, and tell whether this is the process with the PID."""
    shared.append("changed")
    queue.put((os.getpid() == pid, shared))


def run_both_kinds(stage):
    """Run one body in a Process and in a dummy.Process; report what each has left and told."""
    observed = {}
    for kind, package in (("Process", stage.mp), ("dummy.Process", submodule("dummy"))):
        shared, channel = ["given"], package.Queue()
        process = package.Process(target=change_objects, args=(os.getpid(), shared, channel))
        process.start()
        own_pid, told = channel.get(timeout=stage.patience)
        process.join(stage.patience)
        observed[kind] = {
            "told": told,
            "same process": own_pid,
            "list of the caller": shared,
            "told the list itself": told is shared,
            "exitcode": process.exitcode,
        }
    return observed


@claim("dummy.differs-in-sharing-and-pid", docs="multiprocessing.dummy", needs=("semaphores",))
def test_one_body_differs_in_pid_and_in_what_is_shared(mp, stage):
    """The same code with dummy.Process runs in the same process, and changes its caller's objects.

    A body appends to a list and sends it back by a Queue. With Process the caller's list stays as
    it is, and the PID is another. All else is equal.
    """
    same = {"told": ["given", "changed"], "exitcode": 0}
    assert stage.result_of(run_both_kinds) == {
        "Process": {
            **same,
            "same process": False,
            "list of the caller": ["given"],
            "told the list itself": False,
        },
        "dummy.Process": {
            **same,
            "same process": True,
            "list of the caller": ["given", "changed"],
            "told the list itself": True,
        },
    }
