"""Faults of objects that have to be kept alive, and of what the guidelines warn of."""

import threading
import warnings

from spec.faults import fault, replace
from spec.faults.arguments import functions_in
from spec.faults.processes import in_child


def _locks_of(process):
    """The locks of threads in the modules of the functions that a process is to call."""
    for function in functions_in(process):
        for value in function.__globals__.values():
            if type(value).__name__ == "lock":
                yield value


@fault(
    "synchronize.SemLock._cleanup",
    "resource.unjoined-semaphores-lost-unless-forked",
    only=("spawn", "forkserver"),
    crude=True,
)
def semaphore_names_are_kept(original, name):
    """The names of semaphores are never removed, and accumulate in the system."""


@fault("util", "resource.unjoined-pipe-survives")
def pipes_close_at_exit(util):
    """A program that ends shuts down its pipes, though its children still use them."""
    import atexit
    import gc
    import os
    import socket

    def shut_down():
        from multiprocessing.connection import Connection

        for found in gc.get_objects():
            if isinstance(found, Connection) and not found.closed:
                with socket.socket(fileno=os.dup(found.fileno())) as end:
                    end.shutdown(socket.SHUT_RDWR)

    atexit.register(shut_down)


@fault("resource_tracker.main", "resource.leaked-semaphores-are-removed")
def leaks_are_not_reported(original, fd):
    """The resource tracker silently removes the semaphores that a killed program has left."""
    warnings.simplefilter("ignore")
    original(fd)


@fault("resource_tracker", "resource.leaked-semaphores-are-removed")
def leaked_semaphores_are_kept(resource_tracker):
    """The resource tracker warns of leaked semaphores, but does not remove them."""
    resource_tracker._CLEANUP_FUNCS["semaphore"] = lambda name: None


@fault("resource_tracker.main", "resource.leaked-semaphores-are-removed")
def one_leak_is_removed(original, fd):
    """The resource tracker removes one of the semaphores that a killed program has left."""
    from multiprocessing import resource_tracker

    unlink = resource_tracker._CLEANUP_FUNCS["semaphore"]
    removed: list[str] = []

    def unlink_first(name):
        if not removed:
            removed.append(name)
            unlink(name)

    resource_tracker._CLEANUP_FUNCS["semaphore"] = unlink_first
    original(fd)


@fault("synchronize.SemLock.__init__", "resource.dead-tracker-is-replaced")
def dead_tracker_stays(original, self, *args, **kwargs):
    """When the resource tracker has died, no lock can be created any more (bpo-31310)."""
    from multiprocessing import resource_tracker

    tracker = resource_tracker._resource_tracker
    if tracker._fd is not None and not tracker._check_alive():
        raise BrokenPipeError("the resource tracker has died")
    original(self, *args, **kwargs)


@fault("process.BaseProcess._bootstrap", "resource.main-modules-semaphores-are-freed")
def imported_semaphores_are_forgotten(original, self, *args, **kwargs):
    """A spawned child leaks the semaphores that its main module creates (gh-90549)."""
    from multiprocessing import util

    util._finalizer_registry.clear()
    return original(self, *args, **kwargs)


@fault("resource_tracker", "resource.raw-fork-spares-exit")
def exit_waits_for_tracker(resource_tracker):
    """At its end a program waits for its tracker, and so for its raw children (gh-146313)."""
    import os
    from multiprocessing import util

    tracker = resource_tracker._resource_tracker
    if hasattr(resource_tracker, "_fork_intent"):  # newer releases: the child keeps the pipe
        resource_tracker._fork_intent.preserve_fd = True

    def wait():
        if tracker._fd is not None and tracker._pid is not None:
            os.close(tracker._fd)
            os.waitpid(tracker._pid, 0)
            tracker._fd = tracker._pid = None

    util.Finalize(None, wait, exitpriority=-200)  # after the finalizers of semaphores


@fault("resource_tracker", "resource.raw-fork-spares-exit")
def raw_child_waits_for_tracker(resource_tracker):
    """A raw child waits for the tracker, which is its parent's, and prints an error (gh-140485)."""
    import atexit
    import os

    owner = os.getpid()

    def wait():
        if os.getpid() != owner:
            os.waitpid(owner, 0)  # no child of this process, as the tracker is not

    atexit.register(wait)


@fault("process", "resource.forked-thread-lock-stays-locked", only=("fork",))
def forked_locks_are_free(process):
    """All locks of modules are free in a forked child: the data they protect may be half done."""

    def release_all(child):
        for lock in _locks_of(child):
            if lock.locked():
                lock.release()

    in_child(process, release_all)


@fault("process", "resource.forked-thread-lock-stays-locked", only=("spawn", "forkserver"))
def all_locks_are_taken(process):
    """Locks of a child's modules are locked, though no thread of the child holds them."""

    def acquire_all(child):
        for lock in _locks_of(child):
            lock.acquire(False)

    in_child(process, acquire_all)


@fault("popen_fork.Popen._launch", "resource.fork-with-threads-warns", only=("fork",))
def fork_does_not_warn(original, self, process):
    """start() forks a program with threads without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original(self, process)


@fault(
    "process.BaseProcess.start",
    "resource.fork-with-threads-warns",
    only=("spawn", "forkserver"),
)
def each_start_method_warns(original, self):
    """start() warns of threads under start methods too that do not copy them."""
    if threading.active_count() > 1:
        warnings.warn("this may deadlock", DeprecationWarning, stacklevel=2)
    original(self)


@fault("popen_fork.Popen._launch", "resource.queue-feeder-makes-fork-warn", only=("fork",))
def feeders_do_not_count(original, self, process):
    """start() does not warn if the only other thread is that of a queue."""
    with warnings.catch_warnings():
        if any(each.name == "QueueFeederThread" for each in threading.enumerate()):
            warnings.simplefilter("ignore")
        original(self, process)


@fault("queues.Queue.__init__", "resource.queue-feeder-makes-fork-warn", only=("fork",))
def new_queues_have_threads(original, self, maxsize=0, *, ctx):
    """A new queue starts its thread at once, so start() warns even if nothing is ever put."""
    original(self, maxsize, ctx=ctx)
    self._start_thread()


@fault("process.BaseProcess.join", "resource.finished-unjoined-become-zombies")
def join_leaves_zombies(original, self, timeout=None):
    """join() waits for the end of a child, but leaves it a zombie."""
    import os

    try:
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:  # is_alive() has joined it
        original(self, timeout)


@fault("managers.BaseProxy._callmethod", "resource.processes-share-proxies-safely")
def append_is_read_and_write(original, self, name, args=(), kwds=None):
    """append() of a proxy reads the list and writes it back, so other items are lost."""
    if name != "append":
        return original(self, name, args, kwds or {})
    items = original(self, "__getitem__", (slice(None),))
    return original(self, "__setitem__", (slice(None), [*items, *args]))


@fault("util.ForkAwareLocal.__init__", "resource.processes-share-proxies-safely", only=("fork",))
def connection_is_forked(original, self):
    """A forked child uses the connection of its parent's proxy: both get each other's answers."""


@fault("context.BaseContext.Lock", "resource.no-semaphores-import-error")
def locks_exclude_nobody_without_semaphores(original, self):
    """Where there are no semaphores, Lock() makes a lock of threads: it excludes no process."""
    try:
        return original(self)
    except ImportError:
        return threading.Lock()


@fault("sharedctypes.Value", "resource.no-semaphores-import-error")
def values_have_no_lock_without_semaphores(original, typecode, *args, lock=True, ctx=None):
    """Where there are no semaphores, Value() has no lock: increments are lost."""
    try:
        return original(typecode, *args, lock=lock, ctx=ctx)
    except ImportError:
        return original(typecode, *args, lock=False, ctx=ctx)


@fault("context.BaseContext.RawValue", "resource.some-parts-need-no-semaphores")
def raw_values_need_semaphores(original, self, *args):
    """A raw value cannot be made where there are no semaphores, though it has no lock."""
    self.Lock()
    return original(self, *args)


@fault("managers", "resource.some-parts-need-no-semaphores")
def managers_need_semaphores(managers):
    """A manager cannot be started where there are no semaphores: no process can have a lock."""

    def start_with_lock(original, self, *args, **kwargs):
        self._ctx.Lock()
        original(self, *args, **kwargs)

    replace(managers.BaseManager, "start", start_with_lock)


@fault("pool.ThreadPool.__init__", "resource.some-parts-need-no-semaphores")
def thread_pools_fail_otherwise(original, self, *args):
    """Without semaphores ThreadPool() raises another error than Pool(): handlers miss it."""
    try:
        original(self, *args)
    except ImportError:
        raise OSError("no semaphores") from None


@fault("context", "resource.most-exceptions-are-process-errors")
def timeout_error_is_built_in(context):
    """TimeoutError of the package is the built-in one: a handler of ProcessError misses it."""
    context.BaseContext.TimeoutError = TimeoutError


@fault("managers", "resource.most-exceptions-are-process-errors")
def remote_error_is_process_error(managers):
    """RemoteError derives from ProcessError: a handler of that hides errors of the server."""
    managers.RemoteError = type("RemoteError", (managers.ProcessError,), {})
