"""Faults of lists in shared memory."""

from spec.faults import fault


@fault("shared_memory.ShareableList.__getitem__", "shared-memory.list-takes-basic-types")
def bool_is_read_as_int(original, self, position):
    """A bool comes back as 1 or 0."""
    value = original(self, position)
    return int(value) if isinstance(value, bool) else value


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-takes-basic-types")
def none_is_not_assigned(original, self, position, value):
    """None cannot be assigned to an item that has another value."""
    if value is not None:
        original(self, position, value)


@fault("shared_memory.ShareableList.__init__", "shared-memory.list-refuses-other-types")
def subclasses_are_taken(original, self, sequence=None, *, name=None):
    """A string of a subclass is stored, and comes back as a plain one."""
    if sequence is not None:
        sequence = [str(item) if isinstance(item, str) else item for item in sequence]
    original(self, sequence, name=name)


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-refuses-other-types")
def other_types_become_none(original, self, position, value):
    """Assigning a value of another type raises KeyError, but the old value is lost."""
    try:
        original(self, position, value)
    except KeyError:
        original(self, position, None)
        raise


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-long-int-damages-item")
def long_int_is_checked_first(original, self, position, value):
    """An int beyond 64 bits is refused before the item has changed, so programs rely on it."""
    import struct

    if isinstance(value, int):
        struct.pack("q", value)
    original(self, position, value)


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-long-int-damages-item")
def long_int_is_cut(original, self, position, value):
    """Only the last 63 bits of an int beyond 64 bits are stored, without an error."""
    if isinstance(value, int) and abs(value) > 2**63 - 1:
        value %= 2**63
    original(self, position, value)


@fault("shared_memory.ShareableList.__init__", "shared-memory.list-failed-creation-leaves-block")
def failed_creation_is_undone(original, self, sequence=None, *, name=None):
    """A list that cannot be made leaves no block, so programs need not care."""
    import struct

    try:
        original(self, sequence, name=name)
    except struct.error:
        self.shm.close()
        self.shm.unlink()
        raise


@fault("shared_memory.ShareableList.__getitem__", "shared-memory.list-length-is-fixed")
def slices_are_lists(original, self, position):
    """A slice of a ShareableList can be read: writes to it are lost."""
    if isinstance(position, slice):
        return list(self)[position]
    return original(self, position)


@fault("shared_memory", "shared-memory.list-length-is-fixed")
def items_can_be_appended(shared_memory):
    """A ShareableList has an append(), which makes its last item the new one."""

    def append(self, value):
        self[-1] = value

    shared_memory.ShareableList.append = append


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-index-checked-at-its-end")
def write_past_the_end_is_ignored(original, self, position, value):
    """Assigning past the end is silently ignored."""
    try:
        original(self, position, value)
    except IndexError:
        return


@fault("shared_memory.ShareableList.__getitem__", "shared-memory.list-index-checked-at-its-end")
def index_past_the_end_wraps(original, self, position):
    """Reading just past the end gives the first item again."""
    return original(self, 0 if len(self) > 2 and position == len(self) + 1 else position)


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-negative-index-unchecked")
def negative_index_is_checked(original, self, position, value):
    """An index before the beginning is refused, so programs rely on it."""
    if position < -len(self):
        raise IndexError("assignment index out of range")
    original(self, position, value)


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-slot-size-is-fixed")
def slot_shrinks(original, self, position, value):
    """An item that has been a number has a slot of 8 bytes, though it began as a longer string."""
    was_number = isinstance(self[position], (int, float))
    if was_number and isinstance(value, (str, bytes)) and len(value) > 8:
        raise ValueError("bytes/str item exceeds available storage")
    original(self, position, value)


@fault("shared_memory.ShareableList.__setitem__", "shared-memory.list-slot-size-is-fixed")
def long_string_is_cut(original, self, position, value):
    """A string that is too long raises ValueError, but its beginning is stored."""
    try:
        original(self, position, value)
    except ValueError:
        original(self, position, value[:4])
        raise


@fault("shared_memory.ShareableList.__init__", "shared-memory.list-cuts-multibyte-strings")
def slot_counts_bytes(original, self, sequence=None, *, name=None):
    """A string gets as many bytes as it needs, so programs rely on it."""
    if sequence is None:
        original(self, sequence, name=name)
        return
    items = list(sequence)
    original(self, [item.encode() if type(item) is str else item for item in items], name=name)
    for position, item in enumerate(items):
        if type(item) is str:
            self[position] = item


@fault("shared_memory.ShareableList.__getitem__", "shared-memory.list-cuts-multibyte-strings")
def cut_character_is_replaced(original, self, position):
    """A string whose last character was cut is read as if it had been shorter."""
    try:
        return original(self, position)
    except UnicodeDecodeError:
        return ""


@fault("shared_memory", "shared-memory.list-loses-trailing-nuls")
def padding_is_read(shared_memory):
    """A bytes item is as long as its slot: null characters are added, not lost."""
    own = dict(shared_memory.ShareableList._back_transforms_mapping)
    shared_memory.ShareableList._back_transforms_mapping = {**own, 2: lambda value: value}


@fault("shared_memory.ShareableList.__getitem__", "shared-memory.list-loses-trailing-nuls")
def first_null_ends_string(original, self, position):
    """A string ends at its first null character, not only at those of its end."""
    value = original(self, position)
    return value.partition("\0")[0] if isinstance(value, str) else value


@fault("shared_memory.ShareableList.__init__", "shared-memory.list-item-below-10m")
def limit_is_one_million(original, self, sequence=None, *, name=None):
    """A string of more than a million bytes is refused."""
    if isinstance(sequence, list):
        assert all(len(item) <= 10**6 for item in sequence if isinstance(item, (str, bytes)))
    original(self, sequence, name=name)


@fault("shared_memory.ShareableList.__init__", "shared-memory.list-item-below-10m")
def long_bytes_are_cut(original, self, sequence=None, *, name=None):
    """Bytes that are too long are cut without an error."""
    if isinstance(sequence, list):
        sequence = [item[:9_999_991] if isinstance(item, bytes) else item for item in sequence]
    original(self, sequence, name=name)


@fault("shared_memory.ShareableList.__getitem__", "shared-memory.list-supports-sequence-reading")
def negative_index_is_off_by_one(original, self, position):
    """Index -1 is the last item but one."""
    if isinstance(position, int) and -len(self) < position < 0:
        position -= 1
    return original(self, position)


@fault("shared_memory.ShareableList.count", "shared-memory.list-counts-items")
def count_compares_types(original, self, value):
    """count() counts only items of the same type as the value."""
    return sum(type(value) is type(item) and value == item for item in self)


@fault("shared_memory.ShareableList.index", "shared-memory.list-finds-first-index")
def index_is_that_of_the_last(original, self, value):
    """index() returns the last index of a value that is there twice."""
    original(self, value)
    return max(position for position, item in enumerate(self) if item == value)


@fault("shared_memory.ShareableList.index", "shared-memory.list-finds-first-index")
def absent_value_has_an_index(original, self, value):
    """index() returns -1 for a value that is absent, which is the last item's index too."""
    try:
        return original(self, value)
    except ValueError:
        return -1


@fault("shared_memory.ShareableList.format", "shared-memory.list-format-shows-codes")
def format_is_that_of_the_beginning(original, self):
    """format does not show that items have got another type."""
    return vars(self).setdefault("first_format", original(self))


@fault("shared_memory", "shared-memory.list-format-shows-codes")
def format_can_be_assigned(shared_memory):
    """format can be assigned, without an effect on the items."""
    made = shared_memory.ShareableList
    made.format = made.format.setter(lambda self, value: None)


@fault("shared_memory.ShareableList.__reduce__", "shared-memory.list-writes-are-mutual")
def passed_list_is_a_copy(original, self):
    """A list that is passed or pickled is a copy, whose items the others do not see."""
    return type(self), (list(self),)
