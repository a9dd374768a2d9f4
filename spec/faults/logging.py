"""Faults of logging."""

from spec.faults import fault


@fault("spawn.prepare", "logging.child-logs-under-own-name", only=("spawn", "forkserver"))
def children_always_log(original, data):
    """Each child that is not forked logs to standard error, even if its parent does not."""
    return original({**data, "log_to_stderr": True})


@fault("util", "logging.child-logs-under-own-name", crude=True)
def lines_lack_the_name(util):
    """Log lines do not say which process has written them."""
    util.DEFAULT_LOGGING_FORMAT = "[%(levelname)s] %(message)s"
