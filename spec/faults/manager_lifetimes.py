"""Faults of the lifetimes of managers, their servers and their objects."""

import os
import threading

from spec.faults import fault


@fault("managers.BaseManager.__exit__", "manager.proxies-die-with-manager", crude=True)
def outlives_its_block(original, self, *args):
    """The end of the with block does not end the manager: its process stays."""
    return


@fault("managers.BaseProxy.__str__", "manager.proxies-die-with-manager")
def str_hides_the_failure(original, self):
    """str() of a proxy does not show that its manager has ended."""
    return original(self).replace("failed", "ok")


@fault("managers.DictProxy.__getitem__", "manager.proxies-die-with-manager")
def dict_without_manager_returns_none(original, self, key):
    """A managed dict returns None for each key once its manager has ended."""
    try:
        return original(self, key)
    except OSError:
        return None


@fault("managers.BaseProxy._connect", "manager.proxies-die-with-manager")
def new_connection_raises_runtime_error(original, self):
    """A thread that uses a proxy after the end of its manager gets an error that is no OSError."""
    try:
        original(self)
    except OSError as error:
        raise RuntimeError(str(error)) from None


@fault("managers.BaseManager._finalize_manager", "manager.shutdown-timeout-forces-end")
def stubborn_server_is_not_killed(original, process, address, authkey, state, client, timeout):
    """shutdown() hangs if its server ignores SIGTERM: it is never killed (gh-91231)."""
    process.kill = lambda: None
    original(process, address, authkey, state, client, timeout)


@fault("managers.BaseManager._finalize_manager", "manager.shutdown-timeout-forces-end")
def server_is_killed_without_sigterm(original, process, address, authkey, state, client, timeout):
    """A server that exceeds its timeout is killed at once: its SIGTERM handler does not run."""
    process.terminate = process.kill
    original(process, address, authkey, state, client, timeout)


@fault("managers.BaseManager._finalize_manager", "manager.shutdown-timeout-forces-end")
def timeout_is_ignored(original, process, address, authkey, state, client, timeout):
    """shutdown() terminates a server that is not gone at once, whatever its timeout is."""
    original(process, address, authkey, state, client, 0)


kept: list[object] = []


@fault("managers.BaseManager.start", "manager.last-reference-stops-server")
def garbage_is_not_shut_down(original, self, *args, **kwargs):
    """A manager that is not referred to any more leaves its server until the program's end."""
    original(self, *args, **kwargs)
    kept.append(self)


@fault("managers.BaseProxy.__init__", "manager.last-reference-stops-server")
def proxies_do_not_keep_their_manager(original, self, *args, **kwargs):
    """A server ends though proxies are used: Manager().list() does not work without a variable."""
    original(self, *args, **kwargs)
    self._manager = None


@fault("managers.BaseManager._run_server", "manager.server-ignores-interrupt")
def interrupt_ends_a_server(original, *args, **kwargs):
    """Ctrl-C ends a manager's server, and the program's own cleanup fails (bpo-36368)."""
    import signal

    change = signal.signal

    def keep_interrupts(number, handler):
        if (number, handler) != (signal.SIGINT, signal.SIG_IGN):
            change(number, handler)

    vars(signal)["signal"] = keep_interrupts
    change(signal.SIGINT, signal.default_int_handler)
    original(*args, **kwargs)


@fault("connection.Connection._recv", "manager.killed-server-breaks-proxies")
def end_of_file_is_os_error(original, self, *args, **kwargs):
    """A call that its server's death cuts short raises an OSError, and not EOFError."""
    try:
        return original(self, *args, **kwargs)
    except EOFError:
        if threading.current_thread() is not threading.main_thread():
            raise OSError("got end of file during message") from None
        raise


@fault("managers.ListProxy.__getitem__", "manager.killed-server-breaks-proxies")
def list_hides_the_death(original, self, index):
    """An item of a managed list is None once its server was killed."""
    try:
        return original(self, index)
    except OSError:
        return None


@fault("managers.BaseManager._finalize_manager", "manager.server-ends-with-program")
def server_is_terminated_at_exit(original, process, *args):
    """A program that has not shut its manager down terminates it: no cleanup runs there."""
    from multiprocessing import util

    if util.is_exiting():
        process.terminate()
        process.join()
    original(process, *args)


@fault("managers.BaseManager._run_server", "manager.server-survives-killed-program")
def server_watches_its_parent(original, *args, **kwargs):
    """A server ends as soon as the process that started it is gone, however that ends."""
    from multiprocessing.process import parent_process

    def watch():
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    original(*args, **kwargs)


@fault(
    "managers.Server.decref",
    "manager.referent-dies-with-last-proxy",
    "manager.spawned-child-keeps-no-referent",
)
def referents_are_never_deleted(original, self, c, ident):
    """A shared object is never deleted: a server that makes many of them fills its memory."""
    if self.id_to_refcount[ident] > 1:
        original(self, c, ident)


@fault("managers.BaseProxy._incref", "manager.referent-dies-with-last-proxy")
def received_proxies_do_not_count(original, self):
    """A shared object is deleted when its creator drops it, though other processes use it."""
    original(self)
    if self._manager is None:
        self._close()


@fault("managers.BaseProxy.__init__", "manager.spawned-child-keeps-no-referent", only=("spawn",))
def inherited_proxies_count(original, self, *args, incref=True, **kwargs):
    """A spawned child's proxies count, as they should (a defect that is mended)."""
    original(self, *args, incref=True, **kwargs)


@fault("managers.Server.handle_request", "manager.departed-clients-are-closed")
def connections_of_the_departed_stay(original, self, connection):
    """A server keeps a descriptor for each client that it ever had: it runs out of them."""
    kept.append(os.dup(connection.fileno()))
    original(self, connection)
