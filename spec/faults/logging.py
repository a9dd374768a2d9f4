"""Faults of logging."""

import os

from spec.faults import fault, replace


@fault("spawn.prepare", "logging.child-logs-under-own-name", only=("spawn", "forkserver"))
def children_always_log(original, data):
    """Each child that is not forked logs to standard error, even if its parent does not."""
    return original({**data, "log_to_stderr": True})


@fault("util", "logging.child-logs-under-own-name", crude=True)
def lines_lack_the_name(util):
    """Log lines do not say which process has written them."""
    util.DEFAULT_LOGGING_FORMAT = "[%(levelname)s] %(message)s"


@fault("util.get_logger", "logging.one-quiet-package-logger")
def messages_reach_the_root_logger(original):
    """Messages of the package reach the root logger, so they appear in each program's own log."""
    logger = original()
    logger.propagate = True
    return logger


@fault("util.get_logger", "logging.one-quiet-package-logger")
def logger_has_a_level(original):
    """The package's logger has the level WARNING: it ignores the level that a program sets."""
    logger = original()
    logger.setLevel(logger.level or 30)
    return logger


@fault("util.log_to_stderr", "logging.stderr-handler-added-per-call")
def one_handler_at_most(original, level=None):
    """log_to_stderr() adds a handler once only."""
    logger = original(level)
    del logger.handlers[1:]
    return logger


@fault("util.log_to_stderr", "logging.stderr-handler-added-per-call")
def level_is_reset(original, level=None):
    """log_to_stderr() without a level resets the level to NOTSET."""
    logger = original(level)
    logger.setLevel(level or 0)
    return logger


@fault(
    "spawn.prepare",
    "logging.own-handlers-inherited-only-if-forked",
    only=("spawn", "forkserver"),
)
def level_is_not_inherited(original, data):
    """A child that is not forked does not inherit the level of the logger."""
    data.pop("log_level", None)
    return original(data)


@fault("util", "logging.own-handlers-inherited-only-if-forked", only=("fork",))
def forked_children_drop_handlers(util):
    """A forked child has none of the handlers and filters of its parent."""

    def clear():
        if util._logger:
            util._logger.handlers.clear()
            util._logger.filters.clear()

    os.register_at_fork(after_in_child=clear)


@fault("util.log_to_stderr", "logging.messages-not-serialised")
def one_process_logs_at_a_time(original, level=None):
    """A handler's lock excludes all processes: one that hangs while it logs stops all others."""
    import fcntl

    logger = original(level)
    handler = logger.handlers[-1]
    own = handler.lock

    class Common:
        def __enter__(self):
            own.acquire()
            self.file = open(__file__)
            fcntl.flock(self.file, fcntl.LOCK_EX)

        def __exit__(self, *error):
            self.file.close()
            own.release()

        def acquire(self):
            self.__enter__()

        def release(self):
            self.__exit__()

        def _at_fork_reinit(self):
            own._at_fork_reinit()

    handler.lock = Common()
    return logger


@fault("managers.BaseManager._run_server", "logging.manager-life-is-logged")
def server_is_silent(original, cls, *args, **kwargs):
    """A manager's server logs nothing: nothing tells where it serves."""
    from multiprocessing import util

    util.get_logger().setLevel(40)
    return original(cls, *args, **kwargs)


@fault("logging", "logging.forked-child-can-log", only=("fork",))
def handlers_keep_their_lock(logging):
    """A forked child waits forever for a handler that a thread of its parent was using."""
    replace(logging.Handler, "createLock", with_unregistered_lock)


def with_unregistered_lock(original, self):
    import logging

    original(self)
    if hasattr(logging, "_at_fork_reinit_lock_weakset"):
        logging._at_fork_reinit_lock_weakset.discard(self)


@fault("logging", "logging.forked-child-can-log", only=("fork",))
def fork_waits_for_handlers(logging):
    """A fork waits for each handler that a thread is using, and with it for that thread."""

    def wait_for_all():
        for reference in logging._handlerList:
            handler = reference()
            if handler is not None and handler.lock is not None:
                with handler.lock:
                    pass

    os.register_at_fork(before=wait_for_all)


@fault("util", "logging.messages-name-their-file")
def all_messages_come_from_util(util):
    """Each message of the package names util.py as its file: %(filename)s tells nothing."""

    def debug(original, message, *args):
        if util._logger:
            util._logger.log(10, message, *args)

    def info(original, message, *args):
        if util._logger:
            util._logger.log(20, message, *args)

    replace(util, "debug", debug)
    replace(util, "info", info)
