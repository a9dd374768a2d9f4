"""Daemonic processes: those for which a program does not wait.

Set ``daemon = True`` before ``start()`` for a process that may be stopped at any moment, such as
one that only serves the others. When the program exits, it terminates its daemonic processes and
then joins all that are left. Daemonic threads, in comparison, just stop with their process.

Some points surprise people. Only a normal exit terminates daemonic processes: they go on when
their parent is killed or calls ``os._exit()``. They are stopped without cleaning up, unless they
handle SIGTERM. They cannot start processes of their own. The flag is inherited, and it cannot be
changed after ``start()``. And a daemonic process is not a Unix daemon: it stays in its parent's
session.
"""

import os
import threading

from spec.kit import BEAT, OBSERVED, claim, reached, result_or_error
from spec.kit.actors import wait_until_cued


@claim("daemon.exit-does-not-wait", docs="multiprocessing.Process.daemon")
def test_a_program_does_not_wait_for_its_daemons(mp, program):
    """A program exits without waiting for its daemonic processes, unless they ignore SIGTERM.

    The process would run forever, so a program that waited for it would exceed the patience. A
    daemonic thread runs beside it, and the program does not wait for that either.
    """
    assert program.lines_of("daemons", str(program.folder)) == ["the program is done"]


@claim(
    "daemon.terminated-at-normal-exit", docs="multiprocessing.Process.daemon", needs=("signals",)
)
def test_a_daemon_is_terminated_when_its_program_exits_normally(mp, program):
    """At a program's normal exit, daemonic processes are terminated; daemonic threads just stop.

    The process handles SIGTERM by exiting, and the thread has a finally clause: each would leave
    a note. The process leaves it before the program is over; the thread does not.
    """
    program.lines_of("daemons", str(program.folder))
    assert sorted(path.name for path in program.folder.iterdir()) == [
        "process-is-up",
        "process-was-terminated",
        "thread-is-up",
    ]


@claim(
    "daemon.terminated-before-others-end",
    docs="multiprocessing.Process.daemon",
    level=OBSERVED,
    needs=("signals",),
)
def test_daemons_are_terminated_before_the_others_are_joined(mp, program):
    """At exit, a program terminates its daemonic processes before it joins any other process.

    The other process ends only after a note that the daemonic process leaves when it is
    terminated. If the program waited for the other first, it would exceed the patience. One
    program ends normally, and one by an exception.
    """
    for how, exitcode in (("normally", 0), ("exception", 1)):
        folder = program.folder / how
        folder.mkdir()
        completed = program.run("both_kinds", str(folder), how)
        assert completed.exitcode == exitcode, completed.errors
        assert completed.lines == [
            "the program is done",
            "the daemonic process was terminated",
        ], f"exits {how}"


@claim(
    "daemon.deaf-daemon-delays-exit",
    docs="multiprocessing.Process.daemon",
    level=OBSERVED,
    needs=("signals",),
)
def test_a_daemon_that_ignores_sigterm_delays_the_exit(mp, program):
    """A daemonic process that ignores SIGTERM is joined at exit: the program ends only after it.

    The documentation says that daemonic processes are not joined. The process prints its line only
    after the program has begun to exit, and a little later; an exit handler that runs after those
    of the package prints the last line.
    """
    assert program.lines_of("late_words", str(program.folder), "normally", "deaf daemon") == [
        "the program is done",
        "the process is done",
        "the exit handlers are done",
    ]


@claim("daemon.non-daemon-joined-at-exit", docs="multiprocessing#programming-guidelines")
def test_a_program_joins_its_other_processes_when_it_exits(mp, program):
    """Non-daemonic processes are joined when the program exits, normally or by an exception.

    The process prints its line only after the program has begun to exit, and a little later. An
    exit handler that runs after those of the package prints the last line: the exit has waited
    in between.
    """
    lines = ["the program is done", "the process is done", "the exit handlers are done"]
    for how, exitcode in (("normally", 0), ("exception", 1)):
        completed = program.run("late_words", str(program.folder), how, "not a daemon")
        assert completed.exitcode == exitcode, completed.errors
        assert completed.lines == lines, f"exits {how}"


@claim(
    "daemon.others-joined-for-seconds",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    slow=True,
)
def test_the_others_are_joined_however_long_they_run(mp, program):
    """At the exit of a program or a child, joining non-daemonic processes never times out.

    The program's child starts a process and ends, and that process prints its line two seconds
    after the program has begun to exit. The child waits for it, and so does the program: the last
    line comes from an exit handler that runs after those of the package.
    """
    assert program.lines_of("late_words", str(program.folder), "normally", "grandchild") == [
        "the program is done",
        "the process is done",
        "the exit handlers are done",
    ]


@claim(
    "daemon.deaf-daemon-joined-for-seconds",
    docs="multiprocessing.Process.daemon",
    level=OBSERVED,
    needs=("signals",),
    slow=True,
)
def test_a_daemon_that_ignores_sigterm_is_not_killed_after_seconds(mp, program):
    """At exit, a daemonic process that ignores SIGTERM is never killed, even after seconds.

    The process prints its line two seconds after the program has begun to exit.
    """
    assert program.lines_of("late_words", str(program.folder), "normally", "slow deaf daemon") == [
        "the program is done",
        "the process is done",
        "the exit handlers are done",
    ]


@claim(
    "daemon.parents-threads-end-first",
    docs="multiprocessing.Process.daemon",
    level=OBSERVED,
    changes={"3.13": "before, a child terminated them as soon as run() had returned"},
)
def test_daemons_are_terminated_after_the_threads_of_their_parent(mp, program):
    """A parent's non-daemonic threads end before the parent terminates its daemonic processes.

    The main thread of the program, and that of a child, end while a thread and a daemonic process
    still run. A beat later the thread asks the process to answer, and waits for the answer or the
    end of the process.
    """
    assert program.table_of("threads_first", str(program.folder)) == {
        "daemonic process of the child": "answers" if reached("3.13") else "has ended",
        "daemonic process of the program": "answers",
    }


@claim(
    "daemon.late-start-is-joined",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    changes={
        "3.12": "under fork start() raises RuntimeError there",
        "3.12.3, 3.13": "it works again",
        "3.13": "in a child too; before, a child left such a process behind",
    },
)
def test_a_process_started_by_the_last_thread_is_joined(mp, program):
    """A process that a thread starts after its main thread has ended is still joined at exit.

    The thread starts it when the main thread is known to be over, first in a child, and then in
    the program. The process works for a moment before it prints its line; the line of the parent
    comes when that has ended or runs its last exit handlers.
    """
    kinds = ("child", "program") if reached("3.13") else ("program",)
    lines = [
        line for kind in kinds for line in (f"a process of the {kind}", f"the {kind} has ended")
    ]
    refused = reached("3.12") and not reached("3.12.3, 3.13") and mp.get_start_method() == "fork"
    assert program.lines_of("late_start", *kinds) == (lines[1:] if refused else lines)


def start_daemon_and_end(stage, ticket, ending):
    """Start a daemonic process, and end when cued: normally, or by os._exit()."""
    stage.start(ticket, daemon=True)
    stage.wait_for_cue("leave")
    if ending == "os._exit()":
        os._exit(3)


def stay_until_cued_to_speak(stage):
    """Stay until cued, and then speak."""
    stage.say("up")
    stage.wait_for_cue("speak")
    stage.say("still here")


@claim("daemon.survives-abrupt-parent-death", docs="multiprocessing.Process.daemon", level=OBSERVED)
def test_a_daemon_survives_a_parent_that_ends_abruptly(mp, stage):
    """A daemonic process keeps running when its parent is killed or ends by os._exit().

    The documentation says only that a process that exits attempts to terminate its daemonic
    children. A parent that exits normally, the control, does. After any other end the test
    listens for a beat, in which the daemon could be terminated, and then cues it to speak.
    """
    for ending in ("normal", "os._exit()", "killed"):
        daemon = stage.nested(stay_until_cued_to_speak)
        parent = stage.enter(start_daemon_and_end, daemon.ticket, ending)
        daemon.expect("up")
        if ending == "killed":
            parent.process.kill()
        else:
            parent.cue("leave")
        parent.wait_until_gone()
        if ending != "normal":
            assert daemon.does_not_say("still here")
            daemon.cue("speak")
            daemon.expect("still here")
        daemon.wait_until_gone()
        # Not earlier: forked, the daemon holds the pipe by which its parent's end is known.
        exitcode = parent.exit_code()
        assert (exitcode == 0) is (ending == "normal"), f"exit code {exitcode}, {ending}"


def start_both_kinds_and_end(stage, daemon, other):
    """Start a daemonic and a non-daemonic process, and end when cued."""
    stage.start(daemon, daemon=True)
    stage.start(other)
    stage.wait_for_cue("leave")


@claim("daemon.every-parent-ends-its-children", docs="multiprocessing.Process.daemon")
def test_a_child_that_ends_terminates_its_daemons_and_joins_the_others(mp, stage):
    """A child that ends normally terminates its daemonic children and joins its other children.

    The daemonic grandchild gets no cue, so only being terminated can end it. The other is cued five
    beats after that, and until then the child has not ended.
    """
    daemon = stage.nested(stay_until_cued_to_speak)
    other = stage.nested(stay_until_cued_to_speak)
    child = stage.enter(start_both_kinds_and_end, daemon.ticket, other.ticket)
    daemon.expect("up")
    other.expect("up")
    child.cue("leave")
    daemon.wait_until_gone()
    child.process.join(5 * BEAT)
    assert child.process.exitcode is None, "the child has ended before a child of it"
    other.cue("speak")
    other.expect("still here")
    other.wait_until_gone()
    child.returns()


def try_to_set_daemon(process):
    """Set daemon to True and then to False; returns the errors, and the value afterwards."""
    errors = {
        f"daemon = {flag}": result_or_error(setattr, process, "daemon", flag)
        for flag in (True, False)
    }
    return {**errors, "afterwards": process.daemon}


def set_daemon_at_each_time(stage, by):
    """Try to set daemon of a process or thread before the start, while it runs, and at its end."""
    actor = stage.prepare(wait_until_cued, by=by)
    observed = {"before start()": try_to_set_daemon(actor.process)}
    actor.process.start()
    observed["running"] = try_to_set_daemon(actor.process)
    actor.returns(cue="leave")
    observed["ended"] = try_to_set_daemon(actor.process)
    return observed


@claim("daemon.flag-fixed-by-start", docs="multiprocessing.Process.daemon")
def test_daemon_cannot_be_set_after_start(mp, stage):
    """daemon can be set only before start(): later it raises an exception, and the value stays.

    It is refused while the process runs and when it has ended, for either value. The value that
    was set before the start stays.
    """
    accepted = {"daemon = True": None, "daemon = False": None, "afterwards": False}
    observed = set_daemon_at_each_time(stage, mp.Process)
    assert observed["before start()"] == accepted
    for time in ("running", "ended"):
        errors = observed[time]
        assert errors.pop("afterwards") is False, time
        assert None not in errors.values(), f"{time}: {errors}"


@claim("daemon.flag-refused-by-assertion", docs="multiprocessing.Process.daemon", level=OBSERVED)
def test_daemon_set_after_start_raises_assertion_error(mp, stage):
    """Setting daemon after start() raises AssertionError, where threads raise RuntimeError.

    Both raise it while they run and when they have ended, for either value.
    """
    for by, error in ((mp.Process, "AssertionError"), (threading.Thread, "RuntimeError")):
        observed = set_daemon_at_each_time(stage, by)
        refused = {"daemon = True": error, "daemon = False": error, "afterwards": False}
        assert {time: observed[time] for time in ("running", "ended")} == {
            "running": refused,
            "ended": refused,
        }


def tell_daemon_flags(stage, kind):
    """Report the flag of this process or thread, and the flags of what it creates."""
    if kind == "Process":
        current, create = stage.mp.current_process(), stage.mp.Process
    else:
        current, create = threading.current_thread(), threading.Thread
    return {
        "current": current.daemon,
        "new": create().daemon,
        "new, daemon=False": create(daemon=False).daemon,
        "new, daemon=True": create(daemon=True).daemon,
    }


@claim("daemon.flag-inherited-from-creator", docs="multiprocessing.Process.daemon")
def test_the_daemon_flag_is_inherited_from_the_creator(mp, stage):
    """A new process inherits the daemon flag of its creator unless daemon= overrides it.

    The same holds for threads. A daemonic and a non-daemonic creator are asked.
    """
    for kind, by in (("Process", mp.Process), ("Thread", threading.Thread)):
        for daemon in (True, False):
            assert stage.result_of(tell_daemon_flags, kind, by=by, daemon=daemon) == {
                "current": daemon,
                "new": daemon,
                "new, daemon=False": False,
                "new, daemon=True": True,
            }, kind


def try_to_have_children(stage):
    """Try each way to start a process, and report the errors."""
    mp = stage.mp
    attempts = {
        "start(), daemonic": mp.Process(target=os.getpid, daemon=True).start,
        "start(), non-daemonic": mp.Process(target=os.getpid, daemon=False).start,
        "Pool()": lambda: mp.Pool(1),
        "Manager()": mp.Manager,
    }
    results = {name: result_or_error(attempt) for name, attempt in attempts.items()}
    stage.say(
        "tried",
        {
            name: result if isinstance(result, str) else "accepted"
            for name, result in results.items()
        },
    )


def start_a_thread(stage):
    """Start a thread that makes a note, and join it; report the note."""
    notes: list[str] = []
    thread = threading.Thread(target=notes.append, args=("the thread has run",))
    thread.start()
    thread.join()
    return notes


@claim("daemon.may-not-have-children", docs="multiprocessing.Process.daemon", needs=("semaphores",))
def test_a_daemon_cannot_start_a_process(mp, stage):
    """A daemonic process cannot start processes: start(), Pool() and Manager() raise an exception.

    Unlike threading, where a daemonic thread can start threads.
    """
    daemon = stage.enter(try_to_have_children, daemon=True)
    tried = daemon.expect("tried")
    assert [name for name, result in tried.items() if result == "accepted"] == []
    daemon.returns()

    notes = stage.result_of(start_a_thread, by=threading.Thread, daemon=True)
    assert notes == ["the thread has run"]


@claim(
    "daemon.children-refused-by-assertion",
    docs="multiprocessing.Process.daemon",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_a_daemons_start_raises_assertion_error(mp, stage):
    """In a daemonic process, start(), Pool() and Manager() raise AssertionError.

    The process tries each of them, and start() for either kind of child.
    """
    daemon = stage.enter(try_to_have_children, daemon=True)
    assert daemon.expect("tried") == {
        "start(), daemonic": "AssertionError",
        "start(), non-daemonic": "AssertionError",
        "Pool()": "AssertionError",
        "Manager()": "AssertionError",
    }
    daemon.returns()


@claim("daemon.main-is-not-daemonic", docs="multiprocessing.Process.daemon")
def test_the_main_process_is_not_daemonic(mp):
    """The main process is not daemonic, and by default neither are the processes it creates."""
    assert {
        "main process": mp.current_process().daemon,
        "new": mp.Process().daemon,
        "new, daemon=True": mp.Process(daemon=True).daemon,
    } == {"main process": False, "new": False, "new, daemon=True": True}


def session():
    """The ID of this process's session."""
    return os.getsid(0)  # type: ignore[attr-defined,unused-ignore]


def tell_session(stage):
    """Report the session that this process belongs to."""
    return session()


@claim("daemon.stays-in-parent-session", docs="multiprocessing.Process.daemon", needs=("sessions",))
def test_a_daemon_belongs_to_its_parents_session(mp, stage):
    """A daemonic process is not a Unix daemon: it stays in its parent's session.

    A non-daemonic process, for comparison, stays there too.
    """
    for daemon in (True, False):
        assert stage.result_of(tell_session, daemon=daemon) == session(), f"daemon={daemon}"
