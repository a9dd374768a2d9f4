"""The process tree: a process, its parent and its children.

``current_process()`` gives a process its own Process object, ``parent_process()`` an object for
its creator, and ``active_children()`` the objects of its living children. With them a process can
tell, for example, whether its parent has ended.

Some points surprise people. Asking for the children also joins those that have ended, and so does
starting another one. Under forkserver the system's parent of a child is the fork server, although
``parent_process()`` is the creator. ``cpu_count()`` counts all CPUs, not only those that the
process may use.

A child starts with its parent's arguments, import paths and current directory, but with an empty
``sys.stdin`` and without its parent's exit handlers.
"""

import os
import sys
import threading

from spec.kit import (
    BEAT,
    OBSERVED,
    TICK,
    claim,
    is_zombie,
    perform,
    process_class,
    reached,
    result_or_error,
    submodule,
    wait_for_zombie,
)
from spec.kit.actors import tell_system_parent, wait_until_cued


@process_class
class Introspector:
    """A process that compares itself with current_process()."""

    def __init__(self, stage):
        super().__init__()
        self.name = "Ann"
        self.stage = stage

    def run(self):
        perform(self.stage, compare_with_current, self)


def compare_with_current(stage, process):
    """Report whether the process is the current one, and what the current one says of itself."""
    current = stage.mp.current_process()
    return {
        "is self": current is process,
        "name": current.name,
        "pid is right": current.pid == os.getpid(),
        "is_alive()": current.is_alive(),
    }


@claim("tree.current-process-is-own-object", docs="multiprocessing.current_process")
def test_current_process_is_the_object_that_runs(mp, stage):
    """current_process() is the object whose run() executes; the main process is "MainProcess".

    The run() method of a subclass compares it with its self. In the main process two calls give
    the same object.
    """
    assert stage.enter_subclass(Introspector).returns() == {
        "is self": True,
        "name": "Ann",
        "pid is right": True,
        "is_alive()": True,
    }
    main = mp.current_process()
    assert main is mp.current_process()
    assert (main.name, main.pid) == ("MainProcess", os.getpid())


def tell_creator(stage):
    """Report the PID and the name of parent_process()."""
    parent = stage.mp.parent_process()
    return {"pid": parent.pid, "name": parent.name}


def start_child_and_tell_creator(stage, ticket):
    """Start a nested actor and join it; report the PID and the name of parent_process()."""
    stage.start(ticket).join(stage.patience)
    return tell_creator(stage)


@claim("tree.parent-process-is-creator", docs="multiprocessing.parent_process")
def test_parent_process_is_the_creator(mp, stage):
    """parent_process() has the PID and name of the creator, and is None in the main process.

    A child and a grandchild ask. Under forkserver, too, it is their creator, not the server.
    """
    assert mp.parent_process() is None

    grandchild = stage.nested(tell_creator)
    child = stage.enter(start_child_and_tell_creator, grandchild.ticket, name="Ann")
    assert grandchild.returns() == {"pid": child.pid, "name": "Ann"}
    assert child.returns() == {"pid": os.getpid(), "name": "MainProcess"}


@claim("tree.forkserver-is-os-parent", docs="multiprocessing#contexts-and-start-methods")
def test_the_systems_parent_of_a_child_is_its_creator_or_the_fork_server(mp, stage):
    """os.getppid() in a child is its creator's PID; under forkserver, the single fork server's PID.

    Two children are asked. Under forkserver both name one process, which is not their creator.
    """
    parents = {stage.result_of(tell_system_parent) for _ in range(2)}
    if mp.get_start_method() == "forkserver":
        assert len(parents) == 1, f"more than one server: {parents}"
        assert os.getpid() not in parents
    else:
        assert parents == {os.getpid()}


def state_of(parent):
    """What is_alive() and the sentinel of a parent say."""
    ready = submodule("connection").wait([parent.sentinel], 0)
    return {"is_alive()": parent.is_alive(), "sentinel is ready": ready != []}


def look_at_parent(stage):
    """Report the state of the parent."""
    return state_of(stage.mp.parent_process())


def join_parent(stage):
    """Join the parent for a beat and then for long; report its state before and after that."""
    parent = stage.mp.parent_process()
    with stage.span("a beat"):
        parent.join(BEAT)
    stage.say("before", state_of(parent))
    stage.say("joined", parent.join(stage.patience))
    stage.say("after", state_of(parent))


def start_child_and_vanish_when_cued(stage, ticket):
    """Start a nested actor, and when cued end at once, without waiting for it."""
    stage.start(ticket)
    stage.wait_for_cue("leave")
    os._exit(3)


@claim("tree.parent-death-is-observable", docs="multiprocessing.parent_process", level=OBSERVED)
def test_a_child_can_tell_whether_its_parent_has_ended(mp, stage):
    """is_alive(), join() and sentinel of parent_process() tell whether the parent has ended.

    The parent ends by cue, while its child blocks in join(). Before that, a join() with a timeout
    of one beat takes at least the beat. The control is a child whose parent lives: this process.
    """
    alive = {"is_alive()": True, "sentinel is ready": False}
    ended = {"is_alive()": False, "sentinel is ready": True}
    assert stage.result_of(look_at_parent) == alive

    child = stage.nested(join_parent)
    parent = stage.enter(start_child_and_vanish_when_cued, child.ticket)
    assert child.expect("before") == alive
    seconds = child.spans["a beat"].seconds
    assert seconds >= BEAT - TICK, f"join(timeout={BEAT}) returned after {seconds:.3f} s"
    assert child.does_not_say("joined"), "join() returned while the parent was alive"
    parent.cue("leave")
    parent.wait_until_gone()
    assert child.expect("joined") is None
    assert child.expect("after") == ended
    child.returns()
    assert parent.exit_code() == 3


def count_children(stage):
    """Report how many children this process has, also with a Pool and with a Manager."""
    mp = stage.mp
    counts = {"at first": len(mp.active_children())}
    pool = mp.Pool(2)
    counts["with a Pool(2)"] = len(mp.active_children())
    pool.terminate()
    pool.join()
    with mp.Manager():
        counts["with a Manager()"] = len(mp.active_children())
    counts["in the end"] = len(mp.active_children())
    return counts


@claim(
    "tree.active-children-lists-live-ones",
    docs="multiprocessing.active_children",
    needs=("addresses", "semaphores"),
)
def test_active_children_are_the_own_children_that_live(mp, stage):
    """active_children() lists only the living children of the process that calls it.

    They are listed from their start to their end: the test waits until the first to end is
    listed no more. A child does not list the other children of its parent. The processes of a
    Pool and of a Manager are listed too.
    """
    actors = {
        "not started": stage.prepare(wait_until_cued),
        "first": stage.enter(wait_until_cued),
        "second": stage.enter(wait_until_cued),
    }

    def listed():
        children = mp.active_children()
        return [name for name, actor in actors.items() if actor.process in children]

    assert listed() == ["first", "second"]
    assert stage.result_of(count_children) == {
        "at first": 0,
        "with a Pool(2)": 2,
        "with a Manager()": 1,
        "in the end": 0,
    }
    actors["first"].cue("leave")
    actors["first"].wait_until_gone()
    # An exit becomes visible a moment later.
    stage.wait_until(lambda: "first" not in listed(), "the end of the first in active_children()")
    assert listed() == ["second"]
    actors["second"].returns(cue="leave")
    assert listed() == []
    actors["first"].returns()


def make_two_zombies(stage):
    """Start two actors and end them without collecting their exit status; returns them."""
    actors = [stage.enter(wait_until_cued) for _ in range(2)]
    for actor in actors:
        actor.cue("leave")
        actor.wait_until_gone()
        stage.result_of(wait_for_zombie, actor.pid, by=threading.Thread)
    assert [is_zombie(actor.pid) for actor in actors] == [True, True]
    return actors


@claim(
    "tree.active-children-reaps-finished",
    docs="multiprocessing.active_children",
    needs=("waitid",),
    methods=("fork", "spawn"),
)
def test_active_children_joins_finished_children(mp, stage):
    """active_children() joins finished children, so none of them remains a zombie.

    The kernel has confirmed that they have ended before it is called. Their exit codes are known
    afterwards. The children of a fork server are never zombies of the program.
    """
    zombies = make_two_zombies(stage)
    mp.active_children()
    assert [result_or_error(is_zombie, each.pid) for each in zombies] == ["ChildProcessError"] * 2
    assert [each.exit_code() for each in zombies] == [0, 0]


@claim(
    "tree.start-reaps-finished",
    docs="multiprocessing#programming-guidelines",
    needs=("waitid",),
    methods=("fork", "spawn"),
)
def test_start_joins_finished_children(mp, stage):
    """start() joins finished children, so none of them remains a zombie.

    The kernel has confirmed that they have ended before it is called, and nothing else is called
    in between. Their exit codes are known afterwards.
    """
    zombies = make_two_zombies(stage)
    late = stage.prepare(wait_until_cued)
    late.process.start()
    assert [result_or_error(is_zombie, each.pid) for each in zombies] == ["ChildProcessError"] * 2
    assert [each.exit_code() for each in zombies] == [0, 0]
    late.returns(cue="leave")


def count_cpus_with_one_allowed(stage):
    """Report cpu_count() when this process is allowed to use one CPU only."""
    usable = os.sched_getaffinity(0)  # type: ignore[attr-defined,unused-ignore]
    os.sched_setaffinity(0, {min(usable)})  # type: ignore[attr-defined,unused-ignore]
    return stage.mp.cpu_count()


@claim("tree.cpu-count-ignores-affinity", docs="multiprocessing.cpu_count", needs=("affinity",))
def test_cpu_count_ignores_the_affinity(mp, stage):
    """cpu_count() equals os.cpu_count(), however few CPUs the process is allowed to use.

    A process that is restricted to one CPU counts as many as this one.
    """
    assert mp.cpu_count() == os.cpu_count()
    assert stage.result_of(count_cpus_with_one_allowed) == os.cpu_count()


def count_unknown_cpus(stage):
    """Make os.cpu_count() return None; report what cpu_count() does."""
    os.cpu_count = lambda: None
    return result_or_error(stage.mp.cpu_count)


@claim("tree.cpu-count-unknown-raises", docs="multiprocessing.cpu_count")
def test_an_unknown_number_of_cpus_raises(mp, stage):
    """cpu_count() raises NotImplementedError if the system does not tell how many CPUs it has.

    Unlike os.cpu_count(), which returns None then: a child replaces it by a function that does.
    """
    assert stage.result_of(count_unknown_cpus) == "NotImplementedError"


@claim(
    "tree.cpu-count-can-be-overridden",
    docs="multiprocessing.cpu_count",
    since="3.13",
    changes={"3.14.4": "children that are not forked are given -X cpu_count too (gh-146004)"},
)
def test_cpu_count_can_be_overridden(mp, program):
    """In a program run with -X cpu_count=7 or PYTHON_CPU_COUNT=7, cpu_count() returns 7.

    A child of the program counts too. Before Python 3.14.4 the option reaches forked children only.
    """
    by_option = program.table_of("cpu_count", options=("-X", "cpu_count=7"))
    by_environment = program.table_of("cpu_count", environment={"PYTHON_CPU_COUNT": "7"})
    reaches_child = mp.get_start_method() == "fork" or reached("3.14.4")
    assert by_option == {"program": "7", "child": "7" if reaches_child else str(os.cpu_count())}
    assert by_environment == {"program": "7", "child": "7"}


def call_freeze_support(stage, arguments):
    """Call freeze_support() with these arguments in sys.argv; report its value and sys.argv."""
    sys.argv = [sys.argv[0], *arguments]
    return {"freeze_support()": stage.mp.freeze_support(), "sys.argv[1:]": sys.argv[1:]}


@claim("tree.freeze-support-unfrozen-does-nothing", docs="multiprocessing.freeze_support")
def test_freeze_support_does_nothing_in_an_ordinary_program(mp, stage):
    """freeze_support() does nothing in a program that is not frozen, and returns None.

    This holds even with the arguments by which a frozen program knows that it is a child.
    """
    for arguments in ([], ["--multiprocessing-fork", "pipe_handle=0"]):
        observed = stage.result_of(call_freeze_support, arguments)
        assert observed == {"freeze_support()": None, "sys.argv[1:]": arguments}


@claim(
    "tree.freeze-support-runs-frozen-child",
    docs="multiprocessing.freeze_support",
    methods=("spawn",),
    needs=("scripts",),
    since="3.14",
)
def test_freeze_support_does_the_work_of_a_frozen_child(mp, program):
    """In a spawned child of a frozen program, freeze_support() does the work and does not return.

    The program only says that it is frozen, and names as its executable a script that runs it
    again, as a frozen one would be run. As a control it does not call freeze_support(): then its
    child runs the program's main part again, and not the work.
    """
    executable = str(program.folder / "executable")
    assert program.table_of("frozen", executable, "called") == {
        "child": "does the work",
        "exitcode": "0",
    }
    assert program.table_of("frozen", executable, "not called") == {
        "child": "runs the main part",
        "exitcode": "7",
    }


@claim("tree.child-stdin-is-null-device", docs="multiprocessing#programming-guidelines")
def test_a_childs_standard_input_is_empty(mp, program):
    """A child's sys.stdin is empty: through it a child reads nothing of its parent's input.

    One line is given to the program. The child reads to the end, and then asks for a line;
    only after that the program reads its own.
    """
    assert program.table_of("child_input", typed="for the program\n") == {
        "child, sys.stdin.read()": "''",
        "child, input()": "EOFError",
        "program, input()": "'for the program'",
    }


closed_in: list[int] = []


class StandIn:
    """An object in place of sys.stdin that notes the processes in which it is closed."""

    def close(self):
        """Note the PID of this process."""
        closed_in.append(os.getpid())


def look_at_input(stage):
    """Report where the stand-in was closed, and what sys.stdin now reads."""
    return {"closed here": closed_in == [os.getpid()], "sys.stdin.read()": sys.stdin.read()}


def replace_input_and_start(stage, ticket):
    """Replace sys.stdin, and start the nested actor; report where the stand-in was closed."""
    sys.stdin = StandIn()  # type: ignore[assignment,unused-ignore]
    stage.start(ticket).join(stage.patience)
    return closed_in


@claim(
    "tree.replaced-stdin-closed-in-child",
    docs="multiprocessing#programming-guidelines",
    methods=("fork",),
)
def test_a_forked_child_closes_the_object_in_sys_stdin(mp, stage):
    """A forked child calls close() of the object in sys.stdin, and then has an empty sys.stdin.

    The parent's object is a stand-in that notes where it was closed: once in the child, and not
    in the parent.
    """
    child = stage.nested(look_at_input)
    assert stage.result_of(replace_input_and_start, child.ticket) == []
    assert child.returns() == {"closed here": True, "sys.stdin.read()": ""}


@claim(
    "tree.buffered-output-appears-once",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_buffered_output_appears_exactly_once(mp, program):
    """Output printed but not flushed, by a program or its processes, appears exactly once.

    The program prints a word before it starts two processes, which print a word each. A forked
    process has a copy of all that the program has not flushed, and must not print it again.
    """
    assert sorted(program.lines_of("unflushed")) == ["first", "program", "second"]


@claim(
    "tree.parent-atexit-stays-in-parent",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_exit_handlers_of_the_parent_run_only_in_the_parent(mp, program):
    """Exit handlers that the parent has registered with atexit do not run in its children.

    One child returns, one calls sys.exit() and one raises. The program's handler runs once, after
    all of them.
    """
    *children, last = program.lines_of("exit_handlers")
    assert len(children) == 3, children
    assert not any("handler of the program" in line for line in children), children
    assert last == "handler of the program"


@claim(
    "tree.child-atexit-runs-at-end",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    changes={"3.13": "before, only under spawn"},
)
def test_exit_handlers_of_a_child_run_when_it_ends(mp, program):
    """A child that returns, calls sys.exit() or raises runs its own exit handlers at its end.

    They have run when join() returns. Up to Python 3.12 this is so under spawn only.
    """
    *children, _ = program.lines_of("exit_handlers")
    if mp.get_start_method() == "spawn" or reached("3.13"):
        assert children == ["return handler 0", "exit handler 0", "error handler 1"]
    else:
        assert children == ["return 0", "exit 0", "error 1"]


def tell_argv_and_path(stage):
    """Report sys.argv and the last entry of sys.path."""
    return {"sys.argv": sys.argv, "sys.path[-1]": sys.path[-1]}


def change_path_and_start(stage, ticket):
    """Change sys.argv and sys.path, and then start the nested actor."""
    sys.argv = ["tree", "--of", "processes"]
    sys.path.append("a last entry")
    stage.start(ticket).join(stage.patience)


@claim(
    "tree.argv-and-path-reach-child",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
)
def test_a_child_starts_with_its_parents_argv_and_path(mp, stage):
    """A child starts with the sys.argv and sys.path that its parent has at start().

    The parent has changed both since its own start.
    """
    child = stage.nested(tell_argv_and_path)
    stage.enter(change_path_and_start, child.ticket).returns()
    assert child.returns() == {
        "sys.argv": ["tree", "--of", "processes"],
        "sys.path[-1]": "a last entry",
    }


def tell_directory(stage):
    """Report the current directory."""
    return os.getcwd()


def move_and_start(stage, folder, ticket):
    """Change the current directory, and then start the nested actor."""
    os.chdir(folder)
    stage.start(ticket).join(stage.patience)


@claim(
    "tree.child-starts-in-parent-cwd",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
)
def test_a_child_starts_in_its_parents_directory(mp, stage, tmp_path):
    """A child starts in the current directory that its parent has at start().

    The parent has changed it since its own start.
    """
    child = stage.nested(tell_directory)
    stage.enter(move_and_start, str(tmp_path), child.ticket).returns()
    assert os.path.samefile(child.returns(), tmp_path)
