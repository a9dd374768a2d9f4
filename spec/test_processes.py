"""Process: how one is created and started, and what becomes of it.

There are two ways, as with Thread. Either a function is handed over as ``target`` with its
``args``, or a subclass overrides ``run``. ``start`` creates the process and returns at once;
the process ends when its activity does. What the activity returns is dropped, and what it
raises stays where it was raised: the parent gets to see an exit code, and no more.

Most of this a Thread does as well. Parity ends with misuse: where a Thread raises RuntimeError,
a Process raises AssertionError, and under ``python -O`` nobody has looked.
"""

import os
import threading

from spec.kit import OBSERVED, claim, perform, process_class, result_or_error


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

    completed = program.run("sample_target")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["hello world", "This is a process"]


def bind(stage, first, second="default", *rest, key="default", **others):
    """Report which parameter each argument came to."""
    return first, second, rest, key, others


@claim("process.args-list-or-tuple", docs="multiprocessing.Process")
def test_args_may_be_a_list_or_a_tuple(mp, stage):
    """args may be a list or a tuple, to the same effect, and kwargs are passed as keywords.

    One of the arguments is a list itself, and stays one.
    """

    def by_list(args, **settings):
        return mp.Process(args=list(args), **settings)

    def by_tuple(args, **settings):
        return mp.Process(args=tuple(args), **settings)

    for by in (by_list, by_tuple):
        keywords = {"key": "k", "other": 5}
        bound = stage.result_of(bind, "a", ["b", "c"], 3, 4, by=by, kwargs=keywords)
        assert bound == ("a", ["b", "c"], (3, 4), "k", {"other": 5}), by


def spread(*letters, stage):
    """Perform with the positional arguments there are."""
    perform(stage, tell_letters, *letters)


def tell_letters(stage, *letters):
    """Report the arguments."""
    return letters


@claim("process.string-args-are-spread", docs="multiprocessing.Process", level=OBSERVED)
def test_a_text_given_as_args_is_spread(mp, stage, program):
    """A text given as args is spread into its letters: each of them becomes an argument.

    So it is for who forgets the comma of ``args=("ab",)``. A target with one parameter then
    fails in the child, as it does in a thread; start and join do not tell. With the comma, the
    control, the text arrives whole.
    """

    def by_text(args, **settings):
        return mp.Process(target=spread, args="ab", kwargs={"stage": args[0]})

    def by_tuple(args, **settings):
        return mp.Process(target=spread, args=("ab",), kwargs={"stage": args[0]})

    assert stage.result_of(tell_letters, by=by_text) == ("a", "b")
    assert stage.result_of(tell_letters, by=by_tuple) == ("ab",)

    completed = program.run("failing", "text")
    assert completed.lines == ["joined: None 1", "joined: None None"]
    assert completed.errors.count("TypeError: take_one()") == 2


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
    return name, age, os.getpid()


@claim("process.run-override-is-activity", docs="multiprocessing.Process.run")
def test_overridden_run_is_what_the_process_does(mp, stage, program):
    """The run method of a subclass is the process's activity, and start lets it run elsewhere."""
    actor = stage.enter_subclass(Introducer, "Ann", 19)
    _, _, pid = actor.returns()
    assert pid != os.getpid(), "run was executed in the parent"

    completed = program.run("sample_subclass")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["Ann is 19"]


@claim(
    "process.subclass-attributes-reach-child",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_attributes_set_in_init_reach_run(mp, stage):
    """What a subclass sets in its __init__ is there when run is called in the other process."""
    name, age, _ = stage.enter_subclass(Introducer, "Ann", {"years": 19}).returns()
    assert (name, age) == ("Ann", {"years": 19})


def note_place(places):
    """Note the process and the thread that this runs in."""
    places.append((os.getpid(), threading.get_ident()))


@claim("process.direct-run-stays-local", docs="multiprocessing.Process.run")
def test_run_called_directly_starts_nothing(mp, stage):
    """run, when it is called directly, does its work in the caller, and no process is started.

    The work notes its place in a list, which no other process could do. What was run like this
    can still be started: the process is none yet. The started one notes its place elsewhere.
    """
    places: list[tuple[int, int]] = []
    here = (os.getpid(), threading.get_ident())
    process = mp.Process(target=note_place, args=(places,))
    process.run()
    assert places == [here]
    assert (process.pid, process.exitcode, process.is_alive()) == (None, None, False)
    assert process not in mp.active_children()

    process.start()
    process.join(stage.patience)
    assert process.exitcode == 0
    assert places == [here]


def give(value):
    """Return the value."""
    return value


def give_function():
    """Return what cannot be pickled."""
    return lambda: None


@process_class
class Giver:
    """A process whose run returns a number."""

    def __init__(self, stage):
        super().__init__()
        self.stage = stage

    def run(self):
        perform(self.stage, introduce)
        return 7


@claim("process.no-target-exits-zero", docs="multiprocessing.Process.exitcode")
def test_without_a_target_the_exit_code_is_zero(mp, stage):
    """A Process without a target does nothing and ends with exit code 0."""
    process = mp.Process()
    process.start()
    process.join(stage.patience)
    assert process.exitcode == 0


@claim("process.return-value-is-dropped", docs="multiprocessing.Process.exitcode")
def test_a_return_value_is_dropped(mp, stage):
    """The return value of the target or of run() is dropped: the exit code is 0."""
    processes = {
        "target returns 42": mp.Process(target=give, args=(42,)),
        "target returns False": mp.Process(target=give, args=(False,)),
        "target returns a string": mp.Process(target=give, args=("text",)),
        "target returns a function": mp.Process(target=give_function),
    }
    for process in processes.values():
        process.start()
    observed = {"run() returns 7": stage.enter_subclass(Giver).exit_code()}
    for what, process in processes.items():
        process.join(stage.patience)
        observed[what] = process.exitcode
    assert observed == dict.fromkeys(observed, 0)


@claim("process.exception-stays-in-child", docs="multiprocessing.Process.exitcode")
def test_an_exception_stays_in_the_process(mp, program):
    """An exception that a process does not catch ends it with exit code 1, and join returns.

    What there is to know is on the standard error of the child, under the name of the process.
    So it is with a thread, which has no exit code.
    """
    completed = program.run("failing", "raising")
    assert completed.exitcode == 0
    assert completed.lines == ["joined: None 1", "joined: None None"]
    of_the_process, of_the_thread = completed.errors.split("Exception in thread Ann:")
    assert of_the_process.startswith("Process Ann:\nTraceback")
    for told in (of_the_process, of_the_thread):
        assert told.endswith("ValueError: no good\n")


def linger(stage):
    """Stay until cued to leave."""
    stage.say("running")
    stage.wait_for_cue("leave")


@process_class
class Lingerer:
    """A process whose run stays until cued."""

    def __init__(self, stage):
        super().__init__()
        self.stage = stage

    def run(self):
        perform(self.stage, linger)


@claim("process.start-does-not-wait", docs="multiprocessing.Process.is_alive")
def test_start_returns_while_the_process_runs(mp, stage):
    """start returns as soon as there is a process, and does not wait for the end of its activity.

    The activity, a target or an overridden run, ends when it is cued, and the cue is given when
    start has returned.
    """
    for actor in (stage.enter(linger), stage.enter_subclass(Lingerer)):
        assert actor.process.is_alive()
        assert isinstance(actor.process.pid, int)
        actor.expect("running")
        actor.cue("leave")
        actor.returns()


def start_again(actor):
    """Start what runs, and what has run, once more; what came of it."""
    actor.process.start()
    actor.expect("running")
    running = result_or_error(actor.process.start)
    assert actor.does_not_say("running"), "a second one has started"
    actor.cue("leave")
    actor.returns()
    return running, result_or_error(actor.process.start)


@claim("process.start-once", docs="multiprocessing.Process.start", level=OBSERVED)
def test_a_process_is_started_once(mp, stage, program):
    """A second start raises AssertionError, while the process runs and when it has ended.

    Here parity ends: Thread raises RuntimeError. Without assertions, under ``python -O``, it
    fails for want of what the first start has used up, which is promised by nobody.
    """
    observed = {
        "Process": start_again(stage.prepare(linger, by=mp.Process)),
        "Thread": start_again(stage.prepare(linger, by=threading.Thread)),
    }
    assert observed == {
        "Process": ("AssertionError", "AssertionError"),
        "Thread": ("RuntimeError", "RuntimeError"),
    }
    without_assertions = program.run("unchecked", options=("-O",)).lines[1]
    assert without_assertions in ("second start: AttributeError", "second start: TypeError")


def meddle(stage, process):
    """Do with somebody else's process what only its creator may do; what came of it."""
    return {
        "start": result_or_error(process.start),
        "join": result_or_error(process.join, 0),
        "is_alive": result_or_error(process.is_alive),
        "is_alive of its own": result_or_error(stage.mp.current_process().is_alive),
    }


REFUSED = {
    "start": "AssertionError",
    "join": "AssertionError",
    "is_alive": "AssertionError",
    "is_alive of its own": True,
}


@claim("process.only-creator-starts-and-joins", docs="multiprocessing.Process", level=OBSERVED)
def test_only_the_creator_may_start_and_join(mp, stage):
    """Only the process that created a Process may start, join or ask for it: AssertionError.

    One that was not started yet can be handed to a child under every start method. One that
    runs cannot be pickled, so only a forked child can hold it.
    """
    assert stage.result_of(meddle, mp.Process()) == REFUSED

    if mp.get_start_method() == "fork":
        sibling = stage.enter(linger)
        assert stage.result_of(meddle, sibling.process) == REFUSED
        sibling.cue("leave")
        sibling.returns()


@claim("process.unjoined-output-is-complete", docs="multiprocessing#programming-guidelines")
def test_the_interpreter_waits_for_processes_that_nobody_joined(mp, program):
    """A program that joins nobody still waits at its end: what its processes print is complete.

    The process waits until the program has nothing more to do, and a little longer, before it
    prints. Both samples of the tutorial rely on this.
    """
    for name in ("unjoined", "sample_target", "sample_subclass"):
        completed = program.run(name, str(program.folder))
        assert completed.exitcode == 0, completed.errors
        assert completed.lines == EXPECTED[name]


EXPECTED = {
    "unjoined": ["the last word"],
    "sample_target": ["hello world", "This is a process"],
    "sample_subclass": ["Ann is 19"],
}
