"""Managed locks: locks, semaphores, events, conditions and barriers in a manager.

``manager.Lock()`` creates a ``threading.Lock`` in the server and returns a proxy. So it behaves as
that does, and not as ``multiprocessing.Lock``: releasing a free lock raises RuntimeError and not
ValueError, and ``acquire()`` has a parameter ``blocking`` and not ``block``. The same is true of
``RLock``, ``Semaphore``, ``BoundedSemaphore``, ``Event``, ``Condition`` and ``Barrier``.

Use them where a lock has to be sent to a process that runs already, such as the tasks of a pool,
or where the system has no semaphores. Each call is a message there and back. The server has a
thread for each thread of each process, so a process that waits there blocks no other process.

In the proofs an actor has the manager, since starting one might take forever.
"""

import functools
import os
import threading

from spec.kit import OBSERVED, claim, result_or_error
from spec.kit.actors import hold_by_acquire, hold_by_with
from spec.kit.managing import lend_to

NEEDS = ("addresses",)


def compare_lock_errors(stage):
    """Release what is not held and pass wrong timeouts, to locks of three kinds."""
    with stage.mp.Manager() as manager:
        makers = {"managed": manager, "threading": threading, "multiprocessing": stage.mp}
        return {
            name: {
                kind: {
                    "release()": result_or_error(getattr(maker, kind)().release),
                    "acquire(True, -5)": result_or_error(getattr(maker, kind)().acquire, True, -5),
                    "acquire(False, 1)": result_or_error(getattr(maker, kind)().acquire, False, 1),
                    "blocking=": result_or_error(getattr(maker, kind)().acquire, blocking=False),
                }
                for kind in ("Lock", "RLock")
            }
            for name, maker in makers.items()
        }


@claim(
    "manager.lock-errors-match-threading",
    docs="multiprocessing.managers.SyncManager.Lock",
    needs=("semaphores",),
)
def test_a_managed_lock_raises_what_a_threading_lock_raises(mp, stage):
    """A managed Lock or RLock raises what threading's does: RuntimeError if released when free.

    A negative timeout, or one with blocking=False, raises ValueError. multiprocessing's own locks
    differ in all of this.
    """
    observed = stage.result_of(compare_lock_errors)
    errors = {
        "release()": "RuntimeError",
        "acquire(True, -5)": "ValueError",
        "acquire(False, 1)": "ValueError",
        "blocking=": True,
    }
    assert observed["managed"] == observed["threading"] == {"Lock": errors, "RLock": errors}
    own = observed["multiprocessing"]
    assert own["Lock"] == {
        "release()": "ValueError",
        "acquire(True, -5)": True,
        "acquire(False, 1)": True,
        "blocking=": "TypeError",
    }
    assert own["RLock"] == own["Lock"] | {"release()": "AssertionError"}


@claim("manager.lock-excludes-processes", docs="multiprocessing.managers.SyncManager.Lock")
def test_a_managed_lock_has_one_holder(mp, stage):
    """While a process holds a managed Lock, acquire() and "with lock" block in other processes.

    Four processes want it, two by each way. While the first is inside, the others have asked and do
    not get in; then they get in one after the other.
    """
    ways = (hold_by_with, hold_by_acquire) * 2
    lender, waiting = lend_to(stage, "Lock", (), *ways)
    for each in waiting:
        each.expect("asking")
    while waiting:
        inside = stage.first_to_say(waiting, "inside")
        waiting.remove(inside)
        if waiting:
            assert stage.none_says(waiting, "inside"), "two processes hold it"
        inside.returns(cue="leave")
    lender.returns()


def acquire_at_once(lock):
    """Acquire a lock without blocking."""
    return lock.acquire(False)


def pass_locks_to_pool(stage):
    """Have a pool's worker acquire a managed lock, and another one; report the results."""
    with stage.mp.Manager() as manager, stage.mp.Pool(1) as pool:
        lock = manager.Lock()
        return {
            "managed": pool.map(acquire_at_once, [lock]),
            "then here": lock.acquire(False),
            "multiprocessing": result_or_error(pool.map, acquire_at_once, [stage.mp.Lock()]),
        }


@claim(
    "manager.lock-travels-to-pool-tasks",
    docs="multiprocessing.managers.SyncManager",
    needs=("semaphores",),
)
def test_a_managed_lock_can_be_an_argument_of_a_pool_task(mp, stage):
    """A managed Lock can be passed to a Pool's tasks; a multiprocessing.Lock raises RuntimeError.

    A worker acquires the managed lock, and then its parent cannot.
    """
    assert stage.result_of(pass_locks_to_pool) == {
        "managed": [True],
        "then here": False,
        "multiprocessing": "RuntimeError",
    }


def try_rlock_when_cued(stage, rlock):
    """At each of three cues "try", try to release the lock, and to acquire it; say the results."""
    for _ in range(3):
        stage.wait_for_cue("try")
        stage.say("tried", result_or_error(rlock.release), rlock.acquire(False))


def hold_rlock_twice(stage, ticket):
    """Acquire a managed RLock twice; release it once at each cue "release"."""
    with stage.mp.Manager() as manager:
        rlock = manager.RLock()
        child = stage.start((*ticket, rlock))
        stage.say("held", rlock.acquire(False), rlock.acquire(False))
        for _ in range(2):
            stage.wait_for_cue("release")
            stage.say("released", rlock.release())
        child.join(stage.patience)


@claim("manager.rlock-owner-may-reenter", docs="multiprocessing.managers.SyncManager.RLock")
def test_a_managed_rlock_has_one_owner(mp, stage):
    """The process that holds a managed RLock may acquire it again; no other may release it.

    It is free when it has been released as often as it was acquired: another process, which
    tried before, acquires it only then.
    """
    child = stage.nested(try_rlock_when_cued)
    owner = stage.enter(hold_rlock_twice, child.ticket)
    assert owner.expect("held") == (True, True)
    tried = []
    for _ in range(2):
        child.cue("try")
        tried.append(child.expect("tried"))
        owner.cue("release")
        assert owner.expect("released") is None
    child.cue("try")
    tried.append(child.expect("tried"))
    assert tried == [("RuntimeError", False), ("RuntimeError", False), ("RuntimeError", True)]
    child.returns()
    owner.returns()


def use_event_alone(event):
    """Use an event in one process; the results."""
    return {
        "is_set()": event.is_set(),
        "wait(0)": event.wait(0),
        "set()": event.set(),
        "is_set() then": event.is_set(),
        "wait()": event.wait(),
        "clear()": event.clear(),
        "is_set() at last": event.is_set(),
    }


def use_condition_alone(condition):
    """Use a condition in one process; the results."""
    errors = {
        f"{name}() when free": result_or_error(getattr(condition, name))
        for name in ("wait", "notify", "notify_all", "release")
    }
    with condition:
        held = {
            "wait(0)": condition.wait(0),
            "wait_for(7)": condition.wait_for(lambda: 7),
            "wait_for(0, 0)": condition.wait_for(lambda: 0, 0),
            "notify()": condition.notify(),
            "notify(2)": condition.notify(2),
            "notify_all()": condition.notify_all(),
            "acquire()": condition.acquire(),
            "release()": condition.release(),
        }
    return errors | held


def use_barrier_alone(barrier):
    """Use a barrier of one party in one process; the results."""
    return {
        "wait()": barrier.wait(),
        "wait(1)": barrier.wait(1),
        "parties": barrier.parties,
        "n_waiting": barrier.n_waiting,
        "broken": barrier.broken,
        "abort()": barrier.abort(),
        "broken then": barrier.broken,
        "wait() when broken": result_or_error(barrier.wait),
        "reset()": barrier.reset(),
        "broken at last": barrier.broken,
    }


def use_semaphore_alone(semaphore):
    """Use a semaphore of two in one process; the results."""
    with semaphore:
        held = {
            "acquire()": semaphore.acquire(),
            "acquire(False)": semaphore.acquire(False),
            "acquire(True, 0)": semaphore.acquire(True, 0),
            "acquire(False, 1)": result_or_error(semaphore.acquire, False, 1),
            "release()": semaphore.release(),
            "acquire(blocking=False)": semaphore.acquire(blocking=False),
            "release() again": semaphore.release(),
        }
    return held | {"release() too often": result_or_error(semaphore.release)}


def use_synchronisers_alone(stage):
    """Use managed objects and those of threading in one process; report the results of both."""
    uses = {
        "Event": ((), use_event_alone),
        "Condition": ((), use_condition_alone),
        "Barrier": ((1,), use_barrier_alone),
        "Semaphore": ((2,), use_semaphore_alone),
        "BoundedSemaphore": ((2,), use_semaphore_alone),
    }
    with stage.mp.Manager() as manager:
        makers = manager, threading
        return {
            kind: [use(getattr(maker, kind)(*arguments)) for maker in makers]
            for kind, (arguments, use) in uses.items()
        } | {"Barrier(2, None, 0)": [result_or_error(m.Barrier(2, None, 0).wait) for m in makers]}


@claim(
    "manager.synchronisers-behave-as-threading",
    docs="multiprocessing.managers.SyncManager.BoundedSemaphore",
)
def test_managed_objects_behave_as_those_of_threading(mp, stage):
    """Managed Event, Condition, Barrier and (Bounded)Semaphore objects act as threading's do.

    The same calls are made on both, in one process; their results and errors are compared. A
    BoundedSemaphore that is released too often raises ValueError wherever there is a manager,
    even where a multiprocessing.BoundedSemaphore does not notice.
    """
    observed = stage.result_of(use_synchronisers_alone)
    for kind, (managed, original) in observed.items():
        assert managed == original, kind
    assert observed["Event"][0]["wait()"] is True
    assert observed["Barrier(2, None, 0)"][0] == "BrokenBarrierError"
    assert observed["Condition"][0]["notify() when free"] == "RuntimeError"
    assert observed["Barrier"][0]["wait() when broken"] == "BrokenBarrierError"
    assert observed["Semaphore"][0]["release() too often"] is None
    assert observed["BoundedSemaphore"][0]["release() too often"] == "ValueError"


def tell_locked(stage):
    """Report locked() of managed locks that are free, held and released."""
    told = {}
    with stage.mp.Manager() as manager:
        for kind in ("Lock", "RLock"):
            lock = getattr(manager, kind)()
            told[kind] = [lock.locked()]
            with lock:
                told[kind].append(lock.locked())
            told[kind].append(lock.locked())
    return told


@claim(
    "manager.locked-tells-if-held", docs="multiprocessing.managers.SyncManager.RLock", since="3.14"
)
def test_locked_tells_whether_a_managed_lock_is_held(mp, stage):
    """locked() of a managed Lock or RLock returns True while it is held, else False."""
    expected = [False, True, False]
    assert stage.result_of(tell_locked) == {"Lock": expected, "RLock": expected}


def ask_semaphore_when_cued(stage, semaphore):
    """At each of two cues "ask", acquire the semaphore without blocking; say the answer."""
    for _ in range(2):
        stage.wait_for_cue("ask")
        stage.say("answer", semaphore.acquire(False))


@claim("manager.semaphore-limits-holders", docs="multiprocessing.managers.SyncManager.Semaphore")
def test_a_managed_semaphore_counts_processes(mp, stage):
    """Two processes can hold a managed Semaphore(2) at once; a third acquires it after a release.

    Both are known to hold it when the third process asks for the first time.
    """
    lender, (first, second, third) = lend_to(
        stage, "Semaphore", (2,), hold_by_with, hold_by_acquire, ask_semaphore_when_cued
    )
    first.expect("inside")
    second.expect("inside")
    third.cue("ask")
    assert third.expect("answer") is False
    first.returns(cue="leave")
    third.cue("ask")
    assert third.expect("answer") is True
    second.returns(cue="leave")
    third.returns()
    lender.returns()


def wait_for_managed_event(stage, event):
    """Wait for an event; say "woken" with what wait() returned."""
    stage.say("waiting")
    stage.say("woken", event.wait())


def set_when_cued(stage, event):
    """Set an event at the cue "set"."""
    stage.wait_for_cue("set")
    event.set()


@claim("manager.event-wakes-all-waiters", docs="multiprocessing.managers.SyncManager.Event")
def test_setting_a_managed_event_wakes_all_waiters(mp, stage):
    """wait() of a managed Event blocks until a process calls set(), which wakes all waiters.

    Two processes wait, and neither returns within one beat; then a third process sets the event.
    """
    lender, (setter, *waiters) = lend_to(
        stage, "Event", (), set_when_cued, wait_for_managed_event, wait_for_managed_event
    )
    for each in waiters:
        each.expect("waiting")
    assert stage.none_says(waiters, "woken"), "the event is not set"
    setter.returns(cue="set")
    for each in waiters:
        assert each.expect("woken") is True
        each.returns()
    lender.returns()


@claim(
    "manager.call-waits-longer-than-seconds",
    docs="multiprocessing.managers.SyncManager.Event",
    slow=True,
)
def test_a_call_through_a_proxy_waits_for_seconds(mp, stage):
    """A proxy's method that blocks, such as wait() of a managed Event, blocks for seconds too.

    There is no timeout on the way: nothing comes back within 25 beats, and then the event is set.
    """
    lender, (setter, waiter) = lend_to(stage, "Event", (), set_when_cued, wait_for_managed_event)
    waiter.expect("waiting")
    assert waiter.does_not_say("woken", beats=25), "the event is not set"
    setter.returns(cue="set")
    assert waiter.expect("woken") is True
    waiter.returns()
    lender.returns()


def wait_in_thread(stage):
    """Have a thread wait at a barrier, see it wait there by the same proxy, and meet it."""
    with stage.mp.Manager() as manager:
        barrier = manager.Barrier(2)
        waiting = threading.Thread(target=barrier.wait)
        waiting.start()
        while barrier.n_waiting < 1:
            pass
        alone = waiting.is_alive()
        barrier.wait()
        waiting.join()
        return {"it waits alone": alone, "waiting at last": barrier.n_waiting}


@claim(
    "manager.threads-do-not-block-each-other",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_a_thread_that_waits_does_not_block_another(mp, stage):
    """A thread that blocks in a proxy's method does not block other threads that use the proxy.

    Each thread has its own connection to the manager. While a thread waits at a barrier, another
    sees by the same proxy that it does, and then meets it there. The documentation advises against
    using a proxy in several threads.
    """
    assert stage.result_of(wait_in_thread) == {"it waits alone": True, "waiting at last": 0}


def wait_for_managed_condition(stage, condition):
    """Wait for a condition; say "woken" with what wait() returned."""
    with condition:
        stage.say("waiting")
        stage.say("woken", condition.wait())


def notify_condition_when_cued(stage, condition):
    """Notify one waiter, and then all others, each at a cue."""
    stage.wait_for_cue("notify")
    with condition:
        condition.notify()
    stage.wait_for_cue("notify all")
    with condition:
        condition.notify_all()


@claim("manager.condition-wakes-waiters", docs="multiprocessing.managers.SyncManager.Condition")
def test_a_managed_condition_wakes_waiters_in_other_processes(mp, stage):
    """notify() of a managed Condition wakes one waiting process, and notify_all() all of them.

    Three processes say that they wait while they hold the lock, so the notifier gets the lock
    only when wait() has released it.
    """
    lender, (notifier, *waiters) = lend_to(
        stage, "Condition", (), notify_condition_when_cued, *[wait_for_managed_condition] * 3
    )
    for each in waiters:
        each.expect("waiting")
    notifier.cue("notify")
    woken = stage.first_to_say(waiters, "woken")
    woken.returns()
    waiters.remove(woken)
    assert stage.none_says(waiters, "woken"), "notify() woke two processes"
    notifier.returns(cue="notify all")
    for each in waiters:
        assert each.expect("woken") is True
        each.returns()
    lender.returns()


def share_lock_with_condition(stage):
    """Give a managed lock to a condition; report whether both are held together."""
    told = {}
    with stage.mp.Manager() as manager:
        for name, given in (("its own", False), ("given", True)):
            lock = manager.Lock()
            condition = manager.Condition(lock) if given else manager.Condition()
            with condition:
                told[name] = [lock.acquire(False)]
            told[name].append(lock.acquire(False))
            if given:
                told["condition while the lock is held"] = condition.acquire(False)
    return told


@claim(
    "manager.condition-takes-managed-lock", docs="multiprocessing.managers.SyncManager.Condition"
)
def test_a_managed_condition_uses_the_managed_lock_it_is_given(mp, stage):
    """A managed Condition(lock) uses that managed Lock: "with condition" holds it, and vice versa.

    A condition without that argument leaves the lock alone.
    """
    assert stage.result_of(share_lock_with_condition) == {
        "its own": [True, False],
        "given": [False, True],
        "condition while the lock is held": False,
    }


def note_process_id(path):
    """Write this process's PID into a file."""
    with open(path, "a", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")


def meet_at_barrier(stage, barrier):
    """Wait at a barrier, and tell its parties."""
    barrier.wait()
    return barrier.parties


def meet_child_at_barrier(stage, ticket, path):
    """Meet a child at a barrier whose action notes its process; return the manager's PID."""
    with stage.mp.Manager() as manager:
        server = [process.pid for process in stage.mp.active_children()]
        barrier = manager.Barrier(2, functools.partial(note_process_id, path))
        child = stage.start((*ticket, barrier))
        before = os.path.exists(path)
        barrier.wait()
        child.join(stage.patience)
        return server, before


@claim(
    "manager.barrier-action-runs-in-server",
    docs="multiprocessing.managers.SyncManager.Barrier",
    level=OBSERVED,
)
def test_the_action_of_a_managed_barrier_runs_in_the_manager(mp, stage, tmp_path):
    """A managed Barrier lets two processes meet, and runs its action in the manager's process.

    Unlike multiprocessing.Barrier, where a waiting process runs it. The action notes its PID.
    """
    path = tmp_path / "pids"
    child = stage.nested(meet_at_barrier)
    server, before = stage.result_of(meet_child_at_barrier, child.ticket, str(path))
    assert not before
    assert child.returns() == 2
    assert [int(line) for line in path.read_text().split()] == server
