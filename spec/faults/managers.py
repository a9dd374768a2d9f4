"""Faults of managers and their servers."""

import os
import threading
from typing import Any

from spec.faults import fault, replace


@fault("managers", "manager.server-is-separate-process")
def managers_share_a_server(managers):
    """Two managers of a program share the first one's server, and end with it."""
    first: list[tuple[Any, ...]] = []

    def start_once(original, self, *args, **kwargs):
        if first and first[0][0] == os.getpid():
            self._address, self._state.value = first[0][1:]
            self.shutdown = lambda: None
        else:
            original(self, *args, **kwargs)
            first[:] = [(os.getpid(), self._address, self._state.value)]

    replace(managers.BaseManager, "start", start_once)


@fault("managers.BaseManager._create", "manager.server-is-separate-process")
def lists_are_local(original, self, typeid, /, *args, **kwargs):
    """An item of a managed list has been unpickled in the process that makes the list."""
    import pickle

    return original(self, typeid, *pickle.loads(pickle.dumps(args)), **kwargs)


@fault("process.BaseProcess.name.setter", "manager.server-is-named-after-class")
def server_has_a_default_name(original, self, name):
    """A server has the name of any process: a log does not tell it from the others."""
    if "Manager-" not in name:
        original(self, name)


@fault("process.BaseProcess.name.setter", "manager.server-is-named-after-class")
def server_is_daemonic(original, self, name):
    """A server is daemonic: the end of a program may terminate it before it is shut down."""
    original(self, name)
    if "Manager-" in name:
        self.daemon = True


@fault("managers.BaseManager.get_server", "manager.lifecycle-order-is-enforced")
def started_manager_gives_a_server(original, self):
    """A manager that is started gives a second server, with none of the objects."""
    started, self._state.value = self._state.value, 0
    try:
        return original(self) and None
    finally:
        self._state.value = started


@fault("managers.BaseManager.start", "manager.lifecycle-order-is-enforced")
def second_start_is_ignored(original, self, *args, **kwargs):
    """A second start() has no effect, so that its initializer is silently ignored."""
    if self._state.value != 1:
        original(self, *args, **kwargs)


@fault("managers.BaseManager.__enter__", "manager.lifecycle-order-is-enforced")
def with_accepts_an_ended_manager(original, self):
    """A with statement accepts a manager that was shut down; its methods fail later."""
    return self if self._state.value == 2 else original(self)


@fault("managers.BaseManager._create", "manager.lifecycle-order-is-enforced")
def unstarted_manager_starts(original, self, typeid, /, *args, **kwargs):
    """Using an unstarted manager starts it: a server that no process shuts down."""
    if self._state.value == 0:
        self.start()
    return original(self, typeid, *args, **kwargs)


@fault("managers.BaseManager.connect", "manager.only-starter-can-shut-down")
def clients_seem_to_shut_down(original, self):
    """A connected manager has a method shutdown(), which has no effect."""
    original(self)
    self.shutdown = lambda: None


@fault("managers.BaseManager.start", "manager.only-starter-can-shut-down")
def second_shutdown_fails(original, self, *args, **kwargs):
    """A second shutdown() raises an error, though the manager is shut down as it should be."""
    original(self, *args, **kwargs)
    orderly = self.shutdown

    def shutdown():
        if self._state.value == 2:
            raise ValueError("Manager has shut down")
        orderly()

    self.shutdown = shutdown


@fault("managers.BaseManager.start", "manager.only-starter-can-shut-down")
def second_shutdown_waits(original, self, *args, **kwargs):
    """shutdown() returns before the server has ended: only the next call waits for the end."""
    original(self, *args, **kwargs)
    ending = threading.Thread(target=self.shutdown, daemon=True)

    def shutdown():
        if ending.ident is None:
            ending.start()
        else:
            ending.join()

    self.shutdown = shutdown


@fault("managers.BaseManager.__exit__", "manager.with-starts-and-shuts-down")
def exception_leaves_server(original, self, kind, *args):
    """A with block that an exception leaves does not shut the manager down."""
    if kind is None:
        original(self, kind, *args)


@fault("managers.BaseManager.__enter__", "manager.with-starts-and-shuts-down")
def with_does_not_start(original, self):
    """A with statement does not start the manager, as before Python 3.3."""
    return self


@fault("managers.BaseManager.__exit__", "manager.with-starts-and-shuts-down")
def block_swallows_exceptions(original, self, *args):
    """An exception in the with block of a manager is silently ignored."""
    original(self, *args)
    return True


@fault("managers.BaseManager.start", "manager.initializer-runs-in-server", for_users=True)
def initializer_runs_in_the_starter(original, self, initializer=None, initargs=()):
    """An initializer runs in the process that starts the manager, and not in the server."""
    if callable(initializer):
        initializer(*initargs)
        initializer = None
    original(self, initializer, () if initializer is None else initargs)


@fault("managers.BaseManager.start", "manager.initializer-runs-in-server")
def initargs_are_ignored(original, self, initializer=None, initargs=()):
    """An initializer is ignored if it has arguments."""
    if callable(initializer) and initargs:
        initializer, initargs = None, ()
    original(self, initializer, initargs)


@fault("managers.BaseManager.start", "manager.initializer-must-be-callable")
def wrong_initializer_is_ignored(original, self, initializer=None, initargs=()):
    """An initializer that cannot be called is silently ignored."""
    original(self, initializer if callable(initializer) else None, initargs)


@fault("managers.BaseManager.__init__", "manager.default-key-admits-children")
def default_key_is_random(original, self, address=None, authkey=None, *args, **kwargs):
    """A manager without a key makes one up: the program's other processes cannot connect."""
    original(self, address, os.urandom(32) if authkey is None else authkey, *args, **kwargs)


@fault("connection", "manager.default-key-admits-children", "manager.connect-needs-server-and-key")
def any_key_is_accepted(connection):
    """A manager admits the processes of its program whatever key they name."""
    from multiprocessing.process import current_process

    def with_the_default(original, connection, authkey, *args):
        return original(connection, bytes(current_process().authkey), *args)

    replace(connection, "deliver_challenge", with_the_default)
    replace(connection, "answer_challenge", with_the_default)


@fault("managers.BaseManager.__init__", "manager.settings-are-checked")
def text_is_a_key(original, self, address=None, authkey=None, *args, **kwargs):
    """A key may be a string, which is encoded."""
    if isinstance(authkey, str):
        authkey = authkey.encode()
    original(self, address, authkey, *args, **kwargs)


@fault("managers.BaseManager.__init__", "manager.settings-are-checked")
def unknown_serializer_is_pickle(original, self, *args, serializer="pickle", **kwargs):
    """An unknown serializer is silently replaced by pickle."""
    known = serializer in ("pickle", "xmlrpclib")
    original(self, *args, serializer=serializer if known else "pickle", **kwargs)


@fault("managers", "manager.address-is-read-only")
def address_can_be_assigned(managers):
    """Assigning an address is accepted, and has no effect on the server."""
    getter = managers.BaseManager.address.fget
    managers.BaseManager.address = property(getter, lambda self, value: None)


@fault("connection._xml_dumps", "manager.xmlrpclib-serializer-works")
def xmlrpclib_makes_strings(original, value):
    """With the serializer xmlrpclib, numbers in nested lists become strings."""
    if isinstance(value, tuple) and len(value) == 4 and value[1] == "append":
        value = (*value[:2], tuple(map(str, value[2])), value[3])
    return original(value)


@fault("managers.BaseManager.__init__", "manager.xmlrpclib-serializer-works")
def xmlrpclib_is_ignored(original, self, *args, serializer="pickle", **kwargs):
    """With the serializer xmlrpclib, the server unpickles whatever a client sends."""
    known = serializer in ("pickle", "xmlrpclib")
    original(self, *args, serializer="pickle" if known else serializer, **kwargs)


@fault("managers", "manager.object-cannot-be-pickled")
def managers_lose_their_state(managers):
    """Pickling a manager succeeds, and gives one that is not started and has no key."""
    managers.BaseManager.__reduce__ = lambda self: (type(self), ())


@fault(
    "managers.BaseProxy.__reduce__", "manager.proxy-carries-its-key", only=("spawn", "forkserver")
)
def argument_has_the_processes_key(original, self):
    """A proxy that is passed to a child works only if the manager has the process's own key."""
    from multiprocessing.process import current_process

    rebuild, (*arguments, settings) = original(self)
    if "authkey" in settings:
        settings["authkey"] = current_process().authkey
    return rebuild, (*arguments, settings)


@fault("managers.BaseProxy.__reduce__", "manager.proxy-carries-its-key")
def key_travels_through_pipes(original, self):
    """A manager's key is sent with each proxy, through a pipe too, where others may read it."""
    rebuild, (*arguments, settings) = original(self)
    return rebuild, (*arguments, {**settings, "authkey": bytes(self._authkey)})
