"""What can go wrong with the object that stands for a process."""

import itertools
import re

from spec.faults import fault, replace
from spec.faults.processes import change_settings, in_child


@fault(
    "process.name-stays-behind",
    "multiprocessing.process",
    "process.assigning-name-renames-process",
    "process.exception-stays-in-child",
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
    "process.start-initialises",
    "multiprocessing.process",
    "process.start-needs-base-init",
    subtle=True,
)
def start_initialises(process):
    """start makes up for a base __init__ that was never called: nobody notices the mistake."""

    def start(original):
        def start_at_any_rate(self):
            if "_popen" not in vars(self):
                process.BaseProcess.__init__(self)
            original(self)

        return start_at_any_rate

    replace(process.BaseProcess, "start", start)


@fault(
    "process.group-accepted",
    "multiprocessing.process",
    "process.group-must-be-none",
    subtle=True,
)
def group_accepted(process):
    """Any group is accepted and forgotten: a target given by position, the first, never runs."""
    change_settings(process, lambda settings: settings.update(group=None))


@fault(
    "process.group-checked-anyway",
    "multiprocessing.process",
    "process.group-must-be-none",
    subtle=True,
)
def group_checked_anyway(process):
    """A group is refused under python -O too: the claim has to be revised."""

    def change(settings):
        if settings["group"] is not None:
            raise AssertionError("group argument must be None for now")

    change_settings(process, change)


@fault(
    "process.start-takes-a-number",
    "multiprocessing.process",
    "process.default-name-counted-at-construction",
    subtle=True,
)
def start_takes_a_number(process):
    """To start a process counts as well: names depend on what else is going on."""

    def start(original):
        def start_and_count(self):
            original(self)
            next(process._process_counter)

        return start_and_count

    replace(process.BaseProcess, "start", start)


@fault(
    "process.named-ones-are-not-counted",
    "multiprocessing.process",
    "process.default-name-counted-at-construction",
    subtle=True,
)
def named_ones_are_not_counted(process):
    """A process that is given a name takes no number: the next one has the same."""

    def init(original):
        def init_uncounted(self, *args, **kwargs):
            original(self, *args, **kwargs)
            if kwargs.get("name"):
                number = self._identity[-1]
                process._process_counter = itertools.chain([number], process._process_counter)

        return init_uncounted

    replace(process.BaseProcess, "__init__", init)


def rename_nameless(process, default):
    """Let ``default(it)`` be the name of each process that is made without one."""

    def init(original):
        def init_named(self, *args, **kwargs):
            original(self, *args, **kwargs)
            if not kwargs.get("name"):
                self._name = default(self)

        return init_named

    replace(process.BaseProcess, "__init__", init)


@fault(
    "process.numbers-are-flat",
    "multiprocessing.process",
    "process.grandchild-names-nest",
    subtle=True,
)
def numbers_are_flat(process):
    """The name of a child's child has one number only: several have the same."""
    rename_nameless(process, lambda each: f"{type(each).__name__}-{each._identity[-1]}")


@fault(
    "process.names-nest-instead",
    "multiprocessing.process",
    "process.grandchild-names-nest",
    subtle=True,
)
def names_nest_instead(process):
    """The name of a child's child begins with what the child is called, not with its number."""

    def default(each):
        if len(each._identity) < 2:
            return each._name
        return f"{process.current_process().name}:{each._identity[-1]}"

    rename_nameless(process, default)


@fault(
    "process.child-counts-on",
    "multiprocessing.process",
    "process.grandchild-names-nest",
    only=("fork",),
    subtle=True,
)
def child_counts_on(process):
    """A forked child does not count from one, but goes on where its parent was."""

    def count_on(self):
        counter, run = process._process_counter, self.run

        def run_counting_on():
            process._process_counter = counter
            run()

        self.run = run_counting_on

    in_child(process, count_on)


@fault(
    "process.names-are-made-unique",
    "multiprocessing.process",
    "process.duplicate-names-allowed",
    subtle=True,
)
def names_are_made_unique(process):
    """A name that a living sibling has is changed without a word."""

    def init(original):
        def init_unique(self, *args, **kwargs):
            original(self, *args, **kwargs)
            if any(child._name == self._name for child in process._children):
                self._name += "-2"

        return init_unique

    replace(process.BaseProcess, "__init__", init)


@fault(
    "process.anything-is-a-name",
    "multiprocessing.process",
    "process.duplicate-names-allowed",
    subtle=True,
)
def anything_is_a_name(process):
    """Anything can be assigned to name: what expects text fails later, and elsewhere."""

    def name(original):
        def set_name(self, name):
            self._name = name

        return original.setter(set_name)

    replace(process.BaseProcess, "name", name)


@fault(
    "process.daemon-keyword-ignored",
    "multiprocessing.process",
    "process.daemon-keyword-sets-flag",
)
def daemon_keyword_ignored(process):
    """The keyword daemon has no effect: programs wait for ever at their end."""
    change_settings(process, lambda settings: settings.update(daemon=None))


@fault(
    "process.daemon-false-ignored",
    "multiprocessing.process",
    "process.daemon-keyword-sets-flag",
    subtle=True,
)
def daemon_false_ignored(process):
    """daemon=False counts as not given: what a daemon makes is a daemon nevertheless."""
    change_settings(process, lambda settings: settings.update(daemon=settings["daemon"] or None))


@fault(
    "process.daemon-not-inherited",
    "multiprocessing.process",
    "process.daemon-keyword-sets-flag",
    subtle=True,
)
def daemon_not_inherited(process):
    """Without the keyword no process is a daemon, whoever makes it."""
    change_settings(process, lambda settings: settings.update(daemon=bool(settings["daemon"])))


def change_repr(process, change):
    """Let ``change(it, text)`` give what is shown of a process."""

    def show(original):
        return lambda self: change(self, original(self))

    replace(process.BaseProcess, "__repr__", show)


@fault(
    "process.repr-never-stops",
    "multiprocessing.process",
    "process.repr-shows-life-stage",
)
def repr_never_stops(process):
    """The repr shows a process as started that has long ended."""
    change_repr(process, lambda self, text: re.sub(r"stopped exitcode=\S+", "started", text))


@fault(
    "process.repr-hides-zero",
    "multiprocessing.process",
    "process.repr-shows-life-stage",
    subtle=True,
)
def repr_hides_zero(process):
    """The repr leaves out an exit code of zero."""
    change_repr(process, lambda self, text: text.replace(" exitcode=0", ""))


@fault(
    "process.repr-numbers-signals",
    "multiprocessing.process",
    "process.repr-shows-life-stage",
    subtle=True,
)
def repr_numbers_signals(process):
    """The repr shows a signal as a number."""
    replace(process, "_exitcode_to_name", lambda original: {})


@fault(
    "process.repr-forgets-the-end",
    "multiprocessing.process",
    "process.repr-shows-life-stage",
    subtle=True,
)
def repr_forgets_the_end(process):
    """The repr shows a process that was closed as one that was never started."""
    change_repr(process, lambda self, text: text.replace(" closed", " initial"))
