"""Faults of creating and starting processes."""

import atexit
import itertools
import os
import threading

from spec.faults import fault, replace

ELSEWHERE = (
    "parallelism.child-memory-is-separate",
    "parallelism.pids-are-distinct",
    "process.runs-target-once-elsewhere",
    "process.run-override-is-activity",
    "argument.arrives-as-copy",
    "argument.snapshot-at-start",
)


def settings_of(group=None, target=None, name=None, args=(), kwargs=None, *, daemon=None):
    """The arguments with which a Process is created, by their names."""
    settings = {"group": group, "target": target, "name": name, "args": args, "daemon": daemon}
    return {**settings, "kwargs": kwargs or {}}


def in_child(process, work):
    """Call ``work(it)`` in each child at its beginning."""

    def bootstrap_after_work(original, self, *args, **kwargs):
        work(self)
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_after_work)


def as_creator(call, process, *args):
    """Make the call as if the current process had created ``process``."""
    creator, process._parent_pid = process._parent_pid, os.getpid()
    try:
        return call(process, *args)
    finally:
        process._parent_pid = creator


class InThread:
    """Takes the place of the Popen object of a Process, with a thread instead of a child."""

    sentinel = -1
    numbers = itertools.count(2**30)  # never in use as PIDs: these may be given to kill()

    def __init__(self, process):
        self.pid = next(self.numbers)
        self.thread = threading.Thread(target=process.run, daemon=True)
        self.thread.start()

    def poll(self):
        return None if self.thread.is_alive() else 0

    def wait(self, timeout=None):
        self.thread.join(timeout)
        return self.poll()

    def terminate(self):
        """A thread cannot be ended."""

    kill = close = terminate


@fault("process.BaseProcess.start", *ELSEWHERE, crude=True)
def runs_in_a_thread(original, self):
    """A process is only a thread: it shares its parent's memory and PID, and ends with it."""
    from multiprocessing import process

    self._popen = InThread(self)
    self._sentinel = self._popen.sentinel
    process._children.add(self)


@fault("process.BaseProcess._bootstrap", *ELSEWHERE, crude=True)
def dies_before_it_runs(original, self, *args, **kwargs):
    """A child ends at once with exit code 7, without running its target."""
    os._exit(7)


@fault("process.BaseProcess.run", "process.runs-target-once-elsewhere")
def target_runs_twice(original, self):
    """The target runs twice in each process."""
    original(self)
    original(self)


@fault(
    "process.BaseProcess.run", "process.runs-target-once-elsewhere", "process.args-list-or-tuple"
)
def keywords_get_lost(original, self):
    """kwargs do not reach the target, which silently runs with its defaults."""
    self._kwargs = {}
    original(self)


@fault(
    "process.BaseProcess._bootstrap",
    "process.run-override-is-activity",
    "process.subclass-attributes-reach-child",
    "process.assigning-name-renames-process",
    crude=True,
)
def run_override_is_ignored(original, self, *args, **kwargs):
    """A child ignores an overridden run(): it does nothing, and ends with exit code 0."""
    from multiprocessing import process

    self.run = lambda: process.BaseProcess.run(self)
    return original(self, *args, **kwargs)


@fault("process.BaseProcess._bootstrap", "process.subclass-attributes-reach-child")
def dicts_arrive_empty(original, self, *args, **kwargs):
    """An attribute of a subclass that is a dict is empty in the child."""
    for name, value in vars(self).items():
        if not name.startswith("_") and isinstance(value, dict):
            setattr(self, name, {})
    return original(self, *args, **kwargs)


@fault(
    "process.BaseProcess.ident",
    "parallelism.process-mirrors-thread-surface",
    "join.pid-set-by-start",
)
def ident_is_set_before_start(original, self):
    """ident is 0 before start(), instead of None: it looks like the ID of a process."""
    return original(self) or 0


@fault(
    "process.BaseProcess.__init__",
    "process.runs-target-once-elsewhere",
    "process.args-list-or-tuple",
)
def keywords_by_position(original, self, *args, **kwargs):
    """kwargs are passed by position: the target receives them as the wrong parameters."""
    settings = settings_of(*args, **kwargs)
    settings["args"] = (*settings["args"], *settings.pop("kwargs").values())
    original(self, **settings)


@fault("process.BaseProcess.__init__", "process.args-list-or-tuple")
def list_is_one_argument(original, self, *args, **kwargs):
    """A list given as args is passed as a single argument."""
    settings = settings_of(*args, **kwargs)
    if isinstance(settings["args"], list):
        settings["args"] = (settings["args"],)
    original(self, **settings)


@fault("process.BaseProcess.__init__", "process.args-copied-at-creation")
def args_are_not_copied(original, self, *args, **kwargs):
    """A Process uses the list given as args: items appended later reach the target."""
    original(self, *args, **kwargs)
    self._args = settings_of(*args, **kwargs)["args"]


@fault("process.BaseProcess.__init__", "process.args-copied-at-creation")
def kwargs_are_not_copied(original, self, *args, **kwargs):
    """A Process uses the dict given as kwargs: later changes reach the target."""
    original(self, *args, **kwargs)
    self._kwargs = settings_of(*args, **kwargs)["kwargs"]


@fault("process.BaseProcess.__init__", "process.string-args-are-spread")
def string_is_one_argument(original, self, *args, **kwargs):
    """A string given as args is passed as a single argument: programs come to rely on it."""
    settings = settings_of(*args, **kwargs)
    if isinstance(settings["args"], str):
        settings["args"] = (settings["args"],)
    original(self, **settings)


@fault("process.BaseProcess.run", "process.direct-run-stays-local")
def run_starts_a_process(original, self):
    """run(), called directly, runs the target in a child: changes to the caller's data are lost."""
    from multiprocessing import process

    if process.current_process() is self:
        original(self)
    else:
        self.start()
        self.join()


@fault("process.BaseProcess.run", "process.direct-run-stays-local")
def run_starts_a_thread(original, self):
    """run(), called directly, runs the target in another thread, without the thread's own data."""
    from multiprocessing import process

    if process.current_process() is self:
        original(self)
    else:
        thread = threading.Thread(target=original, args=(self,))
        thread.start()
        thread.join()


@fault("process.BaseProcess.run", "process.direct-run-keeps-target")
def run_uses_up_the_target(original, self):
    """After run() was called directly, the started process does nothing."""
    original(self)
    self._target = None


@fault("process.BaseProcess.run", "process.direct-run-keeps-target")
def run_deletes_the_target(original, self):
    """After run() was called directly, start() fails, as for a Thread."""
    original(self)
    del self._target, self._args, self._kwargs


@fault("process.BaseProcess.run", "process.no-target-exits-zero")
def no_target_fails(original, self):
    """A process without a target fails with TypeError and exit code 1."""
    if self._target is None:
        raise TypeError("no target")
    original(self)


@fault("process", "process.return-value-is-dropped")
def return_value_is_exit_code(process):
    """A number that run() returns becomes the exit code: a success looks like a failure."""

    def exit_with_result(self):
        run = self.run

        def run_and_exit():
            value = run()
            if isinstance(value, int):
                raise SystemExit(value)

        self.run = run_and_exit

    def run_and_return(original, self):
        if self._target is None:
            return original(self)
        return self._target(*self._args, **self._kwargs)

    replace(process.BaseProcess, "run", run_and_return)
    in_child(process, exit_with_result)


@fault("process.BaseProcess.join", "process.exception-stays-in-child")
def join_raises(original, self, timeout=None):
    """join() raises RuntimeError if the process has failed: a loop over several ends early."""
    original(self, timeout)
    if self._popen.returncode == 1:
        raise RuntimeError(f"{self.name} has failed")


@fault("process", "process.exception-stays-in-child")
def traceback_is_missing(process):
    """A process that fails prints its name, but no traceback."""

    def hush(self):
        import traceback

        replace(traceback, "print_exc", lambda original: None)

    in_child(process, hush)


@fault(
    "process.BaseProcess._bootstrap",
    "process.exception-stays-in-child",
    "process.string-args-are-spread",
    crude=True,
)
def failure_exits_zero(original, self, *args, **kwargs):
    """A process that fails has exit code 0: its parent takes it for a success."""
    code = original(self, *args, **kwargs)
    return 0 if code == 1 else code


@fault("process.BaseProcess.start", "process.start-does-not-wait")
def start_waits_for_run(original, self):
    """start() waits for the end of a process that overrides run(): no two of them overlap."""
    from multiprocessing import process

    original(self)
    if type(self).run is not process.BaseProcess.run:
        self._popen.wait()


@fault("process.BaseProcess.start", "process.outlives-starting-thread")
def process_dies_with_its_thread(original, self):
    """A process is killed when the thread that started it ends."""
    original(self)
    starter = threading.current_thread()

    def follow():
        starter.join()
        self.kill()

    if starter is not threading.main_thread():
        threading.Thread(target=follow).start()


@fault("process", "process.outlives-starting-thread")
def only_the_starter_joins(process):
    """join() returns at once in any other thread than the one that started the process."""

    def start_and_note(original, self):
        original(self)
        self._starter = threading.get_ident()

    def join_in_same_thread(original, self, timeout=None):
        if getattr(self, "_starter", threading.get_ident()) == threading.get_ident():
            original(self, timeout)

    replace(process.BaseProcess, "start", start_and_note)
    replace(process.BaseProcess, "join", join_in_same_thread)


@fault("process.BaseProcess.start", "process.start-once")
def ended_process_can_start_again(original, self):
    """A process that has ended can be started again: its first PID and exit code are lost."""
    if self._popen is not None and self._popen.poll() is not None:
        self._popen = None
        self._target, self._args, self._kwargs = None, (), {}
    original(self)


@fault("process.BaseProcess.start", "process.start-once")
def starts_and_then_refuses(original, self):
    """A second start() raises its error only after it has started another child, never joined."""
    given = getattr(self, "_given", None) or (self._target, self._args, self._kwargs)
    self._given = None
    if self._popen is None:
        original(self)
    else:
        first, self._popen = self._popen, None
        self._target, self._args, self._kwargs = given
        self._Popen(self)
        self._popen = first
        raise AssertionError("cannot start a process twice")
    self._given = given


@fault("process.BaseProcess.start", "process.start-once")
def second_start_is_checked_under_o(original, self):
    """A second start() raises AssertionError under python -O too: the claim is out of date."""
    if self._popen is not None:
        raise AssertionError("cannot start a process twice")
    original(self)


@fault("process.BaseProcess.start", "process.only-creator-starts-and-joins")
def any_process_can_start(original, self):
    """A process that was created by another can be started, once in each process that has it."""
    as_creator(original, self)


@fault("process.BaseProcess.join", "process.only-creator-starts-and-joins", only=("fork",))
def any_process_can_join(original, self, timeout=None):
    """A sibling can call join(), which cannot wait for a process that is no child."""
    as_creator(original, self, timeout)


@fault("process.BaseProcess.is_alive", "process.only-creator-starts-and-joins")
def any_process_can_ask_is_alive(original, self):
    """A sibling can call is_alive(), which cannot know the answer."""
    return as_creator(original, self)


@fault(
    "util",
    "process.unjoined-output-is-complete",
    "main.guarded-program-always-works",
    "resource.unjoined-semaphores-lost-unless-forked",
    "resource.unjoined-pipe-survives",
)
def killed_at_exit(util):
    """A program kills its children when it exits: the rest of their output is lost."""
    from multiprocessing import process

    def end_children():
        for child in process.active_children():
            child.kill()

    atexit.register(end_children)
