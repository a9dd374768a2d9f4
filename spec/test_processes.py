"""Process: how a process is created and started, and what the parent sees of its work.

There are two ways to say what a process does, as with Thread: pass a function as ``target``, with
its ``args`` and ``kwargs``, or override ``run()`` in a subclass. ``start()`` creates the process
and returns at once. The process ends when its target or ``run()`` does.

The parent does not get the return value, nor an exception: the only result is the exit code. Use
a queue, a pipe or a pool to get more. A child that fails prints its traceback, and ``join()``
returns as usual. Without ``join()``, a program still waits for its processes when it exits.

These mistakes are easily made: ``args=("ab")`` without a comma passes the string's characters;
``run()`` instead of ``start()`` runs in the caller. Where a Thread raises RuntimeError for misuse,
a Process raises AssertionError, and under ``python -O`` it does not check.
"""

import os
import threading

from spec.kit import BEAT, OBSERVED, TICK, claim, perform, process_class, result_or_error


def report_arguments(stage, *args, **kwargs):
    """Report the PID and the arguments."""
    return {"pid": os.getpid(), "args": args, "kwargs": kwargs}


@claim("process.runs-target-once-elsewhere", docs="multiprocessing.Process")
def test_target_runs_once_in_another_process_with_its_arguments(mp, stage, program):
    """A started Process runs its target once, in another process, with its args and kwargs.

    The program's output shows that the target runs once: there are two lines, and no more.
    """
    reported = stage.result_of(report_arguments, "hello", 2, kwargs={"mood": "glad"})
    assert reported.pop("pid") != os.getpid()
    assert reported == {"args": ("hello", 2), "kwargs": {"mood": "glad"}}

    assert program.lines_of("sample_target") == ["hello world", "This is a process"]


def report_parameters(stage, first, second="default", *rest, key="default", **others):
    """Report the value of each parameter."""
    return {"first": first, "second": second, "rest": rest, "key": key, "others": others}


@claim("process.args-list-or-tuple", docs="multiprocessing.Process")
def test_args_may_be_a_list_or_a_tuple(mp, stage):
    """args may be a list or a tuple of positional arguments; kwargs are keyword arguments.

    One of the arguments is itself a list, and is passed as one.
    """

    def by_list(args, **settings):
        return mp.Process(args=list(args), **settings)

    def by_tuple(args, **settings):
        return mp.Process(args=tuple(args), **settings)

    keywords = {"key": "k", "other": 5}
    for by in (by_list, by_tuple):
        observed = stage.result_of(report_parameters, "a", ["b", "c"], 3, 4, by=by, kwargs=keywords)
        assert observed == {
            "first": "a",
            "second": ["b", "c"],
            "rest": (3, 4),
            "key": "k",
            "others": {"other": 5},
        }, by


@claim("process.args-copied-at-creation", docs="multiprocessing.Process", level=OBSERVED)
def test_args_and_kwargs_are_copied_at_creation(mp, stage):
    """A Process copies args and kwargs when it is created; a Thread uses the originals.

    Both are changed between the creation and start().
    """

    def by_growing(kind, args, **settings):
        args, kwargs = list(args), {"key": "given"}
        worker = kind(args=args, kwargs=kwargs, **settings)
        args.append("late")
        kwargs["key"] = "late"
        return worker

    def by_process(**settings):
        return by_growing(mp.Process, **settings)

    def by_thread(**settings):
        return by_growing(threading.Thread, **settings)

    given = {"first": "a", "second": "b", "rest": (), "key": "given", "others": {}}
    assert stage.result_of(report_parameters, "a", "b", by=by_process) == given
    late = given | {"rest": ("late",), "key": "late"}
    assert stage.result_of(report_parameters, "a", "b", by=by_thread) == late


def report_args(stage, *args):
    """Report the positional arguments."""
    return args


def perform_with_args(*args, stage):
    """Perform on a stage that is passed as keyword, so that args are the test's alone."""
    perform(stage, report_args, *args)


# Printed by the program "failing": neither join() tells that the target has failed.
JOINED = [
    "Process: join() returned None, exit code 1",
    "Thread: join() returned None, exit code None",
]


@claim("process.string-args-are-spread", docs="multiprocessing.Process", level=OBSERVED)
def test_a_string_given_as_args_is_unpacked(mp, stage, program):
    """args="ab" passes the two arguments "a" and "b": a string is unpacked into characters.

    This happens when the comma in ``args=("ab",)`` is forgotten; with it, the string arrives
    whole. A target with one parameter then fails in the child, as it does in a thread, while
    ``start()`` and ``join()`` report nothing.
    """

    def by_string(args, **settings):
        return mp.Process(target=perform_with_args, args="ab", kwargs={"stage": args[0]})

    def by_tuple(args, **settings):
        return mp.Process(target=perform_with_args, args=("ab",), kwargs={"stage": args[0]})

    assert stage.result_of(report_args, by=by_string) == ("a", "b")
    assert stage.result_of(report_args, by=by_tuple) == ("ab",)

    completed = program.run("failing", "string")
    assert completed.lines == JOINED
    assert completed.errors.count("TypeError: take_one()") == 2, completed.errors


def report_attributes(stage, name, age):
    """Report the attributes of a subclass, and the PID."""
    return {"name": name, "age": age, "pid": os.getpid()}


@process_class
class Person:
    """A process with a name and an age, which its ``run()`` reports."""

    def __init__(self, stage, name, age):
        super().__init__()
        self.stage = stage
        self.name = name
        self.age = age

    def run(self):
        perform(self.stage, report_attributes, self.name, self.age)


@claim("process.run-override-is-activity", docs="multiprocessing.Process.run")
def test_start_runs_an_overridden_run(mp, stage, program):
    """If a subclass overrides run(), start() runs that method in the child."""
    reported = stage.enter_subclass(Person, "Ann", 19).returns()
    assert reported["pid"] != os.getpid(), "run() was executed in the parent"

    assert program.lines_of("sample_subclass") == ["Ann is 19"]


@claim(
    "process.subclass-attributes-reach-child",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_attributes_set_in_init_reach_run(mp, stage):
    """Picklable attributes that a subclass sets in __init__() are available to the child's run().

    Here they are a string and a dict.
    """
    reported = stage.enter_subclass(Person, "Ann", {"years": 19}).returns()
    del reported["pid"]
    assert reported == {"name": "Ann", "age": {"years": 19}}


def note_place(places):
    """Note the process and the thread that this runs in."""
    places.append({"process": os.getpid(), "thread": threading.get_ident()})


@claim("process.direct-run-stays-local", docs="multiprocessing.Process.run")
def test_run_called_directly_starts_nothing(mp, stage):
    """Calling run() directly runs the target in the caller and starts no process.

    The target notes its process and thread in a list of the caller.
    """
    places: list[dict[str, int]] = []
    here = {"process": os.getpid(), "thread": threading.get_ident()}
    process = mp.Process(target=note_place, args=(places,))
    process.run()
    assert places == [here]
    observed = {
        "pid": process.pid,
        "exitcode": process.exitcode,
        "is_alive()": process.is_alive(),
        "in active_children()": process in mp.active_children(),
    }
    assert observed == {
        "pid": None,
        "exitcode": None,
        "is_alive()": False,
        "in active_children()": False,
    }


def add_pid(path):
    """Add the PID to a file."""
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\n")


@claim("process.direct-run-keeps-target", docs="multiprocessing.Process.run", level=OBSERVED)
def test_a_direct_run_keeps_the_target(mp, stage, tmp_path):
    """run() keeps the target for a later start(); a Thread's second run() raises AttributeError.

    The target adds the PID of its process to a file: run() is called twice by the test, and once
    by the child.
    """
    path = tmp_path / "pids"
    process = mp.Process(target=add_pid, args=(str(path),))
    process.run()
    process.run()
    process.start()
    process.join(stage.patience)
    assert process.exitcode == 0
    here = str(os.getpid())
    assert path.read_text().split() == [here, here, str(process.pid)]

    thread = threading.Thread(target=add_pid, args=(str(path),))
    thread.run()
    assert result_or_error(thread.run) == "AttributeError"


@claim("process.no-target-exits-zero", docs="multiprocessing.Process.exitcode")
def test_without_a_target_the_exit_code_is_zero(mp, stage):
    """A Process with neither a target nor a run() of its own does nothing, with exit code 0."""
    process = mp.Process()
    process.start()
    process.join(stage.patience)
    assert process.exitcode == 0


def give(value):
    """Return the value."""
    return value


def give_function():
    """Return an object that cannot be pickled."""
    return lambda: None


@process_class
class Giver:
    """A process whose ``run()`` returns a number."""

    def __init__(self, stage):
        super().__init__()
        self.stage = stage

    def run(self):
        perform(self.stage, report_arguments)
        return 7


@claim("process.return-value-is-dropped", docs="multiprocessing.Process.exitcode")
def test_a_return_value_is_ignored(mp, stage):
    """The return value of the target or of run() is ignored: the exit code is 0."""
    processes = {
        "target returns 42": mp.Process(target=give, args=(42,)),
        "target returns False": mp.Process(target=give, args=(False,)),
        "target returns a string": mp.Process(target=give, args=("text",)),
        "target returns a function": mp.Process(target=give_function),
    }
    for process in processes.values():
        process.start()
    observed = {"run() returns 7": stage.enter_subclass(Giver).exit_code()}
    for case, process in processes.items():
        process.join(stage.patience)
        observed[case] = process.exitcode
    assert observed == dict.fromkeys(observed, 0)


@claim("process.exception-stays-in-child", docs="multiprocessing.Process.exitcode")
def test_an_exception_stays_in_the_process(mp, program):
    """An uncaught Exception ends a child with a traceback and exit code 1; join() returns None.

    The traceback is on the child's standard error, below the name of the process. A thread is
    the same, except that it has no exit code.
    """
    completed = program.run("failing", "raising")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == JOINED
    of_the_process, of_the_thread = completed.errors.split("Exception in thread Ann:")
    assert of_the_process.startswith("Process Ann:\nTraceback"), of_the_process
    for errors in (of_the_process, of_the_thread):
        assert errors.endswith("ValueError: no good\n"), errors


def run_until_cued(stage):
    """Say that this runs, and wait for the cue to leave."""
    stage.say("running")
    stage.wait_for_cue("leave")


@process_class
class Waiter:
    """A process whose ``run()`` lasts until it is cued."""

    def __init__(self, stage):
        super().__init__()
        self.stage = stage

    def run(self):
        perform(self.stage, run_until_cued)


@claim("process.start-does-not-wait", docs="multiprocessing.Process.is_alive")
def test_start_returns_while_the_process_runs(mp, stage):
    """start() returns without waiting for the target or run() to finish.

    They finish when they are cued, and the cue is given only after start() has returned.
    """
    for actor in (stage.enter(run_until_cued), stage.enter_subclass(Waiter)):
        assert actor.process.is_alive()
        assert isinstance(actor.process.pid, int)
        actor.expect("running")
        actor.returns(cue="leave")


def start_process(stage, process):
    """Start a process that another thread has created."""
    process.start()


@claim("process.outlives-starting-thread", docs="multiprocessing.Process.start", level=OBSERVED)
def test_a_process_outlives_the_thread_that_started_it(mp, stage):
    """A process outlives the thread that started it; another thread of its creator can join it.

    The thread has ended when the test joins the process, for a beat at first. The process runs
    until it is cued.
    """
    actor = stage.prepare(run_until_cued)
    stage.result_of(start_process, actor.process, by=threading.Thread)
    actor.expect("running")
    with stage.span("joining") as joining:
        actor.process.join(BEAT)
    assert joining.seconds >= BEAT - TICK, f"join() returned after {joining.seconds} s"
    assert actor.process.is_alive()
    actor.cue("leave")
    actor.process.join(stage.patience)
    assert actor.process.exitcode == 0


def start_again(stage, by):
    """Start a process or thread once more, while it runs and after its end; the results.

    A child that the second call has started would say that it runs. Another child, started later,
    has reported and ended before the listening begins, so there was time enough to start.
    """
    actor = stage.enter(run_until_cued, by=by)
    actor.expect("running")
    observed = {"while it runs": result_or_error(actor.process.start)}
    stage.result_of(report_arguments)
    assert actor.does_not_say("running"), "it is running a second time"
    actor.returns(cue="leave")
    observed["after its end"] = result_or_error(actor.process.start)
    return observed


@claim("process.start-once", docs="multiprocessing.Process.start", level=OBSERVED)
def test_a_process_can_be_started_only_once(mp, stage, program):
    """A second start() raises AssertionError (under -O another error), not a Thread's RuntimeError.

    It does so while the process runs and after its end. Under ``python -O`` it fails with
    AttributeError or TypeError, because the first start() has deleted what it needs; no
    documentation promises that.
    """
    observed = {
        "Process": start_again(stage, mp.Process),
        "Thread": start_again(stage, threading.Thread),
        "python -O": program.table_of("second_start", options=("-O",))["second start"],
    }
    assert observed.pop("python -O") in ("AttributeError", "TypeError"), observed
    assert observed == {
        "Process": {"while it runs": "AssertionError", "after its end": "AssertionError"},
        "Thread": {"while it runs": "RuntimeError", "after its end": "RuntimeError"},
    }


def use_as_stranger(stage, process):
    """Call the methods of a Process that this process has not created; report the results."""
    return {
        "start()": result_or_error(process.start),
        "join(0)": result_or_error(process.join, 0),
        "is_alive()": result_or_error(process.is_alive),
        "current_process().is_alive()": result_or_error(stage.mp.current_process().is_alive),
    }


FOR_STRANGERS = {
    "start()": "AssertionError",
    "join(0)": "AssertionError",
    "is_alive()": "AssertionError",
    "current_process().is_alive()": True,
}


@claim("process.only-creator-starts-and-joins", docs="multiprocessing.Process", level=OBSERVED)
def test_only_the_creator_can_start_and_join(mp, stage):
    """Calling start() or join() outside the process that created the Process raises AssertionError.

    In any other process is_alive() raises AssertionError too. An unstarted Process can be passed
    to a child as an argument under every start method, though it cannot be sent through a pipe. A
    started Process cannot be pickled, so only a forked child can have it.
    """
    assert stage.result_of(use_as_stranger, mp.Process()) == FOR_STRANGERS

    if mp.get_start_method() == "fork":
        sibling = stage.enter(run_until_cued)
        assert stage.result_of(use_as_stranger, sibling.process) == FOR_STRANGERS
        sibling.returns(cue="leave")


@claim("process.unjoined-output-is-complete", docs="multiprocessing#programming-guidelines")
def test_a_program_waits_for_processes_that_are_not_joined(mp, program):
    """Without join(), a program waits at exit for its non-daemonic children and all their output.

    The child prints only a little after the program has executed its last line.
    """
    assert program.lines_of("unjoined", str(program.folder)) == ["the last word"]
