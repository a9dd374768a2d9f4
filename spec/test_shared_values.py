"""Value and Array: numbers in memory that all processes share.

``Value`` and ``Array`` put a ctypes object into shared memory, with a lock beside it. Each process
sees the values that the others write there, without any message. That suits counters, flags and
arrays of numbers. They are passed to a child as arguments, and cannot be sent later.

The lock surprises people: it is taken for each single read and each single write, but not from
one to the next. So ``value.value += 1``, which is a read and a write, can lose increments of
other processes. Hold the lock around it: ``with value.get_lock(): value.value += 1``. That works
because the lock is an RLock; a plain Lock that you pass in blocks its own holder there.

The numbers are those of C. An integer that is too large wraps silently, and an Array never
changes its length. ``array[:]`` is a list, but an Array is not equal to any list.
"""

import ctypes
import gc
import time

from spec.kit import BEAT, OBSERVED, TICK, claim, now, result_or_error, submodule

NEEDS = ("semaphores",)


def negate_and_read(stage, number, array, raw):
    """Write to all three and say so; when cued, report what they are then."""
    number.value = 3.1415927
    for index in range(len(array)):
        array[index] = -array[index]
    raw.value = -7
    stage.say("written")
    stage.wait_for_cue("read")
    return number.value, array[:], raw.value


@claim("value.writes-seen-by-all", docs="multiprocessing.Value")
def test_writes_are_seen_by_all_processes(mp, stage):
    """All processes see what one of them writes to a Value or an Array, while they all run.

    It is the documentation's example, and more: the parent reads what the child wrote, writes
    other values, and the child reads those. A Value without a lock takes part.
    """
    number, array, raw = mp.Value("d", 0.0), mp.Array("i", range(10)), mp.Value("h", 7, lock=False)
    before = (number.value, array[:], raw.value)
    assert before == (0.0, list(range(10)), 7)
    child = stage.enter(negate_and_read, number, array, raw)
    child.expect("written")
    seen = (number.value, array[:], raw.value)
    assert seen == (3.1415927, [-each for each in range(10)], -7)
    number.value, array[9], raw.value = 2.5, 99, 1
    assert child.returns(cue="read") == (2.5, [*seen[1][:9], 99], 1)


class OneWhenCued:
    """The summand 1, which says "has read", and is added when the cue "add" comes."""

    def __init__(self, stage):
        self.stage = stage

    def __radd__(self, seen):
        self.stage.say("has read")
        self.stage.wait_for_cue("add")
        return seen + 1


def increment_when_cued(stage, value):
    """Add 1 to the value by "+=", stopping between its read and its write."""
    value.value += OneWhenCued(stage)


@claim("value.increment-is-not-atomic", docs="multiprocessing.Value")
def test_an_increment_is_a_read_and_a_write(mp, stage):
    """If two processes run value.value += 1 at the same time, one of the increments can get lost.

    Both have read the value, a 0, before either of them writes: the summand of their ``+=`` says
    that it has been asked for, and waits for a cue.
    """
    value = mp.Value("i", 0)
    both = [stage.enter(increment_when_cued, value) for _ in range(2)]
    for each in both:
        each.expect("has read")
    for each in both:
        each.returns(cue="add")
    assert value.value == 1


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


def hold_value_in_each_way(stage, ways, value):
    """Hold the value's lock in each way until cued; report the type of the object inside."""
    for way in ways:
        stage.wait_for_cue(f"hold by {way}")
        release = take_value_by(way, value)
        value.get_obj().value += 1
        stage.say("held")
        stage.wait_for_cue("release")
        release()
        stage.say("released")
    stage.wait_for_cue("leave")
    return type(value.get_obj()).__name__


def ask_for_values_lock(stage, value, times):
    """Try to acquire the value's lock for one beat, whenever cued; report each answer."""
    for _ in range(times):
        stage.wait_for_cue("ask")
        if acquired := value.get_lock().acquire(timeout=BEAT):
            value.get_lock().release()
        stage.say("answer", acquired)


@claim("value.wrapper-gives-object-and-lock", docs="multiprocessing.sharedctypes.synchronized")
def test_a_value_gives_its_object_and_its_lock(mp, stage):
    """Both "with value" and value.acquire() hold value.get_lock(); get_obj() is the ctypes object.

    Each of three ways to hold the lock keeps out another process that asks for it, until the
    holder releases it. The holder stays until the other process has asked again, so its end does
    not release anything.
    """
    ways = ("with", "acquire()", "get_lock()")
    value = mp.Value("i", 0)
    holder = stage.enter(hold_value_in_each_way, ways, value)
    other = stage.enter(ask_for_values_lock, value, 2 * len(ways))
    for count, way in enumerate(ways, 1):
        holder.cue(f"hold by {way}")
        holder.expect("held")
        other.cue("ask")
        assert other.expect("answer") is False, f"{way} does not hold the lock"
        holder.cue("release")
        holder.expect("released")
        other.cue("ask")
        assert other.expect("answer") is True, f"{way} is never released"
        assert value.value == count
    # c_int is another name for c_long where both have the same size.
    assert holder.returns(cue="leave") == ctypes.c_int.__name__
    other.returns()


def change_while_holding(stage, shared, name):
    """Acquire the lock and read the value, or the array's first item; acquire again and write."""
    shared.acquire()
    stage.say("holding")
    seen = shared.value if name == "Value" else shared[0]
    stage.say("read")
    shared.acquire()
    stage.say("holding")
    if name == "Value":
        shared.value = seen + 1
    else:
        shared[0] = seen + 1
    stage.say("written")


@claim("value.default-lock-is-recursive", docs="multiprocessing.Value")
def test_the_default_lock_is_recursive(mp, stage):
    """The holder of a Value's default lock can use the value; with a plain Lock, it blocks itself.

    The same holds for an Array. A process acquires the lock and reads, acquires it again and
    writes. With the default lock it gets through. With a Lock it is stuck in each step until the
    test's process releases the Lock, which anyone may do.
    """
    for name, arguments in (("Value", ("i", 6)), ("Array", ("i", [6]))):
        shared = getattr(mp, name)(*arguments)
        holder = stage.enter(change_while_holding, shared, name)
        holder.expect("written")
        holder.returns()
        lock = mp.Lock()
        shared = getattr(mp, name)(*arguments, lock=lock)
        holder = stage.enter(change_while_holding, shared, name)
        for step in ("read", "written"):
            holder.expect("holding")
            assert holder.does_not_say(step), f"{name}: it is {step} while its Lock is held"
            lock.release()
            holder.expect(step)
        holder.returns()
        assert (shared.value if name == "Value" else shared[0]) == 7


@claim("value.lock-can-be-chosen", docs="multiprocessing.Array")
def test_the_lock_can_be_chosen(mp):
    """lock=False makes a Value or an Array a bare ctypes object; a given lock is used as it is.

    A bare object is of the type that ctypes itself makes, and has no get_lock(). Two values with
    the same lock are held together.
    """
    bare = mp.Value("i", 7, lock=False)
    assert (type(bare), bare.value) == (ctypes.c_int, 7)
    assert not hasattr(bare, "get_lock")
    row = mp.Array("i", [1, 2], lock=False)
    assert (type(row), row[:]) == (ctypes.c_int * 2, [1, 2])
    assert not hasattr(row, "get_lock")
    for lock in (mp.Lock(), mp.RLock()):
        assert mp.Value("i", 7, lock=lock).get_lock() is lock
        assert mp.Array("i", 7, lock=lock).get_lock() is lock
    own = [mp.Value("i", 7, lock=True).get_lock(), mp.Array("i", 7).get_lock()]
    assert own[0] is not own[1], "two values got one lock"


@claim("value.lock-needs-acquire", docs="multiprocessing.Value", level=OBSERVED)
def test_a_lock_without_acquire_is_refused(mp):
    """Value() and Array() raise AttributeError if lock is neither a bool nor has an acquire()."""
    observed = {
        (make.__name__, lock): result_or_error(make, "i", 3, lock=lock)
        for make in (mp.Value, mp.Array)
        for lock in ("no lock", 2)
    }
    assert observed == dict.fromkeys(observed, "AttributeError")


@claim("value.lock-is-keyword-only", docs="multiprocessing.Value")
def test_the_lock_is_keyword_only(mp):
    """The parameter lock is keyword-only: Value('i', 0, False) raises TypeError, as does Array().

    The same holds for lock and ctx in sharedctypes. Where a type takes several initial values, a
    positional False is the last of them.
    """
    types = submodule("sharedctypes")
    observed = {
        "Value('i', 0, False)": result_or_error(mp.Value, "i", 0, False),
        "Array('i', 3, False)": result_or_error(mp.Array, "i", 3, False),
        "sharedctypes.Value('i', 0, False)": result_or_error(types.Value, "i", 0, False),
        "sharedctypes.Array('i', 3, False)": result_or_error(types.Array, "i", 3, False),
        "sharedctypes.Array('i', 3, True, ctx)": result_or_error(types.Array, "i", 3, True, mp),
    }
    assert observed == dict.fromkeys(observed, "TypeError")
    pair = mp.Value(ctypes.c_int * 2, 5, False)
    assert (len(pair), pair[:], hasattr(pair, "get_lock")) == (2, [5, 0], True)


@claim("value.integers-wrap-silently", docs="multiprocessing.Value", level=OBSERVED)
def test_integers_wrap_silently(mp):
    """An integer too large for a Value's C type wraps silently; a float raises TypeError.

    A string raises TypeError too; after an error the value is what it was. The table has each
    integer typecode: the largest number plus 1, and the smallest minus 1.
    """
    for code in "bBhHiIlLqQ":
        value = mp.Value(code)
        bits = 8 * ctypes.sizeof(value.get_obj())
        low, high = (
            (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        )
        value.value = high + 1
        assert value.value == low, code
        value.value = low - 1
        assert value.value == high, code
        observed = {each: result_or_error(setattr, value, "value", each) for each in (1.0, "1")}
        assert observed == {1.0: "TypeError", "1": "TypeError"}, code
        assert value.value == high, code
    assert mp.Value("B", 257).value == 1, "the initial value does not wrap"


@claim("value.array-from-length-or-sequence", docs="multiprocessing.Array")
def test_an_array_is_made_from_a_length_or_a_sequence(mp):
    """Array(type, n) has n items that are zero; Array(type, sequence) has the sequence's items.

    The memory for the zeros was used before, by an array of the same size that is gone: it was
    full of ones. A list that changes later does not change the array.
    """
    used = mp.Array("i", [-1] * 50)
    del used
    gc.collect()
    assert mp.Array("i", 50)[:] == [0] * 50
    numbers = [3, 1, 2]
    array = mp.Array("i", numbers)
    numbers[0] = 9
    assert array[:] == [3, 1, 2]
    assert mp.Array("d", (0.5, 1.5))[:] == [0.5, 1.5]
    assert mp.Array("c", b"ab")[:] == b"ab"
    assert [len(mp.Array("i", size)) for size in (0, 1, 7)] == [0, 1, 7]
    assert [len(mp.Array("i", each)) for each in (range(0), range(4))] == [0, 4]


@claim("value.array-length-is-fixed", docs="multiprocessing.Array", level=OBSERVED)
def test_the_length_of_an_array_is_fixed(mp):
    """An Array keeps its length: a slice of another size raises ValueError, and it cannot grow.

    An index past either end raises IndexError, and there is no append(). After all of them the
    array is what it was.
    """
    array = mp.Array("i", range(4))
    observed = {
        "array[1:3] = [8]": result_or_error(array.__setitem__, slice(1, 3), [8]),
        "array[1:3] = [7, 8, 9]": result_or_error(array.__setitem__, slice(1, 3), [7, 8, 9]),
        "array[4:] = [9]": result_or_error(array.__setitem__, slice(4, None), [9]),
        "array[4] = 9": result_or_error(array.__setitem__, 4, 9),
        "array[-5] = 9": result_or_error(array.__setitem__, -5, 9),
        "array[4]": result_or_error(array.__getitem__, 4),
        "append": hasattr(array, "append"),
    }
    assert observed == {
        "array[1:3] = [8]": "ValueError",
        "array[1:3] = [7, 8, 9]": "ValueError",
        "array[4:] = [9]": "ValueError",
        "array[4] = 9": "IndexError",
        "array[-5] = 9": "IndexError",
        "array[4]": "IndexError",
        "append": False,
    }
    assert (len(array), array[:]) == (4, [0, 1, 2, 3])
    array[1:3] = [8, 9]
    assert array[:] == [0, 8, 9, 3]


@claim("value.array-slices-are-plain", docs="multiprocessing.Array", level=OBSERVED)
def test_slices_of_an_array_are_plain(mp):
    """A slice of an Array is a list (bytes with typecode 'c'); an Array equals no list."""
    array, text = mp.Array("i", range(6)), mp.Array("c", b"abcdef")
    slices = (slice(None), slice(1, 5, 2), slice(-1, None, -1), slice(4, 4))
    for each in slices:
        observed = [array[each], text[each]]
        assert observed == [list(range(6))[each], b"abcdef"[each]]
        assert [type(found) for found in observed] == [list, bytes]
    copied = array[:]
    copied[0] = 9
    assert array[0] == 0, "a slice is a view"
    assert (array == list(range(6))) is False
    assert array != list(range(6))
    assert text != b"abcdef"


@claim("value.char-array-value-and-raw", docs="multiprocessing.Array")
def test_an_array_of_char_has_value_and_raw(mp):
    """An Array of c_char has value, its bytes up to the first NUL, and raw, all of its bytes.

    Assigning a shorter value writes one NUL after it and leaves the rest as it was.
    """
    for code in ("c", ctypes.c_char):
        text = mp.Array(code, 8)
        assert (text.value, text.raw) == (b"", bytes(8))
        text.value = b"abcdefgh"
        assert (text.value, text.raw) == (b"abcdefgh", b"abcdefgh")
        text.value = b"xy"
        assert (text.value, text.raw) == (b"xy", b"xy\0defgh")
        text.raw = b"1\0x\0yz"
        assert (text.value, text.raw) == (b"1", b"1\0x\0yzgh")
        too_long = result_or_error(setattr, text, "value", b"123456789")
        assert (too_long, text.value) == ("ValueError", b"1")
    assert not hasattr(mp.Array("b", 8), "raw")


@claim("value.typecode-w-is-refused", docs="multiprocessing.Array")
def test_the_typecode_w_is_refused(mp):
    """Value() and Array() raise TypeError for the typecode 'w', unlike array.array."""
    types = submodule("sharedctypes")
    calls = (mp.Value, mp.Array, mp.RawValue, mp.RawArray, types.Value, types.Array)
    assert [result_or_error(each, "w", 3) for each in calls] == ["TypeError"] * len(calls)


@claim("value.inherited-but-never-sent", docs="multiprocessing.sharedctypes", level=OBSERVED)
def test_shared_objects_are_inherited_and_never_sent(mp):
    """Values and arrays in shared memory cannot be sent: send() raises RuntimeError.

    Nothing is sent: the next message is the first to arrive. Children get such objects as
    arguments, which other claims show.
    """
    receiving, sending = mp.Pipe(duplex=False)
    with receiving, sending:
        observed = {
            name: result_or_error(sending.send, shared)
            for name, shared in {
                "Value": mp.Value("i"),
                "Array": mp.Array("i", 3),
                "RawValue": mp.RawValue("i"),
                "RawArray": mp.RawArray("i", 3),
                "list": [mp.RawValue("i")],
            }.items()
        }
        assert observed == dict.fromkeys(observed, "RuntimeError")
        sending.send("a message")
        assert receiving.poll()
        assert receiving.recv() == "a message"


def files_beyond(before):
    """The files that this process has open beyond those before; garbage is collected first."""
    from spec.kit.platforms import descriptors

    gc.collect()  # of importance on PyPy only
    return set(descriptors().values()) - before


@claim(
    "value.freed-memory-is-given-back",
    docs="multiprocessing.Array",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_the_memory_of_large_arrays_is_given_back(mp, stage):
    """The memory of a large Array or RawArray is given back as soon as the array is deleted.

    Each of two arrays of 8 MiB has memory of its own, a file that the process has open. When the
    first array is deleted, its file is closed, and the second array still works. Memory of small
    values may be kept for later values: one is made before.
    """
    small = mp.Array("b", 1)
    before = files_beyond(set())
    arrays = [mp.Array("b", 1 << 23), mp.RawArray("b", 1 << 23)]
    arrays[1][5] = 7
    assert len(files_beyond(before)) == 2
    del arrays[0]
    stage.wait_until(lambda: len(files_beyond(before)) == 1, "the end of the Array's memory")
    assert arrays[0][4:7] == [0, 7, 0]
    del arrays[0]
    stage.wait_until(lambda: not files_beyond(before), "the end of the RawArray's memory")
    assert small[:] == [0]


@claim(
    "value.small-values-share-memory",
    docs="multiprocessing.Value",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_a_hundred_values_need_few_files(mp):
    """Small values share memory: a hundred of them do not need an open file each.

    All keep their numbers, so none overlaps with another.
    """
    before = files_beyond(set())
    values = [mp.RawValue("i", number) for number in range(100)]
    assert len(files_beyond(before)) < 10
    assert [value.value for value in values] == list(range(100))
