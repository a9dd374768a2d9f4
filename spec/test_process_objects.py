"""The object that stands for a process: its name, its flag, and what it shows of itself.

A Process has to be initialised before anything else is done to it: a subclass calls the base
class's ``__init__`` first. The attribute ``name`` is the base class's own, so a subclass that
stores a name of its own there renames the process.

Names are labels. One that is not given is made of the class's name and a number, by which the
parent counts what it constructs; what a child constructs carries the numbers of both.
"""

import sys
import threading

from spec.kit import OBSERVED, claim, perform, process_class, result_or_error, submodule


@process_class
class Person:
    """A process that stores a name of its own, as the tutorial's does."""

    def __init__(self, stage, name):
        super().__init__()
        self.stage = stage
        self.name = name

    def run(self):
        perform(self.stage, tell_name)


def tell_name(stage):
    """Report what this process is called."""
    return stage.mp.current_process().name


@claim("process.assigning-name-renames-process", docs="multiprocessing.Process.name")
def test_assigning_name_renames_the_process(mp, stage):
    """To assign self.name renames the process: the child is called that, and so is its object."""
    actor = stage.enter_subclass(Person, "Ann")
    assert actor.returns() == "Ann"
    assert actor.process.name == "Ann"


class Hasty:
    """Sets its name, and something of its own, before the base class is initialised."""

    def __init__(self):
        self.name = "Ann"
        self.age = 19
        super().__init__()


class HastyDaemon:
    """Sets the daemon flag before the base class is initialised."""

    def __init__(self):
        self.daemon = True
        super().__init__()


class Forgetful:
    """Never initialises the base class."""

    def __init__(self):
        pass


def make(plain, base):
    """An instance of ``plain`` made a subclass of ``base``."""
    return type(plain.__name__, (plain, base), {})()


@claim("process.base-init-overwrites-name", docs="multiprocessing.Process.name", level=OBSERVED)
def test_base_init_overwrites_a_name_set_before(mp):
    """A name set before the base __init__ is lost without a word; a Thread refuses it.

    Here parity ends: Thread raises AssertionError. Other attributes survive.
    """
    hasty = make(Hasty, mp.Process)
    assert hasty.name.startswith("Hasty-"), "the early name has survived"
    assert hasty.age == 19
    assert result_or_error(make, Hasty, threading.Thread) == "AssertionError"


@claim("process.daemon-needs-base-init", docs="multiprocessing.Process.daemon", level=OBSERVED)
def test_daemon_cannot_be_set_before_base_init(mp):
    """To set daemon before the base __init__ raises AttributeError."""
    assert result_or_error(make, HastyDaemon, mp.Process) == "AttributeError"


@claim("process.start-needs-base-init", docs="multiprocessing.Process", level=OBSERVED)
def test_start_needs_the_base_init(mp):
    """What never called the base __init__ cannot start: AttributeError, RuntimeError for a Thread.

    Here parity ends.
    """
    observed = {
        "Process": result_or_error(make(Forgetful, mp.Process).start),
        "Thread": result_or_error(make(Forgetful, threading.Thread).start),
    }
    assert observed == {"Process": "AttributeError", "Thread": "RuntimeError"}


@claim("process.group-must-be-none", docs="multiprocessing.Process", level=OBSERVED)
def test_group_must_be_none(mp, program):
    """group is there for Thread's sake and has to be None: both refuse anything else.

    The refusal is an assertion, so under ``python -O`` anything is accepted.
    """
    observed = {
        "Process": result_or_error(mp.Process, "any"),
        "Thread": result_or_error(threading.Thread, "any"),
        "None": type(mp.Process(None)) is mp.Process,
        "python -O": program.run("processes/unchecked", options=("-O",)).lines[0],
    }
    assert observed == {
        "Process": "AssertionError",
        "Thread": "AssertionError",
        "None": True,
        "python -O": "group: accepted",
    }


def linger(stage):
    """Report the name, and stay until cued to leave."""
    stage.say("running", stage.mp.current_process().name)
    stage.wait_for_cue("leave")


@claim(
    "process.default-name-counted-at-construction",
    docs="multiprocessing.Process.name",
    level=OBSERVED,
)
def test_default_names_count_what_was_constructed(mp, stage):
    """A name that is not given is the class's and a number, counted up by each construction.

    All count: those of any class, started or not, and those that are given a name. To start one
    counts for nothing.
    """
    first = mp.Process()
    kind, _, number = first.name.rpartition("-")
    assert kind == mp.Process.__name__

    started = stage.prepare(linger)
    named = started.process.name
    started.process.start()
    assert started.expect("running") == started.process.name == named
    started.cue("leave")
    started.returns()
    given = mp.Process(name="Ann")
    ordinary = submodule("context").Process()
    names = [named, given.name, ordinary.name, mp.Process().name]
    second, _, fourth, fifth = range(int(number) + 1, int(number) + 5)
    assert names == [f"{kind}-{second}", "Ann", f"Process-{fourth}", f"{kind}-{fifth}"]


def name_children(stage):
    """Report this process's name, and those of two that are constructed here."""
    return [stage.mp.current_process().name, stage.mp.Process().name, stage.mp.Process().name]


@claim("process.grandchild-names-nest", docs="multiprocessing.Process.name")
def test_names_of_grandchildren_nest_the_numbers(mp, stage):
    """The default name of a child's child has both their numbers, as in Process-3:1.

    The child counts from one. It is its parent's number that is nested, whatever the parent is
    called.
    """
    own, *children = stage.result_of(name_children)
    kind, _, number = own.rpartition("-")
    assert children == [f"{own}:1", f"{own}:2"]

    own, *children = stage.result_of(name_children, name="Ann")
    following = int(number) + 1
    assert (own, children) == ("Ann", [f"{kind}-{following}:1", f"{kind}-{following}:2"])


@claim("process.duplicate-names-allowed", docs="multiprocessing.Process.name")
def test_two_processes_may_have_one_name(mp, stage):
    """A name is only a label: processes may have the same; what is assigned has to be text.

    Both run at the same time. A number is kept by the constructor, and refused when it is
    assigned. Here parity ends: a Thread makes a text of it, either way.
    """
    twins = [stage.enter(linger, name="Ann") for _ in range(2)]
    assert [twin.expect("running") for twin in twins] == ["Ann", "Ann"]
    assert [twin.process.name for twin in twins] == ["Ann", "Ann"]
    for twin in twins:
        twin.cue("leave")
        twin.returns()

    observed = {kind.__name__: numbered(kind) for kind in (mp.Process, threading.Thread)}
    assert observed == {
        mp.Process.__name__: {"constructed": 5, "assigned": "AssertionError", "then": 5},
        "Thread": {"constructed": "5", "assigned": None, "then": "6"},
    }


def numbered(kind):
    """Give a number where a name belongs; what comes of it."""
    worker = kind(name=5)
    return {
        "constructed": worker.name,
        "assigned": result_or_error(setattr, worker, "name", 6),
        "then": worker.name,
    }


def flags(stage):
    """Report the flags of processes constructed here, by what the keyword was."""
    return {given: stage.mp.Process(daemon=given).daemon for given in (None, False, True)}


@claim("process.daemon-keyword-sets-flag", docs="multiprocessing.Process")
def test_the_daemon_keyword_sets_the_flag(mp, stage):
    """The keyword daemon sets the flag; without it, or with None, the flag is the creator's."""
    observed = {
        "made by an ordinary process": stage.result_of(flags, daemon=False),
        "made by a daemon": stage.result_of(flags, daemon=True),
    }
    assert observed == {
        "made by an ordinary process": {None: False, False: False, True: True},
        "made by a daemon": {None: True, False: False, True: True},
    }


STAGES_OF_LIFE = ("initial", "started", "stopped", "closed")


def shown(process):
    """Which stage of life, and which exit code, the process's repr shows."""
    return " ".join(
        word
        for word in repr(process).strip("<>").split()
        if word in STAGES_OF_LIFE or word.startswith("exitcode=")
    )


@claim("process.repr-shows-life-stage", docs="multiprocessing.Process")
def test_repr_shows_the_stage_of_life(mp, stage):
    """The repr of a process tells its name and whether it is initial, started, stopped or closed.

    With "stopped" comes the exit code, or the name of the signal that ended it.
    """
    actor = stage.prepare(linger, name="Ann")
    process = actor.process
    observed = {"constructed": shown(process)}
    process.start()
    observed["running"] = shown(process)
    assert "'Ann'" in repr(process)
    actor.cue("leave")
    actor.returns()
    observed["ended"] = shown(process)
    process.close()
    observed["closed"] = shown(process)
    assert "'Ann'" in repr(process)

    failed = mp.Process(target=sys.exit, args=(3,))
    failed.start()
    failed.join(stage.patience)
    observed["failed"] = shown(failed)
    stopped = stage.enter(linger)
    stopped.expect("running")
    stopped.process.terminate()
    stopped.exit_code()
    observed["terminated"] = shown(stopped.process)

    assert observed == {
        "constructed": "initial",
        "running": "started",
        "ended": "stopped exitcode=0",
        "closed": "closed",
        "failed": "stopped exitcode=3",
        "terminated": "stopped exitcode=-SIGTERM",
    }
