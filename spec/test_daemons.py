"""Daemons: processes that nobody waits for.

``daemon = True``, set before the start, marks a process as one that the program does not wait
for. As with threads, the program ends when all that is not a daemon has ended. Unlike a thread,
which is merely abandoned, a daemonic process is then terminated.

The flag is fixed by the start, and inherited: what a daemon makes is a daemon too, though it may
not start it. A daemon is not what a system calls so: it is an ordinary process of its program,
and only an orderly end of its parent ends it.
"""

import os
import threading

from spec.kit import OBSERVED, claim, perform, result_or_error


@claim("daemon.exit-does-not-wait", docs="multiprocessing.Process.daemon")
def test_a_program_ends_without_waiting_for_its_daemons(mp, program):
    """A program ends without waiting for a process that was marked by daemon = True.

    The daemon would run for ever, so a program that waited for it would not end within the
    patience. A daemonic thread runs beside it, and is not waited for either.
    """
    completed = program.run("daemons", str(program.folder))
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["the program is done"]


@claim(
    "daemon.terminated-at-normal-exit", docs="multiprocessing.Process.daemon", needs=("signals",)
)
def test_a_daemon_is_terminated_when_its_program_ends(mp, program):
    """A daemonic process is terminated when its parent ends; a daemonic thread just stops.

    Both leave a note when they are about to end. The process gets the signal of terminate, so
    its handler runs before the program is over; the thread's last words are never spoken.
    """
    completed = program.run("daemons", str(program.folder))
    assert completed.exitcode == 0, completed.errors
    assert sorted(path.name for path in program.folder.iterdir()) == [
        "process-is-up",
        "process-was-terminated",
        "thread-is-up",
    ]


@claim("daemon.non-daemon-joined-at-exit", docs="multiprocessing#programming-guidelines")
def test_a_program_joins_what_is_no_daemon_when_it_ends(mp, program):
    """A process that is no daemon is joined when its program ends, well or by an error.

    The process has its last word when the program has begun to end, and a little later. A
    handler that runs after those of the package speaks after it: the end has waited in between.
    """
    for how, exitcode in (("well", 0), ("by an error", 1)):
        completed = program.run("late_words", str(program.folder), how)
        assert completed.exitcode == exitcode, completed.errors
        assert completed.lines == [
            "the program is done",
            "the process is done",
            "the exit handlers are done",
        ]


def parent_of_daemon(stage, part, ending):
    """Start a daemon that plays the part, and end when cued."""
    stage.mp.Process(target=perform, args=part, daemon=True).start()
    stage.wait_for_cue("leave")
    if ending == "os._exit":
        os._exit(3)


def live_on(stage):
    """Wait for a cue to speak."""
    stage.say("up")
    stage.wait_for_cue("speak")
    stage.say("still here")


@claim("daemon.survives-abrupt-parent-death", docs="multiprocessing.Process.daemon", level=OBSERVED)
def test_a_daemon_outlives_a_parent_that_ends_abruptly(mp, stage):
    """A daemon lives on when its parent ends by os._exit or is killed: nobody terminates it.

    The documentation says only that a process that exits attempts to terminate its daemons; a
    parent that ends in an orderly way, the control, does. Otherwise the daemon keeps silent for
    a beat, in which whatever might end it has time to, and is then cued to speak.
    """
    for ending in ("orderly", "os._exit", "killed"):
        daemon = stage.nested(live_on)
        parent = stage.enter(parent_of_daemon, daemon.ticket, ending)
        daemon.expect("up")
        if ending == "killed":
            parent.process.kill()
        else:
            parent.cue("leave")
        parent.wait_until_gone()
        if ending != "orderly":
            assert daemon.does_not_say("still here")
            daemon.cue("speak")
            daemon.expect("still here")
        daemon.wait_until_gone()
        # Not earlier: forked, the daemon holds the pipe by which its parent's end is known.
        assert (parent.exit_code() == 0) is (ending == "orderly")


def leave_when_cued(stage):
    """Stay until cued to leave."""
    stage.wait_for_cue("leave")


def try_to_set_flag(process):
    """What comes of setting daemon to each value, and the value that there is afterwards."""
    return [
        result_or_error(setattr, process, "daemon", flag) for flag in (True, False)
    ], process.daemon


@claim("daemon.flag-fixed-by-start", docs="multiprocessing.Process.daemon")
def test_the_flag_cannot_be_set_after_the_start(mp, stage):
    """daemon can be set until the start and not thereafter, not even when the process has ended.

    Here parity ends: Process raises AssertionError, Thread RuntimeError. What was set before
    stays.
    """
    observed = {}
    for kind, by in (("Process", mp.Process), ("Thread", threading.Thread)):
        actor = stage.prepare(leave_when_cued, by=by)
        before = try_to_set_flag(actor.process)
        actor.process.start()
        running = try_to_set_flag(actor.process)
        actor.cue("leave")
        actor.returns()
        observed[kind] = {
            "before": before,
            "running": running,
            "ended": try_to_set_flag(actor.process),
        }
    assert observed == {
        "Process": {
            "before": ([None, None], False),
            "running": (["AssertionError", "AssertionError"], False),
            "ended": (["AssertionError", "AssertionError"], False),
        },
        "Thread": {
            "before": ([None, None], False),
            "running": (["RuntimeError", "RuntimeError"], False),
            "ended": (["RuntimeError", "RuntimeError"], False),
        },
    }


def tell_flags(stage, kind):
    """Report the flag of where this runs, and of what is made here: unasked, and as asked for."""
    if kind == "Process":
        here, make = stage.mp.current_process(), stage.mp.Process
    else:
        here, make = threading.current_thread(), threading.Thread
    return here.daemon, make().daemon, make(daemon=False).daemon, make(daemon=True).daemon


@claim("daemon.flag-inherited-from-creator", docs="multiprocessing.Process.daemon")
def test_what_a_daemon_makes_is_a_daemon(mp, stage):
    """What a daemon makes is a daemon unless asked otherwise; what others make is none.

    So it is with threads.
    """
    for kind, by in (("Process", mp.Process), ("Thread", threading.Thread)):
        flags = {
            daemon: stage.result_of(tell_flags, kind, by=by, daemon=daemon)
            for daemon in (True, False)
        }
        #                      itself  unasked  asked for False, True
        assert flags[True] == (True, True, False, True), kind
        assert flags[False] == (False, False, False, True), kind


def try_to_have_children(stage):
    """Try all that would start a process, and say what came of each."""
    mp = stage.mp
    attempts = {
        "daemon": mp.Process(target=os.getpid, daemon=True).start,
        "no daemon": mp.Process(target=os.getpid, daemon=False).start,
        "Pool": lambda: mp.Pool(1),
        "Manager": mp.Manager,
    }
    results = {name: result_or_error(attempt) for name, attempt in attempts.items()}
    stage.say(
        "tried",
        {
            name: result if isinstance(result, str) else "accepted"
            for name, result in results.items()
        },
    )


def have_a_thread(stage):
    """Start a thread, and say what came of it."""
    thread = threading.Thread(target=stage.say, args=("running",))
    thread.start()
    thread.join()


@claim("daemon.may-not-have-children", docs="multiprocessing.Process.daemon", needs=("semaphores",))
def test_a_daemon_cannot_start_a_process(mp, stage):
    """A daemon may not have children: start, Pool and Manager fail in it, by an assertion.

    Here parity ends: a daemonic thread may start threads.
    """
    daemon = stage.enter(try_to_have_children, daemon=True)
    assert daemon.expect("tried") == {
        "daemon": "AssertionError",
        "no daemon": "AssertionError",
        "Pool": "AssertionError",
        "Manager": "AssertionError",
    }
    daemon.returns()

    thread = stage.enter(have_a_thread, by=threading.Thread, daemon=True)
    thread.expect("running")
    thread.returns()


@claim("daemon.main-is-not-daemonic", docs="multiprocessing.Process.daemon")
def test_the_main_process_is_no_daemon(mp):
    """The main process is no daemon, and neither is what it makes, unless asked otherwise."""
    assert mp.current_process().daemon is False
    assert mp.Process().daemon is False
    assert mp.Process(daemon=True).daemon is True


def tell_session(stage):
    """Report the session that this process belongs to."""
    return session()


def session():
    """The number of this process's session."""
    return os.getsid(0)  # type: ignore[attr-defined,unused-ignore]


@claim("daemon.stays-in-parent-session", docs="multiprocessing.Process.daemon", needs=("sessions",))
def test_a_daemon_belongs_to_its_parents_session(mp, stage):
    """A daemon is no daemon of the system: it stays in its parent's session, as others do."""
    assert stage.result_of(tell_session, daemon=True) == session()
    assert stage.result_of(tell_session) == session()
