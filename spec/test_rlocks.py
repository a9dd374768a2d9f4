"""RLock: a lock that its owner may take again.

A function that holds a lock and calls another that takes it too would wait for itself. An RLock
lets its owner in as often as it asks; it is free again when it was released as often as it was
taken.

So it has an owner, as a Lock has not: one thread of one process. Nobody else may release it.
How long ``acquire`` waits is told by the same rules as for a Lock, in the chapter on locks.
"""

import threading

from spec.kit import BEAT, claim, result_or_error

NEEDS = ("semaphores",)


def take_four_times(stage, lock):
    """Take the lock in each way there is, and release it bit by bit, when cued."""
    answers = [lock.acquire(), lock.acquire(False), lock.acquire(True, BEAT)]
    with lock:
        stage.say("inside", answers)
        stage.wait_for_cue("release")
    stage.say("released")
    for _ in answers:
        stage.wait_for_cue("release")
        lock.release()
        stage.say("released")


@claim("lock.rlock-owner-may-reenter", docs="multiprocessing.RLock")
def test_the_owner_takes_it_again_and_releases_it_as_often(mp, stage):
    """The owner of an RLock may take it again; it is free when released as often as taken.

    It is taken four times, and asked for by another before each release and after the last. It
    is so with a thread and threading.RLock, too.
    """
    for by, lock in ((threading.Thread, threading.RLock()), (mp.Process, mp.RLock())):
        owner = stage.enter(take_four_times, lock, by=by)
        assert owner.expect("inside") == [True, True, True]
        for _ in range(4):
            assert not lock.acquire(False), "it was free before it was released as often as taken"
            owner.cue("release")
            owner.expect("released")
        assert lock.acquire(False), "it is not free"
        owner.returns()


def try_to_take(stage, lock):
    """Take the lock if possible, and release it; report whether it was."""
    admitted = lock.acquire(False)
    if admitted:
        lock.release()
    return admitted


@claim("lock.rlock-owner-is-one-thread", docs="multiprocessing.RLock")
def test_the_owner_is_one_thread_of_one_process(mp, stage):
    """The owner of an RLock is one thread of one process: no other thread or process gets in.

    The process is a child of the owner, started while that has the lock; under fork it is a
    copy of it, and still another.
    """
    lock = mp.RLock()
    for taken in (True, False):
        if taken:
            assert lock.acquire(False)
        observed = {
            "another thread": stage.result_of(try_to_take, lock, by=threading.Thread),
            "another process": stage.result_of(try_to_take, lock),
        }
        assert observed == {"another thread": not taken, "another process": not taken}
        if taken:
            assert lock.acquire(False), "its owner is kept out"
            lock.release()
            lock.release()


def release(stage, lock):
    """Release a lock of which this is not the owner."""
    return result_or_error(lock.release)


@claim("lock.rlock-release-needs-owner", docs="multiprocessing.RLock.release")
def test_only_the_owner_may_release_it(mp, stage):
    """To release an RLock that one does not own raises AssertionError, and changes nothing.

    Here parity ends: threading raises RuntimeError. It is the same whether somebody else owns
    it or nobody does.
    """
    own, threads = mp.RLock(), threading.RLock()

    def refusals():
        return {
            "a process": stage.result_of(release, own),
            "a thread": stage.result_of(release, own, by=threading.Thread),
            "threading": stage.result_of(release, threads, by=threading.Thread),
        }

    expected = {
        "a process": "AssertionError",
        "a thread": "AssertionError",
        "threading": "RuntimeError",
    }
    assert refusals() == expected, "nobody owns it"
    for lock in (own, threads):
        assert lock.acquire(False)
    assert refusals() == expected, "somebody else owns it"
    assert stage.result_of(try_to_take, own) is False, "it was released all the same"
    assert [result_or_error(own.release), result_or_error(own.release)] == [None, "AssertionError"]
    assert stage.result_of(try_to_take, own) is True
