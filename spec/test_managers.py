"""Manager: objects that processes share through a server.

A manager starts a process, its server, that holds ordinary objects, such as lists and dicts. The
other processes have proxies, which pass each call on to the server, so all of them work with the
same object. Use it for objects of any type that do not fit into shared memory, or for processes
that are not related; it is slower, since each access is a message there and back.

``Manager()`` returns a SyncManager that is started already. A manager class that is called
directly is unstarted: ``start()`` or a ``with`` statement starts its server. Other programs can
``connect()`` to the server's address if they know its key.

Some points surprise people. A proxy works only as long as its manager: until ``shutdown()``, the
end of the ``with`` block, or the end of the process that started it. A killed process stops
nothing: its server goes on. And single calls are complete, but two calls one after the other are
not protected from other processes in between.

In the proofs an actor has the manager, since starting and ending one might take forever.
"""

import os
import pickle

from spec.kit import OBSERVED, claim, result_or_error, submodule
from spec.kit.managing import (
    be_server,
    called_in_server,
    hold_manager,
    new_sync_manager,
    use_by_address,
)

NEEDS = ("addresses",)


def have_two_managers(stage):
    """Start two managers; report their servers' PIDs as the servers and this process know them."""
    with stage.mp.Manager() as first, stage.mp.Manager() as second:
        return {
            "own PID": os.getpid(),
            "servers": sorted(called_in_server(each, os.getpid) for each in (first, second)),
            "active_children()": sorted(child.pid for child in stage.mp.active_children()),
        }


@claim("manager.server-is-separate-process", docs="multiprocessing.Manager")
def test_the_objects_of_a_manager_live_in_its_server(mp, stage):
    """Manager() starts a child process, its server, in which the manager's shared objects live.

    An object that is put into a managed list is unpickled where the list is, and reports that PID.
    Two managers have two servers.
    """
    observed = stage.result_of(have_two_managers)
    assert len(set(observed["servers"])) == 2, observed
    assert observed["servers"] == observed["active_children()"]
    assert observed["own PID"] not in observed["servers"]


def tell_names_of_servers(stage):
    """Start managers of two classes; report the names and daemon flags of their servers."""
    classes = (submodule("managers").SyncManager, submodule("managers").BaseManager)
    with classes[0](ctx=stage.mp), classes[1](ctx=stage.mp):
        return sorted(
            (child.name.partition("-")[0], child.daemon) for child in stage.mp.active_children()
        )


@claim("manager.server-is-named-after-class", docs="multiprocessing.Manager", level=OBSERVED)
def test_a_server_is_named_after_its_managers_class(mp, stage):
    """A manager's server is not daemonic, and its name begins with the manager's class."""
    assert stage.result_of(tell_names_of_servers) == [
        ("BaseManager", False),
        ("SyncManager", False),
    ]


def live_through_stages(stage):
    """Use a manager before start(), while it is started, and after shutdown(); report all."""

    def enter():
        with manager:
            pass

    def make_list():
        manager.list()

    manager = new_sync_manager(stage)
    calls = {
        "list()": make_list,
        "start()": manager.start,
        "get_server()": manager.get_server,
        "with": enter,
    }
    observed = {"unstarted": {"list()": result_or_error(calls["list()"])}}
    manager.start()
    server = stage.mp.active_children()
    names = ("start()", "get_server()", "list()")
    observed["started"] = {name: result_or_error(calls[name]) for name in names}
    observed["servers"] = {"one": len(server) == 1, "same": stage.mp.active_children() == server}
    manager.shutdown()
    observed["shut down"] = {name: result_or_error(call) for name, call in calls.items()}
    return observed


@claim(
    "manager.lifecycle-order-is-enforced",
    docs="multiprocessing.managers.BaseManager.start",
    level=OBSERVED,
)
def test_a_manager_is_started_once(mp, stage):
    """start() works once, else it raises ProcessError; an unstarted manager's methods raise too.

    list() of a manager that is not started, or shut down, raises AssertionError. get_server() of
    a started one raises ProcessError, as does a with statement after the end.
    """
    refused = {"start()": "ProcessError", "get_server()": "ProcessError"}
    assert stage.result_of(live_through_stages) == {
        "unstarted": {"list()": "AssertionError"},
        "started": {"list()": None, **refused},
        "servers": {"one": True, "same": True},
        "shut down": {"list()": "AssertionError", "with": "ProcessError", **refused},
    }


def shut_down_twice(stage):
    """Report whether a manager has shutdown() at each stage, and the outcomes of three calls."""
    manager = new_sync_manager(stage)
    before = hasattr(manager, "shutdown")
    manager.start()
    (server,) = stage.mp.active_children()
    client = new_sync_manager(stage, address=manager.address)
    client.connect()
    return {
        "has it before start()": before,
        "has it after connect()": hasattr(client, "shutdown"),
        "shutdown()": [(manager.shutdown(), server.exitcode) for _ in range(3)],
    }


@claim("manager.only-starter-can-shut-down", docs="multiprocessing.managers.BaseManager.shutdown")
def test_shutdown_is_there_once_start_was_called(mp, stage):
    """A manager has shutdown() only after start(), not after connect(); it may be repeated.

    The server has ended when the first call returns; its exit code is 0.
    """
    assert stage.result_of(shut_down_twice) == {
        "has it before start()": False,
        "has it after connect()": False,
        "shutdown()": [(None, 0)] * 3,
    }


def use_with_statements(stage):
    """Have an unstarted and a started manager in with blocks; report their servers' states."""
    observed = {}
    for label in ("unstarted", "started"):
        manager = new_sync_manager(stage)
        if label == "started":
            manager.start()
        before = stage.mp.active_children()
        try:
            with manager as entered:
                (server,) = stage.mp.active_children()
                observed[label] = {
                    "started before": server in before,
                    "as": entered is manager,
                    "alive inside": server.is_alive() and list(entered.list([1])) == [1],
                }
                raise ValueError("the end of the block")
        except ValueError as error:
            observed[label]["raised"] = str(error)
        observed[label]["exitcode afterwards"] = server.exitcode
    return observed


@claim("manager.with-starts-and-shuts-down", docs="multiprocessing.managers.BaseManager")
def test_a_with_statement_starts_and_shuts_down(mp, stage):
    """A with statement starts a manager that is unstarted, and shuts it down at its end.

    A block that an exception leaves does so too, and the exception comes out of it. A manager
    that is started already keeps its server.
    """
    afterwards = {"raised": "the end of the block", "exitcode afterwards": 0}
    inside = {"as": True, "alive inside": True}
    assert stage.result_of(use_with_statements) == {
        "unstarted": {"started before": False, **inside, **afterwards},
        "started": {"started before": True, **inside, **afterwards},
    }


def note_setting(text):
    """Note a text in the environment of this process."""
    os.environ["SPEC_NOTED"] = text


def read_setting():
    """The text that was noted in this process, and its PID."""
    return os.environ.get("SPEC_NOTED"), os.getpid()


def initialize_server(stage):
    """Start a manager with an initializer, and then one with a wrong one; report the effects."""
    manager = new_sync_manager(stage)
    manager.start(note_setting, ("by the initializer",))
    with manager:
        (server,) = stage.mp.active_children()
        noted, pid = called_in_server(manager, read_setting)
        observed = {"in the server": (noted, pid == server.pid), "here": read_setting()[0]}
    wrong = new_sync_manager(stage)
    observed["start('x')"] = result_or_error(wrong.start, "x")
    observed["servers then"] = len(stage.mp.active_children())
    return observed


@claim("manager.initializer-runs-in-server", docs="multiprocessing.managers.BaseManager.start")
def test_an_initializer_runs_in_the_server(mp, stage):
    """start(initializer, initargs) has the server call initializer(*initargs) when it starts.

    It notes a text in the environment of its process, and a later call in the server reads it.
    """
    observed = stage.result_of(initialize_server)
    assert observed["in the server"] == ("by the initializer", True)
    assert observed["here"] is None


@claim(
    "manager.initializer-must-be-callable",
    docs="multiprocessing.managers.BaseManager.start",
    level=OBSERVED,
)
def test_an_initializer_has_to_be_callable(mp, stage):
    """start() with an initializer that cannot be called raises TypeError and starts no server."""
    observed = stage.result_of(initialize_server)
    assert (observed["start('x')"], observed["servers then"]) == ("TypeError", 0)


@claim("manager.default-key-admits-children", docs="multiprocessing.managers.BaseManager")
def test_a_manager_uses_the_key_of_its_process_by_default(mp, stage):
    """Without an authkey, a manager uses that of its process, which processes of one program share.

    Another child of the test connects to the address without naming a key, and its list is in the
    same server. With another key it is not admitted.
    """
    server = stage.nested(be_server)
    starter = stage.enter(hold_manager, server.ticket, "normally")
    address = starter.expect("started")
    server.expect("initialized")
    assert stage.result_of(use_by_address, address) == ([1, 2], server.pid)
    assert stage.result_of(use_by_address, address, b"other") == "AuthenticationError"
    starter.returns(cue="end")


def append_by_argument(stage, items, connection):
    """Append to a managed list from an argument; report what receiving it raises."""
    items.append("by argument")
    return result_or_error(connection.recv)


def lend_list_with_own_key(stage, ticket):
    """Give a child the proxy of a manager whose key is its own, in two ways; report the list."""
    theirs, ours = stage.mp.Pipe()
    with new_sync_manager(stage, authkey=b"the manager's own key") as manager:
        items = manager.list()
        child = stage.start((*ticket, items, theirs))
        ours.send(items)
        child.join(stage.patience)
        return list(items)


@claim("manager.proxy-carries-its-key", docs="multiprocessing#authentication-keys", level=OBSERVED)
def test_a_proxy_that_is_an_argument_has_the_key_of_its_manager(mp, stage):
    """A child can use a proxy that it got as an argument, whatever the manager's authkey is.

    The key is not sent through a pipe: there recv() of the proxy raises AuthenticationError, since
    the child's own authkey is another.
    """
    child = stage.nested(append_by_argument)
    lender = stage.enter(lend_list_with_own_key, child.ticket)
    assert child.returns() == "AuthenticationError"
    assert lender.returns() == ["by argument"]


@claim("manager.settings-are-checked", docs="multiprocessing.managers.BaseManager", level=OBSERVED)
def test_the_settings_of_a_manager_are_checked(mp, stage):
    """A manager's authkey must be bytes, its serializer "pickle" or "xmlrpclib"; else it raises.

    No server is started here.
    """
    make = submodule("managers").SyncManager
    assert {
        "authkey='key'": result_or_error(make, authkey="key", ctx=mp),
        "serializer='json'": result_or_error(make, serializer="json", ctx=mp),
    } == {"authkey='key'": "TypeError", "serializer='json'": "KeyError"}


@claim("manager.address-is-read-only", docs="multiprocessing.managers.BaseManager.address")
def test_the_address_of_a_manager_can_only_be_read(mp):
    """A manager's address cannot be set; unless it was given, it is None until start().

    No server is started here: the address of a started manager with a port that the system chose
    is part of another claim, manager.xmlrpclib-serializer-works.
    """
    make = submodule("managers").SyncManager
    manager = make(address=("127.0.0.1", 0), ctx=mp)
    assert make(ctx=mp).address is None
    assert result_or_error(setattr, manager, "address", 1) == "AttributeError"
    assert manager.address == ("127.0.0.1", 0)


def use_xmlrpclib(stage):
    """Use a manager with the other serializer, at a port that the system chooses."""
    settings = {"address": ("127.0.0.1", 0), "serializer": "xmlrpclib"}
    with new_sync_manager(stage, **settings) as manager:
        items, table = manager.list([1, "two"]), manager.dict()
        items.append((3.5,))
        table["key"] = True
        return {
            "host": manager.address[0],
            "port was chosen": manager.address[1] > 0,
            "str(list)": str(items),
            "dict": table.copy(),
        }


@claim("manager.xmlrpclib-serializer-works", docs="multiprocessing.managers.BaseManager")
def test_a_manager_can_use_xmlrpclib(mp, stage):
    """With serializer="xmlrpclib", managed lists and dicts pass plain values without pickle.

    A tuple arrives as a list, since XML-RPC has no tuples: pickle would keep it. The address has
    a port that the system has chosen.
    """
    assert stage.result_of(use_xmlrpclib) == {
        "host": "127.0.0.1",
        "port was chosen": True,
        "str(list)": "[1, 'two', [3.5]]",
        "dict": {"key": True},
    }


def pickle_managers(stage):
    """Pickle a manager and send it through a pipe, unstarted and started; report the outcomes."""
    connections = stage.mp.Pipe()
    manager = new_sync_manager(stage)
    observed = {"unstarted": result_or_error(pickle.dumps, manager)}
    with manager:
        observed["started"] = result_or_error(pickle.dumps, manager)
        observed["sent"] = result_or_error(connections[0].send, manager)
    return observed


@claim("manager.object-cannot-be-pickled", docs="multiprocessing.managers", level=OBSERVED)
def test_a_manager_cannot_be_pickled(mp, stage):
    """Pickling a manager, or sending it through a pipe, raises TypeError; send its proxies.

    It contains its authkey, which must not leave the process.
    """
    assert set(stage.result_of(pickle_managers).items()) == {
        ("unstarted", "TypeError"),
        ("started", "TypeError"),
        ("sent", "TypeError"),
    }
