"""Logging: what the package itself has to say.

The package logs what it does through a logger of its own, which is quiet. ``log_to_stderr`` has
it written to standard error. Children do the same as the process that starts them.
"""

from spec.kit import OBSERVED, claim


@claim("logging.child-logs-under-own-name", docs="multiprocessing.log_to_stderr", level=OBSERVED)
def test_a_child_logs_what_its_parent_logs(mp, program):
    """A child logs to standard error, with its name, if its parent did at the start, and only then.

    The first child starts before the program asks for it, and says that its logger is quiet; the
    second after. Each logs a line of its own, as information.
    """
    completed = program.run("logs")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["early has 0 handlers", "late has 1 handlers"]
    assert "[INFO/late] a line of its own" in completed.errors.splitlines()
    assert "early] a line of its own" not in completed.errors
