"""RLock: a lock that its owner may acquire again.

A function that holds a Lock and calls another function that acquires the same Lock would block
forever. With an RLock it does not: its owner can acquire it as often as it likes, and the RLock is
free again after as many calls of ``release()``.

So an RLock has an owner, and a Lock has not. The owner is one thread of one process, and only this
thread may release it: any other gets AssertionError, where threading raises RuntimeError. A
forked child does not inherit the ownership of its parent.

The parameters of ``acquire()`` follow the same rules as a Lock's: see the chapter on locks.
"""

import threading

from spec.kit import BEAT, claim, result_or_error

NEEDS = ("semaphores",)


def acquire_four_times(stage, lock):
    """Acquire the lock in each possible way, and release it once whenever cued."""
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


@claim("lock.rlock-owner-may-reenter", docs="multiprocessing.RLock")
def test_the_owner_acquires_it_again_and_releases_it_as_often(mp, stage):
    """An RLock's owner can acquire it again; it is free after as many release() calls.

    The owner acquires it four times. The test's process tries to acquire it before each release,
    and after the last. The same holds for a thread and threading.RLock.
    """
    for by, lock in ((threading.Thread, threading.RLock()), (mp.Process, mp.RLock())):
        owner = stage.enter(acquire_four_times, lock, by=by)
        assert owner.expect("inside") == {
            "acquire()": True,
            "acquire(False)": True,
            "acquire(True, BEAT)": True,
        }
        for releases in range(4):
            assert not lock.acquire(False), f"it is free after {releases} of 4 releases"
            owner.cue("release")
            owner.expect("released")
        assert lock.acquire(False), "it is not free"
        owner.returns()


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
