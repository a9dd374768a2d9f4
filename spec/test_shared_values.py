"""Value and Array: numbers in memory that all processes share.

``Value`` and ``Array`` put a ctypes object into shared memory, with a lock beside it. Each process
sees the values that the others write there, without any message. That suits counters, flags and
arrays of numbers.

The lock surprises people: it is taken for each single read and each single write, but not from
one to the next. So ``value.value += 1``, which is a read and a write, can lose increments of
other processes. Hold the lock around it: ``with value.get_lock(): value.value += 1``.
"""

import ctypes
import time

from spec.kit import BEAT, TICK, claim, now

NEEDS = ("semaphores",)


def add_under_lock(stage, value):
    """When cued, add 1 to the value for two beats, with its lock held; report how often."""
    stage.say("ready")
    stage.wait_for_cue("count")
    added, end = 0, now() + 2 * BEAT
    while now() < end:
        with value.get_lock():
            seen = value.value
            time.sleep(TICK / 20)  # leave the other process time to come in between
            value.value = seen + 1
        added += 1
    return added


@claim("value.locked-increments-are-exact", docs="multiprocessing.Value")
def test_no_increment_is_lost_under_the_values_lock(mp, stage):
    """Processes that add to a Value while they hold its get_lock() lose no increment.

    Two processes add for two beats, from the same moment on, and leave each other time between
    reading and writing. In the end the value is the sum of their increments.
    """
    value = mp.Value("i", 0)
    counters = [stage.enter(add_under_lock, value) for _ in range(2)]
    for each in counters:
        each.expect("ready")
    for each in counters:
        each.cue("count")
    assert sum(each.returns() for each in counters) == value.value


def take_value_by(way, value):
    """Take the value's lock in one of the three ways; returns what releases it."""
    if way == "with":
        value.__enter__()
        return lambda: value.__exit__(None, None, None)
    lock = value if way == "acquire()" else value.get_lock()
    lock.acquire()
    return lock.release


def hold_value_until_cued(stage, way, value):
    """Hold the value's lock until cued; report the type of the object inside."""
    release = take_value_by(way, value)
    value.get_obj().value += 1
    stage.say("held")
    stage.wait_for_cue("release")
    release()
    stage.say("released")
    stage.wait_for_cue("leave")
    return type(value.get_obj()).__name__


def ask_for_values_lock(stage, value):
    """Try to acquire the value's lock for one beat; report the answer."""
    if acquired := value.get_lock().acquire(timeout=BEAT):
        value.get_lock().release()
    return acquired


@claim("value.wrapper-gives-object-and-lock", docs="multiprocessing.sharedctypes.synchronized")
def test_a_value_gives_its_object_and_its_lock(mp, stage):
    """Both "with value" and value.acquire() hold value.get_lock(); get_obj() is the ctypes object.

    Each of three ways to hold the lock keeps out another process that asks for it, until the
    holder releases it. The holder stays until the other process has asked again, so its end does
    not release anything.
    """
    value = mp.Value("i", 0)
    for count, way in enumerate(("with", "acquire()", "get_lock()"), 1):
        holder = stage.enter(hold_value_until_cued, way, value)
        holder.expect("held")
        assert not stage.result_of(ask_for_values_lock, value), f"{way} does not hold the lock"
        holder.cue("release")
        holder.expect("released")
        assert stage.result_of(ask_for_values_lock, value), f"{way} is never released"
        assert value.value == count
        # c_int is another name for c_long where both have the same size.
        assert holder.returns(cue="leave") == ctypes.c_int.__name__
