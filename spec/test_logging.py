"""Logging: messages of the package about what it does.

The package logs the starts and ends of processes, for example, through a logger of its own:
``get_logger()``. By default its messages go nowhere. ``log_to_stderr()`` adds a handler that
writes them to standard error, each with the level and the name of its process; that helps to find
out why a program hangs at its end.

A child does what its parent does: it logs to standard error if the parent did when it started
the child. The logger is not shared between processes, so lines of several processes may get
mixed.
"""

from spec.kit import OBSERVED, claim


@claim("logging.child-logs-under-own-name", docs="multiprocessing.log_to_stderr", level=OBSERVED)
def test_a_child_logs_if_its_parent_logs(mp, program):
    """A child logs to stderr, with its name, only if log_to_stderr() was called before start().

    The program starts one child before the call and another after it. Each prints how many
    handlers its logger has, and logs a line at the level INFO.
    """
    completed = program.run("logs")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["early has 0 handlers", "late has 1 handlers"]
    assert "[INFO/late] a line of its own" in completed.errors.splitlines()
    assert "early] a line of its own" not in completed.errors
