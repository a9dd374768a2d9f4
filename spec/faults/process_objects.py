"""What can go wrong with the object that stands for a process."""

import itertools
import re

from spec.faults import fault, replace
from spec.faults.processes import change_settings, in_child


@fault(
    "process.BaseProcess._bootstrap",
    "process.assigning-name-renames-process",
    "process.exception-stays-in-child",
    "semaphore.each-holder-acquires-then-releases",
)
def name_stays_behind(original, self, *args, **kwargs):
    """A child does not know its own name: logs of all children carry the same."""
    self._name = type(self).__name__
    return original(self, *args, **kwargs)


@fault("process.BaseProcess.__init__", "process.base-init-overwrites-name")
def early_name_survives(original, self, *args, **kwargs):
    """The base __init__ keeps a name that it finds: programs come to rely on the wrong order."""
    early = vars(self).get("_name")
    original(self, *args, **kwargs)
    self._name = early or self._name


@fault("process.BaseProcess.daemon.setter", "process.daemon-needs-base-init")
def early_daemon_accepted(original, self, flag):
    """daemon may be set before the base __init__, which then forgets about it."""
    if "_config" in vars(self):
        original(self, flag)


@fault("process.BaseProcess.start", "process.start-needs-base-init")
def start_initialises(original, self):
    """start makes up for a base __init__ that was never called: nobody notices the mistake."""
    from multiprocessing import process

    if "_popen" not in vars(self):
        process.BaseProcess.__init__(self)
    original(self)


@fault("process", "process.group-must-be-none")
def group_accepted(process):
    """Any group is accepted and forgotten: a target given by position, the first, never runs."""
    change_settings(process, lambda settings: settings.update(group=None))


@fault("process", "process.group-must-be-none")
def group_checked_anyway(process):
    """A group is refused under python -O too: the claim has to be revised."""

    def change(settings):
        if settings["group"] is not None:
            raise AssertionError("group argument must be None for now")

    change_settings(process, change)


@fault("process.BaseProcess.start", "process.default-name-counted-at-construction")
def start_takes_a_number(original, self):
    """To start a process counts as well: names depend on what else is going on."""
    from multiprocessing import process

    original(self)
    next(process._process_counter)


@fault("process.BaseProcess.__init__", "process.default-name-counted-at-construction")
def named_ones_are_not_counted(original, self, *args, **kwargs):
    """A process that is given a name takes no number: the next one has the same."""
    from multiprocessing import process

    original(self, *args, **kwargs)
    if kwargs.get("name"):
        number = self._identity[-1]
        process._process_counter = itertools.chain([number], process._process_counter)


def rename_nameless(process, default):
    """Let ``default(it)`` be the name of each process that is made without one."""

    def init_named(original, self, *args, **kwargs):
        original(self, *args, **kwargs)
        if not kwargs.get("name"):
            self._name = default(self)

    replace(process.BaseProcess, "__init__", init_named)


@fault("process", "process.grandchild-names-nest")
def numbers_are_flat(process):
    """The name of a child's child has one number only: several have the same."""
    rename_nameless(process, lambda each: f"{type(each).__name__}-{each._identity[-1]}")


@fault("process", "process.grandchild-names-nest")
def names_nest_instead(process):
    """The name of a child's child begins with what the child is called, not with its number."""

    def default(each):
        if len(each._identity) < 2:
            return each._name
        return f"{process.current_process().name}:{each._identity[-1]}"

    rename_nameless(process, default)


@fault("process", "process.grandchild-names-nest", only=("fork",))
def child_counts_on(process):
    """A forked child does not count from one, but goes on where its parent was."""

    def count_on(self):
        counter, run = process._process_counter, self.run

        def run_counting_on():
            process._process_counter = counter
            run()

        self.run = run_counting_on

    in_child(process, count_on)


@fault("process.BaseProcess.__init__", "process.duplicate-names-allowed")
def names_are_made_unique(original, self, *args, **kwargs):
    """A name that a living sibling has is changed without a word."""
    from multiprocessing import process

    original(self, *args, **kwargs)
    if any(child._name == self._name for child in process._children):
        self._name += "-2"


@fault("process.BaseProcess.name.setter", "process.duplicate-names-allowed")
def anything_is_a_name(original, self, name):
    """Anything can be assigned to name: what expects text fails later, and elsewhere."""
    self._name = name


@fault("process", "process.daemon-keyword-sets-flag", crude=True)
def daemon_keyword_ignored(process):
    """The keyword daemon has no effect: programs wait for ever at their end."""
    change_settings(process, lambda settings: settings.update(daemon=None))


@fault("process", "process.daemon-keyword-sets-flag")
def daemon_false_ignored(process):
    """daemon=False counts as not given: what a daemon makes is a daemon nevertheless."""
    change_settings(process, lambda settings: settings.update(daemon=settings["daemon"] or None))


@fault("process", "process.daemon-keyword-sets-flag")
def daemon_not_inherited(process):
    """Without the keyword no process is a daemon, whoever makes it."""
    change_settings(process, lambda settings: settings.update(daemon=bool(settings["daemon"])))


def change_repr(process, change):
    """Let ``change(it, text)`` give what is shown of a process."""

    def show(original, self):
        return change(self, original(self))

    replace(process.BaseProcess, "__repr__", show)


@fault("process", "process.repr-shows-life-stage", crude=True)
def repr_never_stops(process):
    """The repr shows a process as started that has long ended."""
    change_repr(process, lambda self, text: re.sub(r"stopped exitcode=\S+", "started", text))


@fault("process", "process.repr-shows-life-stage")
def repr_hides_zero(process):
    """The repr leaves out an exit code of zero."""
    change_repr(process, lambda self, text: text.replace(" exitcode=0", ""))


@fault("process", "process.repr-shows-life-stage")
def repr_numbers_signals(process):
    """The repr shows a signal as a number."""
    process._exitcode_to_name.clear()


@fault("process", "process.repr-shows-life-stage")
def repr_forgets_the_end(process):
    """The repr shows a process that was closed as one that was never started."""
    change_repr(process, lambda self, text: text.replace(" closed", " initial"))
