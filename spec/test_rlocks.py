"""RLock: a lock that its owner may acquire again.

A function that holds a Lock and calls another function that acquires the same Lock would block
forever. With an RLock it does not: its owner can acquire it as often as it likes, and the RLock is
free again after as many calls of ``release()``.

So an RLock has an owner, and a Lock has not. The owner is one thread of one process, and only this
thread may release it: any other gets AssertionError, where threading raises RuntimeError. A
forked child does not inherit the ownership of its parent.

The parameters of ``acquire()`` follow the same rules as a Lock's: see the chapter Acquiring.
"""

import itertools
import threading

from spec.kit import BEAT, claim, result_or_error
from spec.kit.actors import hold_by_acquire, hold_by_with, report_locked_when_cued

NEEDS = ("semaphores",)


def acquire_five_times(stage, lock):
    """Acquire the lock in each possible way, and release it once whenever cued."""
    with lock:
        answers = {
            "acquire()": lock.acquire(),
            "acquire(False)": lock.acquire(False),
            "acquire(True, BEAT)": lock.acquire(True, BEAT),
        }
        with lock:
            stage.say("inside", answers)
            stage.wait_for_cue("release")
        stage.say("released")
        for _ in answers:
            stage.wait_for_cue("release")
            lock.release()
            stage.say("released")
        stage.wait_for_cue("release")
    stage.say("released")


@claim("lock.rlock-owner-may-reenter", docs="multiprocessing.RLock")
def test_the_owner_acquires_it_again_and_releases_it_as_often(mp, stage):
    """An RLock's owner can acquire it again; it is free after as many release() calls.

    The owner acquires it five times, at first and at last by a with statement. The test's process
    tries to acquire it before each release, and after the last. The same holds for a thread and
    threading.RLock.
    """
    for by, lock in ((threading.Thread, threading.RLock()), (mp.Process, mp.RLock())):
        owner = stage.enter(acquire_five_times, lock, by=by)
        assert owner.expect("inside") == {
            "acquire()": True,
            "acquire(False)": True,
            "acquire(True, BEAT)": True,
        }
        for releases in range(5):
            assert not lock.acquire(False), f"it is free after {releases} of 5 releases"
            owner.cue("release")
            owner.expect("released")
        assert lock.acquire(False), "it is not free"
        owner.returns()


@claim("lock.rlock-with-and-acquire-exclude", docs="multiprocessing.RLock")
def test_with_and_acquire_of_an_rlock_exclude_each_other(mp, stage):
    """A "with rlock" block and rlock.acquire() exclude each other: only one thread is inside.

    Three processes are inside in turn, then three threads of the test's process. The next one
    asks when the one before it is inside, and has one beat to get in wrongly.
    """
    lock = mp.RLock()
    ways = (hold_by_with, hold_by_acquire, hold_by_with)
    inside = None
    for by, hold in itertools.product((mp.Process, threading.Thread), ways):
        asking = stage.enter(hold, lock, by=by)
        asking.expect("asking")
        if inside:
            assert asking.does_not_say("inside"), "two are inside"
            inside.returns(cue="leave")
        asking.expect("inside")
        inside = asking
    asking.returns(cue="leave")


def raise_inside_two_blocks(stage, lock, error):
    """Raise an exception in the inner of two with blocks; report it, and leave when cued."""
    with lock:
        try:
            with lock:
                raise error
        except (ValueError, SystemExit) as caught:
            stage.say("caught", type(caught).__name__)
        stage.wait_for_cue("raise")
        raise SystemExit


@claim("lock.rlock-with-releases-on-exception", docs="multiprocessing.RLock")
def test_each_with_block_releases_an_rlock_once_on_an_exception(mp, stage):
    """A "with rlock" block that an exception leaves releases the RLock once.

    The owner leaves two blocks. After the inner one, left by an error or by SystemExit, it still
    owns the RLock; after the outer one, left by SystemExit, the RLock is free.
    """
    lock = mp.RLock()
    for error in (ValueError, SystemExit):
        owner = stage.enter(raise_inside_two_blocks, lock, error)
        assert owner.expect("caught") == error.__name__
        assert not lock.acquire(False), f"{error.__name__} in the inner block freed it"
        owner.cue("raise")
        assert owner.exit_code() == 0
        assert lock.acquire(False), "SystemExit in the outer block did not free it"
        lock.release()


def try_rlock(stage, lock):
    """Try to acquire the RLock without blocking, and release it again; report the answer."""
    acquired = lock.acquire(False)
    if acquired:
        lock.release()
    return acquired


@claim("lock.rlock-owner-is-one-thread", docs="multiprocessing.RLock")
def test_the_owner_is_one_thread_of_one_process(mp, stage):
    """While a thread owns an RLock, no other thread or process can acquire it.

    The other process is a child of the owner, started while the owner holds the lock; under fork
    it is a copy of the owner, and still another process. When the lock is free, both can acquire
    it.
    """
    lock = mp.RLock()
    for held in (True, False):
        if held:
            assert lock.acquire(False)
        observed = {
            "another thread": stage.result_of(try_rlock, lock, by=threading.Thread),
            "another process": stage.result_of(try_rlock, lock),
        }
        assert observed == {"another thread": not held, "another process": not held}
        if held:
            assert lock.acquire(False), "its owner cannot acquire it again"
            lock.release()
            lock.release()


def release_rlock_of_another(stage, lock):
    """Release an RLock that this thread does not own."""
    return result_or_error(lock.release)


@claim("lock.rlock-release-needs-owner", docs="multiprocessing.RLock.release")
def test_only_the_owner_may_release_it(mp, stage):
    """Releasing an RLock without owning it raises AssertionError and has no effect.

    Unlike threading, which raises RuntimeError. The outcome is the same whether the RLock is free
    or another thread owns it.
    """
    own, threads = mp.RLock(), threading.RLock()

    def refusals():
        return {
            "a process": stage.result_of(release_rlock_of_another, own),
            "a thread": stage.result_of(release_rlock_of_another, own, by=threading.Thread),
            "threading": stage.result_of(release_rlock_of_another, threads, by=threading.Thread),
        }

    expected = {
        "a process": "AssertionError",
        "a thread": "AssertionError",
        "threading": "RuntimeError",
    }
    assert refusals() == expected, "while it is free"
    for lock in (own, threads):
        assert lock.acquire(False)
    assert refusals() == expected, "while the test owns it"
    assert stage.result_of(try_rlock, own) is False, "a refused release() freed it"
    assert result_or_error(own.release) is None
    assert result_or_error(own.release) == "AssertionError"
    assert stage.result_of(try_rlock, own) is True


@claim("rlock.locked-until-last-release", docs="multiprocessing.RLock.locked", since="3.14")
def test_an_rlock_is_locked_until_its_last_release(mp, stage):
    """RLock.locked() is True in every process until the owner has released all it acquired.

    The test's process acquires it twice and releases it twice. It and another process call locked()
    before, and after each step.
    """
    lock = mp.RLock()
    observer = stage.enter(report_locked_when_cued, lock, 4)

    def seen():
        observer.cue("look")
        return lock.locked(), observer.expect("seen")

    assert seen() == (False, False)
    for _ in range(2):
        assert lock.acquire(False)
    assert seen() == (True, True)
    lock.release()
    assert seen() == (True, True)
    lock.release()
    assert seen() == (False, False)
    observer.returns()
