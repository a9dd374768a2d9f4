"""The process tree: a process, its parent and its children.

``current_process()`` gives a process its own Process object, ``parent_process()`` an object for
its creator, and ``active_children()`` the objects of its living children. With them a process can
tell, for example, whether its parent has ended.

Some points surprise people. Asking for the children also joins those that have ended, and so does
starting another one. Under forkserver the system's parent of a child is the fork server, although
``parent_process()`` is the creator. ``cpu_count()`` counts all CPUs, not only those that the
process may use.
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


def tell_creator_until_cued(stage):
    """Say the PID of parent_process(), and wait for the cue to leave."""
    stage.say("creator", stage.mp.parent_process().pid)
    stage.wait_for_cue("leave")


def look_from_two_threads(stage, ticket):
    """Start a nested actor in a thread, which ends; compare what that thread and this one see."""
    mp = stage.mp

    def look():
        return mp.current_process(), mp.parent_process(), mp.active_children()

    seen = []
    thread = threading.Thread(target=lambda: seen.append((stage.start(ticket), *look())))
    thread.start()
    thread.join()
    own_current, own_parent, own_children = look()
    stage.say("looked")
    grandchild, current, parent, children = seen[0]
    grandchild.join(stage.patience)
    return {
        "same current_process()": current is own_current,
        "same parent_process()": parent is own_parent,
        "grandchild seen by its starter": children == [grandchild],
        "grandchild seen by the other": own_children == [grandchild],
        "exitcode": grandchild.exitcode,
    }


@claim("tree.threads-see-same-processes", docs="multiprocessing.current_process")
def test_all_threads_of_a_process_see_the_same_processes(mp, stage):
    """current_process(), parent_process() and active_children() are the same in all threads.

    A thread of a child starts a grandchild and ends, and then the main thread of the child looks
    too, and joins the grandchild. The parent of the grandchild is the child.
    """
    grandchild = stage.nested(tell_creator_until_cued)
    child = stage.enter(look_from_two_threads, grandchild.ticket)
    child.expect("looked")
    assert grandchild.expect("creator") == child.pid
    grandchild.cue("leave")
    assert child.returns() == {
        "same current_process()": True,
        "same parent_process()": True,
        "grandchild seen by its starter": True,
        "grandchild seen by the other": True,
        "exitcode": 0,
    }


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
    """For an only child, parent_process() tells in three ways whether the parent has ended.

    These are is_alive(), join() and the sentinel; a forked sibling can delay all three. The parent
    ends by cue, while its child blocks in join(). Before that, a join() with a timeout of one beat
    takes at least the beat. The control is a child whose parent lives: this process.
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


def join_parent_without_timeout(stage):
    """Join the parent without a timeout."""
    parent = stage.mp.parent_process()
    stage.say("joining")
    parent.join()
    stage.say("joined")


@claim(
    "tree.parent-join-never-gives-up",
    docs="multiprocessing.parent_process",
    level=OBSERVED,
    slow=True,
)
def test_joining_the_parent_does_not_give_up(mp, stage):
    """parent_process().join() without a timeout still blocks after seconds, until the parent ends.

    The parent ends by a cue that is given only after more than two seconds.
    """
    child = stage.nested(join_parent_without_timeout)
    parent = stage.enter(start_child_and_vanish_when_cued, child.ticket)
    child.expect("joining")
    assert child.does_not_say("joined", beats=25), "join() has given up"
    parent.cue("leave")
    child.expect("joined")
    child.returns()
    assert parent.exit_code() == 3


def look_at_parent_when_cued(stage):
    """Report the state of the parent, twice when cued, and then wait for it to end."""
    for _ in range(2):
        stage.wait_for_cue("look")
        stage.say("seen", look_at_parent(stage))
    stage.mp.parent_process().join(stage.patience)
    return look_at_parent(stage)


def start_two_and_vanish_when_cued(stage, first, second):
    """Start two nested actors, say so, and when cued end at once, without waiting for them."""
    stage.start(first)
    stage.start(second)
    stage.say("started")
    stage.wait_for_cue("leave")
    os._exit(3)


@claim(
    "tree.sibling-hides-parent-death",
    docs="multiprocessing.parent_process",
    level=OBSERVED,
    methods=("fork",),
)
def test_a_forked_sibling_hides_the_end_of_the_parent(mp, stage):
    """Under fork, a parent that has ended seems alive to a child while a later child still runs.

    The later child has inherited the pipe that makes the sentinel of parent_process() ready when
    all its writers are gone. The parent is known to have ended, as the kernel tells it. When the
    later child has ended too, the elder sees that.
    """
    alive = {"is_alive()": True, "sentinel is ready": False}
    elder = stage.nested(look_at_parent_when_cued)
    later = stage.nested(wait_until_cued)
    parent = stage.enter(start_two_and_vanish_when_cued, elder.ticket, later.ticket)
    parent.expect("started")
    elder.cue("look")
    assert elder.expect("seen") == alive
    parent.cue("leave")
    parent.wait_until_gone()
    stage.wait_until(lambda: not parent.process.is_alive(), "the end of the parent")
    elder.cue("look")
    assert elder.expect("seen") == alive, "the elder child sees the end of its parent"
    later.cue("leave")
    assert elder.returns() == {"is_alive()": False, "sentinel is ready": True}
    later.wait_until_gone()


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
