"""ShareableList: a list of basic values in shared memory.

A ``ShareableList`` is made from a sequence and lives in a block of shared memory. Other processes
get it as an argument, or attach to it by the block's name: ``ShareableList(name=items.shm.name)``.
All of them read and write the same items, without any message. When it is needed no longer, each
process calls ``items.shm.close()``, and one of them ``items.shm.unlink()``.

It is much less than a list. The items are of a few types, and their number is fixed. Each item
has a slot, whose size its first value decides: other values may be assigned, even of another
type, if they fit.

Several points surprise people. Null characters at the end of an item are lost. A string with
other than ASCII characters may be cut when the list is made. Some wrong assignments damage the
list instead of being refused. And nothing protects ``items[0] += 1`` against other processes:
that needs a lock.
"""

import pickle
import struct

from spec.kit import OBSERVED, claim, result_or_error, submodule
from spec.kit.blocks import Blocks, new_name

NEEDS = ("shared-memory",)


def typed(items):
    """The items with their types: True is not 1."""
    return [(type(item).__name__, item) for item in items]


VALUES = [0, -(2**63), 2**63 - 1, 2.5, -1e300, True, False, "", "näher", b"", b"\xff\0x", None]


@claim("shared-memory.list-takes-basic-types", docs="multiprocessing.shared_memory.ShareableList")
def test_a_list_takes_values_of_six_types(mp, stage):
    """A ShareableList stores int of 64 bits, float, bool, str, bytes and None unchanged.

    All are stored in a new list, and each is also assigned to an item that was a string.
    """
    with Blocks() as blocks:
        assert typed(blocks.new_list(VALUES)) == typed(VALUES)
        assigned = blocks.new_list(["a string"] * len(VALUES))
        for index, value in enumerate(VALUES):
            assigned[index] = value
        assert typed(assigned) == typed(VALUES)
        assert typed(blocks.new_list("ab")) == [("str", "a"), ("str", "b")]
        assert typed(blocks.new_list(range(3))) == [("int", 0), ("int", 1), ("int", 2)]
        assert typed(blocks.new_list()) == []


class Text(str):
    """A subclass of str."""

    __slots__ = ()


@claim(
    "shared-memory.list-refuses-other-types",
    docs="multiprocessing.shared_memory.ShareableList",
    level=OBSERVED,
)
def test_a_list_refuses_values_of_other_types(mp, stage):
    """A ShareableList raises KeyError for values of other types, and for subclasses of its types.

    So it does for a new list and on assignment, which leaves the item as it is.
    """
    with Blocks() as blocks:
        shareable = blocks.new_list(["kept", 1])
        observed = {
            kind.__name__: (
                result_or_error(blocks.new_list, [kind()]),
                result_or_error(shareable.__setitem__, 0, kind()),
                result_or_error(shareable.__setitem__, 1, kind()),
            )
            for kind in (list, tuple, dict, complex, bytearray, object)
        }
        assert observed == dict.fromkeys(observed, ("KeyError",) * 3)
        assert result_or_error(blocks.new_list, [Text("a")]) == "KeyError"
        assert list(shareable) == ["kept", 1]


@claim(
    "shared-memory.list-long-int-damages-item",
    docs="multiprocessing.shared_memory.ShareableList",
    level=OBSERVED,
)
def test_an_int_of_more_than_64_bits_damages_an_item(mp, stage):
    """An int beyond 64 bits raises struct.error, but assigning it turns a string into an int.

    The string is lost, as the new type is noted before the value is packed. The other items are
    unharmed.
    """
    with Blocks() as blocks:
        for value in (2**63, -(2**63) - 1):
            shareable = blocks.new_list([5, "a string", "other"])
            assert result_or_error(shareable.__setitem__, 1, value) == struct.error.__name__
            assert type(shareable[1]) is int
            assert [shareable[0], shareable[2]] == [5, "other"]


@claim(
    "shared-memory.list-failed-creation-leaves-block",
    docs="multiprocessing.shared_memory.ShareableList",
    level=OBSERVED,
    needs=("named-memory",),
)
def test_a_list_that_cannot_be_made_leaves_its_block(mp, stage):
    """On POSIX, a new ShareableList with an int beyond 64 bits raises, but its block stays.

    It raises struct.error. The block has the name that was given, so the test can unlink it; with
    a name that the package chose, it stays until the program ends. A value of a wrong type is
    refused before there is a block.
    """
    found = {}
    values: tuple[object, ...] = (2**63, [])
    for value in values:
        name = new_name()
        with Blocks() as blocks:
            found[str(value)] = result_or_error(blocks.new_list, [value], name=name)
            attach = submodule("shared_memory").SharedMemory
            block = result_or_error(attach, name)
            if not isinstance(block, str):
                block.close()
                block.unlink()
                block = "exists"
            found[f"block of {value}"] = block
    assert found == {
        str(2**63): struct.error.__name__,
        f"block of {2**63}": "exists",
        "[]": "KeyError",
        "block of []": "FileNotFoundError",
    }


@claim("shared-memory.list-length-is-fixed", docs="multiprocessing.shared_memory.ShareableList")
def test_a_list_cannot_grow_or_be_sliced(mp, stage):
    """A ShareableList has a fixed length: it has no append() or insert(), and no slices.

    Unlike a list, it has no other method that changes its length, and no item can be deleted.
    Slicing raises TypeError, to read as well as to write.
    """
    changing = ("append", "clear", "extend", "insert", "pop", "remove", "__delitem__", "__iadd__")
    with Blocks() as blocks:
        shareable = blocks.new_list([1, 2, 3])
        assert [name for name in changing if hasattr(shareable, name)] == []
        observed = {
            "items[0:2]": result_or_error(shareable.__getitem__, slice(0, 2)),
            "items[0:2] = ...": result_or_error(shareable.__setitem__, slice(0, 2), [7, 8]),
            "items[3:] = ...": result_or_error(shareable.__setitem__, slice(3, None), [4]),
        }
        assert observed == dict.fromkeys(observed, "TypeError")
        assert (len(shareable), list(shareable)) == (3, [1, 2, 3])


@claim(
    "shared-memory.list-index-checked-at-its-end",
    docs="multiprocessing.shared_memory.ShareableList",
    level=OBSERVED,
)
def test_an_index_past_the_end_is_refused(mp, stage):
    """A ShareableList raises IndexError for an index from len() on, to read and to write.

    An empty list refuses index 0.
    """
    with Blocks() as blocks:
        for items in ([], ["a"], [1, 2, 3]):
            shareable = blocks.new_list(items)
            for index in (len(items), len(items) + 1, 1000):
                observed = {
                    "read": result_or_error(shareable.__getitem__, index),
                    "write": result_or_error(shareable.__setitem__, index, 0),
                }
                assert observed == {"read": "IndexError", "write": "IndexError"}, (items, index)
            assert list(shareable) == items


@claim(
    "shared-memory.list-negative-index-unchecked",
    docs="multiprocessing.shared_memory.ShareableList",
    level=OBSERVED,
)
def test_an_index_before_the_beginning_damages_the_list(mp, stage):
    """A ShareableList does not check an index below -len(): assigning there damages its items.

    After the assignment, which raises nothing, the first item cannot be read. A list raises
    IndexError.
    """
    with Blocks() as blocks:
        shareable = blocks.new_list(["ab", 1, 2.5])
        assert result_or_error(shareable.__setitem__, -4, 7) is None
        observed = [result_or_error(shareable.__getitem__, index) for index in range(3)]
        assert observed[:2] == [struct.error.__name__, 1]
        assert observed[2] != 2.5
    assert result_or_error(["ab", 1, 2.5].__setitem__, -4, 7) == "IndexError"


#: First values of an item, and the longest string that fits into its slot.
FITTING = {
    "": "12345678",
    "1234567": "12345678",
    "12345678": "1234567890123456",
    b"1234567": b"12345678",
    b"12345678": b"1234567890123456",
    5: "12345678",
    None: b"12345678",
}


def items_after_filling(blocks, first, longest):
    """Assign a string that fills the slot of the first value, and a longer one; the outcomes.

    All is done twice, with a float in between.
    """
    shareable = blocks.new_list([1, first, 2])
    seen = []
    for _ in range(2):
        shareable[1] = longest
        seen.append(list(shareable))
        seen.append(result_or_error(shareable.__setitem__, 1, longest + longest[:1]))
        seen.append(list(shareable))
        shareable[1] = 2.5
    return seen


@claim("shared-memory.list-slot-size-is-fixed", docs="multiprocessing.shared_memory.ShareableList")
def test_a_string_must_fit_into_its_slot(mp, stage):
    """A str or bytes longer than the item's slot raises ValueError and leaves the item unchanged.

    A slot has 8 bytes, or for a string the next multiple of 8 above its length, and keeps that
    size whatever is assigned. A string that fills it can be assigned, and does no harm to its
    neighbours; its length in bytes counts.
    """
    with Blocks() as blocks:
        for first, longest in FITTING.items():
            full = [1, longest, 2]
            seen = items_after_filling(blocks, first, longest)
            assert seen == [full, "ValueError", full] * 2, f"the slot of {first!r}"
        shareable = blocks.new_list(["1234567", 2])
        shareable[0] = "encodé"
        assert result_or_error(shareable.__setitem__, 0, "ééééé") == "ValueError"
        assert list(shareable) == ["encodé", 2]


@claim(
    "shared-memory.list-cuts-multibyte-strings",
    docs="multiprocessing.shared_memory.ShareableList",
    level=OBSERVED,
)
def test_a_string_of_other_than_ascii_characters_may_be_cut(mp, stage):
    """A new ShareableList cuts a string to the bytes that as many ASCII characters would need.

    Ten characters of two bytes each get a slot of 16 bytes: eight are left, without an error. If a
    character is cut in the middle, reading the item raises UnicodeDecodeError. The neighbours are
    unharmed. The issue is github.com/python/cpython/issues/88336.
    """
    with Blocks() as blocks:
        shareable = blocks.new_list([1, "é" * 10, 2])
        assert list(shareable) == [1, "é" * 8, 2]
        cut = blocks.new_list([1, "€" * 8, 2])
        assert result_or_error(cut.__getitem__, 1) == "UnicodeDecodeError"
        assert [cut[0], cut[2]] == [1, 2]


@claim("shared-memory.list-loses-trailing-nuls", docs="multiprocessing.shared_memory.ShareableList")
def test_null_characters_at_the_end_are_lost(mp, stage):
    """Null characters at the end of a str or bytes item of a ShareableList are lost.

    They are lost on making the list and on assigning; those before another character are kept, so
    one more character at the end, to be removed after reading, preserves them.
    """
    with Blocks() as blocks:
        stored = {b"ab\0\0": b"ab", "cd\0": "cd", b"\0": b"", "a\0b": "a\0b", b"a\0\7": b"a\0\7"}
        shareable = blocks.new_list(list(stored))
        assert list(shareable) == list(stored.values())
        for index, value in enumerate(stored):
            shareable[index] = value
        assert list(shareable) == list(stored.values())


LARGEST = 9_999_991


def length_of_item(blocks, item):
    """The length of the item after it was stored in a new list."""
    return len(blocks.new_list([item])[0])


@claim(
    "shared-memory.list-item-below-10m",
    docs="multiprocessing.shared_memory.ShareableList",
    level=OBSERVED,
    contradicts="multiprocessing.shared_memory.ShareableList",
)
def test_a_string_of_ten_million_bytes_is_refused(mp, stage):
    """A new ShareableList stores str and bytes of 9,999,991 bytes; longer raise AssertionError.

    The documentation says less than 10 million. The slot, whose size is a multiple of 8, has to
    be smaller than that; an interpreter with -O does not refuse it.
    """
    with Blocks() as blocks:
        for character in ("a", b"a"):
            assert length_of_item(blocks, character * LARGEST) == LARGEST
            refused = result_or_error(length_of_item, blocks, character * (LARGEST + 1))
            assert refused == "AssertionError"


def readings_of(items):
    """The results of reading a list in several ways."""
    return {
        "len()": len(items),
        "iteration": list(items),
        "items[-1]": items[-1],
        "items[-len()]": items[-len(items)],
        "in": ["b" in items, "c" in items],
        "reversed()": list(reversed(items)),
    }


@claim(
    "shared-memory.list-supports-sequence-reading",
    docs="multiprocessing.shared_memory.ShareableList",
)
def test_a_list_is_read_as_a_sequence(mp, stage):
    """len(), iteration, "in", reversed() and negative indexes work on a ShareableList.

    They give what they give for a list of the same items.
    """
    items = [1, "b", True, 2.5, "b"]
    with Blocks() as blocks:
        shareable = blocks.new_list(items)
        assert readings_of(shareable) == readings_of(items)
        shareable[-2] = -2.5
        assert list(shareable) == [1, "b", True, -2.5, "b"]


@claim("shared-memory.list-counts-items", docs="multiprocessing.shared_memory.ShareableList.count")
def test_count_compares_values(mp, stage):
    """ShareableList.count() returns how many items are equal to the value, 0 if none is.

    As in a list, 1, 1.0 and True are equal, and a str and bytes are not.
    """
    items = [1, "b", True, 1.0, "b", b"b", None]
    with Blocks() as blocks:
        shareable = blocks.new_list(items)
        for value in (1, "b", b"b", None, "c", 0):
            assert shareable.count(value) == items.count(value), value
        shareable[0] = "b"
        assert shareable.count("b") == 3


@claim(
    "shared-memory.list-finds-first-index",
    docs="multiprocessing.shared_memory.ShareableList.index",
)
def test_index_is_that_of_the_first_item(mp, stage):
    """ShareableList.index() returns the first index of the value; it raises ValueError if absent.

    Unlike that of a list, it takes no beginning and no end.
    """
    items = ["a", "b", True, 1, "b"]
    with Blocks() as blocks:
        shareable = blocks.new_list(items)
        for value in ("a", "b", 1):
            assert shareable.index(value) == items.index(value)
        for absent in ("c", b"a", None):
            assert result_or_error(shareable.index, absent) == "ValueError"
        assert result_or_error(shareable.index, "b", 2) == "TypeError"
        shareable[1] = "c"
        assert (shareable.index("b"), shareable.index("c")) == (4, 1)


@claim(
    "shared-memory.list-format-shows-codes",
    docs="multiprocessing.shared_memory.ShareableList.format",
)
def test_format_tells_how_items_are_packed(mp, stage):
    """The format of a ShareableList is the struct format of its present items; it is read-only.

    It packs the items as they are stored: an int is a q, a float a d, and a string an s with the
    size of its slot. An assignment of another type changes it.
    """
    with Blocks() as blocks:
        shareable = blocks.new_list([5, 2.5, b"1234567", "12345678"])
        assert shareable.format == "qd8s16s"
        assert struct.calcsize("<" + shareable.format) <= shareable.shm.size
        shareable[0], shareable[1], shareable[3] = 0.5, "abc", 1
        assert shareable.format == "d8s8sq"
        assert result_or_error(setattr, shareable, "format", "qqqq") == "AttributeError"
        assert shareable.format == "d8s8sq"


def change_items(stage, name, passed, pickled):
    """Change one item through each of three lists; report all items as each sees them then."""
    attached = submodule("shared_memory").ShareableList(name=name)
    unpickled = pickle.loads(pickled)
    attached[0], passed[1], unpickled[2] = "by name", -1, None
    seen = [list(each) for each in (attached, passed, unpickled)]
    for each in (attached, passed, unpickled):
        each.shm.close()
    return seen


@claim(
    "shared-memory.list-writes-are-mutual",
    docs="multiprocessing.shared_memory.ShareableList.shm",
)
def test_all_processes_write_to_one_list(mp, stage):
    """A ShareableList attached by its shm's name, passed or pickled is the same list.

    A child writes through each of the three, and reads what the parent and the two others have
    written.
    """
    with Blocks() as blocks:
        shareable = blocks.new_list(["text of 16 bytes", 1, 2.5, "first"])
        assert type(shareable.shm) is submodule("shared_memory").SharedMemory
        pickled = pickle.dumps(shareable)
        shareable[3] = "parent"
        seen = stage.result_of(change_items, shareable.shm.name, shareable, pickled)
        assert seen == [["by name", -1, None, "parent"]] * 3
        assert list(shareable) == ["by name", -1, None, "parent"]
        again = blocks.new_list(name=shareable.shm.name)
        assert list(again) == ["by name", -1, None, "parent"]
