"""Faults of process objects."""

import itertools
import re

from spec.faults import fault, replace
from spec.faults.processes import in_child, settings_of


@fault(
    "process.BaseProcess._bootstrap",
    "process.assigning-name-renames-process",
    "process.exception-stays-in-child",
    "semaphore.each-holder-acquires-then-releases",
)
def name_is_lost_in_child(original, self, *args, **kwargs):
    """A child does not know its own name: the logs of all children show the same name."""
    self._name = type(self).__name__
    return original(self, *args, **kwargs)


@fault("process.BaseProcess.__init__", "process.base-init-overwrites-name")
def early_name_survives(original, self, *args, **kwargs):
    """The base __init__() keeps a name set before: programs come to rely on the wrong order."""
    early = vars(self).get("_name")
    original(self, *args, **kwargs)
    self._name = early or self._name


@fault("process.BaseProcess.daemon.setter", "process.daemon-needs-base-init")
def early_daemon_accepted(original, self, flag):
    """daemon can be set before the base __init__(), which then silently ignores it."""
    if "_config" in vars(self):
        original(self, flag)


@fault("process.BaseProcess.start", "process.start-needs-base-init")
def start_calls_base_init(original, self):
    """start() calls a base __init__() that was forgotten: the mistake is hidden."""
    from multiprocessing import process

    if "_popen" not in vars(self):
        process.BaseProcess.__init__(self)
    original(self)


@fault("process.BaseProcess.__init__", "process.group-must-be-none")
def group_is_ignored(original, self, *args, **kwargs):
    """Any group is ignored: a target given as the first argument silently never runs."""
    original(self, **settings_of(*args, **kwargs) | {"group": None})


@fault("process.BaseProcess.__init__", "process.group-must-be-none")
def group_is_checked_under_o(original, self, *args, **kwargs):
    """A group raises AssertionError under python -O too: the claim is out of date."""
    if settings_of(*args, **kwargs)["group"] is not None:
        raise AssertionError("group argument must be None for now")
    original(self, *args, **kwargs)


@fault("process.BaseProcess.start", "process.default-name-counted-at-construction")
def start_counts_too(original, self):
    """start() counts too: default names depend on the order of starts."""
    from multiprocessing import process

    original(self)
    next(process._process_counter)


@fault("process.BaseProcess.__init__", "process.default-name-counted-at-construction")
def given_names_do_not_count(original, self, *args, **kwargs):
    """A process with a given name does not count: the number of the next is used twice."""
    from multiprocessing import process

    original(self, *args, **kwargs)
    if kwargs.get("name"):
        number = self._identity[-1]
        process._process_counter = itertools.chain([number], process._process_counter)


def rename_nameless(process, default):
    """Give each process that is created without a name the name ``default(it)``."""

    def init_named(original, self, *args, **kwargs):
        original(self, *args, **kwargs)
        if not kwargs.get("name"):
            self._name = default(self)

    replace(process.BaseProcess, "__init__", init_named)


@fault("process", "process.grandchild-names-nest")
def numbers_are_flat(process):
    """The name of a grandchild has only one number: several grandchildren have the same name."""
    rename_nameless(process, lambda each: f"{type(each).__name__}-{each._identity[-1]}")


@fault("process", "process.grandchild-names-nest")
def names_nest_instead(process):
    """The name of a grandchild begins with the child's name, not with its number."""

    def default(each):
        if len(each._identity) < 2:
            return each._name
        return f"{process.current_process().name}:{each._identity[-1]}"

    rename_nameless(process, default)


@fault("process", "process.grandchild-names-nest", only=("fork",))
def child_counts_on(process):
    """A forked child does not count from one, but from its parent's number."""

    def count_on(self):
        counter, run = process._process_counter, self.run

        def run_counting_on():
            process._process_counter = counter
            run()

        self.run = run_counting_on

    in_child(process, count_on)


@fault("process.BaseProcess.__init__", "process.duplicate-names-allowed")
def names_are_made_unique(original, self, *args, **kwargs):
    """A name that a running sibling has is silently changed."""
    from multiprocessing import process

    original(self, *args, **kwargs)
    if any(child._name == self._name for child in process._children):
        self._name += "-2"


@fault("process.BaseProcess.name.setter", "process.name-must-be-a-string")
def anything_is_a_name(original, self, name):
    """Any object can be assigned to name: code that expects a string fails later, elsewhere."""
    self._name = name


@fault("process.BaseProcess.name.setter", "process.name-must-be-a-string")
def name_raises_type_error(original, self, name):
    """A name that is not a string raises TypeError: code that catches AssertionError misses it."""
    if not isinstance(name, str):
        raise TypeError("name must be a string")
    original(self, name)


@fault("process.BaseProcess.__init__", "process.daemon-keyword-only")
def sixth_argument_is_daemon(original, self, *args, **kwargs):
    """A sixth positional argument becomes the daemon flag: one argument too many goes unnoticed."""
    if len(args) == 6:
        kwargs["daemon"] = args[5]
    original(self, *args[:5], **kwargs)


@fault("process.BaseProcess.__init__", "process.daemon-keyword-sets-flag", crude=True)
def daemon_argument_is_ignored(original, self, *args, **kwargs):
    """The argument daemon is ignored: programs wait forever when they exit."""
    original(self, **settings_of(*args, **kwargs) | {"daemon": None})


@fault("process.BaseProcess.__init__", "process.daemon-keyword-sets-flag")
def daemon_false_is_ignored(original, self, *args, **kwargs):
    """daemon=False is ignored: a daemonic process creates a daemonic process all the same."""
    settings = settings_of(*args, **kwargs)
    original(self, **settings | {"daemon": settings["daemon"] or None})


@fault("process.BaseProcess.__init__", "process.daemon-keyword-sets-flag")
def daemon_is_not_inherited(original, self, *args, **kwargs):
    """Without the argument no process is daemonic, not even if its creator is."""
    settings = settings_of(*args, **kwargs)
    original(self, **settings | {"daemon": bool(settings["daemon"])})


@fault("process.BaseProcess.__repr__", "process.repr-shows-life-stage", crude=True)
def repr_never_stops(original, self):
    """repr() shows a process that has ended as started."""
    return re.sub(r"stopped exitcode=\S+", "started", original(self))


@fault("process.BaseProcess.__repr__", "process.repr-shows-life-stage")
def repr_waits_for_join(original, self):
    """repr() shows a process that has ended as started until it is joined."""
    if self._popen is not None and self._popen.returncode is None:
        shown = re.sub(r"stopped exitcode=\S+", "started", original(self))
        self._popen.returncode = None
        return shown
    return original(self)


@fault("process.BaseProcess.__repr__", "process.repr-shows-life-stage")
def repr_hides_zero(original, self):
    """repr() leaves out the exit code 0."""
    return original(self).replace(" exitcode=0", "")


@fault("process", "process.repr-shows-life-stage")
def repr_numbers_signals(process):
    """repr() shows a signal as a number, without its name."""
    process._exitcode_to_name.clear()


@fault("process.BaseProcess.__repr__", "process.repr-shows-life-stage")
def repr_hides_close(original, self):
    """repr() shows a closed process as one that was never started."""
    return original(self).replace(" closed", " initial")


@fault("process.BaseProcess.__repr__", "process.repr-shows-pids")
def repr_hides_pid_at_the_end(original, self):
    """repr() shows no PID when the process has ended: its lines in a log cannot be found."""
    shown = original(self)
    return re.sub(r" pid=\d+", "", shown) if " stopped" in shown else shown


@fault("process.BaseProcess.__repr__", "process.repr-shows-pids")
def repr_shows_own_pid_as_parent(original, self):
    """repr() shows the PID of the process itself as that of its parent."""
    return re.sub(r"pid=(\d+) parent=\d+", r"pid=\1 parent=\1", original(self))


@fault("process.BaseProcess.__repr__", "process.repr-shows-pids")
def repr_hides_daemon_at_the_end(original, self):
    """repr() of a process that has ended does not show that it was daemonic."""
    shown = original(self)
    return shown.replace(" daemon", "") if " stopped" in shown else shown


@fault("process.BaseProcess.__repr__", "process.repr-unknown-elsewhere")
def repr_takes_unknown_for_initial(original, self):
    """repr() shows a process of another process as one that was never started."""
    return original(self).replace(" unknown", " initial")


@fault("process.BaseProcess.__repr__", "process.repr-unknown-elsewhere")
def repr_of_current_process_is_unknown(original, self):
    """repr() of current_process() is unknown in a child, as if it were of another process."""
    shown = original(self)
    is_own_child = self._popen is not None
    return shown if is_own_child or not self._parent_pid else shown.replace("started", "unknown")
