"""sharedctypes: ctypes objects in shared memory.

``multiprocessing.sharedctypes`` is what ``Value`` and ``Array`` are made of. ``RawValue`` and
``RawArray`` allocate a ctypes object in shared memory without a lock, ``copy`` puts a copy of an
existing ctypes object there, and ``synchronized`` adds a lock to any of them. Use it for ctypes
Structures, arrays of them, and objects whose lock you manage yourself.

A typecode, such as ``'i'``, is only short for a ctypes type. A raw object's single items may be
written by two processes at once, and nothing protects one from the other. A Value of a Structure
has no ``value``: the wrapper shows the Structure's own fields. And a pointer in shared memory
points to an address of one process, which means nothing in another.
"""

import array
import ctypes

from spec.kit import OBSERVED, claim, result_or_error, submodule


class Point(ctypes.Structure):
    """A Structure with two fields, as in the documentation's example."""

    _fields_ = (("x", ctypes.c_double), ("y", ctypes.c_double))


def change_all(stage, number, third, text, points):
    """Change all four, as the documentation's example does."""
    number.value **= 2
    third.value **= 2
    text.value = text.value.upper()
    for point in points:
        point.x **= 2
        point.y **= 2


@claim(
    "value.structures-can-be-shared",
    docs="multiprocessing.sharedctypes.Array",
    needs=("semaphores",),
)
def test_structures_can_be_shared(mp, stage):
    """Structures of ctypes and arrays of them can be shared: a child changes their fields.

    It is the documentation's example: a child changes a Value, a Value without a lock, an Array
    of characters and an Array of Structures. The last two share a lock.
    """
    types, lock = submodule("sharedctypes"), mp.Lock()
    number = types.Value("i", 7, ctx=mp)
    third = types.Value(ctypes.c_double, 1.0 / 3.0, lock=False)
    text = types.Array("c", b"hello world", lock=lock, ctx=mp)
    points = types.Array(Point, [(1.875, -6.25), (-5.75, 2.0), (2.375, 9.5)], lock=lock, ctx=mp)
    stage.result_of(change_all, number, third, text, points)
    assert (number.value, third.value, text.value) == (49, (1.0 / 3.0) ** 2, b"HELLO WORLD")
    expected = [(3.515625, 39.0625), (33.0625, 4.0), (5.640625, 90.25)]
    assert [(point.x, point.y) for point in points] == expected


@claim(
    "value.structure-wrapper-shows-fields",
    docs="multiprocessing.sharedctypes.Value",
    level=OBSERVED,
    needs=("semaphores",),
    contradicts="multiprocessing.Value",
)
def test_the_wrapper_of_a_structure_shows_its_fields(mp):
    """A Value of a Structure has the Structure's fields as attributes, and no attribute value.

    The fields can be read and written; get_obj() is the Structure. The documentation speaks of
    the value attribute of every Value.
    """
    point = mp.Value(Point, 1.5, 2.5)
    assert (point.x, point.y) == (1.5, 2.5)
    point.y = 4.0
    assert (point.get_obj().y, type(point.get_obj())) == (4.0, Point)
    assert result_or_error(lambda: point.value) == "AttributeError"


@claim("value.typecodes-name-ctypes", docs="multiprocessing.sharedctypes.RawValue")
def test_each_typecode_stands_for_a_ctypes_type():
    """A typecode is that of the array module and stands for its ctypes type; 'c' is c_char.

    RawValue, RawArray and the types themselves agree. Where array has the typecode, its items
    have the same size, and the same sign.
    """
    types = submodule("sharedctypes")
    expected = {
        "b": ctypes.c_byte,
        "B": ctypes.c_ubyte,
        "u": ctypes.c_wchar,
        "h": ctypes.c_short,
        "H": ctypes.c_ushort,
        "i": ctypes.c_int,
        "I": ctypes.c_uint,
        "l": ctypes.c_long,
        "L": ctypes.c_ulong,
        "q": ctypes.c_longlong,
        "Q": ctypes.c_ulonglong,
        "f": ctypes.c_float,
        "d": ctypes.c_double,
        "c": ctypes.c_char,
    }
    assert {code: type(types.RawValue(code)) for code in expected} == expected
    assert {code: types.RawArray(code, 2)._type_ for code in expected} == expected
    numbers = "bBhHiIlLqQfd"
    sizes = {code: ctypes.sizeof(types.RawValue(code)) for code in numbers}
    assert sizes == {code: array.array(code).itemsize for code in numbers}
    for code in numbers:
        value = types.RawValue(code, 0)
        value.value -= 1
        assert (value.value < 0) is not code.isupper(), code


@claim("value.raw-forms-equal-ctypes", docs="multiprocessing.sharedctypes.RawArray")
def test_the_forms_of_raw_objects_equal_their_ctypes_originals():
    """RawValue(type, ...) equals type(...), RawArray(type, n or sequence) the array of that type.

    These are the rows of the documentation's table. Type and contents are compared, and what no
    argument sets is zero, even in memory that was used before: there is more of it, full of ones,
    than all rows need.
    """
    types = submodule("sharedctypes")
    used = [types.RawArray("b", [-1] * 16) for _ in range(50)]
    del used
    rows = [
        (ctypes.c_double(2.4), types.RawValue(ctypes.c_double, 2.4), types.RawValue("d", 2.4)),
        (ctypes.c_double(), types.RawValue(ctypes.c_double), types.RawValue("d")),
        (Point(4, 6), types.RawValue(Point, 4, 6)),
        (Point(4), types.RawValue(Point, 4)),
        (Point(y=6), types.RawValue(Point, 0, 6)),
        ((ctypes.c_short * 7)(), types.RawArray(ctypes.c_short, 7), types.RawArray("h", 7)),
        (
            (ctypes.c_int * 3)(9, 2, 8),
            types.RawArray(ctypes.c_int, (9, 2, 8)),
            types.RawArray("i", [9, 2, 8]),
        ),
    ]
    for original, *shared in rows:
        for each in shared:
            assert (type(each), bytes(each)) == (type(original), bytes(original))


def change_copies(stage, number, point, row):
    """Change all three."""
    number.value = 6
    point.y = 7
    row[2] = 8


@claim(
    "value.copy-shares-synchronized-wraps",
    docs="multiprocessing.sharedctypes.copy",
    deviations={
        "misassigned-arrays": "a ctypes array that is assigned by a pointer, as copy() does, gets "
        "the address of the other array in place of its items; not reported yet"
    },
)
def test_copy_shares_a_ctypes_object(mp, stage):
    """sharedctypes.copy() copies a ctypes object into shared memory; the original keeps its value.

    A child changes copies of a number, of a Structure and of an array, and the parent sees it.
    """
    types = submodule("sharedctypes")
    originals = (ctypes.c_int(5), Point(1, 2), (ctypes.c_short * 3)(4, 5, 6))
    number, point, row = copies = [types.copy(each) for each in originals]
    for original, copied in zip(originals, copies, strict=True):
        assert (type(copied), bytes(copied)) == (type(original), bytes(original))
    before = [bytes(each) for each in originals]
    stage.result_of(change_copies, number, point, row)
    assert (number.value, point.x, point.y, row[:]) == (6, 1, 7, [4, 5, 8])
    assert [bytes(each) for each in originals] == before


@claim(
    "value.synchronized-wraps-with-lock",
    docs="multiprocessing.sharedctypes.synchronized",
    needs=("semaphores",),
)
def test_synchronized_wraps_with_the_lock(mp):
    """synchronized(object, lock) wraps a ctypes object: get_obj() is it, get_lock() the lock.

    Without a lock it makes an RLock: this process can acquire it twice. The wrapper has the
    object's value, its items or its fields.
    """
    types, lock = submodule("sharedctypes"), mp.Lock()
    number, point, row = types.RawValue("i", 5), types.RawValue(Point, 1, 2), types.RawArray("i", 3)
    for each in (number, point, row):
        wrapper = types.synchronized(each, lock, ctx=mp)
        assert wrapper.get_obj() is each
        assert wrapper.get_lock() is lock
    wrapped = [types.synchronized(each, ctx=mp) for each in (number, point, row)]
    for each in wrapped:
        assert [each.acquire(timeout=0), each.acquire(timeout=0)] == [True, True]
        each.release()
        each.release()
    wrapped[0].value, wrapped[1].y, wrapped[2][1] = 6, 7, 8
    assert (number.value, point.y, row[:]) == (6, 7, [0, 8, 0])


@claim(
    "value.synchronized-refuses-wrapper",
    docs="multiprocessing.sharedctypes.synchronized",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_synchronized_refuses_a_wrapper(mp):
    """synchronized() raises AssertionError for an object that is already synchronized."""
    types = submodule("sharedctypes")
    for each in (mp.Value("i"), mp.Array("i", 2), mp.Value(Point)):
        assert result_or_error(types.synchronized, each, mp.Lock(), ctx=mp) == "AssertionError"


@claim(
    "value.context-can-be-given",
    docs="multiprocessing.sharedctypes",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_a_context_can_be_given(mp, program):
    """With ctx, sharedctypes.Value(), Array() and synchronized() do not fix the start method.

    A program asks for its start method after each call: there is still none. A child of the
    context uses the locks, which under spawn no lock made under fork would allow. Without ctx
    the first call fixes the default method.
    """
    assert program.table_of("contexts") == {
        "Value": "None",
        "Array": "None",
        "synchronized": "None",
        "changed by a child": "1 [1, 0] 1",
        "without ctx": "fixed",
    }
