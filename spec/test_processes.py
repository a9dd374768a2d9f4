"""Process: how one is created and started, and what it is called.

There are two ways, as with Thread. Either a function is handed over as ``target`` with its
``args``, or a subclass overrides ``run``. ``start`` creates the process and returns at once;
the process ends when its activity does.

The base class has to be initialised first, and it owns the attribute ``name``: a subclass that
stores a name of its own there renames the process.
"""

import os
import threading

from spec.kit import claim, perform, process_class


def introduce(stage, *args, **kwargs):
    """Report where this runs, and with what."""
    stage.say("running", os.getpid())
    return args, kwargs


@claim("process.runs-target-once-elsewhere", docs="multiprocessing.Process")
def test_target_runs_once_in_another_process_with_its_arguments(mp, stage, program):
    """A started Process runs its target once, in another process, with the given arguments.

    The program's output shows that it is once: its two lines are all there is.
    """
    actor = stage.enter(introduce, "hello", 2, kwargs={"mood": "glad"})
    assert actor.expect("running") != os.getpid()
    assert actor.returns() == (("hello", 2), {"mood": "glad"})

    outcome = program.run("sample_target")
    assert outcome.exitcode == 0, outcome.errors
    assert outcome.lines == ["hello world", "This is a process"]


@process_class
class Introducer:
    """A process that knows its name and age, as the tutorial's does, and tells them."""

    def __init__(self, stage, name, age):
        super().__init__()
        self.stage = stage
        self.name = name
        self.age = age

    def run(self):
        perform(self.stage, tell, self.name, self.age)


def tell(stage, name, age):
    """Report the attributes that came along, and where this runs."""
    return name, age, os.getpid(), stage.mp.current_process().name


@claim("process.run-override-is-activity", docs="multiprocessing.Process.run")
def test_overridden_run_is_what_the_process_does(mp, stage, program):
    """The run method of a subclass is the process's activity, and start lets it run elsewhere."""
    actor = stage.enter_subclass(Introducer, "Ann", 19)
    _, _, pid, _ = actor.returns()
    assert pid != os.getpid(), "run was executed in the parent"

    outcome = program.run("sample_subclass")
    assert outcome.exitcode == 0, outcome.errors
    assert outcome.lines == ["Ann is 19"]


@claim("process.subclass-attributes-reach-child", docs="multiprocessing#programming-guidelines")
def test_attributes_set_in_init_reach_run(mp, stage):
    """What a subclass sets in its __init__ is there when run is called in the other process."""
    name, age, _, _ = stage.enter_subclass(Introducer, "Ann", {"years": 19}).returns()
    assert (name, age) == ("Ann", {"years": 19})


@claim("process.assigning-name-renames-process", docs="multiprocessing.Process.name")
def test_assigning_name_renames_the_process(mp, stage):
    """To assign self.name renames the process: the child is called that, and so is its object."""
    actor = stage.enter_subclass(Introducer, "Ann", 19)
    *_, own_name = actor.returns()
    assert own_name == "Ann"
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


def outcome_of(plain, base):
    """Make a subclass of ``base`` and an instance of it; the instance, or the error's type."""
    try:
        return type(plain.__name__, (plain, base), {})()
    except Exception as error:
        return type(error)


@claim("process.base-init-overwrites-name", docs="multiprocessing.Process.name")
def test_base_init_overwrites_a_name_set_before(mp):
    """A name set before the base __init__ is lost without a word; a Thread refuses it.

    Here parity ends: Thread raises AssertionError. Other attributes survive.
    """
    hasty = outcome_of(Hasty, mp.Process)
    assert hasty.name.startswith("Hasty-"), "the early name has survived"
    assert hasty.age == 19
    assert outcome_of(Hasty, threading.Thread) is AssertionError


@claim("process.daemon-needs-base-init", docs="multiprocessing.Process.daemon")
def test_daemon_cannot_be_set_before_base_init(mp):
    """To set daemon before the base __init__ raises AttributeError."""
    assert outcome_of(HastyDaemon, mp.Process) is AttributeError


@claim("process.unjoined-output-is-complete", docs="multiprocessing#programming-guidelines")
def test_the_interpreter_waits_for_processes_that_nobody_joined(mp, program):
    """A program that joins nobody still waits at its end: what its processes print is complete.

    The process waits until the program has nothing more to do, and a little longer, before it
    prints. Both samples of the tutorial rely on this.
    """
    for name in ("unjoined", "sample_target", "sample_subclass"):
        outcome = program.run(name, str(program.folder))
        assert outcome.exitcode == 0, outcome.errors
        assert outcome.lines == EXPECTED[name]


EXPECTED = {
    "unjoined": ["the last word"],
    "sample_target": ["hello world", "This is a process"],
    "sample_subclass": ["Ann is 19"],
}
