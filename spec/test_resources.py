"""Resources: guidelines and hazards, to be read before a program is shipped.

Much that works in a first try fails later, under another start method, on another platform, or
when a process is killed. So these are the guidelines:

- Join all processes. A child that has ended is a zombie until then.
- Keep a reference to each lock, semaphore and queue until then. A child that is not forked first
  imports the program; if the program ends meanwhile, the child fails with FileNotFoundError.
- Do not fork a program that has threads: a lock that one of them holds is never released in the
  child. ``put()`` on a queue starts a thread, as a Pool does. Python 3.12 and later warn.
- Pass all that a child needs as arguments. Only a forked child has the objects that the program
  keeps in global names.
- Let processes end by themselves. ``terminate()`` and ``kill()`` leave locks locked and queues
  broken; see the chapter Stopping. Only semaphores that a killed program left are removed.
- Use a proxy in as many processes as needed, but in one thread of each, or with a lock.
- A system without shared semaphores has pipes and managers, but no locks, queues and pools.
- Catching ProcessError does not catch all exceptions of the package.
"""

import os
import re
import signal
import threading

from spec.kit import (
    BEAT,
    OBSERVED,
    claim,
    is_zombie,
    reached,
    result_or_error,
    submodule,
    wait_for_zombie,
)
from spec.kit.actors import hold_by_with, wait_until_cued

LEFT_OUT = {
    "resource.argument-checks-are-asserts": (
        "process.start-once and process.group-must-be-none tell what -O changes"
    ),
    "resource.kill-may-corrupt-transfer": (
        "whether it does is a matter of luck; pipe.killed-sender-tears-message, "
        "stop.killed-reader-blocks-queue and stop.killed-holder-keeps-lock have the certain cases"
    ),
    "resource.stdin-cache-needs-pid-check": (
        "it is about a class of the program; tree.replaced-stdin-closed-in-child tells what the "
        "package does with its object"
    ),
}


@claim(
    "resource.unjoined-semaphores-lost-unless-forked",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    needs=("semaphores", "named-semaphores"),
)
def test_a_program_that_does_not_join_takes_semaphores_from_its_children(mp, program):
    """Unless forked, a child still starting when its program ends loses its semaphores and queues.

    At its end the program removes the names of its semaphores, and only then waits for its
    children: a child that looks up a name later ends with FileNotFoundError. The program holds
    its children back until the names are gone, so no child is too early. Its own exit code is 0.
    With join() everything works.
    """
    forked = mp.get_start_method() == "fork"
    unjoined = program.run("ending", "semaphores", "unjoined", str(program.folder / "unjoined"))
    assert unjoined.exitcode == 0, unjoined.errors
    assert sorted(unjoined.lines) == (["acquired", "hello world"] if forked else [])
    assert unjoined.errors.count("FileNotFoundError: ") == (0 if forked else 3), unjoined.errors

    joined = program.run("ending", "semaphores", "joined", str(program.folder / "joined"))
    assert (joined.exitcode, joined.errors) == (0, "")
    assert sorted(joined.lines) == ["acquired", "hello world"]


@claim("resource.unjoined-pipe-survives", docs="multiprocessing.Pipe")
def test_a_pipe_works_though_the_program_does_not_join(mp, program):
    """A child still starting when its program ends can use the Pipe connections it was given.

    The program holds its children back until it has begun to end, as with semaphores.
    """
    completed = program.run("ending", "pipe", "unjoined", str(program.folder / "unjoined"))
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.lines == ["hello world"]


WARNING = r"There appear to be (\d+) leaked semaphore objects to clean up at shutdown"


@claim(
    "resource.leaked-semaphores-are-removed",
    docs="multiprocessing#contexts-and-start-methods",
    needs=("semaphores", "named-semaphores", "signals"),
    methods=("spawn", "forkserver"),
)
def test_semaphores_of_a_killed_program_are_removed(mp, program):
    """Under spawn and forkserver, the semaphores of a program that is killed are removed.

    The program creates two, joins a child, and sends SIGKILL to itself. The resource tracker
    survives it, warns of two, and has ended too when the test looks. Where the program could see
    the names of its semaphores, none of them is left. Under fork a semaphore has no name that
    could be left.
    """
    killed = program.run("killed")
    names = killed.lines
    try:
        assert killed.exitcode == -signal.Signals["SIGKILL"], killed.errors
        assert len(names) == (2 if os.path.exists("/proc/self/maps") else 0)
        assert re.findall(WARNING, killed.errors) == ["2"], f"on stderr: {killed.errors!r}"
        assert [name for name in names if os.path.exists(name)] == []
    finally:
        for name in names:
            result_or_error(os.unlink, name)


@claim(
    "resource.dead-tracker-is-replaced",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("semaphores", "named-semaphores", "signals", "waitid"),
    methods=("spawn", "forkserver"),
)
def test_a_resource_tracker_that_was_killed_is_replaced(mp, program):
    """A resource tracker that was killed is replaced when the program next creates a lock.

    A UserWarning tells of it. A child uses the lock, and the program drops it. Then the program
    creates a semaphore and is killed, and the new tracker warns of one. Newer releases never tell
    the new tracker of the lock that found the old one dead, so that lock is no proof.
    """
    killed = program.run("dead_tracker")
    assert killed.table == {"warnings": "['UserWarning']", "child": "acquired"}, killed.errors
    assert killed.exitcode == -signal.Signals["SIGKILL"], killed.errors
    assert re.findall(WARNING, killed.errors) == ["1"], f"on stderr: {killed.errors!r}"


@claim(
    "resource.main-modules-semaphores-are-freed",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("semaphores", "named-semaphores"),
    methods=("spawn",),
)
def test_semaphores_of_the_main_module_are_freed_by_each_child(mp, program):
    """A semaphore that a spawned child creates by importing the program is freed at its end.

    The main module creates a lock at its top. Two children have each created one of their own,
    too. At the end of the program the resource tracker has nothing to warn of.
    """
    completed = program.run("lock_at_top")
    assert (completed.exitcode, completed.errors) == (0, "")
    assert completed.lines == ["child 1 has acquired its lock", "child 2 has acquired its lock"]


@claim(
    "resource.raw-fork-spares-exit",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("semaphores", "named-semaphores"),
    methods=("spawn", "forkserver"),
    changes={
        "3.12.10, 3.13.3, 3.14": "the program waits forever if such a child runs longer",
        "3.13.14, 3.14.5": "it ends again, and nothing is printed",
    },
)
def test_a_program_that_has_used_os_fork_ends(mp, program):
    """A program with a lock that uses os.fork() ends, and no process prints a message at its end.

    A child of os.fork() ends by sys.exit(), another at the end of the main module. The third one
    runs until the program has ended. The program has a resource tracker, as the lock has a name;
    the children have copies of all that belongs to it.
    """
    waits_forever = reached("3.12.10, 3.13.3, 3.14") and not reached("3.13.14, 3.14.5")
    completed = program.run("raw_fork", *([] if waits_forever else ["and outlived"]))
    assert completed.exitcode == 0, completed.errors
    assert completed.table == {"sys.exit(3)": "3", "end of the module": "0"}
    assert waits_forever or completed.errors == ""


#: A forked child has a copy of this lock; any other child imports the module and makes its own.
MODULE_LOCK = threading.Lock()


def ask_for_module_lock(stage):
    """When cued, try to acquire the module's lock for a beat; report the answer."""
    stage.say("started")
    stage.wait_for_cue("ask")
    return MODULE_LOCK.acquire(timeout=BEAT)


@claim(
    "resource.forked-thread-lock-stays-locked",
    docs="multiprocessing#contexts-and-start-methods",
)
def test_a_lock_held_by_a_thread_stays_locked_in_a_forked_child(mp, stage):
    """Under fork, a threading.Lock that a thread holds at start() is never released in the child.

    The child asks for a beat, after the thread has released its own lock. Under the other start
    methods the child imports the module again and has a new lock, which it acquires.
    """
    holder = stage.enter(hold_by_with, MODULE_LOCK, by=threading.Thread)
    holder.expect("inside")
    child = stage.enter(ask_for_module_lock)
    child.expect("started")
    holder.returns(cue="leave")
    assert not MODULE_LOCK.locked(), "the thread has not released its own lock"
    acquired = child.returns(cue="ask")
    assert acquired is (mp.get_start_method() != "fork")


@claim(
    "resource.fork-with-threads-warns",
    docs="multiprocessing#contexts-and-start-methods",
    since="3.12",
)
def test_fork_warns_in_a_program_with_threads(mp, program):
    """Only under fork, start() gives a DeprecationWarning while the program has another thread.

    A program records the warnings of start() before it starts a thread that waits, while it has
    that thread, and, as often as needed, after the thread's end.
    """
    warned = ["DeprecationWarning"] if mp.get_start_method() == "fork" else []
    assert program.table_of("warnings_of_start", "thread") == {
        "before": "[]",
        "with the thread": str(warned),
        "afterwards": "[]",
    }


@claim(
    "resource.queue-feeder-makes-fork-warn",
    docs="multiprocessing.Queue",
    level=OBSERVED,
    since="3.12",
    needs=("semaphores",),
    methods=("fork",),
)
def test_a_queue_that_was_put_to_makes_fork_warn(mp, program):
    """Under fork, put() on a Queue makes start() warn of threads until the queue's thread ends.

    A program records the warnings of start() before put(), after it, and after close() and
    join_thread(). The system still counts the thread for a moment after join_thread(), so the
    program calls start() there until it does not warn.
    """
    assert program.table_of("warnings_of_start", "queue") == {
        "before": "[]",
        "with a new queue": "[]",
        "after put()": "['DeprecationWarning']",
        "afterwards": "[]",
    }


@claim(
    "resource.finished-unjoined-become-zombies",
    docs="multiprocessing#programming-guidelines",
    needs=("waitid",),
    methods=("fork", "spawn"),
)
def test_a_finished_child_is_a_zombie_until_it_is_joined(mp, stage):
    """Under fork and spawn, a child that has ended is a zombie until it is joined.

    It is one when the kernel has confirmed its end, and after join() it is not. That is_alive(),
    active_children() and start() join it too are claims of their own. A fork server waits for its
    children itself.
    """
    actor = stage.enter(wait_until_cued)
    actor.cue("leave")
    actor.wait_until_gone()
    stage.result_of(wait_for_zombie, actor.process.pid, by=threading.Thread)
    observed = {"before join()": result_or_error(is_zombie, actor.process.pid)}
    actor.process.join(stage.patience)
    observed["after join()"] = result_or_error(is_zombie, actor.process.pid)
    assert observed == {"before join()": True, "after join()": "ChildProcessError"}


def append_fifty_by_proxy(stage, items, name):
    """Append fifty items when cued, and ask for the place of each; report the places."""
    stage.say("ready", len(items))
    stage.wait_for_cue("append")
    places = []
    for number in range(50):
        items.append((name, number))
        places.append(items.index((name, number)))
    return places


def share_proxy(stage, tickets):
    """Append by one proxy at the same time as two children; report the places and the items."""
    with stage.mp.Manager() as manager:
        items = manager.list()
        items.append("first")  # the proxy has its connection before the children start
        children = [stage.start((*ticket, items, name)) for name, ticket in tickets.items()]
        places = append_fifty_by_proxy(stage, items, "parent")
        for child in children:
            child.join(stage.patience)
        return places, items[:]


@claim(
    "resource.processes-share-proxies-safely",
    docs="multiprocessing#programming-guidelines",
    needs=("addresses",),
)
def test_processes_share_a_proxy_safely(mp, stage):
    """Several processes may use one proxy at once: no call is lost, and each gets its own result.

    A process and two children, which it gave its proxy of a managed list, append fifty items
    each, without a lock. After each append() they ask for the index of the new item, where it is
    found in the end. All items arrive. The proxy was in use before the children started.
    """
    children = {name: stage.nested(append_fifty_by_proxy) for name in ("Ann", "Bob")}
    parent = stage.enter(share_proxy, {name: child.ticket for name, child in children.items()})
    appending = {**children, "parent": parent}
    for each in appending.values():
        assert each.expect("ready") == 1
    for each in appending.values():
        each.cue("append")
    own_places, items = parent.returns()
    places = {name: child.returns() for name, child in children.items()} | {"parent": own_places}
    assert len(items) == 1 + 3 * 50
    for name in appending:
        found = [items[place] for place in places[name]]
        assert found == [(name, number) for number in range(50)], name


@claim("resource.no-semaphores-import-error", docs="multiprocessing#synchronization-primitives")
def test_objects_with_a_lock_need_semaphores(mp, program):
    """Where the system has no shared semaphores, creating a Lock or a Value raises ImportError.

    The program makes the package believe so. The same holds for the other synchronization
    primitives and for an Array, and for the module multiprocessing.synchronize. The package
    itself can be imported.
    """
    assert program.table_of("without_semaphores", "locks") == dict.fromkeys(
        (
            "import synchronize",
            "Lock()",
            "RLock()",
            "Semaphore()",
            "BoundedSemaphore()",
            "Condition()",
            "Event()",
            "Barrier(2)",
            "Value('i')",
            "Array('i', 2)",
        ),
        "ImportError",
    )


@claim(
    "resource.some-parts-need-no-semaphores",
    docs="multiprocessing#synchronization-primitives",
    level=OBSERVED,
    needs=("addresses",),
)
def test_processes_pipes_and_managers_need_no_semaphores(mp, program):
    """Process, Pipe and managers do not need shared semaphores; Pool and even ThreadPool do.

    The program makes the package believe that the system has none. Raw values, and a Value with
    lock=False, can be made, and a manager provides a lock. Both pools raise ImportError.
    """
    assert program.table_of("without_semaphores", "others") == {
        "Process": "works",
        "Pipe": "works",
        "RawValue": "works",
        "Value with lock=False": "works",
        "Manager().Lock": "works",
        "Pool": "ImportError",
        "ThreadPool": "ImportError",
    }


@claim(
    "resource.most-exceptions-are-process-errors",
    docs="multiprocessing.ProcessError",
    level=OBSERVED,
    contradicts="multiprocessing.ProcessError",
)
def test_two_exceptions_do_not_derive_from_process_error(mp):
    """RemoteError and MaybeEncodingError do not derive from ProcessError, as other exceptions do.

    The documentation calls ProcessError the base class of all exceptions of the package.
    """
    found = {
        "BufferTooShort": mp.BufferTooShort,
        "AuthenticationError": mp.AuthenticationError,
        "TimeoutError": mp.TimeoutError,
        "RemoteError": submodule("managers").RemoteError,
        "MaybeEncodingError": submodule("pool").MaybeEncodingError,
    }
    assert {name: issubclass(error, mp.ProcessError) for name, error in found.items()} == {
        "BufferTooShort": True,
        "AuthenticationError": True,
        "TimeoutError": True,
        "RemoteError": False,
        "MaybeEncodingError": False,
    }
    assert all(issubclass(error, Exception) for error in found.values())
