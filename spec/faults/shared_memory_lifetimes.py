"""Faults of the lifetimes of shared memory."""

from spec.faults import fault, replace


@fault("shared_memory.SharedMemory.__init__", "shared-memory.outlives-its-creator")
def block_ends_with_its_creator(original, self, name=None, create=False, size=0, **settings):
    """A block that a child has created is removed when the child ends."""
    from multiprocessing import process, shared_memory, util

    original(self, name, create, size, **settings)
    if create and process.parent_process() is not None:
        name = self.name
        remove = lambda: shared_memory.SharedMemory(name).unlink()  # noqa: E731
        util.Finalize(None, remove, exitpriority=0)


@fault("process.BaseProcess._bootstrap", "shared-memory.children-share-one-tracker")
def child_has_its_own_tracker(original, self, *args, **kwargs):
    """A child has a resource tracker of its own, which removes the blocks of its parent."""
    from multiprocessing import resource_tracker

    tracker = resource_tracker._resource_tracker
    tracker._fd = tracker._pid = None
    return original(self, *args, **kwargs)


@fault(
    "resource_tracker",
    "shared-memory.leaked-block-removed-with-warning",
    "shared-memory.removed-after-creator-killed",
)
def leaked_blocks_stay(resource_tracker):
    """Blocks that no process has unlinked stay until the system is restarted."""
    resource_tracker._CLEANUP_FUNCS["shared_memory"] = lambda name: None


@fault(
    "resource_tracker.main",
    "shared-memory.leaked-block-removed-with-warning",
    "shared-memory.removed-after-creator-killed",
)
def leaks_are_silent(original, fd):
    """No warning tells that blocks were left."""
    import warnings

    warnings.simplefilter("ignore")
    original(fd)


@fault("resource_tracker.main", "shared-memory.leaked-block-removed-with-warning")
def warning_counts_one(original, fd):
    """The warning counts one leaked block, however many there are."""
    import re
    import warnings

    def warn_of_one(warn, text):
        warn(re.sub(r"\d+ leaked", "1 leaked", text))

    replace(warnings, "warn", warn_of_one)
    original(fd)


@fault("shared_memory", "shared-memory.removed-after-creator-killed")
def tracked_at_exit(shared_memory):
    """The resource tracker learns of a block only when its program ends, so a kill leaves it."""
    import atexit
    from types import SimpleNamespace

    known = set()

    def note(name, kind):
        known.add(name)

    def forget(name, kind):
        known.discard(name)

    register = shared_memory.resource_tracker.register
    shared_memory.resource_tracker = SimpleNamespace(register=note, unregister=forget)

    def register_all():
        for name in known:
            register(name, "shared_memory")

    atexit.register(register_all)


@fault(
    "shared_memory.SharedMemory.__init__",
    "shared-memory.untracked-block-outlives-program",
    "shared-memory.untracked-stranger-spares-block",
)
def track_is_ignored(original, self, name=None, create=False, size=0, *, track=True):
    """track=False has no effect, and the block is removed while others need it."""
    original(self, name, create, size)


@fault("shared_memory.SharedMemory.__reduce__", "shared-memory.pickling-loses-track")
def track_is_pickled(original, self):
    """An unpickled object is not tracked if the pickled one was not."""
    import functools
    from multiprocessing import shared_memory

    again = functools.partial(shared_memory.SharedMemory, track=self._track)  # type: ignore[call-arg,unused-ignore]
    return again, original(self)[1]


@fault("shared_memory.SharedMemory.__init__", "shared-memory.stranger-exit-removes-block")
def attached_blocks_are_not_tracked(original, self, name=None, create=False, size=0, **settings):
    """The resource tracker does not know blocks that a program has only attached to."""
    from multiprocessing import resource_tracker

    original(self, name, create, size, **settings)
    if not create:
        resource_tracker.unregister(self._name, "shared_memory")


@fault("shared_memory.SharedMemory.unlink", "shared-memory.unlinked-during-shutdown")
def unlink_imports(original, self):
    """unlink() imports a module, which fails while the interpreter shuts down."""
    from multiprocessing.resource_tracker import register  # noqa: F401

    original(self)


@fault("managers.SharedMemoryManager.ShareableList", "shared-memory.manager-frees-its-blocks")
def lists_are_not_freed(original, self, sequence):
    """A SharedMemoryManager does not free the blocks of its lists."""
    from multiprocessing import shared_memory

    return shared_memory.ShareableList(sequence)


@fault("managers._SharedMemoryTracker.unlink", "shared-memory.manager-frees-its-blocks")
def last_block_only(original, self):
    """A SharedMemoryManager frees only the block that it made last."""
    self.destroy_segment(self.segment_names[-1])


@fault("managers.BaseManager.__exit__", "shared-memory.manager-frees-its-blocks", crude=True)
def with_frees_nothing(original, self, *error):
    """The end of a manager's with block frees nothing."""


@fault("managers", "shared-memory.manager-works-while-started")
def blocks_without_a_server(managers):
    """A SharedMemoryManager that is not started makes blocks that it never frees."""

    def make_anyway(original, self, *args, **kwargs):
        try:
            return original(self, *args, **kwargs)
        except ValueError:
            from multiprocessing import shared_memory

            return shared_memory.ShareableList(*args)

    replace(managers.SharedMemoryManager, "ShareableList", make_anyway)


@fault("managers.SharedMemoryManager.SharedMemory", "shared-memory.manager-works-while-started")
def blocks_after_shutdown(original, self, size):
    """A SharedMemoryManager that was shut down makes blocks that it never frees."""
    try:
        return original(self, size)
    except OSError:
        from multiprocessing import shared_memory

        return shared_memory.SharedMemory(create=True, size=size)


@fault("managers.SharedMemoryManager.SharedMemory", "shared-memory.manager-reachable-by-address")
def connected_manager_frees_nothing(original, self, size):
    """Blocks that were made by a connected SharedMemoryManager are not freed."""
    from multiprocessing import shared_memory

    if hasattr(self, "shutdown"):
        return original(self, size)
    return shared_memory.SharedMemory(create=True, size=size)


@fault(
    "managers.SharedMemoryManager.__init__",
    "shared-memory.manager-leaves-no-warning",
    only=("fork",),
)
def server_has_its_own_tracker(original, self, *args, **kwargs):
    """The server of a SharedMemoryManager and its program have a resource tracker each."""
    from multiprocessing import managers

    managers.BaseManager.__init__(self, *args, **kwargs)


@fault("managers._SharedMemoryTracker.destroy_segment", "shared-memory.manager-leaves-no-warning")
def freed_blocks_stay_tracked(original, self, name):
    """The resource tracker is not told that a SharedMemoryManager has freed a block, and warns."""
    from multiprocessing import resource_tracker

    original(self, name)
    resource_tracker.register(f"/{name}", "shared_memory")


@fault("managers.BaseManager._run_server", "shared-memory.manager-ignores-interrupt")
def interrupt_ends_server(original, cls, *args):
    """Ctrl-C ends the server of a SharedMemoryManager, and all its blocks are lost."""
    import signal

    def handle_as_by_default(original, number, handler):
        return original(number, signal.default_int_handler)

    replace(signal, "signal", handle_as_by_default)
    original(cls, *args)


@fault(
    "managers._SharedMemoryTracker.destroy_segment", "shared-memory.manager-stops-at-missing-block"
)
def missing_block_is_skipped(original, self, name):
    """A SharedMemoryManager frees its other blocks even if a user has unlinked one of them."""
    try:
        original(self, name)
    except FileNotFoundError:
        return


@fault("managers._SharedMemoryTracker.unlink", "shared-memory.manager-stops-at-missing-block")
def stops_before_missing_block(original, self):
    """If one block of a SharedMemoryManager was unlinked, it frees no block at all."""
    from multiprocessing import shared_memory

    for name in self.segment_names:
        shared_memory.SharedMemory(name).close()
    original(self)


@fault("resource_tracker.ResourceTracker._send", "shared-memory.name-may-contain-colon")
def names_end_at_a_colon(original, self, cmd, name, rtype):
    """The tracker takes what follows a colon in a name for the kind of the resource (gh-98896)."""
    original(self, cmd, *name.split(":", 1)) if ":" in name else original(self, cmd, name, rtype)
