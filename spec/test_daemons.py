"""Daemons: processes that nobody waits for.

``daemon = True``, set before the start, marks a process as one that the program does not wait
for. As with threads, the program ends when all that is not a daemon has ended. Unlike a thread,
which is merely abandoned, a daemonic process is then terminated.
"""

from spec.kit import claim


@claim("daemon.exit-does-not-wait", docs="multiprocessing.Process.daemon")
def test_a_program_ends_without_waiting_for_its_daemons(mp, program):
    """A program ends without waiting for a process that was marked by daemon = True.

    The daemon would run for ever, so a program that waited for it would not end within the
    patience. A daemonic thread runs beside it, and is not waited for either.
    """
    outcome = program.run("daemons", str(program.folder))
    assert outcome.exitcode == 0, outcome.errors
    assert outcome.lines == ["the program is done"]


@claim(
    "daemon.terminated-at-normal-exit", docs="multiprocessing.Process.daemon", needs=("signals",)
)
def test_a_daemon_is_terminated_when_its_program_ends(mp, program):
    """A daemonic process is terminated when its parent ends; a daemonic thread just stops.

    Both leave a note when they are about to end. The process gets the signal of terminate, so
    its handler runs before the program is over; the thread's last words are never spoken.
    """
    outcome = program.run("daemons", str(program.folder))
    assert outcome.exitcode == 0, outcome.errors
    assert sorted(path.name for path in program.folder.iterdir()) == [
        "process-is-up",
        "process-was-terminated",
        "thread-is-up",
    ]
