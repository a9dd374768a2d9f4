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

    def init(original):
        def init_changed(
            self, group=None, target=None, name=None, args=(), kwargs=(), *, daemon=None
        ):
            settings = {"group": group, "target": target, "name": name}
            settings |= {"args": args, "kwargs": kwargs, "daemon": daemon}
            change(settings)
            original(self, **settings)

        return init_changed

    replace(process.BaseProcess, "__init__", init)


def in_child(process, work):
    """Let each process do ``work(it)`` when it has just begun."""

    def bootstrap(original):
        def bootstrap_first(self, *args, **kwargs):
            work(self)
            return original(self, *args, **kwargs)

        return bootstrap_first

    replace(process.BaseProcess, "_bootstrap", bootstrap)


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


@fault("process.runs-in-a-thread", "multiprocessing.process", *ELSEWHERE)
def runs_in_a_thread(process):
    """A process is only a thread: it shares memory, number and fate with its parent."""

    def start(_):
        def start_thread(self):
            self._popen = InThread(self)
            self._sentinel = self._popen.sentinel
            process._children.add(self)

        return start_thread

    replace(process.BaseProcess, "start", start)


@fault("process.dies-before-it-runs", "multiprocessing.process", *ELSEWHERE)
def dies_before_it_runs(process):
    """A child ends as soon as it begins, with an exit code that says nothing of the reason."""

    def bootstrap(_):
        def die(self, *args, **kwargs):
            os._exit(7)

        return die

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "process.target-runs-twice",
    "multiprocessing.process",
    "process.runs-target-once-elsewhere",
    subtle=True,
)
def target_runs_twice(process):
    """The target runs a second time when it was over: all that it does is done twice."""

    def run(original):
        def run_twice(self):
            original(self)
            original(self)

        return run_twice

    replace(process.BaseProcess, "run", run)


@fault(
    "process.keywords-get-lost",
    "multiprocessing.process",
    "process.runs-target-once-elsewhere",
    "process.args-list-or-tuple",
    subtle=True,
)
def keywords_get_lost(process):
    """kwargs do not reach the target: it runs with its defaults, and nobody notices."""

    def run(original):
        def run_without(self):
            self._kwargs = {}
            original(self)

        return run_without

    replace(process.BaseProcess, "run", run)


@fault(
    "process.run-override-is-ignored",
    "multiprocessing.process",
    "process.run-override-is-activity",
    "process.subclass-attributes-reach-child",
    "process.assigning-name-renames-process",
)
def run_override_is_ignored(process):
    """A child always calls the base class's run: a subclass does nothing, and exits with 0."""

    def bootstrap(original):
        def bootstrap_base(self, *args, **kwargs):
            self.run = lambda: process.BaseProcess.run(self)
            return original(self, *args, **kwargs)

        return bootstrap_base

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "process.dicts-stay-behind",
    "multiprocessing.process",
    "process.subclass-attributes-reach-child",
    subtle=True,
)
def dicts_stay_behind(process):
    """An attribute of a subclass that is a dict arrives empty."""

    def bootstrap(original):
        def bootstrap_poorer(self, *args, **kwargs):
            for name, value in vars(self).items():
                if not name.startswith("_") and isinstance(value, dict):
                    setattr(self, name, {})
            return original(self, *args, **kwargs)

        return bootstrap_poorer

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "process.ident-is-there-before-start",
    "multiprocessing.process",
    "parallelism.process-mirrors-thread-surface",
    "join.pid-set-by-start",
    subtle=True,
)
def ident_is_there_before_start(process):
    """ident is a number before there is a process: who waits for it waits for nobody."""
    replace(
        process.BaseProcess,
        "ident",
        lambda original: property(lambda self: original.fget(self) or 0),
    )


@fault(
    "process.keywords-by-position",
    "multiprocessing.process",
    "process.runs-target-once-elsewhere",
    "process.args-list-or-tuple",
    subtle=True,
)
def keywords_by_position(process):
    """kwargs are passed in their order, not by their names: right until the order differs."""

    def change(settings):
        settings["args"] = (*settings["args"], *dict(settings["kwargs"]).values())
        settings["kwargs"] = {}

    change_settings(process, change)


@fault(
    "process.list-is-one-argument",
    "multiprocessing.process",
    "process.args-list-or-tuple",
    subtle=True,
)
def list_is_one_argument(process):
    """A list given as args is taken for the one argument there is."""

    def change(settings):
        if isinstance(settings["args"], list):
            settings["args"] = (settings["args"],)

    change_settings(process, change)


@fault(
    "process.text-is-one-argument",
    "multiprocessing.process",
    "process.string-args-are-spread",
    subtle=True,
)
def text_is_one_argument(process):
    """A text given as args is taken for the one argument: programs come to rely on it."""

    def change(settings):
        if isinstance(settings["args"], str):
            settings["args"] = (settings["args"],)

    change_settings(process, change)


@fault(
    "process.run-starts-a-process",
    "multiprocessing.process",
    "process.direct-run-stays-local",
    subtle=True,
)
def run_starts_a_process(process):
    """run, called directly, starts a process and joins it: what it changes here is lost."""

    def run(original):
        def run_elsewhere(self):
            if process.current_process() is self:
                original(self)
            else:
                self.start()
                self.join()

        return run_elsewhere

    replace(process.BaseProcess, "run", run)


@fault(
    "process.run-takes-a-thread",
    "multiprocessing.process",
    "process.direct-run-stays-local",
    subtle=True,
)
def run_takes_a_thread(process):
    """run, called directly, does its work in another thread, where thread-locals are empty."""

    def run(original):
        def run_beside(self):
            if process.current_process() is self:
                original(self)
            else:
                thread = threading.Thread(target=original, args=(self,))
                thread.start()
                thread.join()

        return run_beside

    replace(process.BaseProcess, "run", run)


@fault(
    "process.run-uses-the-target-up",
    "multiprocessing.process",
    "process.direct-run-stays-local",
    subtle=True,
)
def run_uses_the_target_up(process):
    """What was run directly can no longer be started, as a Thread cannot."""

    def run(original):
        def run_once(self):
            original(self)
            del self._target, self._args, self._kwargs

        return run_once

    replace(process.BaseProcess, "run", run)


@fault(
    "process.no-target-fails",
    "multiprocessing.process",
    "process.no-target-exits-zero",
    subtle=True,
)
def no_target_fails(process):
    """A process without a target fails, where a thread does nothing."""

    def run(original):
        def run_target(self):
            if self._target is None:
                raise TypeError("no target")
            original(self)

        return run_target

    replace(process.BaseProcess, "run", run)


@fault(
    "process.return-value-is-exit-code",
    "multiprocessing.process",
    "process.return-value-is-dropped",
    subtle=True,
)
def return_value_is_exit_code(process):
    """A number that run returns becomes the exit code: success looks like failure."""

    def exit_with_result(self):
        run = self.run

        def run_and_exit():
            value = run()
            if isinstance(value, int):
                raise SystemExit(value)

        self.run = run_and_exit

    def run(original):
        def run_and_return(self):
            if self._target is None:
                return original(self)
            return self._target(*self._args, **self._kwargs)

        return run_and_return

    replace(process.BaseProcess, "run", run)
    in_child(process, exit_with_result)


@fault(
    "process.join-raises",
    "multiprocessing.process",
    "process.exception-stays-in-child",
    subtle=True,
)
def join_raises(process):
    """join raises when the process has failed: who joins several never comes to the others."""

    def join(original):
        def join_and_raise(self, timeout=None):
            original(self, timeout)
            if self._popen.returncode == 1:
                raise RuntimeError(f"{self.name} has failed")

        return join_and_raise

    replace(process.BaseProcess, "join", join)


@fault(
    "process.fails-in-silence",
    "multiprocessing.process",
    "process.exception-stays-in-child",
    subtle=True,
)
def fails_in_silence(process):
    """A process that fails says that it has, and not of what."""

    def hush(self):
        import traceback

        replace(traceback, "print_exc", lambda original: lambda: None)

    in_child(process, hush)


@fault(
    "process.failure-exits-zero",
    "multiprocessing.process",
    "process.exception-stays-in-child",
    "process.string-args-are-spread",
)
def failure_exits_zero(process):
    """A process that has failed ends as if it had not."""

    def bootstrap(original):
        def bootstrap_well(self, *args, **kwargs):
            code = original(self, *args, **kwargs)
            return 0 if code == 1 else code

        return bootstrap_well

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "process.start-waits-for-run",
    "multiprocessing.process",
    "process.start-does-not-wait",
    subtle=True,
)
def start_waits_for_run(process):
    """start waits for the end of a process whose class overrides run: one runs after the other."""

    def start(original):
        def start_and_wait(self):
            original(self)
            if type(self).run is not process.BaseProcess.run:
                self._popen.wait()

        return start_and_wait

    replace(process.BaseProcess, "start", start)


@fault(
    "process.can-be-started-anew",
    "multiprocessing.process",
    "process.start-once",
    subtle=True,
)
def can_be_started_anew(process):
    """What has ended can be started again: its exit code and its number are those of the last."""

    def start(original):
        def start_anew(self):
            if self._popen is not None and self._popen.poll() is not None:
                self._popen = None
                self._target, self._args, self._kwargs = None, (), {}
            original(self)

        return start_anew

    replace(process.BaseProcess, "start", start)


@fault(
    "process.starts-and-then-refuses",
    "multiprocessing.process",
    "process.start-once",
    subtle=True,
)
def starts_and_then_refuses(process):
    """A second start is refused when there is a second child already, which nobody will join."""

    def start(original):
        def start_twice(self):
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

        return start_twice

    replace(process.BaseProcess, "start", start)


@fault(
    "process.second-start-checked-anyway",
    "multiprocessing.process",
    "process.start-once",
    subtle=True,
)
def second_start_checked_anyway(process):
    """A second start is refused under python -O too: the claim has to be revised."""

    def start(original):
        def start_checked(self):
            if self._popen is not None:
                raise AssertionError("cannot start a process twice")
            original(self)

        return start_checked

    replace(process.BaseProcess, "start", start)


def allow_anybody(process, name):
    """Let any process call the method ``name``."""

    def method(original):
        def method_for_all(self, *args):
            creator, self._parent_pid = self._parent_pid, os.getpid()
            try:
                return original(self, *args)
            finally:
                self._parent_pid = creator

        return method_for_all

    replace(process.BaseProcess, name, method)


@fault(
    "process.started-by-anybody",
    "multiprocessing.process",
    "process.only-creator-starts-and-joins",
    subtle=True,
)
def started_by_anybody(process):
    """A process can be started by who did not create it, in each process once."""
    allow_anybody(process, "start")


@fault(
    "process.joined-by-anybody",
    "multiprocessing.process",
    "process.only-creator-starts-and-joins",
    only=("fork",),
    subtle=True,
)
def joined_by_anybody(process):
    """A sibling may join, and waits for what it cannot wait for."""
    allow_anybody(process, "join")


@fault(
    "process.seen-alive-by-anybody",
    "multiprocessing.process",
    "process.only-creator-starts-and-joins",
    subtle=True,
)
def seen_alive_by_anybody(process):
    """A sibling may ask whether a process is alive, and is told something."""
    allow_anybody(process, "is_alive")


@fault(
    "process.killed-at-exit",
    "multiprocessing.util",
    "process.unjoined-output-is-complete",
    "main.guarded-program-always-works",
    "resource.unjoined-semaphores-lost-unless-forked",
    "resource.unjoined-pipe-survives",
    subtle=True,
)
def killed_at_exit(util):
    """A program that ends ends its children too: what they had still to say is lost."""
    from multiprocessing import process

    def end_children():
        for child in process.active_children():
            child.kill()

    replace(util, "_exit_function", lambda original: original)
    atexit.register(end_children)
