"""Lock: one process at a time.

At most one process holds a lock; any other process that calls ``acquire()`` blocks until the lock
is released. Use it where processes change the same file or the same shared memory. Prefer
``with lock:`` to ``acquire()`` and ``release()``: only the with statement releases the lock when
an exception is raised.

Two things surprise people. A lock excludes only processes that share this very lock, so pass it
to each process as an argument: a lock that each process creates itself excludes no other process,
and neither does a ``threading.Lock``. And unlike threading, releasing an unlocked lock
raises ValueError. The parameters of ``acquire()`` are a chapter of their own, Acquiring.

A line that is appended to a file is written at once, with a lock or without, so it cannot show
that no other process is inside. The proofs here write a record in two halves, with a cue in
between, or read a number and write it back.
"""

import gc
import threading
import time
import types
import weakref

from spec.kit import BEAT, OBSERVED, TICK, claim, now, result_or_error, submodule
from spec.kit.actors import (
    hold_by_acquire,
    hold_by_with,
    raise_inside_with,
    report_locked_when_cued,
)

NEEDS = ("semaphores",)


def write_record(stage, path, name):
    """Append a record in two halves, and wait for a cue in between."""
    with open(path, "a") as file:
        file.write(f"{name} begins\n")
        file.flush()
        stage.say("inside")
        stage.wait_for_cue("finish")
        file.write(f"{name} ends\n")


def write_inside_with(stage, lock, path):
    """Write a record inside a with block."""
    stage.say("asking")
    with lock:
        write_record(stage, path, "with")


def write_after_acquire(stage, lock, path):
    """Write a record between acquire() and release()."""
    stage.say("asking")
    lock.acquire()
    write_record(stage, path, "acquire")
    lock.release()


def write_unlocked(stage, path):
    """Write a record without a lock."""
    write_record(stage, path, "unlocked")


@claim("lock.with-and-acquire-both-exclude", docs="multiprocessing.Lock")
def test_with_and_acquire_exclude_each_other(mp, stage, tmp_path):
    """A "with lock" block and lock.acquire() exclude each other: only one process is inside.

    The first process is known to be inside, and two are about to ask, a thread of the test's
    process among them. They have one beat to get in wrongly; then the first is cued to finish its
    record. The next that is inside keeps the last one out for a beat. A slow machine only delays
    this. As a control, two processes without a lock are inside at once, and their records are
    mixed.
    """
    for first, second in (
        (write_inside_with, write_after_acquire),
        (write_after_acquire, write_inside_with),
    ):
        lock = mp.Lock()
        path = tmp_path / first.__name__
        inside = stage.enter(first, lock, str(path))
        inside.expect("inside")
        outside = [
            stage.enter(second, lock, str(path)),
            stage.enter(first, lock, str(path), by=threading.Thread),
        ]
        for each in outside:
            each.expect("asking")
        assert stage.none_says(outside, "inside"), "a second process is inside"
        inside.returns(cue="finish")
        inside = stage.first_to_say(outside, "inside")
        outside.remove(inside)
        assert outside[0].does_not_say("inside"), "a release let in two that were waiting"
        inside.returns(cue="finish")
        outside[0].expect("inside")
        outside[0].returns(cue="finish")
        names = [line.split() for line in path.read_text().splitlines()]
        assert [word for _, word in names] == ["begins", "ends"] * 3
        assert [name for name, _ in names[::2]] == [name for name, _ in names[1::2]]

    path = tmp_path / "unlocked"
    both = []
    for _ in range(2):  # in turn: where appending is to seek and to write, a line may be lost
        both.append(stage.enter(write_unlocked, str(path)))
        both[-1].expect("inside")
    for each in both:
        each.returns(cue="finish")
    mixed = [line.split()[1] for line in path.read_text().splitlines()]
    assert mixed == ["begins", "begins", "ends", "ends"]


def increment_under_lock(stage, lock, path):
    """Add one to the number in a file again and again for two beats; report how often."""
    stage.say("ready")
    stage.wait_for_cue("begin")
    added, end = 0, now() + 2 * BEAT
    while now() < end:
        with lock, open(path, "r+") as file:
            number = int(file.read())
            file.seek(0)
            time.sleep(TICK / 20)  # time for the other process to come in between
            file.write(str(number + 1))
        added += 1
    return added


def increment_unlocked(stage, path):
    """Read the number in a file, and write it back plus one when cued."""
    with open(path) as file:
        number = int(file.read())
    stage.say("read")
    stage.wait_for_cue("write")
    with open(path, "w") as file:
        file.write(str(number + 1))


@claim("lock.read-modify-write-is-exact", docs="multiprocessing.Lock")
def test_no_increment_is_lost_under_a_lock(mp, stage, tmp_path):
    """Processes that increment a number in a file while holding the same lock lose no increment.

    Two processes increment it for two beats: in the end it is the sum of what they report,
    however few that are. As a control, two processes without a lock, in an order forced by
    cues, lose an increment.
    """
    path = tmp_path / "number"
    path.write_text("0")
    lock = mp.Lock()
    both = [stage.enter(increment_under_lock, lock, str(path)) for _ in range(2)]
    for each in both:
        each.expect("ready")
    for each in both:
        each.cue("begin")
    assert str(sum(each.returns() for each in both)) == path.read_text()

    path.write_text("0")
    both = [stage.enter(increment_unlocked, str(path)) for _ in range(2)]
    for each in both:
        each.expect("read")
    for each in both:
        each.returns(cue="write")
    assert path.read_text() == "1"


def hold_lock_when_cued(stage, lock):
    """Acquire the lock when cued, and hold it until cued again."""
    stage.wait_for_cue("acquire")
    with lock:
        stage.say("inside")
        stage.wait_for_cue("leave")


@claim("lock.order-is-free", docs="multiprocessing.Lock")
def test_either_process_may_come_first(mp, stage, program):
    """Of two processes, either may acquire a lock first, whichever was started first.

    Cues force both orders. The tutorial's sample prints its two lines in any order, so the
    lines are sorted before they are compared.
    """
    lock = mp.Lock()
    actors = [stage.enter(hold_lock_when_cued, lock) for _ in range(3)]
    for place in (1, 0, 2):
        actors[place].cue("acquire")
        actors[place].expect("inside")
        actors[place].returns(cue="leave")

    lines = program.lines_of("sample_lock")
    assert sorted(lines) == ["written between acquire and release", "written inside with"]


def hold_own_lock_until_cued(stage):
    """Create a lock, and hold it until cued."""
    with stage.mp.Lock():
        stage.say("inside")
        stage.wait_for_cue("leave")


@claim("lock.per-process-lock-excludes-nobody", docs="multiprocessing#programming-guidelines")
def test_a_lock_of_its_own_excludes_no_other_process(mp, stage):
    """A lock excludes only processes that share it; a lock created in each process excludes none.

    Both processes are inside locks of their own at the same time: each stays there until it is
    cued, and that happens after both are inside. With one lock, passed to both, the second
    process does not get in before the first leaves.
    """
    own = [stage.enter(hold_own_lock_until_cued) for _ in range(2)]
    for each in own:
        each.expect("inside")
    for each in own:
        each.returns(cue="leave")

    lock = mp.Lock()
    inside = stage.enter(hold_by_with, lock)
    inside.expect("inside")
    outside = stage.enter(hold_by_with, lock)
    outside.expect("asking")
    assert outside.does_not_say("inside"), "the shared lock does not exclude a second process"
    inside.returns(cue="leave")
    outside.expect("inside")
    outside.returns(cue="leave")


def raise_before_release(stage, lock):
    """Raise an exception between acquire() and release(); report it."""
    try:
        lock.acquire()
        raise ValueError
        lock.release()
    except ValueError as caught:
        return type(caught).__name__


def acquire_within_a_beat(stage, lock):
    """Try to acquire the lock for one beat, and release it again; report the answer."""
    acquired = lock.acquire(timeout=BEAT)
    if acquired:
        lock.release()
    return acquired


@claim("lock.with-releases-on-exception", docs="multiprocessing.Lock")
def test_with_releases_when_an_exception_is_raised(mp, stage):
    """A with block releases its lock on an exception; a lock acquired by acquire() stays held.

    The with block is left by an error and by SystemExit. Both exceptions come out of it
    unchanged.
    """
    lock = mp.Lock()
    for error in (ValueError, SystemExit):
        assert stage.result_of(raise_inside_with, lock, error) == error.__name__
        assert stage.result_of(acquire_within_a_beat, lock), f"held after {error.__name__}"
    assert stage.result_of(raise_before_release, lock) == "ValueError"
    assert not stage.result_of(acquire_within_a_beat, lock), "free without a release()"


def start_with_a_threading_lock(stage):
    """Try to start a process with a threading.Lock; report the outcome, and whether it started.

    An actor does it, because Windows creates the process before the lock is refused.
    """
    args = (stage, threading.Lock())
    process = stage.mp.Process(target=hold_by_with, args=args)
    return {"start()": result_or_error(process.start), "started": process.pid is not None}


@claim("lock.threading-lock-excludes-no-process", docs="threading.Lock", level=OBSERVED)
def test_a_threading_lock_excludes_no_process(mp, stage):
    """A threading.Lock does not exclude processes: fork copies it, spawn and forkserver refuse it.

    Forked processes are inside at the same time. Under spawn and forkserver start() raises
    what pickle raises for an object that it cannot pickle.
    """
    if mp.get_start_method() != "fork":
        observed = stage.result_of(start_with_a_threading_lock)
        # no documentation says which of the two it is
        assert observed["start()"] in ("TypeError", "PicklingError"), observed
        assert observed["started"] is False, observed
        return

    lock = threading.Lock()
    both = [stage.enter(hold_by_with, lock) for _ in range(2)]
    for each in both:
        each.expect("inside")
    for each in both:
        each.returns(cue="leave")


GLOBALS = types.SimpleNamespace()


def hold_global_lock_until_cued(stage):
    """Hold the lock that is a global here until cued."""
    hold_by_with(stage, GLOBALS.lock)


@claim(
    "lock.global-shared-under-fork",
    docs="multiprocessing#programming-guidelines",
    methods=("fork",),
)
def test_a_global_lock_is_shared_with_forked_processes(mp, stage):
    """Under fork, children share a global lock without receiving it as an argument.

    The lock is created after this chapter was imported, so a child can have it only from its
    parent. The child that is inside stays there until it is cued; the other has one beat to
    get in wrongly.
    """
    GLOBALS.lock = mp.Lock()
    try:
        both = [stage.enter(hold_global_lock_until_cued) for _ in range(2)]
        for each in both:
            each.expect("asking")
        inside = stage.first_to_say(both, "inside")
        both.remove(inside)
        outside = both[0]
        assert outside.does_not_say("inside"), "a second process is inside"
        inside.returns(cue="leave")
        outside.expect("inside")
        outside.returns(cue="leave")
    finally:
        del GLOBALS.lock


def acquire_three_times(stage, lock):
    """Acquire a free lock, and try again without blocking and for a beat; report the answers."""
    return {
        "acquire()": lock.acquire(),
        "acquire(False)": lock.acquire(False),
        "acquire(True, BEAT)": lock.acquire(True, BEAT),
    }


@claim("lock.not-recursive", docs="multiprocessing.Lock")
def test_the_holder_of_a_lock_cannot_acquire_it_again(mp, stage):
    """A Lock is not recursive: acquire() blocks even its holder until the lock is released.

    The same holds for a thread and threading.Lock.
    """
    for by, lock in ((threading.Thread, threading.Lock()), (mp.Process, mp.Lock())):
        assert stage.result_of(acquire_three_times, lock, by=by) == {
            "acquire()": True,
            "acquire(False)": False,
            "acquire(True, BEAT)": False,
        }


def acquire_and_end(stage, lock):
    """Try to acquire the lock without blocking, and end without releasing it."""
    return lock.acquire(False)


def release_lock_of_another(stage, lock):
    """Release a lock that another process or thread has acquired."""
    return result_or_error(lock.release)


@claim("lock.anyone-may-release", docs="multiprocessing.Lock.release")
def test_a_lock_can_be_released_by_another_than_its_holder(mp, stage):
    """Any process or thread can release a Lock, even if another process or thread acquired it.

    A child releases what its parent acquired, and vice versa. A thread releases what another
    thread of its process acquired, as in threading. Afterwards the lock is free, for one
    holder.
    """
    for lock, *others in (
        (threading.Lock(), threading.Thread),
        (mp.Lock(), mp.Process, threading.Thread),
    ):
        for by in others:
            assert lock.acquire(False)
            assert stage.result_of(release_lock_of_another, lock, by=by) is None
        assert lock.acquire(False), "it is not free"
        assert not lock.acquire(False), "it is free twice"

    lock = mp.Lock()
    assert stage.result_of(acquire_and_end, lock) is True
    assert not lock.acquire(False), "the child does not hold it"
    assert result_or_error(lock.release) is None
    assert lock.acquire(False), "it is not free"


def release_lock_too_often(stage, lock):
    """Release a free lock, acquire it twice and release it twice; report all outcomes."""
    return {
        "release() when free": result_or_error(lock.release),
        "acquire(False)": lock.acquire(False),
        "second acquire(False)": lock.acquire(False),
        "release()": result_or_error(lock.release),
        "second release()": result_or_error(lock.release),
    }


@claim("lock.releasing-unlocked-fails", docs="multiprocessing.Lock.release")
def test_a_free_lock_cannot_be_released(mp, stage):
    """Releasing an unlocked Lock raises ValueError and has no effect.

    Unlike threading, which raises RuntimeError. The outcome is the same in the process that
    created the lock and in another. "No effect" means that only one acquire() succeeds
    afterwards.
    """
    lock = mp.Lock()
    observed = {
        "a process": stage.result_of(release_lock_too_often, lock),
        "a thread": stage.result_of(release_lock_too_often, lock, by=threading.Thread),
        "threading": stage.result_of(release_lock_too_often, threading.Lock(), by=threading.Thread),
    }

    def refused_with(error):
        return {
            "release() when free": error,
            "acquire(False)": True,
            "second acquire(False)": False,
            "release()": None,
            "second release()": error,
        }

    assert observed == {
        "a process": refused_with("ValueError"),
        "a thread": refused_with("ValueError"),
        "threading": refused_with("RuntimeError"),
    }
    assert lock.acquire(False), "it is not free"
    assert not lock.acquire(False), "it is free twice"


@claim("lock.locked-tells-if-held", docs="multiprocessing.Lock.locked", since="3.14")
def test_locked_tells_whether_the_lock_is_held(mp, stage):
    """locked() is True in every process while any process holds the Lock, else False.

    The test's process acquires and releases it. It and another process call locked() before,
    meanwhile and after.
    """
    lock = mp.Lock()
    observer = stage.enter(report_locked_when_cued, lock, 3)

    def seen():
        observer.cue("look")
        return lock.locked(), observer.expect("seen")

    assert seen() == (False, False)
    assert lock.acquire(False)
    assert seen() == (True, True)
    lock.release()
    assert seen() == (False, False)
    observer.returns()


@claim("lock.factory-not-class", docs="multiprocessing.Lock")
def test_lock_and_rlock_are_not_classes(mp):
    """Lock and RLock are factory functions, not classes: isinstance() with them raises TypeError.

    The classes are those of the submodule synchronize. As with threading's locks, the name
    after "with lock as" is bound to True, not to the lock.
    """
    for make, name in ((mp.Lock, "Lock"), (mp.RLock, "RLock")):
        lock = make()
        assert result_or_error(isinstance, lock, make) == "TypeError"
        assert type(lock) is getattr(submodule("synchronize"), name)
        with lock as bound:
            assert bound is True


@claim("lock.excludes-threads-too", docs="multiprocessing.Lock")
def test_a_lock_excludes_threads_of_its_holders_process(mp, stage):
    """While a thread holds a Lock, acquire() and "with" block the other threads of its process.

    Three threads of the test's process hold it in turn, the first and the last by a with
    statement. The next one asks when the one before it is inside, and has one beat to get in
    wrongly.
    """
    lock = mp.Lock()
    inside = None
    for hold in (hold_by_with, hold_by_acquire, hold_by_with):
        asking = stage.enter(hold, lock, by=threading.Thread)
        asking.expect("asking")
        if inside:
            assert asking.does_not_say("inside"), "two threads of a process are inside"
            inside.returns(cue="leave")
        asking.expect("inside")
        inside = asking
    asking.returns(cue="leave")


LOCKS = ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition")


def hold_all_and_release(stage, shared):
    """Hold each lock until cued; when cued, set the event, notify, and wait at the barrier."""
    for name in LOCKS:
        shared[name].acquire()
    stage.say("holding")
    stage.wait_for_cue("release")
    for name in LOCKS:
        shared[name].release()
    stage.wait_for_cue("meet")
    shared["Event"].set()
    with shared["Condition"]:
        shared["Condition"].notify()
    shared["Barrier"].wait(stage.patience)


def try_all_then_wait(stage, shared):
    """Try each lock when cued, and then take it in turn; then wait for whatever can be waited for.

    Reports the outcome of each wait.
    """
    stage.say("ready")
    stage.wait_for_cue("try")
    stage.say("tried", {name: shared[name].acquire(timeout=TICK) for name in LOCKS})
    stage.wait_for_cue("take")
    taken = {name: shared[name].acquire(timeout=stage.patience) for name in LOCKS}
    stage.say("taken", taken)
    notified = shared["Condition"].wait(stage.patience)
    for name in LOCKS:
        shared[name].release()
    return {
        "notified": notified,
        "event": shared["Event"].wait(stage.patience),
        "barrier": shared["Barrier"].wait(stage.patience) in (0, 1),
    }


@claim("lock.outlives-creators-reference", docs="multiprocessing.Lock", level=OBSERVED)
def test_locks_work_on_when_their_creator_has_dropped_them(mp, stage):
    """Children go on sharing a lock, event or barrier when its creator has dropped it.

    When the test drops them, one child holds all locks, and the other has not used them yet. That
    one does not get them, until they are released; then the first notifies it, sets the event,
    and both meet at the barrier.
    """
    shared = {name: getattr(mp, name)() for name in (*LOCKS, "Event")} | {"Barrier": mp.Barrier(2)}
    other = stage.enter(try_all_then_wait, shared)
    holder = stage.enter(hold_all_and_release, shared)
    other.expect("ready")
    holder.expect("holding")
    dropped = {name: weakref.ref(each) for name, each in shared.items()}
    del shared
    gc.collect()
    kept = [name for name, reference in dropped.items() if reference() is not None]
    assert not kept, f"something still refers to {kept}"

    other.cue("try")
    assert other.expect("tried") == dict.fromkeys(LOCKS, False)
    other.cue("take")
    holder.cue("release")
    assert other.expect("taken") == dict.fromkeys(LOCKS, True)
    holder.returns(cue="meet")
    assert other.returns() == {"notified": True, "event": True, "barrier": True}
