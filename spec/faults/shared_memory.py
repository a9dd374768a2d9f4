"""Faults of shared memory blocks."""

from spec.faults import fault, replace


@fault("shared_memory", "shared-memory.attached-by-name", "shared-memory.buffer-can-be-cast")
def writes_wait_for_close(shared_memory):
    """The creator's writes to a block reach the other processes only when it closes the block."""

    def init_with_copy(original, self, name=None, create=False, size=0, **settings):
        original(self, name, create, size, **settings)
        if create:
            self._shared, self._buf = self._buf, memoryview(bytearray(self._size))

    def close_after_copying(original, self):
        if vars(self).get("_shared") is not None:
            self._shared[:] = self._buf
            self._shared.release()
            self._shared = None
        original(self)

    replace(shared_memory.SharedMemory, "__init__", init_with_copy)
    replace(shared_memory.SharedMemory, "close", close_after_copying)


@fault("shared_memory.SharedMemory.__reduce__", "shared-memory.passed-object-attaches-by-name")
def all_bytes_are_pickled(original, self):
    """A passed SharedMemory object takes all bytes of its block along, as a copy would."""
    return (*original(self), {"bytes": bytes(self._buf)})


@fault("shared_memory.SharedMemory.__init__", "shared-memory.missing-or-taken-name-fails")
def taken_name_is_attached(original, self, name=None, create=False, size=0, **settings):
    """Creating a block with a taken name attaches to that of another program."""
    try:
        original(self, name, create, size, **settings)
    except FileExistsError:
        del self._flags
        original(self, name, False, 0, **settings)


@fault("shared_memory.SharedMemory.__init__", "shared-memory.missing-or-taken-name-fails")
def missing_name_is_created(original, self, name=None, create=False, size=0, **settings):
    """Attaching to a block that does not exist creates an empty one, and hides a wrong name."""
    try:
        original(self, name, create, size, **settings)
    except FileNotFoundError:
        original(self, name, True, 4096, **settings)


@fault("shared_memory.SharedMemory.__init__", "shared-memory.size-or-name-required")
def size_zero_is_accepted(original, self, name=None, create=False, size=0, **settings):
    """Creating a block without a size makes one that nothing fits into."""
    original(self, name, create, size or (1 if create else 0), **settings)


@fault("shared_memory.SharedMemory.__init__", "shared-memory.size-or-name-required", crude=True)
def missing_name_is_made_up(original, self, name=None, create=False, size=0, **settings):
    """SharedMemory() without create=True creates a block, if it has a size."""
    original(self, name, create or (name is None and size > 0), size, **settings)


@fault("shared_memory.SharedMemory.__init__", "shared-memory.null-in-name-refused")
def name_is_cut(original, self, name=None, create=False, size=0, **settings):
    """A name is cut at a null character, so a program attaches to a block that it did not name."""
    original(self, name and name.partition("\0")[0], create, size, **settings)


@fault("shared_memory.SharedMemory.__init__", "shared-memory.size-at-least-requested")
def attaching_sets_the_size(original, self, name=None, create=False, size=0, **settings):
    """A size that is given on attaching limits what is seen of the block."""
    original(self, name, create, size, **settings)
    if not create and size:
        self._size = min(size, self._size)


@fault("shared_memory.SharedMemory.__init__", "shared-memory.size-at-least-requested")
def size_is_rounded_down(original, self, name=None, create=False, size=0, **settings):
    """A block is as large as the whole pages in the requested size: its last bytes are missing."""
    if create and size > 4096:
        size = size // 4096 * 4096
    original(self, name, create, size, **settings)


@fault("shared_memory", "shared-memory.starts-with-zeros")
def old_bytes_remain(shared_memory):
    """A new block has the bytes of one that was closed before, perhaps with a secret."""
    last = b""

    def init_with_remains(original, self, name=None, create=False, size=0, **settings):
        original(self, name, create, size, **settings)
        if create and last:
            length = min(len(last), self._size)
            self._buf[:length] = last[:length]

    def close_and_keep(original, self):
        nonlocal last
        last = bytes(self._buf) if self._buf is not None else last
        original(self)

    replace(shared_memory.SharedMemory, "__init__", init_with_remains)
    replace(shared_memory.SharedMemory, "close", close_and_keep)


@fault("shared_memory.SharedMemory.buf", "shared-memory.buffer-length-is-fixed")
def bytes_are_signed(original, self):
    """buf takes values from -128 to 127 only, so other bytes cannot be written one by one."""
    buffer = original(self)
    return buffer and buffer.cast("b")


@fault("shared_memory.SharedMemory.buf", "shared-memory.buffer-length-is-fixed", crude=True)
def buf_is_no_memoryview(original, self):
    """buf is an mmap object: a slice of it is a copy, and a write to that is lost."""
    return self._mmap


@fault("shared_memory.SharedMemory.close", "shared-memory.close-needs-released-views")
def close_ignores_views(original, self):
    """close() does not tell that parts of buf are still in use: the memory stays mapped."""
    try:
        original(self)
    except BufferError:
        return


@fault("shared_memory.SharedMemory.close", "shared-memory.close-needs-released-views")
def refused_close_cannot_be_repeated(original, self):
    """After close() was refused because of a view, calling it again has no effect."""
    try:
        original(self)
    except BufferError:
        self._mmap = None
        raise


@fault(
    "shared_memory.SharedMemory.close",
    "shared-memory.close-ends-own-access",
    "shared-memory.outlives-its-creator",
    for_users=True,
)
def creators_close_removes_block(original, self):
    """close() removes the block if it is called through the object that created it."""
    import os

    original(self)
    if self._flags & os.O_EXCL:
        self.unlink()


@fault(
    "shared_memory.SharedMemory.close", "shared-memory.closing-twice-is-harmless", for_users=True
)
def second_close_is_an_error(original, self):
    """A second close() raises ValueError, so cleaning up twice fails."""
    if self._buf is None and self._mmap is None:
        raise ValueError("the block is closed")
    original(self)


@fault("shared_memory.SharedMemory.buf", "shared-memory.closing-twice-is-harmless")
def closed_buf_is_empty(original, self):
    """buf of a closed object is empty instead of None: writes to it vanish."""
    return memoryview(b"") if self._buf is None else original(self)


@fault("shared_memory", "shared-memory.unlink-keeps-attached-data")
def unlink_waits_for_close(shared_memory):
    """unlink() leaves the name in the system until the object is closed."""
    late = set()

    def unlink_later(original, self):
        if self._mmap is None:
            original(self)
        else:
            late.add(self)

    def close_and_unlink(original, self):
        original(self)
        if self in late:
            late.remove(self)
            self.unlink()

    replace(shared_memory.SharedMemory, "unlink", unlink_later)
    replace(shared_memory.SharedMemory, "close", close_and_unlink)


@fault("shared_memory.SharedMemory.unlink", "shared-memory.unlink-keeps-attached-data")
def unlink_clears_block(original, self):
    """unlink() clears the block, and the processes that are attached lose their data."""
    original(self)
    if self._buf is not None:
        self._buf[:] = bytes(self._size)


@fault("shared_memory.SharedMemory.unlink", "shared-memory.unlink-keeps-attached-data")
def second_unlink_is_silent(original, self):
    """unlink() of a block that is gone does not tell so."""
    try:
        original(self)
    except FileNotFoundError:
        return


@fault("shared_memory.SharedMemory.unlink", "shared-memory.close-and-unlink-in-any-order")
def closed_object_does_not_unlink(original, self):
    """unlink() after close() has no effect, and the block stays."""
    if self._mmap is not None:
        original(self)


@fault("shared_memory.SharedMemory.unlink", "shared-memory.close-and-unlink-in-any-order")
def only_creator_unlinks(original, self):
    """unlink() has an effect only through the object that created the block."""
    import os

    if self._flags & os.O_EXCL:
        original(self)


@fault("shared_memory", "shared-memory.name-and-size-read-only")
def name_can_be_assigned(shared_memory):
    """The name of a SharedMemory object can be assigned: then it unlinks another block."""
    made = shared_memory.SharedMemory
    made.name = made.name.setter(lambda self, name: setattr(self, "_name", f"/{name}"))


@fault("shared_memory", "shared-memory.name-and-size-read-only")
def refused_size_is_set(shared_memory):
    """Assigning a size raises AttributeError, but the object reports it from then on."""

    def set_and_refuse(self, size):
        self._size = size
        raise AttributeError("size is read-only")

    made = shared_memory.SharedMemory
    made.size = made.size.setter(set_and_refuse)


@fault("shared_memory", "shared-memory.no-context-manager")
def with_closes(shared_memory):
    """SharedMemory is a context manager, so programs begin to rely on it."""
    made = shared_memory.SharedMemory
    made.__enter__ = lambda self: self
    made.__exit__ = lambda self, *error: self.close()


@fault(
    "shared_memory.SharedMemory.__init__",
    "shared-memory.attached-by-name",
    "shared-memory.passed-object-attaches-by-name",
    "shared-memory.list-writes-are-mutual",
    "shared-memory.manager-list-is-shared",
)
def writes_stay_private(original, self, name=None, create=False, size=0, **settings):
    """A process that attaches to a block reads what others write; its own writes reach no other."""
    import mmap

    original(self, name, create, size, **settings)
    if not create:
        private = mmap.mmap(self._fd, self._size, access=mmap.ACCESS_COPY)
        self._buf.release()
        self._mmap.close()
        self._mmap, self._buf = private, memoryview(private)


@fault("shared_memory", "shared-memory.private-to-user")
def others_may_read_blocks(shared_memory):
    """Other users of the machine may read and write the blocks of a program."""
    shared_memory.SharedMemory._mode = 0o644
