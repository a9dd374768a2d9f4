"""Faults of the fork server."""

import os
import runpy
import selectors
import sys
import types

from spec.faults import fault, replace


@fault(
    "forkserver.ForkServer.ensure_running",
    "start-method.one-forkserver-restarted-if-dead",
    crude=True,
)
def new_server_for_each_child(original, self):
    """Each child gets a server of its own: forkserver is slower than spawn."""
    if self._forkserver_pid is not None:
        os.close(self._forkserver_alive_fd)
        self._forkserver_pid = None
    original(self)


@fault("forkserver.ForkServer.ensure_running", "start-method.one-forkserver-restarted-if-dead")
def not_restarted(original, self):
    """A server that was killed is not replaced: every start() after that fails."""
    if self._forkserver_pid is None:
        original(self)


@fault("context.ForkServerProcess._Popen", "start-method.each-parent-has-its-server")
def children_spawn(original, process_obj):
    """A child of a fork server spawns its own children: each of them imports everything again."""
    from multiprocessing import context, process

    if process.parent_process() is None:
        return original(process_obj)
    return context.SpawnProcess._Popen(process_obj)


@fault("popen_forkserver.Popen.poll", "start-method.exitcode-lost-with-server")
def lost_exit_code_is_zero(original, self, flag=os.WNOHANG):
    """A child whose server has died gets exitcode 0, as if it had succeeded."""
    code = original(self, flag)
    if code == 255:
        code = self.returncode = 0
    return code


@fault(
    "context.DefaultContext.set_start_method",
    "start-method.forkserver-starts-with-first-child",
    "start-method.preload-imports-once",
)
def server_starts_when_chosen(original, self, method, force=False):
    """Choosing forkserver starts the server: all settings after that come too late for it."""
    from multiprocessing import forkserver

    original(self, method, force)
    if method == "forkserver" and not force:  # a child of the server sets it by force
        forkserver.ensure_running()


@fault("process.BaseProcess.__init__", "start-method.forkserver-starts-with-first-child")
def server_starts_with_process_object(original, self, *args, **kwargs):
    """Creating a Process starts the server: its environment is not that of the first start()."""
    from multiprocessing import context, forkserver

    original(self, *args, **kwargs)
    if context._default_context.get_start_method(allow_none=True) == "forkserver":
        forkserver.ensure_running()


@fault("spawn", "start-method.forkserver-keeps-early-environment", only=("forkserver",))
def environment_is_sent_along(spawn):
    """A child gets the program's environment, but preloaded modules were imported with another."""

    def get_preparation_data(original, name):
        return {**original(name), "environment": dict(os.environ)}

    def prepare_environment(original, data):
        os.environ.update(data.get("environment", {}))
        original(data)

    replace(spawn, "get_preparation_data", get_preparation_data)
    replace(spawn, "prepare", prepare_environment)


FIRST_ENVIRONMENT: dict[str, str] = {}


@fault(
    "process.BaseProcess.start",
    "start-method.forkserver-keeps-early-environment",
    only=("fork", "spawn"),
)
def environment_is_frozen(original, self):
    """Every child sees the environment of the first start, and not that of its own start."""
    now = dict(os.environ)
    FIRST_ENVIRONMENT.update(FIRST_ENVIRONMENT or now)
    try:
        os.environ.clear()
        os.environ.update(FIRST_ENVIRONMENT)
        original(self)
    finally:
        os.environ.clear()
        os.environ.update(now)


@fault(
    "forkserver.main",
    "start-method.preload-imports-once",
    "start-method.preload-ignores-missing-modules",
    crude=True,
)
def preloads_nothing(original, listener, alive, preload, *args, **kwargs):
    """set_forkserver_preload() has no effect: each child spends time on importing the modules."""
    only_main = [name for name in preload if name == "__main__"]
    original(listener, alive, only_main, *args, **kwargs)


@fault("forkserver.set_forkserver_preload", "start-method.preload-imports-once")
def late_preload_takes_effect(original, names, **kwargs):
    """set_forkserver_preload() replaces a running server: the state of the old server is lost."""
    from multiprocessing import forkserver

    original(names, **kwargs)
    server = forkserver._forkserver
    if server._forkserver_pid is not None:
        os.close(server._forkserver_alive_fd)
        server._forkserver_pid = None


@fault("forkserver.main", "start-method.preload-ignores-missing-modules", crude=True)
def missing_module_ends_server(original, listener, alive, preload, *args, **kwargs):
    """A module that cannot be preloaded ends the server: no child can be started."""
    for name in set(preload) - {"__main__", "preloaded"}:
        __import__(name)
    original(listener, alive, preload, *args, **kwargs)


@fault("forkserver.main", "start-method.preload-ignores-missing-modules")
def missing_module_ends_preloading(original, listener, alive, preload, *args, **kwargs):
    """Modules that are named after a missing module are not preloaded either."""
    from importlib.util import find_spec

    names = list(preload)
    missing = [name for name in names if name != "__main__" and find_spec(name) is None]
    if missing:
        del names[names.index(missing[0]) + 1 :]
    original(listener, alive, names, *args, **kwargs)


@fault("context.BaseContext.set_forkserver_preload", "start-method.preload-ignores-missing-modules")
def missing_module_is_not_warned_of(original, self, names, on_error="warn"):
    """on_error="warn" is accepted without effect, also by versions that do not have on_error."""
    try:
        original(self, names, **({} if on_error == "warn" else {"on_error": on_error}))
    except TypeError:
        original(self, names)


@fault("forkserver.set_forkserver_preload", "start-method.preload-ignores-missing-modules")
def bytes_are_ignored(original, names, **kwargs):
    """Names that are bytes are silently ignored: the modules are not preloaded."""
    original([name for name in names if not isinstance(name, bytes)], **kwargs)


@fault(
    "spawn._fixup_main_from_path",
    "start-method.main-imports-differ-by-method",
    only=("spawn", "forkserver"),
)
def main_is_imported_twice(original, path):
    """The main module is executed twice instead of once, and so are its side effects."""
    original(path)
    if getattr(sys.modules["__main__"], "__name__", None) == "__mp_main__":
        runpy.run_path(path, run_name="__mp_main__")


@fault(
    "process.BaseProcess._bootstrap", "start-method.main-imports-differ-by-method", only=("fork",)
)
def forked_children_import_main(original, self, *args, **kwargs):
    """A forked child imports the main module once more, and repeats its side effects."""
    main = sys.modules["__main__"]
    if main.__name__ == "__main__" and main.__spec__ is None and hasattr(main, "__file__"):
        runpy.run_path(vars(main)["__file__"], run_name="__mp_main__")
    return original(self, *args, **kwargs)


def with_other_challenges(connection, **challenges):
    """A copy of the module of connections with other functions: other modules keep theirs."""
    return types.SimpleNamespace(**{**vars(connection), **challenges})


@fault("forkserver", "start-method.forkserver-socket-is-authenticated", crude=True)
def asks_for_no_key(forkserver):
    """Any process that can connect to the server can make it run its own code."""

    def do_nothing(line, key):
        """Neither ask nor answer."""

    forkserver.connection = with_other_challenges(
        forkserver.connection, deliver_challenge=do_nothing, answer_challenge=do_nothing
    )


@fault("forkserver", "start-method.forkserver-socket-is-authenticated")
def any_key_accepted(forkserver):
    """The server asks for a key and accepts any answer."""

    def ask_and_accept(line, key):
        line.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(20))
        line.recv_bytes(256)
        line.send_bytes(b"#WELCOME#")

    forkserver.connection = with_other_challenges(
        forkserver.connection, deliver_challenge=ask_and_accept
    )


@fault("forkserver.ForkServer.ensure_running", "start-method.restart-leaks-no-descriptor")
def alive_pipe_leaks(original, self):
    """Each start of a server leaves a descriptor open: after many a program can open no file."""
    before = self._forkserver_pid
    original(self)
    if self._forkserver_pid != before:
        self._forkserver_alive_fd = os.dup(self._forkserver_alive_fd)


@fault("forkserver", "start-method.forkserver-survives-ctrl-c")
def ctrl_c_ends_server(forkserver):
    """Ctrl-C ends the server with a KeyboardInterrupt that it prints (bpo-30185)."""
    signals = forkserver.signal

    def handle(number, action):
        if number == signals.SIGINT and action == signals.SIG_IGN:
            return signals.getsignal(number)
        return signals.signal(number, action)

    forkserver.signal = types.SimpleNamespace(**{**vars(signals), "signal": handle})


@fault("forkserver", "start-method.forkserver-survives-ctrl-c")
def ctrl_c_ends_server_silently(forkserver):
    """Ctrl-C ends the server: children that still run lose their exit codes (bpo-31308)."""
    signals = forkserver.signal

    def handle(number, action):
        if number == signals.SIGINT and action == signals.SIG_IGN:
            action = signals.SIG_DFL
        return signals.signal(number, action)

    forkserver.signal = types.SimpleNamespace(**{**vars(signals), "signal": handle})


@fault("forkserver._serve_one", "start-method.forkserver-child-lacks-siblings-files")
def siblings_files_stay_open(original, child_r, fds, unused_fds, handlers):
    """A child has a descriptor of each sibling that runs, and may run out of them (bpo-26732)."""
    return original(child_r, fds, unused_fds[:4], handlers)


@fault("forkserver", "start-method.preload-output-appears-once")
def preloaded_output_stays_buffered(forkserver):
    """The output of a preloaded module appears again from each child (gh-135335)."""
    others = {name: value for name, value in vars(forkserver.util).items() if name[:2] != "__"}
    others["_flush_std_streams"] = lambda: None
    forkserver.util = types.SimpleNamespace(**others)


@fault("forkserver", "start-method.preload-output-appears-once")
def preloaded_errors_stay_buffered(forkserver):
    """Error output of a preloaded module appears again from each child."""
    others = {name: value for name, value in vars(forkserver.util).items() if name[:2] != "__"}
    others["_flush_std_streams"] = lambda: sys.stdout.flush()
    forkserver.util = types.SimpleNamespace(**others)


@fault("spawn.set_start_method", "start-method.preload-may-create-locks")
def set_without_force(original, method, force=False):
    """If a preloaded module creates a lock, no child can start (bpo-28779)."""
    original(method)


def lengthened(args, text):
    """The arguments of an interpreter, with a comment in the command of a fork server."""
    return [f"{arg} # {text}" if "forkserver import main" in str(arg) else arg for arg in args]


@fault("util.spawnv_passfds", "start-method.argv-may-be-long", only=("forkserver",))
def all_arguments_in_one(original, path, args, passed):
    """A program with very many arguments cannot start a fork server (gh-144503)."""
    return original(path, lengthened(args, repr(sys.argv)), passed)


@fault("spawn.get_preparation_data", "start-method.argv-may-be-long", only=("spawn",))
def arguments_are_cut(original, name):
    """A child gets only the first 1,000 arguments of its program."""
    data = original(name)
    return {**data, "sys_argv": data["sys_argv"][:1000]}


@fault("process.BaseProcess._bootstrap", "start-method.argv-may-be-long", only=("fork",))
def forked_arguments_are_cut(original, self, *args, **kwargs):
    """A forked child has only the first 1,000 arguments of its program."""
    del sys.argv[1000:]
    return original(self, *args, **kwargs)


@fault("util._get_base_temp_dir", "start-method.long-tempdir-falls-back")
def long_tempdir_is_used(original, tempfile):
    """With a long temporary directory start() or Listener() raises OSError (gh-132124)."""
    return tempfile.gettempdir()


@fault("util._get_base_temp_dir", "start-method.long-tempdir-falls-back")
def tempdir_is_one_too_long(original, tempfile):
    """A temporary directory of one certain length is too long by one character (gh-140734)."""
    folder = tempfile.gettempdir()
    return folder if len(folder) == 76 else original(tempfile)


@fault(
    "resource_tracker.ResourceTracker.ensure_running",
    "start-method.tracker-accompanies-unforked",
    only=("spawn", "forkserver"),
)
def trackers_are_replaced(original, self):
    """Each child brings a new resource tracker, which takes time and memory."""
    if self._pid is not None:
        os.close(self._fd)
        self._fd = self._pid = None
    original(self)


@fault(
    "process.BaseProcess.start",
    "start-method.tracker-accompanies-unforked",
    only=("fork",),
)
def forking_brings_a_tracker(original, self):
    """A forked child brings a resource tracker too, though nothing is to be tracked."""
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()
    original(self)


@fault("forkserver", "start-method.threads-share-forkserver")
def servers_start_together(forkserver):
    """Threads that start the first children at once start a server each, and lose all but one."""
    import contextlib

    forkserver._forkserver._lock = contextlib.nullcontext()


@fault("forkserver.main", "start-method.idle-forkserver-stays")
def server_ends_when_idle(original, *args, **kwargs):
    """A server that has nothing to do for a second ends, and running children lose it."""
    from multiprocessing import forkserver

    class Impatient(selectors.DefaultSelector):
        def select(self, timeout=None):
            return super().select(1.0) or os._exit(0)

    forkserver.selectors = types.SimpleNamespace(
        DefaultSelector=Impatient, EVENT_READ=selectors.EVENT_READ
    )
    original(*args, **kwargs)


@fault("forkserver.main", "start-method.helpers-end-with-program", only=("forkserver",))
def server_never_ends(original, listener, alive, *args, **kwargs):
    """The fork server does not notice the end of its program, and stays forever."""
    os.close(alive)
    original(listener, os.pipe()[0], *args, **kwargs)


@fault(
    "process.BaseProcess.start",
    "start-method.helpers-end-with-program",
    only=("fork", "spawn"),
)
def helper_stays(original, self):
    """start() starts a process that outlives the program for half a minute."""
    import subprocess

    subprocess.Popen(["sleep", "30"])
    original(self)


@fault("forkserver.set_forkserver_preload", "start-method.preload-list-is-replaced")
def preload_lists_add_up(original, names, **kwargs):
    """A module that was to be preloaded once is always preloaded, even by a list without it."""
    from multiprocessing import forkserver

    before = [name for name in forkserver._forkserver._preload_modules if name != "__main__"]
    original([*before, *names], **kwargs)


@fault("spawn", "start-method.forkserver-keeps-early-umask", only=("forkserver",))
def umask_is_sent_along(spawn):
    """A child of a fork server has the umask of its own start, not of the server's."""

    def get_preparation_data(original, name):
        umask = os.umask(0)
        os.umask(umask)
        return {**original(name), "umask": umask}

    def prepare_umask(original, data):
        if "umask" in data:
            os.umask(data["umask"])
        original(data)

    replace(spawn, "get_preparation_data", get_preparation_data)
    replace(spawn, "prepare", prepare_umask)


@fault(
    "process.BaseProcess._bootstrap",
    "start-method.forkserver-keeps-early-umask",
    only=("fork", "spawn"),
)
def umask_is_reset(original, self, *args, **kwargs):
    """A child has the usual umask: its files can be read by users that its parent shuts out."""
    os.umask(0o22)
    return original(self, *args, **kwargs)
