"""Logging: messages of the package about what it does.

The package logs the starts and ends of processes, for example, through a logger of its own:
``get_logger()``. By default its messages go nowhere. ``log_to_stderr()`` adds a handler that
writes them to standard error, each with the level and the name of its process; that helps to find
out why a program hangs at its end. The level has to be given: ``log_to_stderr(logging.INFO)``.

A child does what its parent does: it logs to standard error if the parent did when it started
the child. Handlers of your own reach forked children only.

The logger is not shared between processes, and neither is the lock of a handler, so lines of
several processes may get mixed. For one common log, send the records to one process: a
``logging.handlers.QueueHandler`` puts them into a Queue of this package.

Some points surprise people. Each call of ``log_to_stderr()`` adds one more handler, and each
message is then written once more. These messages do not reach the root logger.
"""

import logging
import os
import sys
import threading

from spec.kit import OBSERVED, claim, submodule


class Collecting(logging.Handler):
    """A handler that keeps messages."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def look_at_logger(stage):
    """Report the properties of the package's logger in a process that has not used it before."""
    util = submodule("util")
    logger = util.get_logger()
    logging.lastResort, logging.raiseExceptions = None, False
    root, collecting = logging.getLogger(), Collecting()
    root.addHandler(collecting)
    logger.error("to the package's logger")
    root.error("to the root logger")
    return {
        "name": logger.name,
        "level": logger.level,
        "handlers": len(logger.handlers),
        "root logger gets": collecting.messages,
        "same": [util.get_logger() is logger, logging.getLogger("multiprocessing") is logger],
    }


@claim("logging.one-quiet-package-logger", docs="multiprocessing.get_logger")
def test_the_package_has_one_logger_that_is_quiet_at_first(mp, stage):
    """get_logger() returns one logger: level NOTSET, no handler, nothing goes to the root logger.

    Its name is that of the package. As a control, the root logger gets a message of its own.
    """
    assert stage.result_of(look_at_logger) == {
        "name": "multiprocessing",
        "level": logging.NOTSET,
        "handlers": 0,
        "root logger gets": ["to the root logger"],
        "same": [True, True],
    }


def log_twice_to_stderr(stage, path):
    """Call log_to_stderr() twice, and log after each; report handlers, levels and identity."""
    mp = stage.mp
    observed = []
    with open(path, "w") as sys.stderr:
        for level in (logging.WARNING, None):
            logger = mp.log_to_stderr(level)
            logger.info("too low")
            logger.error("%d handlers", len(logger.handlers))
            observed.append((logger is mp.get_logger(), logger.level))
    sys.stderr = sys.__stderr__
    logger.handlers.clear()
    return observed


@claim("logging.stderr-handler-added-per-call", docs="multiprocessing.log_to_stderr")
def test_each_call_adds_a_handler_to_stderr(mp, stage, tmp_path):
    """log_to_stderr(level) adds a handler to stderr, sets the level, and returns get_logger().

    Each call adds another handler, so after the second each message is written twice. Without a
    level the call leaves the level as it is. A line is "[LEVEL/process name] message".
    """
    observed = stage.result_of(log_twice_to_stderr, str(tmp_path / "errors"), name="Ann")
    assert observed == [(True, logging.WARNING)] * 2
    assert (tmp_path / "errors").read_text().splitlines() == [
        "[ERROR/Ann] 1 handlers",
        *["[ERROR/Ann] 2 handlers"] * 2,
    ]


@claim(
    "logging.child-logs-under-own-name",
    docs="multiprocessing.log_to_stderr",
    level=OBSERVED,
    contradicts="multiprocessing.get_logger",
)
def test_a_child_logs_if_its_parent_logs(mp, program):
    """A child logs to stderr, with its name, only if log_to_stderr() was called before start().

    The program starts one child before the call and another after it. Each prints how many
    handlers its logger has, and logs a line at the level INFO. The package's own lines about the
    second child have its name too. According to the documentation, a child inherits nothing but
    the level on Windows, whose only start method is spawn.
    """
    completed = program.run("logs")
    assert completed.exitcode == 0, completed.errors
    assert completed.lines == ["early has 0 handlers", "late has 1 handlers"]
    assert "[INFO/late] a line of its own" in completed.errors.splitlines()
    assert completed.errors.count("[INFO/late] ") > 1
    assert "early] " not in completed.errors


@claim(
    "logging.own-handlers-inherited-only-if-forked",
    docs="multiprocessing.get_logger",
    level=OBSERVED,
)
def test_only_a_forked_child_has_the_handlers_of_its_parent(mp, program):
    """A child inherits the level of the package's logger; other settings only under fork.

    The program adds a handler and a filter of its own. Unless forked, a child has neither. It has
    the level in any case.
    """
    forked = mp.get_start_method() == "fork"
    assert program.table_of("handlers") == {
        "level": str(logging.ERROR),
        "handlers": "['NullHandler']" if forked else "[]",
        "filters": "1" if forked else "0",
    }


def log_when_cued(stage, path):
    """Log a message to the file when cued."""
    logger = stage.mp.get_logger()
    with open(path, "w") as file:
        logger.handlers[0].setStream(file)
        stage.say("started")
        stage.wait_for_cue("log")
        logger.error("logged")
    stage.say("logged")


def hold_lock_of_handler(stage, ticket):
    """Start a nested actor that logs, and hold the lock of this process's handler until cued."""
    handler = stage.mp.log_to_stderr(logging.ERROR).handlers[0]
    child = stage.start(ticket, name="Ann")
    stage.wait_for_cue("hold")
    with handler.lock:
        stage.say("holding")
        stage.wait_for_cue("release")
    child.join(stage.patience)


@claim("logging.messages-not-serialised", docs="multiprocessing#logging")
def test_processes_do_not_take_turns_at_logging(mp, stage, tmp_path):
    """The lock of a logging handler does not exclude other processes: their messages may get mixed.

    A child logs while its parent holds the lock of the same handler, as it does while it logs.
    """
    child = stage.nested(log_when_cued, str(tmp_path / "errors"))
    parent = stage.enter(hold_lock_of_handler, child.ticket)
    child.expect("started")
    parent.cue("hold")
    parent.expect("holding")
    child.cue("log")
    child.expect("logged")
    parent.returns(cue="release")
    child.returns()
    assert (tmp_path / "errors").read_text() == "[ERROR/Ann] logged\n"


@claim(
    "logging.manager-life-is-logged",
    docs="multiprocessing#logging",
    level=OBSERVED,
    needs=("addresses",),
)
def test_the_life_of_a_manager_is_logged(mp, program):
    """At the level INFO a manager's server logs where it serves, and the program its shutdown.

    The server's lines have its name, SyncManager-1, and those of the program MainProcess. Their
    order is free.
    """
    completed = program.run("manager_life")
    assert (completed.exitcode, completed.output) == (0, "")
    lines = completed.errors.splitlines()
    served = [line for line in lines if line.startswith("[INFO/SyncManager-1] manager serving at ")]
    assert len(served) == 1, lines
    assert "[INFO/SyncManager-1] child process calling self.run()" in lines
    assert "[INFO/MainProcess] sending shutdown message to manager" in lines


class Slow(logging.Handler):
    """A handler whose emit() waits, in the process that has made it, for an event."""

    def __init__(self):
        super().__init__()
        self.maker = os.getpid()
        self.entered, self.proceed = threading.Event(), threading.Event()

    def emit(self, record):
        if os.getpid() == self.maker:
            self.entered.set()
            self.proceed.wait()


slow_logger = logging.getLogger("spec.slow")


def log_slowly_here(stage):
    """Log by the slow handler, which this process has inherited."""
    slow_logger.error("in the child")
    return len(slow_logger.handlers)


def fork_while_logging(stage, ticket):
    """Start a nested actor while a thread of this process is inside its handler."""
    handler = Slow()
    slow_logger.addHandler(handler)
    slow_logger.propagate = False
    thread = threading.Thread(target=slow_logger.error, args=("in the parent",))
    thread.start()
    handler.entered.wait(stage.patience)
    child = stage.start(ticket)
    child.join(stage.patience)
    handler.proceed.set()
    thread.join(stage.patience)
    slow_logger.removeHandler(handler)
    return child.exitcode


@claim(
    "logging.forked-child-can-log",
    docs="logging#thread-safety",
    level=OBSERVED,
    methods=("fork",),
)
def test_a_child_that_is_forked_while_a_thread_logs_can_log(mp, stage):
    """A forked child can log by a handler that a thread of its parent was using at the fork.

    The thread is inside the handler, and holds its lock, until the child has ended: start() does
    not wait for it either. Other locks of the parent's threads stay locked in the child.
    """
    child = stage.nested(log_slowly_here)
    parent = stage.enter(fork_while_logging, child.ticket)
    assert child.returns() == 1
    assert parent.returns() == 0


class FileNames(logging.Handler):
    """A handler that keeps the names of the files that log."""

    def __init__(self, names):
        super().__init__()
        self.names = names

    def emit(self, record):
        self.names.add(record.filename)


def collect_file_names(stage):
    """Report the names of the files that the package's messages about a pool of threads name."""
    names: set[str] = set()
    logger = stage.mp.get_logger()
    logger.setLevel(logging.DEBUG)
    logger.addHandler(FileNames(names))
    with submodule("pool").ThreadPool(1) as pool:
        pool.map(abs, [1])
    return sorted(names)


@claim(
    "logging.messages-name-their-file",
    docs="logging#logrecord-attributes",
    level=OBSERVED,
    since="3.11.8, 3.12.2, 3.13",
)
def test_messages_name_the_file_that_logs(mp, stage):
    """Messages of the package name the file that logs: pool.py for a pool, not util.py for all.

    A pool of threads logs that it starts and stops. A handler notes the attribute filename of the
    records.
    """
    assert "pool.py" in stage.result_of(collect_file_names)
