"""Custom managers: sharing objects of your own types, in one program or with others.

Derive a class from BaseManager, and ``register()`` with it the types that its server should make:
a name, called typeid, and a class or function. The class gets a method of that name, which has the
server call the function, and returns a proxy of the result. Register before the start: the server
knows only the types that are registered by then. Under spawn and forkserver, functions and classes
have to be importable: no lambda.

By default a proxy has the object's public methods, but no attributes. A method returns a copy of
its result, unless ``method_to_typeid`` says that the result should stay in the server, with a
proxy of its own. An exception of a method arrives as it is; any other failure in the server arrives
as RemoteError.

A server can also be run by one program and used by others, which ``connect()`` to its address.
They need its key: any process that knows it can make the server run code.
"""

import os
import queue
import secrets
import socket
import tempfile
from pathlib import Path

from spec.kit import OBSERVED, claim, result_or_error, submodule

NEEDS = ("addresses",)

# Whatever imports this chapter uses a manager: a child that imports the module early loses nothing.
managers = submodule("managers")


class Counter:
    """An object of a type of one's own."""

    def __init__(self, start=0):
        self.total = start + 0

    def add(self, number):
        """Add a number; returns the total."""
        self.total += number
        return self.total

    def tell_process(self):
        """Return the PID of the process that runs this."""
        return os.getpid()

    def make_function(self):
        """Return what cannot be pickled."""
        return lambda: self.total

    def _reset(self):
        """Set the total to zero."""
        self.total = 0


class Box:
    """An object that contains a counter."""

    def __init__(self):
        self.content = Counter()

    def put(self, content):
        """Replace the counter."""
        self.content = content

    def get(self):
        """Return the counter."""
        return self.content

    def total(self):
        """Return the counter's total."""
        return self.content.add(0)


class CounterProxy(managers.BaseProxy):  # type: ignore[misc, name-defined]
    """A proxy type of one's own, for a counter."""

    _exposed_ = ("add", "_reset")

    def add_twice(self, number):
        """Add a number twice; returns the total."""
        self._callmethod("add", (number,))
        return self._callmethod("add", (number,))


class BoxProxy(managers.BaseProxy):  # type: ignore[misc, name-defined]
    """A proxy type of one's own, for a box whose counter stays in the server."""

    _exposed_ = ("get", "total")
    _method_to_typeid_ = {"get": "Content"}  # noqa: RUF012

    def get(self):
        """Return a proxy of the counter."""
        return self._callmethod("get")

    def total(self):
        """Return the counter's total."""
        return self._callmethod("total")


class StepsProxy(managers.BaseProxy):  # type: ignore[misc, name-defined]
    """A proxy of a generator."""

    _exposed_ = ("__next__",)

    def __iter__(self):
        return self

    def __next__(self):
        return self._callmethod("__next__")


def squares(number):
    """Yield some squares."""
    for each in range(number):
        yield each * each


def get_path_module():
    """Return a module."""
    return os.path


class CustomManager(managers.BaseManager):  # type: ignore[misc, name-defined]
    """A manager of the types above."""


CustomManager.register("Counter", Counter)
CustomManager.register("NarrowCounter", Counter, exposed=("add", "_reset"))
CustomManager.register("ProxiedCounter", Counter, CounterProxy)
CustomManager.register("CopyingBox", Box)
CustomManager.register("Box", Box, method_to_typeid={"get": "Content"})
CustomManager.register("ProxiedBox", Box, BoxProxy)
CustomManager.register("squares", squares, StepsProxy)
CustomManager.register("path_module", get_path_module, exposed=("basename", "dirname"))
CustomManager.register("Content", create_method=False)


def add_to_counter(stage):
    """Add to two counters of a custom manager; report totals and processes."""
    with CustomManager(ctx=stage.mp) as manager:
        (server,) = stage.mp.active_children()
        first, second = manager.Counter(), manager.Counter(start=100)
        return {
            "totals": [first.add(3), first.add(4), second.add(1)],
            "runs in the server": first.tell_process() == server.pid,
            "runs here": first.tell_process() == os.getpid(),
        }


@claim("manager.custom-type-runs-in-server", docs="multiprocessing#customized-managers")
def test_an_object_of_a_registered_type_runs_in_the_server(mp, stage):
    """A registered class is instantiated in the server, and its methods run there, with its state.

    Two objects have states of their own, and one is created with a keyword argument.
    """
    assert stage.result_of(add_to_counter) == {
        "totals": [3, 7, 101],
        "runs in the server": True,
        "runs here": False,
    }


def names_of(proxy):
    """The names of a Counter that the proxy has."""
    return [name for name in ("add", "tell_process", "_reset", "total") if hasattr(proxy, name)]


def tell_exposed(stage):
    """Report what the proxies of a counter have, by how the counter was registered."""
    with CustomManager(ctx=stage.mp) as manager:
        narrow = manager.NarrowCounter(5)
        narrow._reset()
        return {
            "by default": names_of(manager.Counter()),
            "exposed": names_of(narrow),
            "total after _reset()": narrow.add(0),
        }


@claim(
    "manager.public-methods-exposed-by-default",
    docs="multiprocessing.managers.BaseManager.register",
)
def test_public_methods_are_exposed_by_default(mp, stage):
    """By default a proxy has the public methods of its object; exposed= names others instead.

    Public are those whose names do not begin with an underscore; exposed may name such a method
    too. An attribute that cannot be called is not there at all.
    """
    assert stage.result_of(tell_exposed) == {
        "by default": ["add", "tell_process"],
        "exposed": ["add", "_reset"],
        "total after _reset()": 0,
    }


@claim("manager.factory-method-is-optional", docs="multiprocessing.managers.BaseManager.register")
def test_register_makes_a_method_unless_told_not_to(mp):
    """register() gives the class a method named typeid, unless create_method is False.

    The class and its instances have it. No server is started here.
    """
    owners = {"class": CustomManager, "instance": CustomManager(ctx=mp)}
    assert {
        (name, kind): hasattr(owner, name)
        for name in ("Counter", "Content")
        for kind, owner in owners.items()
    } == {
        ("Counter", "class"): True,
        ("Counter", "instance"): True,
        ("Content", "class"): False,
        ("Content", "instance"): False,
    }


def change_content(stage):
    """Add to the counters that boxes return; report the type of each, and the box's total."""
    observed = {}
    with CustomManager(ctx=stage.mp) as manager:
        for make in ("CopyingBox", "Box", "ProxiedBox"):
            box = getattr(manager, make)()
            content = box.get()
            kind = "proxy" if isinstance(content, managers.BaseProxy) else type(content).__name__
            observed[make] = kind, content.add(5), box.total()
        box.get().add(1)
        observed["again"] = box.total()
    return observed


@claim("manager.methods-may-return-proxies", docs="multiprocessing.managers.BaseManager.register")
def test_a_method_can_return_a_proxy(mp, stage):
    """A method listed in method_to_typeid returns a proxy of its result; any other, a copy.

    A change through the proxy reaches the object in the server. Adding to a copy does not change
    the counter in the box.
    """
    observed = stage.result_of(change_content)
    assert observed["CopyingBox"] == ("Counter", 5, 0)
    assert observed["Box"] == ("proxy", 5, 5)


def use_own_proxy_types(stage):
    """Report what proxies of own types are and can, and how they failed."""
    with CustomManager(ctx=stage.mp) as manager:
        counter = manager.ProxiedCounter()
        return {
            "type": type(counter).__name__,
            "is a CounterProxy": isinstance(counter, CounterProxy),
            "add_twice(2)": counter.add_twice(2),
            "_reset, listed": result_or_error(counter._callmethod, "_reset"),
            "tell_process, not listed": result_or_error(counter._callmethod, "tell_process"),
            "has add": hasattr(counter, "add"),
        }


@claim("manager.own-proxy-type-used", docs="multiprocessing.managers.BaseManager.register")
def test_register_takes_a_proxy_type(mp, stage):
    """If register() is given a proxytype, the proxies are of that class, with its methods only.

    Its method combines two calls. A method of the object that the class does not define is not
    there, even if it is exposed.
    """
    observed = stage.result_of(use_own_proxy_types)
    assert observed["type"] == "CounterProxy"
    assert observed["is a CounterProxy"] is True
    assert observed["add_twice(2)"] == 4
    assert observed["has add"] is False


@claim("manager.proxytype-sets-defaults", docs="multiprocessing.managers.BaseManager.register")
def test_a_proxy_type_can_list_what_it_exposes(mp, stage):
    """The default of exposed is proxytype._exposed_, that of method_to_typeid _method_to_typeid_.

    A method that is not listed raises RemoteError, though it is public; a listed one returns a
    proxy.
    """
    observed = stage.result_of(use_own_proxy_types)
    assert observed["_reset, listed"] is None
    assert observed["tell_process, not listed"] == "RemoteError"
    assert stage.result_of(change_content)["ProxiedBox"] == ("proxy", 5, 5)


def cause_trouble(stage):
    """Cause failures in the server; report the type and the text of each exception."""

    def error_of(call, *args):
        try:
            return "none", str(call(*args))
        except Exception as error:
            return type(error).__name__, str(error)

    with CustomManager(ctx=stage.mp) as manager:
        counter = manager.Counter()
        observed = {
            "constructor": error_of(manager.Counter, "one"),
            "not exposed": error_of(counter._callmethod, "_reset"),
            "unpicklable result": error_of(counter.make_function),
        }
        observed["afterwards"] = error_of(counter.add, 2)
    return observed


@claim(
    "manager.server-trouble-is-remote-error", docs="multiprocessing.managers.BaseProxy._callmethod"
)
def test_trouble_in_the_server_raises_remote_error(mp, stage):
    """A failure in the server outside the method called raises RemoteError with its traceback.

    A constructor fails, a method is not exposed, and a result cannot be pickled. The string of the
    exception has the server's traceback. The server and the proxy work on.
    """
    observed = stage.result_of(cause_trouble)
    assert observed.pop("afterwards") == ("none", "2")
    assert {label: kind for label, (kind, _) in observed.items()} == dict.fromkeys(
        ("constructor", "not exposed", "unpicklable result"), "RemoteError"
    )
    for label, cause in (
        ("constructor", "TypeError"),
        ("not exposed", "AttributeError"),
        ("unpicklable result", "make_function"),
    ):
        text = observed[label][1]
        assert "Traceback (most recent call last)" in text, label
        assert cause in text, label


def use_odd_objects(stage):
    """Iterate over a generator and call functions of a module in the server; report results."""
    with CustomManager(ctx=stage.mp) as manager:
        path = manager.path_module()
        steps = manager.squares(4)
        return {
            "first square": next(steps),
            "other squares": list(steps),
            "basename()": path.basename("folder/file"),
            "dirname()": path.dirname("folder/file"),
            "has exists()": hasattr(path, "exists"),
        }


@claim("manager.modules-and-generators-shared", docs="multiprocessing#examples")
def test_a_generator_and_a_module_can_be_shared(mp, stage):
    """register() takes any callable: its result may be a generator or a module in the server.

    The generator's proxy has a method __next__(). Of the module, only the functions that
    exposed names are there.
    """
    assert stage.result_of(use_odd_objects) == {
        "first square": 0,
        "other squares": [1, 4, 9],
        "basename()": "file",
        "dirname()": "folder",
        "has exists()": False,
    }


def nest_proxies(stage):
    """Put a proxy into a box in the server and take it out; report the totals."""
    with CustomManager(ctx=stage.mp) as manager:
        counter, box = manager.Counter(), manager.CopyingBox()
        box.put(counter)
        observed = {"added outside": counter.add(2), "seen by the box": box.total()}
        taken = box.get()
        del counter
        return observed | {"added to what was taken": taken.add(3), "seen then": box.total()}


@claim("manager.custom-proxies-can-be-nested", docs="multiprocessing#proxy-objects")
def test_a_proxy_can_be_put_into_a_shared_object(mp, stage):
    """A proxy of a custom type can be stored in another shared object, and keeps its referent.

    The box in the server calls the counter through it, and what is taken out of the box is a
    proxy of the same counter, also when the first proxy is gone.
    """
    assert stage.result_of(nest_proxies) == {
        "added outside": 2,
        "seen by the box": 2,
        "added to what was taken": 5,
        "seen then": 5,
    }


@claim("manager.registration-stays-in-class", docs="multiprocessing.managers.BaseManager.register")
def test_a_class_knows_what_was_registered_with_it_and_its_bases(mp):
    """A typeid registered with a manager class is known to it and its subclasses, no other class.

    The subclass is there before the registration. A typeid that is not a string raises TypeError.
    """

    class Registered(managers.SyncManager):  # type: ignore[misc, name-defined]
        """A class with which something is registered."""

    class Derived(Registered):
        """Its subclass."""

    class Sister(managers.SyncManager):  # type: ignore[misc, name-defined]
        """A class with the same base."""

    Registered.register("Counter", Counter)
    Derived.register("Box", Box)
    everywhere = (managers.BaseManager, managers.SyncManager, Sister, Registered, Derived)
    known = {
        each.__name__: [hasattr(each, name) for name in ("Counter", "Box")] for each in everywhere
    }
    assert known == {
        "BaseManager": [False, False],
        "SyncManager": [False, False],
        "Sister": [False, False],
        "Registered": [True, False],
        "Derived": [True, True],
    }
    assert result_or_error(Sister.register, 5, Counter) == "TypeError"


def serve_queue(stage, key):
    """Serve a queue, with an item, at an address of this machine until the end of the scene."""
    shared: queue.Queue[str] = queue.Queue()
    shared.put("from the server")

    class QueueManager(managers.BaseManager):  # type: ignore[misc, name-defined]
        """A manager with a method that returns the queue."""

    QueueManager.register("get_queue", callable=lambda: shared)
    server = QueueManager(address=("127.0.0.1", 0), authkey=key).get_server()
    stage.say("serving", server.address)
    server.serve_forever()


def connect_to_queue(address, key):
    """A manager that is connected to the server of :func:`serve_queue`."""

    class QueueManager(managers.BaseManager):  # type: ignore[misc, name-defined]
        """A manager that knows the name of the method only."""

    QueueManager.register("get_queue")
    manager = QueueManager(address=address, authkey=key)
    manager.connect()
    return manager


def put_remotely(stage, address, key, item):
    """Put an item into the served queue."""
    connect_to_queue(address, key).get_queue().put(item)


def get_remotely(stage, address, key, number):
    """Get some items from the served queue."""
    shared = connect_to_queue(address, key).get_queue()
    return [shared.get(True, stage.patience) for _ in range(number)]


@claim("manager.remote-clients-share-queue", docs="multiprocessing.managers.BaseManager.get_server")
def test_connected_clients_share_the_queue_of_a_server(mp, stage):
    """Processes that connect() to a server with its key share its objects, such as a queue.

    The server puts the first item into the queue, and one client the second; another client gets
    both. All three use serve_forever() or connect(), and no start().
    """
    server = stage.enter(serve_queue, b"a key")
    address = server.expect("serving")
    stage.result_of(put_remotely, address, b"a key", "from a client")
    assert stage.result_of(get_remotely, address, b"a key", 2) == [
        "from the server",
        "from a client",
    ]


def outcome_of_connecting(address, key):
    """ "connected", or the name of the exception that connect() raises."""
    outcome = result_or_error(connect_to_queue, address, key)
    return outcome if isinstance(outcome, str) else "connected"


def try_to_connect(stage, address):
    """Connect to a server with a wrong key, to no server, and rightly; report the outcomes."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # no process listens to this port
        return {
            "wrong key": outcome_of_connecting(address, b"another key"),
            "no key": outcome_of_connecting(address, None),
            "no server": outcome_of_connecting(unused.getsockname(), b"a key"),
            "right key": connect_to_queue(address, b"a key").get_queue().get(False),
        }


@claim("manager.connect-needs-server-and-key", docs="multiprocessing.managers.BaseManager.connect")
def test_connect_raises_without_the_key_or_the_server(mp, stage):
    """connect() raises AuthenticationError for a wrong key, ConnectionRefusedError for no server.

    Without a key, the key of the process is used, which is another one. The server serves on.
    """
    server = stage.enter(serve_queue, b"a key")
    assert stage.result_of(try_to_connect, server.expect("serving")) == {
        "wrong key": "AuthenticationError",
        "no key": "AuthenticationError",
        "no server": "ConnectionRefusedError",
        "right key": "from the server",
    }


def serve_in_folder(stage, folder, name):
    """Serve boxes at a local socket, whose address is relative to this process's directory."""
    os.chdir(folder)
    server = CustomManager(address=name, authkey=b"a key").get_server()
    stage.say("serving", server.address)
    server.serve_forever()


def use_box_remotely(stage, address):
    """Use a box of a server, and its counter, by an address that differs from the server's own."""
    manager = CustomManager(address=address, authkey=b"a key")
    manager.connect()
    box = manager.Box()
    return {"counter": box.get().add(5), "box": box.total()}


@claim(
    "manager.proxies-use-their-clients-address",
    docs="multiprocessing.managers.BaseManager.connect",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_all_proxies_of_a_client_use_its_address(mp, stage):
    """The proxies of a connected manager use its address, whatever address the server reports.

    The server's own address is relative to its current directory, and no other process can use
    it. A box and the counter that its method returns are both reached.
    """
    folder, name = tempfile.gettempdir(), secrets.token_hex(4)
    server = stage.enter(serve_in_folder, folder, name)
    assert server.expect("serving") == name
    path = Path(folder, name)
    assert stage.result_of(use_box_remotely, str(path)) == {"counter": 5, "box": 5}
    path.unlink()
