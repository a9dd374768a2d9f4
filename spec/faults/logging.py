"""What can go wrong with logging."""

from spec.faults import fault, replace


@fault(
    "logging.children-always-log",
    "multiprocessing.spawn",
    "logging.child-logs-under-own-name",
    only=("spawn", "forkserver"),
    subtle=True,
)
def children_always_log(spawn):
    """Each spawned child writes to standard error, whatever its parent does."""

    def prepare(original):
        return lambda data: original({**data, "log_to_stderr": True})

    replace(spawn, "prepare", prepare)


@fault("logging.no-name-in-lines", "multiprocessing.util", "logging.child-logs-under-own-name")
def no_name_in_lines(util):
    """Lines do not say which process they are of."""
    replace(util, "DEFAULT_LOGGING_FORMAT", lambda original: "[%(levelname)s] %(message)s")
