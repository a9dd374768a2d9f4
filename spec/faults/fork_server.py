"""What can go wrong with the fork server."""

import os
import sys
import types

from spec.faults import fault, replace


@fault(
    "fork-server.one-for-each-child",
    "multiprocessing.forkserver",
    "start-method.one-forkserver-restarted-if-dead",
)
def one_for_each_child(forkserver):
    """Each child gets a server of its own: to fork is as slow as to spawn, and slower."""

    def ensure(original):
        def start_another(self):
            if self._forkserver_pid is not None:
                os.close(self._forkserver_alive_fd)
                self._forkserver_pid = None
            original(self)

        return start_another

    replace(forkserver.ForkServer, "ensure_running", ensure)


@fault(
    "fork-server.dead-is-dead",
    "multiprocessing.forkserver",
    "start-method.one-forkserver-restarted-if-dead",
    subtle=True,
)
def dead_is_dead(forkserver):
    """A server that was killed is not missed: every start after that fails."""

    def ensure(original):
        def start_once(self):
            if self._forkserver_pid is None:
                original(self)

        return start_once

    replace(forkserver.ForkServer, "ensure_running", ensure)


@fault(
    "fork-server.environment-is-sent-along",
    "multiprocessing.spawn",
    "start-method.forkserver-keeps-early-environment",
    only=("forkserver",),
    subtle=True,
)
def environment_is_sent_along(spawn):
    """A fork server's child gets the program's environment: what it preloaded has seen another."""

    def get_preparation_data(original):
        return lambda name: {**original(name), "environment": dict(os.environ)}

    def prepare(original):
        def prepare_environment(data):
            os.environ.update(data.get("environment", {}))
            original(data)

        return prepare_environment

    replace(spawn, "get_preparation_data", get_preparation_data)
    replace(spawn, "prepare", prepare)


@fault(
    "fork-server.environment-is-frozen",
    "multiprocessing.process",
    "start-method.forkserver-keeps-early-environment",
    only=("fork", "spawn"),
    subtle=True,
)
def environment_is_frozen(process):
    """Every child sees the environment of the first start, not that of its own."""
    first: dict[str, str] = {}

    def start(original):
        def start_as_first(self):
            now = dict(os.environ)
            first.update(first or now)
            try:
                os.environ.clear()
                os.environ.update(first)
                original(self)
            finally:
                os.environ.clear()
                os.environ.update(now)

        return start_as_first

    replace(process.BaseProcess, "start", start)


def only_main(preload):
    return [name for name in preload if name == "__main__"]


@fault(
    "fork-server.preloads-nothing",
    "multiprocessing.forkserver",
    "start-method.preload-imports-once",
    "start-method.preload-ignores-missing-modules",
)
def preloads_nothing(forkserver):
    """set_forkserver_preload has no effect: each child takes its time to import all for itself."""

    def main(original):
        def serve(listener, alive, preload, *args, **kwargs):
            original(listener, alive, only_main(preload), *args, **kwargs)

        return serve

    replace(forkserver, "main", main)


@fault(
    "fork-server.late-preload-takes-effect",
    "multiprocessing.forkserver",
    "start-method.preload-imports-once",
    subtle=True,
)
def late_preload_takes_effect(forkserver):
    """To set what is preloaded brings a new server: the old one's state is lost without a word."""

    def set_forkserver_preload(original):
        def set_and_forget(names, **kwargs):
            original(names, **kwargs)
            server = forkserver._forkserver
            if server._forkserver_pid is not None:
                os.close(server._forkserver_alive_fd)
                server._forkserver_pid = None

        return set_and_forget

    replace(forkserver, "set_forkserver_preload", set_forkserver_preload)


@fault(
    "fork-server.missing-module-ends-it",
    "multiprocessing.forkserver",
    "start-method.preload-ignores-missing-modules",
)
def missing_module_ends_it(forkserver):
    """A module that cannot be preloaded ends the server: no child can be started."""

    def main(original):
        def serve(listener, alive, preload, *args, **kwargs):
            for name in set(preload) - {"__main__", "preloaded"}:
                __import__(name)
            original(listener, alive, preload, *args, **kwargs)

        return serve

    replace(forkserver, "main", main)


@fault(
    "fork-server.gives-up-at-a-missing-module",
    "multiprocessing.forkserver",
    "start-method.preload-ignores-missing-modules",
    subtle=True,
)
def gives_up_at_a_missing_module(forkserver):
    """What is named after a module that cannot be preloaded is not preloaded either."""
    from importlib.util import find_spec

    def main(original):
        def serve(listener, alive, preload, *args, **kwargs):
            names = list(preload)
            missing = [name for name in names if name != "__main__" and find_spec(name) is None]
            if missing:
                del names[names.index(missing[0]) + 1 :]
            original(listener, alive, names, *args, **kwargs)

        return serve

    replace(forkserver, "main", main)


@fault(
    "fork-server.nobody-is-told-of-a-miss",
    "multiprocessing.context",
    "start-method.preload-ignores-missing-modules",
    subtle=True,
)
def nobody_is_told_of_a_miss(context):
    """on_error="warn" is accepted and warns of nothing; so is on_error where there is none."""

    def set_forkserver_preload(original):
        def set_in_silence(self, names, on_error="warn"):
            try:
                original(self, names, **({} if on_error == "warn" else {"on_error": on_error}))
            except TypeError:
                original(self, names)

        return set_in_silence

    replace(context.BaseContext, "set_forkserver_preload", set_forkserver_preload)


@fault(
    "fork-server.bytes-are-names",
    "multiprocessing.forkserver",
    "start-method.preload-ignores-missing-modules",
    subtle=True,
)
def bytes_are_names(forkserver):
    """Names to preload may be bytes, and are then passed over: nothing is preloaded, or said."""

    def set_forkserver_preload(original):
        def set_strings(names, **kwargs):
            original([name for name in names if not isinstance(name, bytes)], **kwargs)

        return set_strings

    replace(forkserver, "set_forkserver_preload", set_forkserver_preload)


@fault(
    "fork-server.main-is-imported-twice",
    "multiprocessing.spawn",
    "start-method.main-imports-differ-by-method",
    only=("spawn", "forkserver"),
    subtle=True,
)
def main_is_imported_twice(spawn):
    """The main module is run twice where it should be once: so is all that it does at its top."""

    def fixup(original):
        def fix_twice(path):
            original(path)
            if getattr(sys.modules["__main__"], "__name__", None) == "__mp_main__":
                spawn.runpy.run_path(path, run_name="__mp_main__")

        return fix_twice

    replace(spawn, "_fixup_main_from_path", fixup)


@fault(
    "fork-server.forked-children-import-main",
    "multiprocessing.process",
    "start-method.main-imports-differ-by-method",
    only=("fork",),
    subtle=True,
)
def forked_children_import_main(process):
    """A forked child imports the main module once more: what it does at its top is done again."""

    def bootstrap(original):
        def import_and_bootstrap(self, *args, **kwargs):
            main = sys.modules["__main__"]
            if main.__name__ == "__main__" and main.__spec__ is None:
                import runpy

                runpy.run_path(vars(main)["__file__"], run_name="__mp_main__")
            return original(self, *args, **kwargs)

        return import_and_bootstrap

    replace(process.BaseProcess, "_bootstrap", bootstrap)


def with_other_challenges(connection, **challenges):
    """The module of connections, with other functions to ask for a key and to show one."""
    return types.SimpleNamespace(**{**vars(connection), **challenges})


@fault(
    "fork-server.asks-for-no-key",
    "multiprocessing.forkserver",
    "start-method.forkserver-socket-is-authenticated",
)
def asks_for_no_key(forkserver):
    """Whoever can connect to the server has it run what he likes."""

    def pass_by(line, key):
        """Neither ask nor answer."""

    replace(
        forkserver,
        "connection",
        lambda original: with_other_challenges(
            original, deliver_challenge=pass_by, answer_challenge=pass_by
        ),
    )


@fault(
    "fork-server.any-key-will-do",
    "multiprocessing.forkserver",
    "start-method.forkserver-socket-is-authenticated",
    subtle=True,
)
def any_key_will_do(forkserver):
    """The server asks for a key, and does not look at the answer."""

    def ask_and_accept(line, key):
        line.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(20))
        line.recv_bytes(256)
        line.send_bytes(b"#WELCOME#")

    replace(
        forkserver,
        "connection",
        lambda original: with_other_challenges(original, deliver_challenge=ask_and_accept),
    )


@fault(
    "fork-server.its-end-is-a-success",
    "multiprocessing.popen_forkserver",
    "start-method.exitcode-lost-with-server",
    subtle=True,
)
def its_end_is_a_success(popen_forkserver):
    """A child whose fork server has died is said to have ended with 0, whatever became of it."""

    def poll(original):
        def poll_and_hope(self, flag=os.WNOHANG):
            code = original(self, flag)
            if code == 255:
                code = self.returncode = 0
            return code

        return poll_and_hope

    replace(popen_forkserver.Popen, "poll", poll)
