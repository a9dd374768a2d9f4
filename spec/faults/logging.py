"""What can go wrong with logging."""

from spec.faults import fault


@fault("spawn.prepare", "logging.child-logs-under-own-name", only=("spawn", "forkserver"))
def children_always_log(original, data):
    """Each spawned child writes to standard error, whatever its parent does."""
    return original({**data, "log_to_stderr": True})


@fault("util", "logging.child-logs-under-own-name", crude=True)
def no_name_in_lines(util):
    """Lines do not say which process they are of."""
    util.DEFAULT_LOGGING_FORMAT = "[%(levelname)s] %(message)s"
