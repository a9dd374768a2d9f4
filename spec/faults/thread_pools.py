"""Faults of pools of threads and of multiprocessing.dummy."""

import copy
import os
import threading

from spec.faults import fault, replace


@fault("pool.worker", "dummy.thread-pool-stays-in-process")
def arguments_are_copied(original, inqueue, outqueue, *args, **kwargs):
    """A ThreadPool gives its tasks copies of lists and locks, so what they change is lost."""
    if hasattr(inqueue, "_buffer"):  # of a Pool
        return original(inqueue, outqueue, *args, **kwargs)
    return original(Copying(inqueue), outqueue, *args, **kwargs)


class Copying:
    """A queue that gives pickled copies of arguments where it can, and None where it cannot."""

    def __init__(self, inqueue):
        self._queue = inqueue

    def get(self):
        task = self._queue.get()
        if task and task[3] and isinstance(task[3][0], type(threading.Lock())):
            return (*task[:3], (None,), task[4])
        return task


@fault("pool.ThreadPool.__init__", "dummy.thread-pool-is-a-pool")
def only_one_thread_is_initialized(original, self, processes=None, initializer=None, initargs=()):
    """The initializer runs in the first thread only: the others miss their connections."""
    once = threading.Lock()

    def initialize(*args):
        if once.acquire(False):
            initializer(*args)

    original(self, processes, initializer and initialize, initargs)


@fault("pool.ThreadPool.__init__", "dummy.thread-pool-refuses-process-options")
def options_are_ignored(
    original, self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, **other
):
    """ThreadPool() ignores the options of Pool: threads never leave their leaks behind."""
    original(self, processes, initializer, initargs)


@fault("pool.ApplyResult.get", "dummy.thread-pool-exception-keeps-identity")
def exceptions_are_copied(original, self, timeout=None):
    """get() raises a new exception of the same type, without the attributes of the first."""
    try:
        return original(self, timeout)
    except Exception as error:
        if not hasattr(error, "lock"):
            raise
        raise type(error)() from error


@fault("pool", "dummy.thread-pool-size-follows-cpus")
def threads_ignore_cpus(pool):
    """The default number of threads is four, whatever there is."""

    def create(original, self, processes=None, *args, **kwargs):
        original(self, processes or 4, *args, **kwargs)

    replace(pool.ThreadPool, "__init__", create)


@fault("pool.ThreadPool.__init__", "dummy.thread-pool-cannot-stop-tasks")
def exit_waits_for_threads(original, self, *args, **kwargs):
    """The end of a with block waits for tasks at work, which may take forever."""
    original(self, *args, **kwargs)
    self.terminate = lambda: [worker.join() for worker in (self.close(), *self._pool)[1:]]


@fault("pool.ThreadPool._help_stuff_finish", "dummy.thread-pool-cannot-stop-tasks")
def queued_tasks_are_done_all_the_same(original, inqueue, task_handler, size):
    """terminate() of a ThreadPool leaves the queued tasks to the threads, which do them all."""
    for _ in range(size):
        inqueue.put(None)


@fault("dummy", "dummy.replicates-api-over-threading")
def dummy_exitcode_stays_none(dummy):
    """A dummy process that has ended has no exit code, as if it were running."""

    def exitcode(original, self):
        return None

    replace(dummy.DummyProcess, "exitcode", exitcode)


@fault("dummy", "dummy.replicates-api-over-threading")
def dummy_manager_has_a_server(dummy):
    """Manager() of dummy returns a manager with a process of its own."""

    def manager(original):
        import types

        return types.SimpleNamespace(**vars(dummy))

    replace(dummy, "Manager", manager)


@fault("dummy", "dummy.replicates-api-over-threading")
def dummy_children_never_end(dummy):
    """active_children() of dummy tells of children that have ended, as a leak does."""

    def active_children(original):
        return list(dummy.current_process()._children)

    replace(dummy, "active_children", active_children)


@fault("dummy", "dummy.pipe-passes-same-object")
def dummy_pipe_copies(dummy):
    """A pipe of dummy copies what is sent, so it refuses some objects."""

    def create(original, self, incoming, outgoing):
        original(self, incoming, outgoing)
        self.send = lambda obj: outgoing.put(copy.deepcopy(obj))

    replace(dummy.connection.Connection, "__init__", create)


@fault("dummy", "dummy.process-has-no-pid")
def dummy_process_has_a_pid(dummy):
    """A dummy process has a PID, that of its program: a signal to it ends the program."""
    dummy.DummyProcess.pid = property(lambda self: os.getpid())


@fault("dummy", "dummy.differs-in-sharing-and-pid")
def dummy_copies_arguments(dummy):
    """A dummy process works on a copy of a list that is its argument, as a Process does."""

    def create(original, self, group=None, target=None, name=None, args=(), kwargs={}):  # noqa: B006
        args = tuple(list(each) if isinstance(each, list) else each for each in args)
        original(self, group, target, name, args, kwargs)

    replace(dummy.DummyProcess, "__init__", create)
