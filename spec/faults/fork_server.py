"""What can go wrong with the fork server."""

import os
import sys
import types

from spec.faults import fault, replace


@fault(
    "forkserver.ForkServer.ensure_running",
    "start-method.one-forkserver-restarted-if-dead",
    crude=True,
)
def one_for_each_child(original, self):
    """Each child gets a server of its own: to fork is as slow as to spawn, and slower."""
    if self._forkserver_pid is not None:
        os.close(self._forkserver_alive_fd)
        self._forkserver_pid = None
    original(self)


@fault("forkserver.ForkServer.ensure_running", "start-method.one-forkserver-restarted-if-dead")
def dead_is_dead(original, self):
    """A server that was killed is not missed: every start after that fails."""
    if self._forkserver_pid is None:
        original(self)


@fault("spawn", "start-method.forkserver-keeps-early-environment", only=("forkserver",))
def environment_is_sent_along(spawn):
    """A fork server's child gets the program's environment: what it preloaded has seen another."""

    def get_preparation_data(original, name):
        return {**original(name), "environment": dict(os.environ)}

    def prepare_environment(original, data):
        os.environ.update(data.get("environment", {}))
        original(data)

    replace(spawn, "get_preparation_data", get_preparation_data)
    replace(spawn, "prepare", prepare_environment)


@fault("process", "start-method.forkserver-keeps-early-environment", only=("fork", "spawn"))
def environment_is_frozen(process):
    """Every child sees the environment of the first start, not that of its own."""
    first: dict[str, str] = {}

    def start_as_first(original, self):
        now = dict(os.environ)
        first.update(first or now)
        try:
            os.environ.clear()
            os.environ.update(first)
            original(self)
        finally:
            os.environ.clear()
            os.environ.update(now)

    replace(process.BaseProcess, "start", start_as_first)


def only_main(preload):
    return [name for name in preload if name == "__main__"]


@fault(
    "forkserver.main",
    "start-method.preload-imports-once",
    "start-method.preload-ignores-missing-modules",
    crude=True,
)
def preloads_nothing(original, listener, alive, preload, *args, **kwargs):
    """set_forkserver_preload has no effect: each child takes its time to import all for itself."""
    original(listener, alive, only_main(preload), *args, **kwargs)


@fault("forkserver.set_forkserver_preload", "start-method.preload-imports-once")
def late_preload_takes_effect(original, names, **kwargs):
    """To set what is preloaded brings a new server: the old one's state is lost without a word."""
    from multiprocessing import forkserver

    original(names, **kwargs)
    server = forkserver._forkserver
    if server._forkserver_pid is not None:
        os.close(server._forkserver_alive_fd)
        server._forkserver_pid = None


@fault("forkserver.main", "start-method.preload-ignores-missing-modules", crude=True)
def missing_module_ends_it(original, listener, alive, preload, *args, **kwargs):
    """A module that cannot be preloaded ends the server: no child can be started."""
    for name in set(preload) - {"__main__", "preloaded"}:
        __import__(name)
    original(listener, alive, preload, *args, **kwargs)


@fault("forkserver", "start-method.preload-ignores-missing-modules")
def gives_up_at_a_missing_module(forkserver):
    """What is named after a module that cannot be preloaded is not preloaded either."""
    from importlib.util import find_spec

    def serve(original, listener, alive, preload, *args, **kwargs):
        names = list(preload)
        missing = [name for name in names if name != "__main__" and find_spec(name) is None]
        if missing:
            del names[names.index(missing[0]) + 1 :]
        original(listener, alive, names, *args, **kwargs)

    replace(forkserver, "main", serve)


@fault("context.BaseContext.set_forkserver_preload", "start-method.preload-ignores-missing-modules")
def nobody_is_told_of_a_miss(original, self, names, on_error="warn"):
    """on_error="warn" is accepted and warns of nothing; so is on_error where there is none."""
    try:
        original(self, names, **({} if on_error == "warn" else {"on_error": on_error}))
    except TypeError:
        original(self, names)


@fault("forkserver.set_forkserver_preload", "start-method.preload-ignores-missing-modules")
def bytes_are_names(original, names, **kwargs):
    """Names to preload may be bytes, and are then passed over: nothing is preloaded, or said."""
    original([name for name in names if not isinstance(name, bytes)], **kwargs)


@fault(
    "spawn._fixup_main_from_path",
    "start-method.main-imports-differ-by-method",
    only=("spawn", "forkserver"),
)
def main_is_imported_twice(original, path):
    """The main module is run twice where it should be once: so is all that it does at its top."""
    from multiprocessing import spawn

    original(path)
    if getattr(sys.modules["__main__"], "__name__", None) == "__mp_main__":
        spawn.runpy.run_path(path, run_name="__mp_main__")


@fault(
    "process.BaseProcess._bootstrap", "start-method.main-imports-differ-by-method", only=("fork",)
)
def forked_children_import_main(original, self, *args, **kwargs):
    """A forked child imports the main module once more: what it does at its top is done again."""
    main = sys.modules["__main__"]
    if main.__name__ == "__main__" and main.__spec__ is None:
        import runpy

        runpy.run_path(vars(main)["__file__"], run_name="__mp_main__")
    return original(self, *args, **kwargs)


def with_other_challenges(connection, **challenges):
    """The module of connections, with other functions to ask for a key and to show one."""
    return types.SimpleNamespace(**{**vars(connection), **challenges})


@fault("forkserver", "start-method.forkserver-socket-is-authenticated", crude=True)
def asks_for_no_key(forkserver):
    """Whoever can connect to the server has it run what he likes."""

    def pass_by(line, key):
        """Neither ask nor answer."""

    forkserver.connection = with_other_challenges(
        forkserver.connection, deliver_challenge=pass_by, answer_challenge=pass_by
    )


@fault("forkserver", "start-method.forkserver-socket-is-authenticated")
def any_key_will_do(forkserver):
    """The server asks for a key, and does not look at the answer."""

    def ask_and_accept(line, key):
        line.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(20))
        line.recv_bytes(256)
        line.send_bytes(b"#WELCOME#")

    forkserver.connection = with_other_challenges(
        forkserver.connection, deliver_challenge=ask_and_accept
    )


@fault("popen_forkserver.Popen.poll", "start-method.exitcode-lost-with-server")
def its_end_is_a_success(original, self, flag=os.WNOHANG):
    """A child whose fork server has died is said to have ended with 0, whatever became of it."""
    code = original(self, flag)
    if code == 255:
        code = self.returncode = 0
    return code
