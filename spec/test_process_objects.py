"""Process objects: the name, the daemon flag and the repr of a Process.

A Process has to be initialised first: a subclass with an ``__init__()`` of its own calls the base
class's ``__init__()`` before it sets ``name`` or ``daemon``, and before ``start()``. The attribute
``name`` belongs to the base class, so a subclass that stores a name there renames the process.

Names are labels for logs and error messages; several processes may have the same. The default name
is made of the class's name and a number. Every Process counts, whether it is ever started or not,
so default names depend on everything else that the program creates. The names of grandchildren
contain the numbers of both, as in ``Process-3:1``.

Threads differ in some of this: a Thread converts its name with ``str()``, and raises other
exceptions when it is used before it is initialised.
"""

import os
import sys
import threading

from spec.kit import OBSERVED, claim, perform, process_class, result_or_error, submodule


def report_name(stage):
    """Report the name of the current process."""
    return stage.mp.current_process().name


@process_class
class Named:
    """A process that stores a name of its own, as the tutorial's does."""

    def __init__(self, stage, name):
        super().__init__()
        self.stage = stage
        self.name = name

    def run(self):
        perform(self.stage, report_name)


@claim("process.assigning-name-renames-process", docs="multiprocessing.Process.name")
def test_assigning_name_renames_the_process(mp, stage):
    """A subclass that assigns self.name renames the process, in the parent and in the child.

    The child reports the name of its ``current_process()``.
    """
    actor = stage.enter_subclass(Named, "Ann")
    observed = {"in the child": actor.returns(), "in the parent": actor.process.name}
    assert observed == {"in the child": "Ann", "in the parent": "Ann"}


class NamedEarly:
    """Sets its name, and an attribute of its own, before the base class is initialised."""

    def __init__(self):
        self.name = "Ann"
        self.age = 19
        super().__init__()


class DaemonEarly:
    """Sets the daemon flag before the base class is initialised."""

    def __init__(self):
        self.daemon = True
        super().__init__()


class Uninitialised:
    """Never initialises the base class."""

    def __init__(self):
        pass


def create(plain, base):
    """An instance of ``plain`` made a subclass of ``base``."""
    return type(plain.__name__, (plain, base), {})()


@claim("process.base-init-overwrites-name", docs="multiprocessing.Process.name", level=OBSERVED)
def test_base_init_overwrites_a_name_set_before(mp):
    """A name assigned before the base __init__() is silently lost; Thread raises AssertionError.

    Another attribute, the age, is kept.
    """
    process = create(NamedEarly, mp.Process)
    assert process.name.startswith("NamedEarly-"), process.name
    assert process.age == 19
    assert result_or_error(create, NamedEarly, threading.Thread) == "AssertionError"


@claim("process.daemon-needs-base-init", docs="multiprocessing.Process.daemon", level=OBSERVED)
def test_daemon_cannot_be_set_before_base_init(mp):
    """Assigning daemon before the base __init__() raises AttributeError."""
    assert result_or_error(create, DaemonEarly, mp.Process) == "AttributeError"


@claim("process.start-needs-base-init", docs="multiprocessing.Process", level=OBSERVED)
def test_start_needs_the_base_init(mp):
    """start() without the base __init__() raises AttributeError; a Thread's raises RuntimeError."""
    observed = {
        "Process": result_or_error(create(Uninitialised, mp.Process).start),
        "Thread": result_or_error(create(Uninitialised, threading.Thread).start),
    }
    assert observed == {"Process": "AttributeError", "Thread": "RuntimeError"}


@claim("process.group-must-be-none", docs="multiprocessing.Process", level=OBSERVED)
def test_group_must_be_none(mp, program):
    """A group other than None raises AssertionError, as in Thread; under -O, Process accepts it.

    The parameter exists only because Thread has it.
    """
    observed = {
        "Process('any')": result_or_error(mp.Process, "any"),
        "Thread('any')": result_or_error(threading.Thread, "any"),
        "Process(None) is created": type(mp.Process(None)) is mp.Process,
        "Process(group='any') under -O": program.table_of("group", options=("-O",))["group"],
    }
    assert observed == {
        "Process('any')": "AssertionError",
        "Thread('any')": "AssertionError",
        "Process(None) is created": True,
        "Process(group='any') under -O": "accepted",
    }


def say_name_until_cued(stage):
    """Say the name of the current process, and wait for the cue to leave."""
    stage.say("name", stage.mp.current_process().name)
    stage.wait_for_cue("leave")


@claim(
    "process.default-name-counted-at-construction",
    docs="multiprocessing.Process.name",
    level=OBSERVED,
)
def test_default_names_count_created_processes(mp, stage):
    """In the main process a default name is the class and a number; each Process created counts.

    Processes of any class count, started or not, and those with a given name too. Starting a
    process does not count.
    """
    first = mp.Process()
    kind, _, number = first.name.rpartition("-")
    assert kind == mp.Process.__name__

    actor = stage.prepare(say_name_until_cued)
    names = {"created": actor.process.name}
    actor.process.start()
    names["started"] = actor.process.name
    names["in the child"] = actor.expect("name")
    actor.returns(cue="leave")
    names["with a given name"] = mp.Process(name="Ann").name
    names["of another class"] = submodule("context").Process().name
    names["last"] = mp.Process().name
    second, _, fourth, fifth = range(int(number) + 1, int(number) + 5)
    assert names == {
        "created": f"{kind}-{second}",
        "started": f"{kind}-{second}",
        "in the child": f"{kind}-{second}",
        "with a given name": "Ann",
        "of another class": f"Process-{fourth}",
        "last": f"{kind}-{fifth}",
    }


def report_names(stage):
    """Report the name of this process, and those of two that are created here."""
    return {
        "child": stage.mp.current_process().name,
        "grandchildren": [stage.mp.Process().name, stage.mp.Process().name],
    }


@claim("process.grandchild-names-nest", docs="multiprocessing.Process.name")
def test_names_of_grandchildren_nest_the_numbers(mp, stage):
    """In a child, default names nest the numbers: Process-3 creates Process-3:1 and Process-3:2.

    The child counts from one. It is its own number that comes first, even if it has another name.
    """
    observed = stage.result_of(report_names)
    kind, _, number = observed["child"].rpartition("-")
    assert observed["grandchildren"] == [f"{kind}-{number}:1", f"{kind}-{number}:2"]

    following = int(number) + 1
    assert stage.result_of(report_names, name="Ann") == {
        "child": "Ann",
        "grandchildren": [f"{kind}-{following}:1", f"{kind}-{following}:2"],
    }


def names_from_numbers(kind):
    """Pass a number as name, then assign another; the names, and how the assignment ends."""
    worker = kind(name=5)
    return {
        "name after kind(name=5)": worker.name,
        "worker.name = 6": result_or_error(setattr, worker, "name", 6),
        "name then": worker.name,
    }


@claim("process.duplicate-names-allowed", docs="multiprocessing.Process.name")
def test_two_processes_may_have_one_name(mp, stage):
    """Two processes may have the same name, even while both run.

    Each reports its own name, and the test reads both while the processes wait for their cue.
    """
    twins = [stage.enter(say_name_until_cued, name="Ann") for _ in range(2)]
    assert [twin.expect("name") for twin in twins] == ["Ann", "Ann"]
    assert [twin.process.name for twin in twins] == ["Ann", "Ann"]
    for twin in twins:
        twin.returns(cue="leave")


@claim("process.name-must-be-a-string", docs="multiprocessing.Process.name", level=OBSERVED)
def test_a_name_that_is_assigned_must_be_a_string(mp):
    """Assigning a non-string name raises AssertionError; a Thread makes a string of it.

    A number given to the constructor is not refused: a Process keeps it, and a Thread makes a
    string of that too.
    """
    observed = {
        "Process": names_from_numbers(mp.Process),
        "Thread": names_from_numbers(threading.Thread),
    }
    assert observed == {
        "Process": {
            "name after kind(name=5)": 5,
            "worker.name = 6": "AssertionError",
            "name then": 5,
        },
        "Thread": {
            "name after kind(name=5)": "5",
            "worker.name = 6": None,
            "name then": "6",
        },
    }


def report_flags(stage):
    """Report the daemon flags of processes created here, by the argument given."""
    flags = {
        f"daemon={given}": stage.mp.Process(daemon=given).daemon for given in (None, False, True)
    }
    return {"no argument": stage.mp.Process().daemon, **flags}


def created_by_position(kind):
    """Create workers with five and with six positional arguments; how that ends."""
    kwargs: dict[str, object] = {}
    arguments = (None, print, "Ann", (), kwargs)
    return {
        "name of kind(None, print, 'Ann', (), {})": kind(*arguments).name,
        "kind(None, print, 'Ann', (), {}, True)": result_or_error(kind, *arguments, True),
    }


@claim("process.daemon-keyword-only", docs="multiprocessing.Process")
def test_daemon_can_be_given_only_by_keyword(mp):
    """Only daemon is keyword-only, as in Thread: a sixth positional argument raises TypeError."""
    observed = {
        "Process": created_by_position(mp.Process),
        "Thread": created_by_position(threading.Thread),
    }
    outcomes = {
        "name of kind(None, print, 'Ann', (), {})": "Ann",
        "kind(None, print, 'Ann', (), {}, True)": "TypeError",
    }
    assert observed == {"Process": outcomes, "Thread": outcomes}


@claim("process.daemon-keyword-sets-flag", docs="multiprocessing.Process")
def test_the_daemon_argument_sets_the_flag(mp, stage):
    """daemon=True or daemon=False sets the flag; if it is None, the flag is that of the creator."""
    observed = {
        "created by a non-daemonic process": stage.result_of(report_flags, daemon=False),
        "created by a daemonic process": stage.result_of(report_flags, daemon=True),
    }
    assert observed == {
        "created by a non-daemonic process": {
            "no argument": False,
            "daemon=None": False,
            "daemon=False": False,
            "daemon=True": True,
        },
        "created by a daemonic process": {
            "no argument": True,
            "daemon=None": True,
            "daemon=False": False,
            "daemon=True": True,
        },
    }


STATES = ("initial", "started", "stopped", "closed")


def state_in_repr(process):
    """The state and the exit code that the repr of a process shows."""
    return " ".join(
        word
        for word in repr(process).strip("<>").split()
        if word in STATES or word.startswith("exitcode=")
    )


@claim("process.repr-shows-life-stage", docs="multiprocessing.Process")
def test_repr_shows_the_state(mp, stage):
    """repr() shows the name and initial, started, stopped (with exit code or signal) or closed.

    The first process is not joined: its repr is looked at until it shows the end.
    """
    actor = stage.prepare(say_name_until_cued, name="Ann")
    process = actor.process
    observed = {"created": state_in_repr(process)}
    process.start()
    observed["running"] = state_in_repr(process)
    assert "'Ann'" in repr(process), repr(process)
    actor.cue("leave")
    actor.wait_until_gone()
    stage.wait_until(lambda: state_in_repr(process) != "started", "the end, as repr() shows it,")
    observed["ended"] = state_in_repr(process)
    process.close()
    observed["closed"] = state_in_repr(process)
    assert "'Ann'" in repr(process), repr(process)

    failed = mp.Process(target=sys.exit, args=(3,))
    failed.start()
    failed.join(stage.patience)
    observed["failed"] = state_in_repr(failed)
    terminated = stage.enter(say_name_until_cued)
    terminated.expect("name")
    terminated.process.terminate()
    terminated.exit_code()
    observed["terminated"] = state_in_repr(terminated.process)

    assert observed == {
        "created": "initial",
        "running": "started",
        "ended": "stopped exitcode=0",
        "closed": "closed",
        "failed": "stopped exitcode=3",
        "terminated": "stopped exitcode=-SIGTERM",
    }


def parts_of_repr(process):
    """The words of a process's repr after its name."""
    return repr(process).strip("<>").split(maxsplit=2)[2]


@claim("process.repr-shows-pids", docs="multiprocessing.Process", level=OBSERVED)
def test_repr_shows_the_pids(mp, stage):
    """repr() shows the PID from start() until close(), the parent's PID, and whether daemonic.

    A daemonic process ends by cue, and then with exit code 0.
    """
    actor = stage.prepare(say_name_until_cued, name="Ann", daemon=True)
    process = actor.process
    observed = {"created": parts_of_repr(process)}
    process.start()
    observed["running"] = parts_of_repr(process)
    actor.returns(cue="leave")
    observed["ended"] = parts_of_repr(process)
    process.close()
    observed["closed"] = parts_of_repr(process)
    parent = f"parent={os.getpid()}"
    assert observed == {
        "created": f"{parent} initial daemon",
        "running": f"pid={actor.pid} {parent} started daemon",
        "ended": f"pid={actor.pid} {parent} stopped exitcode=0 daemon",
        "closed": f"{parent} closed daemon",
    }


def report_reprs(stage, process):
    """Report the repr of the current process, of its parent, and of another process."""
    mp = stage.mp
    return {
        "current_process()": parts_of_repr(mp.current_process()),
        "parent_process()": parts_of_repr(mp.parent_process()),
        "a child of the parent": parts_of_repr(process),
    }


@claim("process.repr-unknown-elsewhere", docs="multiprocessing.Process", level=OBSERVED)
def test_repr_in_another_process_shows_unknown(mp, stage):
    """repr() shows started for current_process(), and unknown for a Process created elsewhere.

    A child has the object of an unstarted process of its parent, and that of its parent.
    """
    main = "parent=None started"
    assert parts_of_repr(mp.current_process()) == main
    assert stage.result_of(report_reprs, mp.Process()) == {
        "current_process()": f"parent={os.getpid()} started",
        "parent_process()": "parent=None unknown",
        "a child of the parent": f"parent={os.getpid()} unknown",
    }
