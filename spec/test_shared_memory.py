"""SharedMemory: blocks of memory that processes attach to by name.

``SharedMemory(create=True, size=n)`` makes a block of memory that has a name in the system. Any
process that knows the name attaches to the block with ``SharedMemory(name)``, and all of them
read and write the same bytes, in ``buf``. Nothing is copied or sent, so it suits large arrays and
images: an array package can use ``buf`` as its memory.

Each process calls ``close()`` when it needs the block no longer, and one of them calls
``unlink()`` in the end. The chapter Shared memory lifetimes is about that.

Several points surprise people. Nothing protects the bytes: processes that write to the same place
need a lock. The size may be rounded up. ``close()`` fails as long as a part of ``buf``, or an
array on it, still exists. And a SharedMemory object cannot be used in a ``with`` statement.
"""

import os
import pickle
import stat

from spec.kit import OBSERVED, claim, result_or_error, submodule
from spec.kit.blocks import Blocks, new_name

NEEDS = ("shared-memory",)


def read_and_write_when_cued(stage, name, answer):
    """Attach to the block; when cued, report its first five bytes and write the answer there."""
    block = submodule("shared_memory").SharedMemory(name)
    stage.say("attached")
    stage.wait_for_cue("read")
    seen = bytes(block.buf[:5])
    block.buf[:5] = answer
    block.close()
    return seen


@claim("shared-memory.attached-by-name", docs="multiprocessing.shared_memory.SharedMemory")
def test_processes_attach_to_one_block_by_its_name(mp, stage):
    """Processes that attach to a block by its name read and write the same bytes.

    Two children are attached before the parent writes its bytes. The first then reads these and
    writes its own, which both the parent and the second child read. A second block has another
    name, and keeps its bytes.
    """
    with Blocks() as blocks:
        block, other = blocks.new(16), blocks.new(16)
        other.buf[:5] = b"other"
        assert block.name != other.name
        first = stage.enter(read_and_write_when_cued, block.name, b"child")
        second = stage.enter(read_and_write_when_cued, block.name, b"adieu")
        for each in (first, second):
            each.expect("attached")
        block.buf[:5] = b"hello"
        observed = {
            "first child": first.returns(cue="read"),
            "parent, after the first child": bytes(block.buf[:5]),
            "second child": second.returns(cue="read"),
            "parent, after the second child": bytes(block.buf[:5]),
            "the other block": bytes(other.buf[:5]),
        }
    assert observed == {
        "first child": b"hello",
        "parent, after the first child": b"child",
        "second child": b"child",
        "parent, after the second child": b"adieu",
        "the other block": b"other",
    }


def use_passed_and_pickled(stage, passed, pickled):
    """Write through the object that was passed; read through the other, and write there."""
    passed.buf[0] = 1
    unpickled = pickle.loads(pickled)
    seen = unpickled.buf[0]
    unpickled.buf[1] = 2
    told = {"name": unpickled.name, "read": seen}
    passed.close()
    unpickled.close()
    return told


@claim("shared-memory.passed-object-attaches-by-name", docs="multiprocessing.shared_memory")
def test_a_passed_object_is_attached_to_the_same_block(mp, stage):
    """A SharedMemory object that is passed or pickled gives access to the same block.

    A child gets it as an argument and also pickled, as a queue sends it: a few bytes, though the
    block has a million. It writes through the one, and reads and writes through the other.
    """
    with Blocks() as blocks:
        block = blocks.new(1_000_000)
        pickled = pickle.dumps(block)
        assert len(pickled) < 1000, f"{len(pickled)} bytes were pickled"
        seen = stage.result_of(use_passed_and_pickled, block, pickled)
        assert seen == {"name": block.name, "read": 1}
        assert bytes(block.buf[:3]) == b"\1\2\0"


@claim(
    "shared-memory.missing-or-taken-name-fails",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
)
def test_a_missing_and_a_taken_name_are_refused(mp, stage):
    """Attaching to a missing name raises FileNotFoundError; creating a taken one FileExistsError.

    The name is refused as long as the block exists, and the block keeps its bytes. After an
    attempt to attach, the name is still free.
    """
    with Blocks() as blocks:
        name = new_name()
        missing = result_or_error(blocks.attach, name)
        assert missing == "FileNotFoundError"
        block = blocks.new(5, name=name)
        block.buf[:5] = b"first"
        observed = {
            "name": block.name == name,
            "create, taken": result_or_error(blocks.new, 5, name=name),
            "create larger, taken": result_or_error(blocks.new, 5000, name=name),
            "bytes": bytes(blocks.attach(name).buf[:5]),
        }
        assert observed == {
            "name": True,
            "create, taken": "FileExistsError",
            "create larger, taken": "FileExistsError",
            "bytes": b"first",
        }


@claim(
    "shared-memory.size-or-name-required",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
)
def test_a_size_or_a_name_has_to_be_given(mp, stage):
    """SharedMemory() raises ValueError without a name, or on creating without a positive size.

    This is so with a name of one's own too, which is free after the attempts.
    """
    with Blocks() as blocks:
        name = new_name()
        observed = {
            "no name": result_or_error(blocks.attach, None),
            "no name, a size": result_or_error(blocks.attach, None, size=5),
            "no size": result_or_error(blocks.attach, None, create=True),
            "size 0": result_or_error(blocks.new, 0),
            "size -1": result_or_error(blocks.new, -1),
            "size 0, a name": result_or_error(blocks.new, 0, name=name),
            "size -1, a name": result_or_error(blocks.new, -1, name=name),
        }
        assert observed == dict.fromkeys(observed, "ValueError")
        assert blocks.new(1, name=name).name == name


@claim(
    "shared-memory.null-in-name-refused",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
    since="3.11.9, 3.12.3, 3.13",
)
def test_a_name_with_a_null_character_is_refused(mp, stage):
    """A name with a null character raises ValueError: it is not cut there.

    If it were cut, the first of two attempts would create a block, and the second would attach to
    another block than the one that it names.
    """
    with Blocks() as blocks:
        block = blocks.new(5)
        observed = {
            "create": result_or_error(blocks.new, 5, name=new_name() + "\0x"),
            "attach": result_or_error(blocks.attach, block.name + "\0x"),
        }
        assert observed == {"create": "ValueError", "attach": "ValueError"}


@claim(
    "shared-memory.size-at-least-requested", docs="multiprocessing.shared_memory.SharedMemory.size"
)
def test_a_block_is_at_least_as_large_as_requested(mp, stage):
    """A block's size is at least that requested at its creation, whatever attaching asks for.

    Its last byte can be written and read. Linux gives exactly the requested size; other systems
    round it up to whole pages, and Windows does so on attaching only.
    """
    with Blocks() as blocks:
        for requested in (1, 10, 4096, 5000, 100_000):
            block = blocks.new(requested)
            assert block.size >= requested
            attached = [blocks.attach(block.name, size=size) for size in (0, 1, 2 * block.size)]
            sizes = {each.size for each in attached}
            assert len(sizes) == 1, f"{block.size} bytes, attached: {sizes}"
            assert sizes.pop() >= block.size
            block.buf[block.size - 1] = 7
            assert [each.buf[block.size - 1] for each in attached] == [7] * 3


@claim(
    "shared-memory.starts-with-zeros",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
)
def test_a_new_block_consists_of_zeros(mp, stage):
    """All bytes of a new block are 0, even if a block of the same size has just been removed.

    The removed block was full of other bytes.
    """
    for _ in range(2):
        with Blocks() as blocks:
            block = blocks.new(10_000)
            assert not any(block.buf), "a new block has other bytes than zeros"
            block.buf[:] = b"\xff" * block.size


def refusals_of(buffer):
    """How wrong writes to the buffer end."""
    size = len(buffer)
    return {
        "index too large": result_or_error(buffer.__setitem__, size, 1),
        "index too small": result_or_error(buffer.__setitem__, -size - 1, 1),
        "slice too short": result_or_error(buffer.__setitem__, slice(0, 3), b"ab"),
        "slice too long": result_or_error(buffer.__setitem__, slice(0, 3), b"abcd"),
        "slice across the end": result_or_error(buffer.__setitem__, slice(size - 1, None), b"ab"),
    }


@claim(
    "shared-memory.buffer-length-is-fixed", docs="multiprocessing.shared_memory.SharedMemory.buf"
)
def test_the_buffer_is_a_memoryview_of_fixed_length(mp, stage):
    """A block's buf is a memoryview of fixed length: the index and length of a write are checked.

    An index out of range raises IndexError, and bytes of another length than the slice ValueError.
    A value that does not fit into a byte raises ValueError, on PyPy TypeError. The refused writes
    change nothing.
    """
    with Blocks() as blocks:
        block = blocks.new(8)
        block.buf[:8] = b"unharmed"
        assert type(block.buf) is memoryview
        assert (len(block.buf), block.buf.format) == (block.size, "B")
        assert refusals_of(block.buf) == {
            "index too large": "IndexError",
            "index too small": "IndexError",
            "slice too short": "ValueError",
            "slice too long": "ValueError",
            "slice across the end": "ValueError",
        }
        for value in (256, -1):
            error = result_or_error(block.buf.__setitem__, 0, value)
            assert error in ("ValueError", "TypeError"), f"buf[0] = {value}: {error}"
        assert bytes(block.buf[:8]) == b"unharmed"
        assert len(block.buf) == block.size


def read_doubles(stage, name):
    """Attach to the block, and report its first two doubles."""
    block = submodule("shared_memory").SharedMemory(name)
    with block.buf[:16] as part, part.cast("d") as doubles:
        seen = list(doubles)
    block.close()
    return seen


@claim("shared-memory.buffer-can-be-cast", docs="multiprocessing.shared_memory.SharedMemory.buf")
def test_another_type_can_be_laid_over_the_buffer(mp, stage):
    """A block's buf can be cast to another type, and all attached processes see the values.

    Two doubles are written through memoryview.cast(), as an array package would do, and a child
    reads them.
    """
    with Blocks() as blocks:
        block = blocks.new(16)
        with block.buf[:16] as part, part.cast("d") as doubles:
            doubles[0], doubles[1] = 0.5, -2e300
        assert stage.result_of(read_doubles, block.name) == [0.5, -2e300]


@claim(
    "shared-memory.close-needs-released-views",
    docs="multiprocessing.shared_memory.SharedMemory.close",
    level=OBSERVED,
    needs=("guarded-views",),
)
def test_close_is_refused_while_a_view_exists(mp, stage):
    """close() raises BufferError while a slice or cast of buf exists; later it can be repeated.

    The slice can still be read and written after the refusal, and the block is attached.
    """
    with Blocks() as blocks:
        block = blocks.new(4)
        attached = blocks.attach(block.name)
        part = block.buf[:4]
        number = part.cast("I")
        observed = {"close() with a slice and a cast": result_or_error(block.close)}
        assert observed == {"close() with a slice and a cast": "BufferError"}
        number[0] = 0
        number.release()
        observed["close() with a slice"] = result_or_error(block.close)
        part[0] = 7
        observed["through another object"] = attached.buf[0]
        part.release()
        observed["close() without"] = result_or_error(block.close)
        assert observed == {
            "close() with a slice and a cast": "BufferError",
            "close() with a slice": "BufferError",
            "through another object": 7,
            "close() without": None,
        }


def close_and_write_again(stage, first, second):
    """Close the first of two objects with one block, and write a byte through the second."""
    first.close()
    attached = submodule("shared_memory").SharedMemory(second)
    attached.buf[0] += 1
    attached.close()


@claim(
    "shared-memory.close-ends-own-access", docs="multiprocessing.shared_memory.SharedMemory.close"
)
def test_close_leaves_other_objects_alone(mp, stage):
    """close() ends the access through one object only: others keep theirs, and the block exists.

    The test has two objects. A child closes the object that it was given, and attaches to the
    block again; then the test closes the first of its own.
    """
    with Blocks() as blocks:
        block = blocks.new(4)
        other = blocks.attach(block.name)
        block.buf[0] = 5
        stage.result_of(close_and_write_again, block, block.name)
        observed = {"here, after the child's close()": block.buf[0]}
        block.close()
        observed |= {
            "the other object": other.buf[0],
            "attached anew": blocks.attach(block.name).buf[0],
        }
        assert observed == {
            "here, after the child's close()": 6,
            "the other object": 6,
            "attached anew": 6,
        }


@claim(
    "shared-memory.closing-twice-is-harmless",
    docs="multiprocessing.shared_memory.SharedMemory.close",
    level=OBSERVED,
)
def test_close_can_be_called_twice(mp, stage):
    """After close(), buf is None and a second close() has no effect; name and size remain."""
    with Blocks() as blocks:
        block = blocks.new(4)
        before = {"name": block.name, "size": block.size, "buf": None}
        closings = [block.close(), block.close()]
        after = {"name": block.name, "size": block.size, "buf": block.buf}
        assert closings == [None, None]
        assert after == before


def use_attached_when_cued(stage, name):
    """Attach to the block; when cued, report its first byte and add 1 to it."""
    block = submodule("shared_memory").SharedMemory(name)
    stage.say("attached")
    stage.wait_for_cue("use")
    seen = block.buf[0]
    block.buf[0] += 1
    block.close()
    return seen


@claim(
    "shared-memory.unlink-keeps-attached-data",
    docs="multiprocessing.shared_memory.SharedMemory.unlink",
    level=OBSERVED,
    needs=("named-memory",),
)
def test_unlink_removes_the_name_and_no_data(mp, stage):
    """On POSIX, unlink() removes the name at once; attached processes keep the block itself.

    A child is attached, and reads and writes the byte after the unlinking, as the test does. The
    name can be neither attached to nor unlinked again, and a new block can have it.
    """
    with Blocks() as blocks:
        block = blocks.new(4)
        block.buf[0] = 5
        attached = stage.enter(use_attached_when_cued, block.name)
        attached.expect("attached")
        block.unlink()
        observed = {
            "attach": result_or_error(blocks.attach, block.name),
            "second unlink()": result_or_error(block.unlink),
            "new block": result_or_error(lambda: blocks.new(4, name=block.name).buf[0]),
            "child, attached before": attached.returns(cue="use"),
            "test, attached before": block.buf[0],
        }
    assert observed == {
        "attach": "FileNotFoundError",
        "second unlink()": "FileNotFoundError",
        "new block": 0,
        "child, attached before": 5,
        "test, attached before": 6,
    }


@claim(
    "shared-memory.close-and-unlink-in-any-order",
    docs="multiprocessing.shared_memory.SharedMemory.unlink",
)
def test_close_and_unlink_work_in_any_order(mp, stage):
    """close() and unlink() can be called in any order, through any object of the block.

    Afterwards the block is gone. It is unlinked through the object that created it, and through
    another one that was attached to it.
    """
    for unlinking in (0, 1):
        for order in ("close first", "unlink first"):
            with Blocks() as blocks:
                block = blocks.new(4)
                both = [block, blocks.attach(block.name)]
                steps = [both[0].close, both[1].close]
                steps.insert(2 if order == "close first" else 0, both[unlinking].unlink)
                assert [result_or_error(step) for step in steps] == [None] * 3
                left = result_or_error(blocks.attach, block.name)
                assert left == "FileNotFoundError", f"{order}, by object {unlinking}: {left}"


@claim(
    "shared-memory.name-and-size-read-only", docs="multiprocessing.shared_memory.SharedMemory.name"
)
def test_name_and_size_cannot_be_assigned(mp, stage):
    """The name and size of a SharedMemory object are read-only: assigning raises AttributeError.

    Both have their old values afterwards.
    """
    with Blocks() as blocks:
        block = blocks.new(4)
        before = block.name, block.size
        observed = {
            name: result_or_error(setattr, block, name, value)
            for name, value in (("name", new_name()), ("size", 8))
        }
        assert observed == {"name": "AttributeError", "size": "AttributeError"}
        assert (block.name, block.size) == before


def enter_with(thing):
    """Use the object in a with statement."""
    with thing:
        pass


@claim(
    "shared-memory.no-context-manager",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
)
def test_a_block_is_no_context_manager(mp, stage):
    """SharedMemory and ShareableList are no context managers: with raises TypeError.

    Use contextlib.closing() for the former, or a SharedMemoryManager.
    """
    with Blocks() as blocks:
        shareable = blocks.new_list([1])
        observed = {
            "SharedMemory": result_or_error(enter_with, blocks.new(4)),
            "ShareableList": result_or_error(enter_with, shareable),
        }
        assert observed == {"SharedMemory": "TypeError", "ShareableList": "TypeError"}


def permissions_of_new_blocks():
    """The permissions of the files that a new block, and one with a given name, have opened."""
    from spec.kit.platforms import descriptors

    found = []
    for settings in ({}, {"name": new_name()}):
        before = descriptors()
        with Blocks() as blocks:
            blocks.new(16, **settings)
            opened = descriptors().keys() - before.keys()
            found.append({oct(stat.S_IMODE(os.fstat(number).st_mode)) for number in opened})
    return found


@claim(
    "shared-memory.private-to-user",
    docs="multiprocessing.shared_memory.SharedMemory",
    level=OBSERVED,
    needs=("named-memory", "descriptors"),
)
def test_a_block_is_private_to_its_user(mp):
    """On POSIX, only its user may open a block, as a file that only its owner may read and write.

    The same holds for a block whose name was given. The files are those that the process has open.
    """
    assert permissions_of_new_blocks() == [{"0o600"}, {"0o600"}]
