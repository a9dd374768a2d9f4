"""What can go wrong when a process is created and started."""

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


def change_settings(process, change):
    """Let ``change`` alter the arguments, by their names, with which a Process is made."""

    def init_changed(
        original, self, group=None, target=None, name=None, args=(), kwargs=(), *, daemon=None
    ):
        settings = {"group": group, "target": target, "name": name}
        settings |= {"args": args, "kwargs": kwargs, "daemon": daemon}
        change(settings)
        original(self, **settings)

    replace(process.BaseProcess, "__init__", init_changed)


def in_child(process, work):
    """Let each process do ``work(it)`` when it has just begun."""

    def bootstrap_first(original, self, *args, **kwargs):
        work(self)
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_first)


class InThread:
    """Stands in for the object by which a Process handles its child: there is only a thread."""

    sentinel = -1
    numbers = itertools.count(2**30)  # no pids: nobody shall be killed by this number

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
    """A process is only a thread: it shares memory, number and fate with its parent."""
    from multiprocessing import process

    self._popen = InThread(self)
    self._sentinel = self._popen.sentinel
    process._children.add(self)


@fault("process.BaseProcess._bootstrap", *ELSEWHERE, crude=True)
def dies_before_it_runs(original, self, *args, **kwargs):
    """A child ends as soon as it begins, with an exit code that says nothing of the reason."""
    os._exit(7)


@fault("process.BaseProcess.run", "process.runs-target-once-elsewhere")
def target_runs_twice(original, self):
    """The target runs a second time when it was over: all that it does is done twice."""
    original(self)
    original(self)


@fault(
    "process.BaseProcess.run", "process.runs-target-once-elsewhere", "process.args-list-or-tuple"
)
def keywords_get_lost(original, self):
    """kwargs do not reach the target: it runs with its defaults, and nobody notices."""
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
    """A child always calls the base class's run: a subclass does nothing, and exits with 0."""
    from multiprocessing import process

    self.run = lambda: process.BaseProcess.run(self)
    return original(self, *args, **kwargs)


@fault("process.BaseProcess._bootstrap", "process.subclass-attributes-reach-child")
def dicts_stay_behind(original, self, *args, **kwargs):
    """An attribute of a subclass that is a dict arrives empty."""
    for name, value in vars(self).items():
        if not name.startswith("_") and isinstance(value, dict):
            setattr(self, name, {})
    return original(self, *args, **kwargs)


@fault(
    "process.BaseProcess.ident",
    "parallelism.process-mirrors-thread-surface",
    "join.pid-set-by-start",
)
def ident_is_there_before_start(original, self):
    """ident is a number before there is a process: who waits for it waits for nobody."""
    return original(self) or 0


@fault("process", "process.runs-target-once-elsewhere", "process.args-list-or-tuple")
def keywords_by_position(process):
    """kwargs are passed in their order, not by their names: right until the order differs."""

    def change(settings):
        settings["args"] = (*settings["args"], *dict(settings["kwargs"]).values())
        settings["kwargs"] = {}

    change_settings(process, change)


@fault("process", "process.args-list-or-tuple")
def list_is_one_argument(process):
    """A list given as args is taken for the one argument there is."""

    def change(settings):
        if isinstance(settings["args"], list):
            settings["args"] = (settings["args"],)

    change_settings(process, change)


@fault("process", "process.string-args-are-spread")
def text_is_one_argument(process):
    """A text given as args is taken for the one argument: programs come to rely on it."""

    def change(settings):
        if isinstance(settings["args"], str):
            settings["args"] = (settings["args"],)

    change_settings(process, change)


@fault("process.BaseProcess.run", "process.direct-run-stays-local")
def run_starts_a_process(original, self):
    """run, called directly, starts a process and joins it: what it changes here is lost."""
    from multiprocessing import process

    if process.current_process() is self:
        original(self)
    else:
        self.start()
        self.join()


@fault("process.BaseProcess.run", "process.direct-run-stays-local")
def run_takes_a_thread(original, self):
    """run, called directly, does its work in another thread, where thread-locals are empty."""
    from multiprocessing import process

    if process.current_process() is self:
        original(self)
    else:
        thread = threading.Thread(target=original, args=(self,))
        thread.start()
        thread.join()


@fault("process.BaseProcess.run", "process.direct-run-stays-local")
def run_uses_the_target_up(original, self):
    """What was run directly can no longer be started, as a Thread cannot."""
    original(self)
    del self._target, self._args, self._kwargs


@fault("process.BaseProcess.run", "process.no-target-exits-zero")
def no_target_fails(original, self):
    """A process without a target fails, where a thread does nothing."""
    if self._target is None:
        raise TypeError("no target")
    original(self)


@fault("process", "process.return-value-is-dropped")
def return_value_is_exit_code(process):
    """A number that run returns becomes the exit code: success looks like failure."""

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
    """join raises when the process has failed: who joins several never comes to the others."""
    original(self, timeout)
    if self._popen.returncode == 1:
        raise RuntimeError(f"{self.name} has failed")


@fault("process", "process.exception-stays-in-child")
def fails_in_silence(process):
    """A process that fails says that it has, and not of what."""

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
    """A process that has failed ends as if it had not."""
    code = original(self, *args, **kwargs)
    return 0 if code == 1 else code


@fault("process.BaseProcess.start", "process.start-does-not-wait")
def start_waits_for_run(original, self):
    """start waits for the end of a process whose class overrides run: one runs after the other."""
    from multiprocessing import process

    original(self)
    if type(self).run is not process.BaseProcess.run:
        self._popen.wait()


@fault("process.BaseProcess.start", "process.start-once")
def can_be_started_anew(original, self):
    """What has ended can be started again: its exit code and its number are those of the last."""
    if self._popen is not None and self._popen.poll() is not None:
        self._popen = None
        self._target, self._args, self._kwargs = None, (), {}
    original(self)


@fault("process.BaseProcess.start", "process.start-once")
def starts_and_then_refuses(original, self):
    """A second start is refused when there is a second child already, which nobody will join."""
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
def second_start_checked_anyway(original, self):
    """A second start is refused under python -O too: the claim has to be revised."""
    if self._popen is not None:
        raise AssertionError("cannot start a process twice")
    original(self)


def allow_anybody(process, name):
    """Let any process call the method ``name``."""

    def method_for_all(original, self, *args):
        creator, self._parent_pid = self._parent_pid, os.getpid()
        try:
            return original(self, *args)
        finally:
            self._parent_pid = creator

    replace(process.BaseProcess, name, method_for_all)


@fault("process", "process.only-creator-starts-and-joins")
def started_by_anybody(process):
    """A process can be started by who did not create it, in each process once."""
    allow_anybody(process, "start")


@fault("process", "process.only-creator-starts-and-joins", only=("fork",))
def joined_by_anybody(process):
    """A sibling may join, and waits for what it cannot wait for."""
    allow_anybody(process, "join")


@fault("process", "process.only-creator-starts-and-joins")
def seen_alive_by_anybody(process):
    """A sibling may ask whether a process is alive, and is told something."""
    allow_anybody(process, "is_alive")


@fault(
    "util",
    "process.unjoined-output-is-complete",
    "main.guarded-program-always-works",
    "resource.unjoined-semaphores-lost-unless-forked",
    "resource.unjoined-pipe-survives",
)
def killed_at_exit(util):
    """A program that ends ends its children too: what they had still to say is lost."""
    from multiprocessing import process

    def end_children():
        for child in process.active_children():
            child.kill()

    atexit.register(end_children)
