"""The process tree: who am I, and who are the others.

``current_process`` gives a process its own object, ``parent_process`` that of its creator, and
``active_children`` those of the children that live. Whoever asks for the children also takes up
the exit status of those that have ended, and so does whoever starts another.

A child begins with its parent's arguments, paths and current directory, but without its input
and without its exit handlers. The creator is not always the parent that the system knows: the
children of a fork server are the server's.
"""

import os
import sys
import threading
import time

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


@process_class
class Introspector:
    """A process that knows itself, and compares."""

    def __init__(self, stage):
        super().__init__()
        self.name = "Ann"
        self.stage = stage

    def run(self):
        perform(self.stage, compare, self)


def compare(stage, process):
    """Report whether the process is the current one, and what that says of itself."""
    current = stage.mp.current_process()
    return current is process, current.name, current.pid == os.getpid(), current.is_alive()


@claim("tree.current-process-is-own-object", docs="multiprocessing.current_process")
def test_current_process_is_the_object_that_runs(mp, stage):
    """current_process() is the object whose run is executed; in the main process, "MainProcess".

    A process of a subclass compares it with the self of its run method.
    """
    assert stage.enter_subclass(Introspector).returns() == (True, "Ann", True, True)

    main = mp.current_process()
    assert (main is mp.current_process(), main.name, main.pid) == (True, "MainProcess", os.getpid())


def tell_parent(stage):
    """Report the number and the name of the creator."""
    parent = stage.mp.parent_process()
    return parent.pid, parent.name


def have_child(stage, part):
    """Have a child play the part, and wait for its end; report the own parent as well."""
    child = stage.mp.Process(target=perform, args=part)
    child.start()
    child.join(stage.patience)
    return tell_parent(stage)


@claim("tree.parent-process-is-creator", docs="multiprocessing.parent_process")
def test_parent_process_names_the_creator(mp, stage):
    """parent_process() has the number and the name of the creator; in the main process it is None.

    A child and a grandchild ask. Under forkserver, too, it is their creator, not the server.
    """
    assert mp.parent_process() is None

    grandchild = stage.nested(tell_parent)
    child = stage.enter(have_child, grandchild.ticket, name="Ann")
    assert grandchild.returns() == (child.pid, "Ann")
    assert child.returns() == (os.getpid(), "MainProcess")


def tell_system_parent(stage):
    """Report whom the system has for the parent of this process."""
    return os.getppid()


@claim("tree.forkserver-is-os-parent", docs="multiprocessing#contexts-and-start-methods")
def test_a_fork_server_is_the_parent_that_the_system_knows(mp, stage):
    """To the system, the parent of all children is the program, or under forkserver one server."""
    parents = {stage.result_of(tell_system_parent) for _ in range(2)}
    if mp.get_start_method() == "forkserver":
        assert len(parents) == 1, "there is more than one server"
        assert os.getpid() not in parents
    else:
        assert parents == {os.getpid()}


def standing(parent):
    """Whether the parent is alive, and whether its sentinel tells that it has ended."""
    return parent.is_alive(), submodule("connection").wait([parent.sentinel], 0) != []


def look_at_parent(stage):
    """Report how the parent stands."""
    return standing(stage.mp.parent_process())


def watch_parent(stage):
    """Report how the parent stands, join it for a beat and then for long, and report again."""
    parent = stage.mp.parent_process()
    with stage.span("a beat"):
        parent.join(BEAT)
    stage.say("before", *standing(parent))
    stage.say("joined", parent.join(stage.patience))
    stage.say("after", *standing(parent))


def leave_child_behind(stage, part):
    """Have a child play the part, and when cued end without waiting for it."""
    stage.mp.Process(target=perform, args=part).start()
    stage.wait_for_cue("leave")
    os._exit(3)


@claim("tree.parent-death-is-observable", docs="multiprocessing.parent_process", level=OBSERVED)
def test_a_child_can_tell_whether_its_parent_lives(mp, stage):
    """is_alive, join and the sentinel of parent_process() tell a child when its parent has ended.

    The parent ends by cue, while its child waits in join. Before, to join it for a beat takes a
    beat. A child whose parent lives, this process, is asked as well.
    """
    assert stage.result_of(look_at_parent) == (True, False)

    child = stage.nested(watch_parent)
    parent = stage.enter(leave_child_behind, child.ticket)
    assert child.expect("before") == (True, False)
    assert child.spans["a beat"].seconds >= BEAT - TICK
    assert child.does_not_say("joined"), "join returned while the parent was there"
    parent.cue("leave")
    parent.wait_until_gone()
    assert child.expect("joined") is None
    assert child.expect("after") == (False, True)
    child.returns()
    assert parent.exit_code() == 3


def leave_when_cued(stage):
    """Stay until cued to leave."""
    stage.wait_for_cue("leave")


def count_children(stage):
    """Report how many children there are: of one's own, with a Pool and with a Manager."""
    mp = stage.mp
    counts = [len(mp.active_children())]
    pool = mp.Pool(2)
    counts.append(len(mp.active_children()))
    pool.terminate()
    pool.join()
    with mp.Manager():
        counts.append(len(mp.active_children()))
    return *counts, len(mp.active_children())


@claim(
    "tree.active-children-lists-live-ones",
    docs="multiprocessing.active_children",
    needs=("addresses", "semaphores"),
)
def test_active_children_are_the_own_children_that_live(mp, stage):
    """active_children() lists the living children of this very process, and no others.

    They are listed from their start to their end, which nobody else takes notice of. A child
    does not list its parent's. The processes of a Pool and of a Manager are children too.
    """
    idle = stage.prepare(leave_when_cued)
    first, second = (stage.enter(leave_when_cued) for _ in range(2))

    def listed():
        children = mp.active_children()
        return [actor.process in children for actor in (idle, first, second)]

    assert listed() == [False, True, True]
    assert stage.result_of(count_children) == (0, 2, 1, 0)
    first.cue("leave")
    first.wait_until_gone()
    deadline = time.monotonic() + stage.patience
    while listed()[1] and time.monotonic() < deadline:
        stage.listen(TICK)  # an exit becomes visible a moment later
    assert listed() == [False, False, True]
    second.cue("leave")
    second.returns()
    assert listed() == [False, False, False]
    first.returns()


def end_unnoticed(stage):
    """Start two actors and let them end; nobody has asked for their exit status."""
    actors = [stage.enter(leave_when_cued) for _ in range(2)]
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
def test_active_children_joins_what_has_finished(mp, stage):
    """active_children() joins the children that have ended: they are zombies no more.

    They are known to have ended, as the kernel tells it. The children of a fork server are the
    server's, and no zombies of the program's.
    """
    ended = end_unnoticed(stage)
    mp.active_children()
    assert [result_or_error(is_zombie, actor.pid) for actor in ended] == ["ChildProcessError"] * 2
    assert [actor.exit_code() for actor in ended] == [0, 0]


@claim(
    "tree.start-reaps-finished",
    docs="multiprocessing#programming-guidelines",
    needs=("waitid",),
    methods=("fork", "spawn"),
)
def test_start_joins_what_has_finished(mp, stage):
    """To start a process joins the children that have ended: they are zombies no more.

    They are known to have ended, as the kernel tells it, and start is all that happens.
    """
    ended = end_unnoticed(stage)
    late = stage.prepare(leave_when_cued)
    late.process.start()
    assert [result_or_error(is_zombie, actor.pid) for actor in ended] == ["ChildProcessError"] * 2
    assert [actor.exit_code() for actor in ended] == [0, 0]
    late.cue("leave")
    late.returns()


def count_processors(stage):
    """Report how many processors there are when only one of them may be used."""
    usable = os.sched_getaffinity(0)  # type: ignore[attr-defined,unused-ignore]
    os.sched_setaffinity(0, {min(usable)})  # type: ignore[attr-defined,unused-ignore]
    return stage.mp.cpu_count()


@claim("tree.cpu-count-ignores-affinity", docs="multiprocessing.cpu_count", needs=("affinity",))
def test_cpu_count_is_the_number_of_all_processors(mp, stage):
    """cpu_count() is the number of processors of the system, not of those that may be used.

    A process that is kept to one processor counts as many as before.
    """
    assert mp.cpu_count() == os.cpu_count()
    assert stage.result_of(count_processors) == os.cpu_count()


@claim(
    "tree.cpu-count-can-be-overridden",
    docs="multiprocessing.cpu_count",
    since="3.13",
    changes={"3.14": "spawned processes, and those of a fork server, are given -X cpu_count too"},
)
def test_cpu_count_can_be_overridden(mp, program):
    """-X cpu_count=7, and PYTHON_CPU_COUNT=7 in the environment, make cpu_count() 7.

    The program prints its number, and that of a process of its own.
    """
    by_option = program.run("cpu_count", options=("-X", "cpu_count=7"))
    by_environment = program.run("cpu_count", environment={"PYTHON_CPU_COUNT": "7"})
    given_on = mp.get_start_method() == "fork" or reached("3.14")
    assert by_option.lines == ["7", "7" if given_on else str(os.cpu_count())]
    assert by_environment.lines == ["7", "7"]


def call_freeze_support(stage, arguments):
    """Call freeze_support in a process with these arguments; report what it returns and leaves."""
    sys.argv = [sys.argv[0], *arguments]
    returned = stage.mp.freeze_support()
    stage.say("here still")
    return returned, sys.argv[1:]


@claim("tree.freeze-support-unfrozen-does-nothing", docs="multiprocessing.freeze_support")
def test_freeze_support_does_nothing_in_an_ordinary_program(mp, stage):
    """freeze_support() does nothing in a program that is not frozen, and returns None.

    Not even with the arguments by which a frozen program knows that it was started as a child.
    """
    for arguments in ((), ("--multiprocessing-fork", "pipe_handle=0")):
        actor = stage.enter(call_freeze_support, arguments)
        actor.expect("here still")
        assert actor.returns() == (None, list(arguments))


@claim("tree.child-stdin-is-null-device", docs="multiprocessing#programming-guidelines")
def test_a_child_finds_nothing_on_its_standard_input(mp, program):
    """A child's standard input is empty: it takes nothing away from its parent's.

    There is a line for the program. Its process reads nothing before the program reads that.
    """
    completed = program.run("child_input", typed="for the program\n")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == [
        "the process read ''",
        "the process was told that there is no more",
        "the program read 'for the program'",
    ]


@claim(
    "tree.buffered-output-appears-once",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_buffered_output_is_neither_lost_nor_doubled(mp, program):
    """What a program, and each process, has printed and not flushed appears once.

    The program prints before it starts two processes; forked, they have what it had not flushed.
    """
    completed = program.run("unflushed")
    assert completed.exitcode == 0, completed.errors
    assert sorted(completed.lines) == ["first", "program", "second"]


def exits(program):
    """How each process of the program ended, and what the program printed last of all."""
    completed = program.run("exit_handlers")
    assert completed.exitcode == 0, completed.errors
    *processes, last = completed.lines
    return processes, last


@claim(
    "tree.parent-atexit-stays-in-parent",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_exit_handlers_of_the_parent_run_in_the_parent_only(mp, program):
    """Exit handlers that the parent has registered do not run in its children, however they end.

    Three processes end, each in another way; the program's handler runs once, after all of them.
    """
    processes, last = exits(program)
    assert len(processes) == 3
    assert not any("handler of the program" in line for line in processes)
    assert last == "handler of the program"


@claim(
    "tree.child-atexit-runs-at-end",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    changes={"3.13": "before, only under spawn"},
)
def test_exit_handlers_of_a_child_run_when_it_ends(mp, program):
    """Exit handlers that a child has registered run when it ends, also by sys.exit or an error.

    They have run when join returns. Until 3.12 so it was under spawn only.
    """
    processes, _ = exits(program)
    if mp.get_start_method() == "spawn" or reached("3.13"):
        assert processes == ["return handler 0", "exit handler 0", "error handler 1"]
    else:
        assert processes == ["return 0", "exit 0", "error 1"]


def tell_path(stage):
    """Report sys.argv and the last entry of sys.path."""
    return sys.argv, sys.path[-1]


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
def test_a_child_begins_with_its_parents_argv_and_path(mp, stage):
    """A child begins with sys.argv and sys.path as they are in its parent at start()."""
    child = stage.nested(tell_path)
    stage.enter(change_path_and_start, child.ticket).returns()
    assert child.returns() == (["tree", "--of", "processes"], "a last entry")


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
def test_a_child_begins_in_its_parents_directory(mp, stage, tmp_path):
    """A child begins in the current directory that its parent has at start()."""
    child = stage.nested(tell_directory)
    stage.enter(move_and_start, str(tmp_path), child.ticket).returns()
    assert os.path.samefile(child.returns(), tmp_path)
