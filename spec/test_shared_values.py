"""Value and Array: numbers in memory that all processes see.

``Value`` and ``Array`` put a ctypes object into shared memory, and a lock beside it. What one
process writes there, all others read. The wrapper around the object takes the lock for a single
reading or writing; for more than one of them, ``value += 1`` for instance, it has to be held.
"""

import ctypes
import time

from spec.kit import BEAT, TICK, claim, now

NEEDS = ("semaphores",)


def add_under_lock(stage, value):
    """Add one to the value for two beats, with its lock held; report how often."""
    stage.say("ready")
    stage.wait_for_cue("count")
    added, end = 0, now() + 2 * BEAT
    while now() < end:
        with value.get_lock():
            seen = value.value
            time.sleep(TICK / 20)  # leave the other time to come in between
            value.value = seen + 1
        added += 1
    return added


@claim("value.locked-increments-are-exact", docs="multiprocessing.Value")
def test_no_increment_is_lost_under_the_values_own_lock(mp, stage):
    """Processes that add to a Value with its lock held lose no increment.

    Two processes add for two beats, from the same moment on, and leave each other time between
    reading and writing: the value is the sum of what they have added.
    """
    value = mp.Value("i", 0)
    counters = [stage.enter(add_under_lock, value) for _ in range(2)]
    for each in counters:
        each.expect("ready")
    for each in counters:
        each.cue("count")
    assert sum(each.returns() for each in counters) == value.value


def hold_by(way, value):
    """Hold the value's lock, in one of the ways there are, and give how to let go of it."""
    if way == "with":
        value.__enter__()
        return lambda: value.__exit__(None, None, None)
    held = value if way == "acquire" else value.get_lock()
    held.acquire()
    return held.release


def ask_for_a_beat(stage, value):
    """Ask for the value's lock for one beat; report the answer."""
    if admitted := value.get_lock().acquire(timeout=BEAT):
        value.get_lock().release()
    return admitted


def keep(stage, way, value):
    """Hold the value's lock in one way until cued; report what the object inside is."""
    let_go = hold_by(way, value)
    value.get_obj().value += 1
    stage.say("held")
    stage.wait_for_cue("let go")
    let_go()
    stage.say("free")
    stage.wait_for_cue("leave")
    return type(value.get_obj()).__name__


@claim("value.wrapper-gives-object-and-lock", docs="multiprocessing.sharedctypes.synchronized")
def test_a_value_gives_its_object_and_its_lock(mp, stage):
    """A Value's with block, and its acquire, hold its get_lock(); get_obj() is the ctypes object.

    Each of three ways keeps out another process that asks for the lock, and lets it in after.
    """
    value = mp.Value("i", 0)
    for count, way in enumerate(("with", "acquire", "get_lock"), 1):
        keeper = stage.enter(keep, way, value)
        keeper.expect("held")
        assert not stage.result_of(ask_for_a_beat, value), f"{way} holds nothing"
        keeper.cue("let go")
        keeper.expect("free")
        assert stage.result_of(ask_for_a_beat, value), f"{way} is never let go"
        assert value.value == count
        keeper.cue("leave")
        assert keeper.returns() == ctypes.c_int.__name__  # c_long, where that is as long
