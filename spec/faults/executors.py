"""Faults of concurrent.futures.ProcessPoolExecutor, and of what it uses of the package."""

import contextlib

from spec.faults import fault, replace, when_imported

PROCESS = "concurrent.futures.process"


def executor_fault(*breaks, **settings):
    """A fault whose function gets the executor's module as soon as it is imported.

    The package ``concurrent.futures`` imports it late, and a fault needs a module at the top.
    """

    def enter(function):
        def install(package):
            when_imported(PROCESS, function)

        for name in ("__module__", "__name__", "__doc__"):
            setattr(install, name, getattr(function, name))
        return fault("concurrent", *breaks, **settings)(install)

    return enter


@executor_fault("executor.uses-default-start-method", only=("fork", "forkserver"))
def always_spawn(process):
    """An executor spawns its workers, whatever start method is set: each import is done again."""

    def create(original, self, max_workers=None, mp_context=None, *args, **kwargs):
        import multiprocessing

        context = mp_context or multiprocessing.get_context("spawn")
        original(self, max_workers, context, *args, **kwargs)

    replace(process.ProcessPoolExecutor, "__init__", create)


@executor_fault("executor.uses-default-start-method")
def context_is_ignored(process):
    """An executor uses the default start method, even if mp_context names another."""

    def create(original, self, max_workers=None, mp_context=None, *args, **kwargs):
        original(self, max_workers, None, *args, **kwargs)

    replace(process.ProcessPoolExecutor, "__init__", create)


@executor_fault("executor.task-limit-needs-other-method-than-fork", only=("fork",))
def limit_is_ignored(process):
    """max_tasks_per_child is silently ignored under fork."""

    def create(original, self, *args, max_tasks_per_child=None, **kwargs):
        original(self, *args, **kwargs)

    replace(process.ProcessPoolExecutor, "__init__", create)


@executor_fault("executor.submit-returns-at-once")
def submit_waits(process):
    """submit() waits up to a second for the result, so tasks come one after the other."""

    def submit(original, self, *args, **kwargs):
        future = original(self, *args, **kwargs)
        with contextlib.suppress(TimeoutError):
            future.exception(60)
        return future

    replace(process.ProcessPoolExecutor, "submit", submit)


@executor_fault("executor.submit-returns-at-once")
def traceback_is_lost(process):
    """The exception of a task does not tell where in the worker it was raised."""

    def reduce(original, self):
        return type(self.exc), self.exc.args

    replace(process._ExceptionWithTraceback, "__reduce__", reduce)


@executor_fault("executor.dead-worker-breaks-executor")
def submit_works_though_broken(process):
    """submit() of a broken executor returns a future that never gets a result."""

    def submit(original, self, *args, **kwargs):
        try:
            return original(self, *args, **kwargs)
        except process.BrokenProcessPool:
            return process._base.Future()

    replace(process.ProcessPoolExecutor, "submit", submit)


@executor_fault("executor.dead-worker-breaks-executor")
def queued_tasks_are_cancelled(process):
    """When a worker dies, tasks that are still to be sent raise CancelledError."""

    def terminate_broken(original, self, *args):
        for key in list(self.pending_work_items)[5:]:
            future = self.pending_work_items.pop(key).future
            future.set_exception(process._base.CancelledError())
        original(self, *args)

    replace(process._ExecutorManagerThread, "terminate_broken", terminate_broken)


@executor_fault("executor.workers-may-have-children")
def workers_are_daemonic(process):
    """The workers of an executor are daemonic, as those of a Pool: they may not have children."""

    def spawn(original, self):
        own = self._mp_context

        class Context:
            def __getattr__(self, name):
                return getattr(own, name)

            def Process(self, *args, **kwargs):
                return own.Process(*args, **kwargs, daemon=True)

        self._mp_context = Context()
        try:
            original(self)
        finally:
            self._mp_context = own

    replace(process.ProcessPoolExecutor, "_spawn_process", spawn)


@executor_fault("executor.callables-must-be-picklable")
def unpicklable_breaks_all(process):
    """A task that cannot be pickled makes all pending tasks raise the same error."""

    def fail_all(original, self, error, item):
        for key in list(self.pending_work_items):
            if key != getattr(item, "work_id", None):
                self.pending_work_items.pop(key).future.set_exception(error)
        original(self, error, item)

    replace(process._SafeQueue, "_on_queue_feeder_error", fail_all)


@executor_fault("executor.shutdown-survives-unpicklable")
def pickling_error_meets_shutdown(process):
    """A task that cannot be pickled and shutdown() wait for each other: the program hangs."""
    import threading

    begun = threading.Event()

    def shutdown(original, self, *args, **kwargs):
        begun.set()
        original(self, *args, **kwargs)

    def report(original, self, error, item):
        if begun.is_set():
            threading.Event().wait()
        original(self, error, item)

    replace(process.ProcessPoolExecutor, "shutdown", shutdown)
    replace(process._SafeQueue, "_on_queue_feeder_error", report)


@executor_fault("executor.shutdown-loses-no-result")
def shutdown_cancels(process):
    """shutdown(wait=False) cancels the tasks that no worker has begun."""

    def shutdown(original, self, wait=True, *, cancel_futures=False):
        original(self, wait, cancel_futures=cancel_futures or not wait)

    replace(process.ProcessPoolExecutor, "shutdown", shutdown)


@executor_fault("executor.shutdown-loses-no-result")
def shutdown_leaves_workers(process):
    """shutdown() returns when all tasks are done, and its workers end later, by themselves."""
    import threading

    def join(original, self):
        threading.Thread(target=original, args=(self,)).start()

    replace(process._ExecutorManagerThread, "join_executor_internals", join)


@executor_fault("executor.program-end-waits-for-tasks")
def end_forgets_executors(process):
    """A program that ends without shutdown() kills its workers at once: their tasks are lost."""

    def start(original, self):
        original(self)
        if self._processes:
            import threading

            workers = list(self._processes.values())
            threading._register_atexit(lambda: [worker.kill() for worker in workers])

    replace(process.ProcessPoolExecutor, "_start_executor_manager_thread", start)


@executor_fault("executor.shutdown-closes-descriptors")
def wakeup_pipe_stays_open(process):
    """Each executor leaves a pipe open: a program that makes many runs out of descriptors."""
    kept = []

    def close(original, self):
        kept.append(self)

    replace(process._ThreadWakeup, "close", close)


@executor_fault("executor.workers-start-on-demand-unless-forked")
def all_workers_at_once(process):
    """All workers start when the executor is created, though none may be needed."""

    def create(original, self, *args, **kwargs):
        original(self, *args, **kwargs)
        for _ in range(self._max_workers):
            self._spawn_process()

    replace(process.ProcessPoolExecutor, "__init__", create)


@executor_fault("executor.workers-start-on-demand-unless-forked", only=("spawn", "forkserver"))
def idle_workers_do_not_count(process):
    """Each task starts a worker, up to the maximum, though others have nothing to do."""

    def adjust(original, self):
        if len(self._processes) < self._max_workers:
            self._spawn_process()

    replace(process.ProcessPoolExecutor, "_adjust_process_count", adjust)


@executor_fault("executor.false-exception-is-raised")
def false_exceptions_are_ignored(process):
    """A task that has raised an exception that counts as false has the result None."""

    def set_exception(original, self, exception):
        if exception:
            original(self, exception)
        else:
            self.set_result(None)

    replace(process._base.Future, "set_exception", set_exception)


@executor_fault("executor.task-limit-survives-shutdown")
def last_worker_is_not_replaced(process):
    """After shutdown(wait=False) no worker is replaced: tasks are never done (gh-119592)."""

    def replace_worker(original, self):
        executor = self.executor_reference()
        return None if executor and executor._shutdown_thread else original(self)

    replace(process._ExecutorManagerThread, "_replace_dead_worker", replace_worker)
