"""Faults of values in shared memory."""

from spec.faults import fault, replace


class NoLock:
    """A lock that is always free."""

    def acquire(self, block=True, timeout=None):
        return True

    def release(self):
        """Do nothing."""

    __enter__ = acquire

    def __exit__(self, *_):
        """Do nothing."""


@fault("sharedctypes.SynchronizedBase.get_lock", "value.locked-increments-are-exact", crude=True)
def lock_excludes_no_process(original, self):
    """get_lock() returns a lock that excludes no process: increments get lost."""
    return NoLock()


@fault("sharedctypes.SynchronizedBase.__init__", "value.wrapper-gives-object-and-lock")
def acquire_and_release_swapped(original, self, *args, **kwargs):
    """acquire() of a value releases its lock, and release() acquires it."""
    original(self, *args, **kwargs)
    self.acquire, self.release = self.release, self.acquire


@fault("sharedctypes", "value.wrapper-gives-object-and-lock")
def with_takes_no_lock(sharedctypes):
    """A with block around a value does not hold its lock."""
    replace(sharedctypes.SynchronizedBase, "__enter__", lambda original, self: True)
    replace(sharedctypes.SynchronizedBase, "__exit__", lambda original, self, *_: None)


@fault("sharedctypes", "value.writes-seen-by-all")
def value_is_remembered(sharedctypes):
    """A Value is read from memory once: later writes of another process are never seen."""

    def read(original, self):
        if "remembered" not in vars(self):
            self.remembered = original(self)
        return self.remembered

    def write(original, self, value):
        original(self, value)
        vars(self).pop("remembered", None)

    replace(sharedctypes.Synchronized, "value", read)
    replace(sharedctypes.Synchronized, "value.setter", write)


@fault("sharedctypes.SynchronizedArray.__setitem__", "value.writes-seen-by-all")
def child_writes_to_its_own_array(original, self, index, item):
    """An Array becomes a child's own when the child writes to it: the parent sees nothing."""
    from multiprocessing.process import parent_process

    if parent_process() is not None and "own" not in vars(self):
        self._obj = self.own = type(self._obj).from_buffer_copy(self._obj)
    original(self, index, item)


@fault("sharedctypes", "value.increment-is-not-atomic")
def reading_excludes_others_until_writing(sharedctypes):
    """Reading a Value holds its lock until the process writes: two readers block each other."""

    def read(original, self):
        self.acquire()
        return original(self)

    def write(original, self, value):
        original(self, value)
        self.release()

    replace(sharedctypes.Synchronized, "value", read)
    replace(sharedctypes.Synchronized, "value.setter", write)


@fault("context.BaseContext.Value", "value.default-lock-is-recursive")
def value_has_plain_lock(original, self, *args, lock=True):
    """The default lock of a Value is a plain Lock: its holder blocks itself."""
    return original(self, *args, lock=self.Lock() if lock is True else lock)


@fault("context.BaseContext.Array", "value.default-lock-is-recursive")
def array_has_plain_lock(original, self, *args, lock=True):
    """The default lock of an Array is a plain Lock: its holder blocks itself."""
    return original(self, *args, lock=self.Lock() if lock is True else lock)


@fault("sharedctypes", "value.default-lock-is-recursive")
def reads_and_writes_pass_the_lock(sharedctypes):
    """A Value is read and written without its lock, though another process may hold it."""
    replace(sharedctypes.Synchronized, "value", lambda original, self: self._obj.value)
    replace(
        sharedctypes.Synchronized,
        "value.setter",
        lambda original, self, value: setattr(self._obj, "value", value),
    )


@fault("sharedctypes.Synchronized.value", "value.default-lock-is-recursive")
def reads_pass_the_lock(original, self):
    """A Value is read without its lock, perhaps while another process has half changed it."""
    return self._obj.value


@fault("sharedctypes.SynchronizedArray.__setitem__", "value.default-lock-is-recursive")
def writes_to_arrays_pass_the_lock(original, self, index, item):
    """An item of an Array is written without the lock, though another process may hold it."""
    self._obj[index] = item


@fault("sharedctypes.Array", "value.lock-can-be-chosen")
def array_ignores_its_lock(original, *args, lock=True, ctx=None):
    """The lock given to Array() is not used: it excludes no process."""
    return original(*args, lock=bool(lock), ctx=ctx)


@fault("sharedctypes.Value", "value.lock-can-be-chosen")
def false_is_a_lock_too(original, *args, lock=True, ctx=None):
    """A Value with lock=False is synchronized all the same, and is slow."""
    return original(*args, lock=lock or True, ctx=ctx)


@fault("sharedctypes", "value.lock-needs-acquire")
def any_lock_will_do(sharedctypes):
    """A lock that is none is silently replaced: a mistake goes unnoticed."""

    def make(original, *args, lock=True, ctx=None):
        usable = lock is False or hasattr(lock, "acquire")
        return original(*args, lock=lock if usable else True, ctx=ctx)

    replace(sharedctypes, "Value", make)
    replace(sharedctypes, "Array", make)


@fault("context.BaseContext.Array", "value.lock-is-keyword-only")
def array_takes_positional_lock(original, self, typecode_or_type, size_or_initializer, lock=True):
    """Array() takes a third argument as its lock."""
    return original(self, typecode_or_type, size_or_initializer, lock=lock)


@fault("sharedctypes.Array", "value.lock-is-keyword-only")
def array_takes_positional_context(original, typecode, size, lock=True, ctx=None):
    """sharedctypes.Array() takes positional arguments as its lock and its context."""
    return original(typecode, size, lock=lock, ctx=ctx)


@fault("context.BaseContext.Value", "value.lock-is-keyword-only")
def value_takes_false_as_lock(original, self, typecode_or_type, *args, lock=True):
    """A positional False is not an initial value, but the lock of a Value."""
    if args[1:] == (False,):
        args, lock = args[:1], args[1]
    return original(self, typecode_or_type, *args, lock=lock)


@fault("sharedctypes.Synchronized.value.setter", "value.integers-wrap-silently")
def overflow_is_an_error(original, self, value):
    """An integer that is too large raises OverflowError."""
    original(self, value)
    if isinstance(value, int) and self._obj.value != value:
        raise OverflowError(value)


@fault("sharedctypes.Synchronized.value.setter", "value.integers-wrap-silently")
def floats_are_rounded(original, self, value):
    """A float that is assigned to an integer silently loses its fraction."""
    original(self, int(value) if isinstance(self._obj.value, int) else value)


@fault("sharedctypes.RawArray", "value.array-from-length-or-sequence")
def array_is_not_cleared(original, typecode_or_type, size_or_initializer):
    """An Array made from a length contains whatever was in that memory before."""
    from multiprocessing import sharedctypes

    if not isinstance(size_or_initializer, int):
        return original(typecode_or_type, size_or_initializer)
    item = sharedctypes.typecode_to_type.get(typecode_or_type, typecode_or_type)
    return sharedctypes._new_value(item * size_or_initializer)


@fault("sharedctypes.RawArray", "value.array-from-length-or-sequence")
def array_is_sorted(original, typecode_or_type, size_or_initializer):
    """An Array made from a list is sorted."""
    if isinstance(size_or_initializer, list):
        size_or_initializer = sorted(size_or_initializer)
    return original(typecode_or_type, size_or_initializer)


@fault("sharedctypes.SynchronizedArray.__setitem__", "value.array-length-is-fixed")
def short_slices_fit(original, self, index, items):
    """A slice that is too short is silently filled up with what was there."""
    if isinstance(index, slice):
        items = [*items, *self._obj[index][len(items) :]]
    original(self, index, items)


@fault("sharedctypes.SynchronizedArray.__setitem__", "value.array-length-is-fixed")
def writes_past_the_end_vanish(original, self, index, items):
    """Items written past the end of an Array are silently lost."""
    if isinstance(index, slice) or -len(self) <= index < len(self):
        original(self, index, items)


@fault("sharedctypes.SynchronizedArray.__getitem__", "value.array-slices-are-plain")
def slices_are_tuples(original, self, index):
    """A slice of an Array is a tuple."""
    found = original(self, index)
    return tuple(found) if isinstance(found, list) else found


@fault("sharedctypes", "value.array-slices-are-plain")
def arrays_equal_lists(sharedctypes):
    """An Array is equal to a list with the same items, and has no hash any more."""
    array = sharedctypes.SynchronizedArray
    array.__eq__ = lambda self, other: self[:] == (other[:] if isinstance(other, array) else other)


@fault("sharedctypes.SynchronizedString.value", "value.char-array-value-and-raw")
def value_ends_at_last_nul(original, self):
    """The value of an array of characters contains what a longer value has left behind."""
    return self.raw.rstrip(b"\0")


@fault("sharedctypes.SynchronizedString.value.setter", "value.char-array-value-and-raw")
def value_clears_the_rest(original, self, value):
    """A shorter value overwrites all of an array of characters, not only its beginning."""
    original(self, value.ljust(len(self), b"\0"))


@fault("sharedctypes", "value.typecode-w-is-refused")
def typecode_w_is_u(sharedctypes):
    """The typecode 'w' is taken, and stands for what 'u' does."""
    sharedctypes.typecode_to_type["w"] = sharedctypes.typecode_to_type["u"]


@fault("sharedctypes.reduce_ctype", "value.inherited-but-never-sent")
def raw_objects_are_sent_as_copies(original, obj):
    """A shared object can be sent, but the copy that arrives is shared with no process."""
    return type(obj).from_buffer_copy, (bytes(obj),)


@fault("sharedctypes.SynchronizedBase.__reduce__", "value.inherited-but-never-sent")
def wrappers_are_sent_as_objects(original, self):
    """A synchronized value can be sent, but what arrives is a plain object."""
    from multiprocessing.context import get_spawning_popen

    if get_spawning_popen() is None:
        return bytes, (bytes(self._obj),)
    return original(self)


@fault("heap.Heap._discard_arena", "value.freed-memory-is-given-back")
def memory_is_kept(original, self, arena):
    """The memory of deleted arrays is kept until the program ends (bpo-32759)."""


@fault("heap.Heap._discard_arena", "value.freed-memory-is-given-back")
def first_memory_is_kept(original, self, arena):
    """The memory of a large array is kept while another large array exists."""
    if len([each for each in self._arenas if each.size == arena.size]) == 1:
        original(self, arena)


@fault("heap.Heap._new_arena", "value.small-values-share-memory")
def each_value_has_a_file(original, self, size):
    """Each small value takes a whole block of memory and a file descriptor of its own."""
    arena, start, _ = original(self, size)
    return arena, start, size
