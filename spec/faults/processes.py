"""What can go wrong when a process is created and started."""

import atexit
import itertools
import os

from spec.faults import fault, replace

ELSEWHERE = (
    "parallelism.child-memory-is-separate",
    "parallelism.pids-are-distinct",
    "process.runs-target-once-elsewhere",
    "process.run-override-is-activity",
    "argument.arrives-as-copy",
)


class InThread:
    """Stands in for the object by which a Process handles its child: there is only a thread."""

    sentinel = -1
    numbers = itertools.count(2**30)  # no pids: nobody shall be killed by this number

    def __init__(self, process):
        import threading

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
    "process.name-stays-behind",
    "multiprocessing.process",
    "process.assigning-name-renames-process",
    "semaphore.each-holder-acquires-then-releases",
    subtle=True,
)
def name_stays_behind(process):
    """A child does not know its own name: logs of all children carry the same."""

    def bootstrap(original):
        def bootstrap_nameless(self, *args, **kwargs):
            self._name = type(self).__name__
            return original(self, *args, **kwargs)

        return bootstrap_nameless

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "process.early-name-survives",
    "multiprocessing.process",
    "process.base-init-overwrites-name",
    subtle=True,
)
def early_name_survives(process):
    """The base __init__ keeps a name that it finds: programs come to rely on the wrong order."""

    def init(original):
        def init_keeping(self, *args, **kwargs):
            early = vars(self).get("_name")
            original(self, *args, **kwargs)
            self._name = early or self._name

        return init_keeping

    replace(process.BaseProcess, "__init__", init)


@fault(
    "process.early-daemon-accepted",
    "multiprocessing.process",
    "process.daemon-needs-base-init",
    subtle=True,
)
def early_daemon_accepted(process):
    """daemon may be set before the base __init__, which then forgets about it."""

    def daemon(original):
        def set_daemon(self, flag):
            if "_config" in vars(self):
                original.fset(self, flag)

        return original.setter(set_daemon)

    replace(process.BaseProcess, "daemon", daemon)


@fault(
    "process.ident-is-there-before-start",
    "multiprocessing.process",
    "parallelism.process-mirrors-thread-surface",
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
