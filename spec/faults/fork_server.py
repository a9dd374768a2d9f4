"""Faults of the fork server."""

import os
import runpy
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
    if main.__name__ == "__main__" and main.__spec__ is None:
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
