"""Listener and Client: connections between programs.

``Pipe()`` connects processes of one family. A ``Listener`` waits at an address for any process
that can reach it, also on another machine: ``Client(address)`` connects, ``accept()`` returns the
listener's end, and both have a ``Connection``. The form of the address chooses the transport: a
tuple ``(host, port)`` is TCP, a string is a Unix domain socket, and a string that begins with two
backslashes is a named pipe of Windows. Without an address a listener chooses a local one; port 0
means a free port. Read ``address`` to know which it is.

All that arrives is unpickled, so a stranger who can send an object can run any code. Without an
``authkey`` there is no authentication at all: see the next chapter.

Some points surprise people. A Unix socket is a file: a killed listener leaves it behind, and its
address is taken until the file is removed. ``Client(address, family)`` does not look at the family.
The default ``backlog`` is 1: if many clients may come at once, give a larger one.

Small proofs have both ends in one process: a client has connected before the listener accepts it.
"""

import gc
import os
import secrets
import socket
import stat
import tempfile

from spec.kit import BEAT, OBSERVED, claim, result_or_error, submodule

LOCALHOST = ("127.0.0.1", 0)


def new_listener(*args, **settings):
    """A Listener of the package under test."""
    return submodule("connection").Listener(*args, **settings)


def connect_to(address, *args):
    """A Client of the package under test."""
    return submodule("connection").Client(address, *args)


def type_or_error(call, *args):
    """The name of the type of what the call returns, or of the exception that it raises."""
    return result_or_error(lambda: type(call(*args)).__name__)


def name_of(connection):
    """The address of a connection's own socket."""
    borrowed = socket.socket(fileno=connection.fileno())
    try:
        return borrowed.getsockname()
    finally:
        borrowed.detach()


def free_path():
    """A short path in the folder for temporary files, at which there is no file."""
    return os.path.join(tempfile.gettempdir(), secrets.token_hex(4))


def answer_clients(stage, number):
    """Listen at a default address and on TCP; answer the clients of each, the last one first."""
    with new_listener(backlog=number) as default, new_listener(LOCALHOST, None, number) as internet:
        stage.say("listening", [default.address, internet.address])
        for listener in (default, internet):
            accepted = [listener.accept() for _ in range(number)]
            for connection in reversed(accepted):
                connection.send({"received": connection.recv()})
            for connection in accepted:
                connection.close()


def send_to_each(stage, addresses):
    """Connect twice to each address, send an object by each connection; report the answers."""
    answers = []
    for address in addresses:
        with connect_to(address) as first, connect_to(address) as second:
            first.send([1, None, b"first"])
            second.send({"second": 2.5})
            answers.append([first.recv(), second.recv()])
    return answers


@claim(
    "listener.client-exchanges-objects",
    docs="multiprocessing.connection.Listener.accept",
    needs=("addresses",),
)
def test_clients_exchange_objects_with_a_listener(mp, stage):
    """Each Client() gets a connection of its own to the Listener, whose accept() returns its end.

    The listener's process answers two clients in the order opposite to that of their requests, at
    its default address and on TCP. Their processes share nothing but the address.
    """
    server = stage.enter(answer_clients, 2)
    addresses = server.expect("listening")
    expected = [{"received": [1, None, b"first"]}, {"received": {"second": 2.5}}]
    assert stage.result_of(send_to_each, addresses) == [expected, expected]
    server.returns()


@claim(
    "listener.port-zero-is-resolved",
    docs="multiprocessing.connection.Listener.address",
    level=OBSERVED,
)
def test_the_address_tells_the_port_that_the_system_has_chosen(mp, stage):
    """A Listener with port 0 gets a free port, and its address is the host and that port.

    A second listener gets another port. A socket without the package connects to each.
    """
    with new_listener(LOCALHOST) as first, new_listener(LOCALHOST) as second:
        assert first.address != second.address
        for listener in (first, second):
            host, port = listener.address
            assert host == LOCALHOST[0]
            assert port != 0
            socket.create_connection(listener.address, stage.patience).close()


@claim("listener.last-accepted-is-peer", docs="multiprocessing.connection.Listener.last_accepted")
def test_last_accepted_is_the_address_of_the_last_client(mp, stage):
    """After accept(), last_accepted is the address of that client; before the first it is None.

    Of two TCP clients, the first one is accepted first. A client that is not accepted yet does not
    count.
    """
    with new_listener(LOCALHOST, backlog=2) as listener:
        observed = [listener.last_accepted]
        clients = [connect_to(listener.address) for _ in range(2)]
        observed.append(listener.last_accepted)
        names = [name_of(client) for client in clients]
        for _ in clients:
            listener.accept().close()
            observed.append(listener.last_accepted)
        for client in clients:
            client.close()
    assert observed == [None, None, *names]


def tell_unix_peer(stage):
    """Report last_accepted of a listener on a Unix domain socket, before and after a client."""
    with new_listener(family="AF_UNIX") as listener:
        before = listener.last_accepted
        with connect_to(listener.address), listener.accept():
            return {"before": before, "after": listener.last_accepted}


@claim(
    "listener.unix-peer-is-empty-string",
    docs="multiprocessing.connection.Listener.last_accepted",
    level=OBSERVED,
    needs=("addresses", "descriptors"),
    contradicts="multiprocessing.connection.Listener.last_accepted",
)
def test_a_unix_client_has_no_address(mp, stage):
    """After a client on a Unix domain socket, last_accepted is the empty string, and not None.

    According to the documentation, last_accepted is None if the address is unavailable. Such a
    client has none.
    """
    assert stage.result_of(tell_unix_peer) == {"before": None, "after": ""}


@claim("listener.address-and-peer-read-only", docs="multiprocessing.connection.Listener.address")
def test_address_and_last_accepted_cannot_be_set(mp):
    """Setting a Listener's address or last_accepted raises AttributeError."""
    with new_listener(LOCALHOST) as listener:
        address = listener.address
        observed = {
            "set address": result_or_error(setattr, listener, "address", LOCALHOST),
            "set last_accepted": result_or_error(setattr, listener, "last_accepted", LOCALHOST),
            "address": listener.address,
            "last_accepted": listener.last_accepted,
        }
    assert observed == {
        "set address": "AttributeError",
        "set last_accepted": "AttributeError",
        "address": address,
        "last_accepted": None,
    }


@claim("listener.close-stops-and-cleans-up", docs="multiprocessing.connection.Listener.close")
def test_a_closed_listener_accepts_no_client(mp):
    """After close(), accept() raises OSError and the address is free for another Listener.

    A second close() has no effect. A "with listener" block returns the listener, and closes it even
    on an exception. A client that had connected and was not accepted does not change that.
    """
    for error in (None, ValueError):
        try:
            with new_listener(LOCALHOST) as listener:
                address = listener.address
                client = connect_to(address)
                if error:
                    raise error
        except ValueError:
            assert error is ValueError
        client.close()
        assert result_or_error(listener.accept) == "OSError"
        with new_listener(address) as another:
            assert another.address == address
            assert listener.close() is None

    listener = new_listener(LOCALHOST)
    assert listener.__enter__() is listener
    assert (listener.close(), listener.close()) == (None, None)
    assert result_or_error(listener.accept) == "OSError"


@claim(
    "listener.close-keeps-connections",
    docs="multiprocessing.connection.Listener.close",
    level=OBSERVED,
)
def test_accepted_connections_outlive_their_listener(mp, stage):
    """Closing a Listener does not close the connections that it has accepted."""
    with new_listener(LOCALHOST) as listener:
        client = connect_to(listener.address)
        accepted = listener.accept()
    with client, accepted:
        client.send("question")
        assert accepted.poll(stage.patience), "nothing arrived"
        assert accepted.recv() == "question"
        accepted.send("answer")
        assert client.poll(stage.patience), "nothing arrived"
        assert client.recv() == "answer"


def close_and_look(stage):
    """Report whether there is a socket at a listener's address while it is open, and after that."""
    with new_listener(family="AF_UNIX") as listener:
        address = listener.address
        observed = {"open": stat.S_ISSOCK(os.stat(address).st_mode)}
    observed["closed"] = os.path.exists(address)
    observed["Client()"] = type_or_error(connect_to, address)
    return observed


@claim(
    "listener.close-removes-socket-file",
    docs="multiprocessing.connection.Listener.close",
    level=OBSERVED,
    needs=("addresses", "descriptors"),
)
def test_close_removes_the_file_of_a_unix_socket(mp, stage):
    """Closing a Listener on a Unix domain socket removes the socket's file.

    After that, Client() raises FileNotFoundError.
    """
    assert stage.result_of(close_and_look) == {
        "open": True,
        "closed": False,
        "Client()": "FileNotFoundError",
    }


def forget_listeners(stage):
    """Let listeners be collected; report which addresses can be connected to, before and after."""
    listeners = [new_listener(LOCALHOST), new_listener(family="AF_UNIX")]
    addresses = [listener.address for listener in listeners]

    def outcomes():
        found = [result_or_error(connect_to, address) for address in addresses]
        return [each if isinstance(each, str) else each.close() for each in found]

    observed = {"kept": outcomes()}
    listeners.clear()
    gc.collect()
    observed["collected"] = outcomes()
    observed["file"] = os.path.exists(addresses[1])
    return observed


@claim(
    "listener.collected-listener-is-closed",
    docs="multiprocessing.connection.Listener.close",
    needs=("addresses", "descriptors"),
)
def test_a_listener_that_is_collected_is_closed(mp, stage):
    """A Listener that is garbage collected is closed: no client can connect to it any more.

    As a control, clients can connect before. The file of a Unix domain socket is removed.
    """
    assert stage.result_of(forget_listeners) == {
        "kept": [None, None],
        "collected": ["ConnectionRefusedError", "FileNotFoundError"],
        "file": False,
    }


def listen_until_killed(stage, path):
    """Listen on a Unix domain socket at the path until this process is killed."""
    with new_listener(path) as listener:
        stage.say("serving", listener.address)
        stage.wait_for_cue("never given")


@claim(
    "listener.killed-listener-leaves-file",
    docs="multiprocessing.connection.Listener",
    level=OBSERVED,
    needs=("addresses", "descriptors"),
)
def test_a_killed_listener_leaves_its_socket_file(mp, stage):
    """A killed process leaves its Listener's socket file: Client() and Listener() there raise.

    Client() raises ConnectionRefusedError. Listener() raises OSError until the file is removed.
    """
    path = free_path()
    server = stage.enter(listen_until_killed, path)
    try:
        assert server.expect("serving") == path
        connect_to(path).close()
        server.process.kill()
        server.exit_code()
        observed = {
            "Client()": type_or_error(connect_to, path),
            "Listener()": type_or_error(new_listener, path),
        }
    finally:
        os.unlink(path)
    assert observed == {"Client()": "ConnectionRefusedError", "Listener()": "OSError"}
    with new_listener(path):
        connect_to(path).close()


def try_addresses(stage):
    """Report what Client() and Listener() raise for addresses without a listener, and with one."""
    with new_listener(LOCALHOST) as listener, socket.socket() as silent:
        silent.bind(LOCALHOST)  # it does not listen
        return {
            "Client() without a listener": type_or_error(connect_to, silent.getsockname()),
            "Listener() where another listens": type_or_error(new_listener, listener.address),
        }


@claim(
    "listener.unreachable-or-taken-address-fails",
    docs="multiprocessing.connection.Client",
    level=OBSERVED,
)
def test_an_address_without_or_with_a_listener_is_refused(mp, stage):
    """Client() at a TCP port without a listener raises ConnectionRefusedError; it does not retry.

    Listener() at an address where another one listens raises OSError.
    """
    assert stage.result_of(try_addresses) == {
        "Client() without a listener": "ConnectionRefusedError",
        "Listener() where another listens": "OSError",
    }


@claim(
    "listener.family-from-address-form",
    docs="multiprocessing#address-formats",
    needs=("addresses", "descriptors"),
)
def test_the_form_of_the_address_chooses_the_family(mp, stage):
    """A tuple (host, port) is the address of a TCP socket, a string that of a Unix domain socket.

    Plain sockets of these families connect. A string that begins with two backslashes is a named
    pipe, which raises ValueError on Unix; objects of other types raise ValueError or TypeError.
    """
    unix = socket.AddressFamily["AF_UNIX"]
    for address, family in ((LOCALHOST, socket.AF_INET), (free_path(), unix)):
        with new_listener(address) as listener, socket.socket(family) as plain:
            plain.settimeout(stage.patience)
            plain.connect(listener.address)
            listener.accept().close()
    for refused in (r"\\.\pipe\name", ["127.0.0.1", 0], b"name", 5):
        for call in (new_listener, connect_to):
            assert result_or_error(call, refused) in ("ValueError", "TypeError"), (call, refused)
    observed = result_or_error(new_listener, None, "AF_PIPE")
    assert observed == "ValueError"


@claim(
    "listener.unavailable-family-is-refused",
    docs="multiprocessing.connection.Listener",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_named_pipes_are_refused_where_there_are_none(mp, stage):
    """On Unix, Listener() and Client() raise ValueError for an address or a family of named pipes.

    The argument family names it, even if there is an address of another family.
    """
    address = r"\\.\pipe\name"
    observed = {
        "Listener(None, 'AF_PIPE')": result_or_error(new_listener, None, "AF_PIPE"),
        "Listener(localhost, 'AF_PIPE')": result_or_error(new_listener, LOCALHOST, "AF_PIPE"),
        "Listener(address)": result_or_error(new_listener, address),
        "Client(localhost, 'AF_PIPE')": result_or_error(connect_to, LOCALHOST, "AF_PIPE"),
        "Client(address)": result_or_error(connect_to, address),
    }
    assert observed == dict.fromkeys(observed, "ValueError")


@claim(
    "listener.client-ignores-family",
    docs="multiprocessing.connection.Client",
    level=OBSERVED,
    needs=("addresses", "descriptors"),
    contradicts="multiprocessing.connection.Client",
)
def test_client_goes_by_the_address_alone(mp, stage):
    """Client() takes the family from the address, even if its argument family names another.

    According to the documentation, the argument determines the type of the connection.
    """
    for address, wrong in ((LOCALHOST, "AF_UNIX"), (free_path(), "AF_INET")):
        with (
            new_listener(address) as listener,
            connect_to(listener.address, wrong) as client,
            listener.accept() as accepted,
        ):
            client.send("sent")
            assert accepted.poll(stage.patience), "nothing arrived"
            assert accepted.recv() == "sent"


def look_at_default_addresses(stage):
    """Report the modes of the folders of two listeners without an address, and their addresses."""
    with (
        tempfile.NamedTemporaryFile() as own,
        new_listener() as first,
        new_listener(family="AF_UNIX") as second,
    ):
        folders = [os.stat(os.path.dirname(each.address)) for each in (first, second)]
        return {
            "modes": [oct(stat.S_IMODE(folder.st_mode)) for folder in folders],
            "own": [folder.st_uid == os.stat(own.name).st_uid for folder in folders],
            "addresses": [first.address, second.address],
        }


@claim(
    "listener.default-address-is-private",
    docs="multiprocessing.connection.Listener",
    needs=("addresses", "descriptors"),
)
def test_a_default_address_is_in_a_private_folder(mp, stage):
    """Without an address, a Unix Listener's socket is in a folder that only its user may enter.

    On Unix that is the default family. Two listeners have two addresses.
    """
    observed = stage.result_of(look_at_default_addresses)
    first, second = observed.pop("addresses")
    assert observed == {"modes": ["0o700", "0o700"], "own": [True, True]}
    assert first != second


def connect_before_accept(stage, number):
    """Connect clients to a listener that accepts none yet; report whether each is served then."""
    with new_listener(LOCALHOST, backlog=number) as listener:
        clients = [connect_to(listener.address) for _ in range(number)]
        stage.say("connected")
        served = []
        for client in clients:
            with client, listener.accept() as accepted:
                accepted.send(name_of(client))
                served.append(client.recv() == listener.last_accepted)
        return served


@claim("listener.backlog-lets-clients-wait", docs="multiprocessing.connection.Listener")
def test_as_many_clients_as_the_backlog_connect_before_accept(mp, stage):
    """With Listener(backlog=n), n clients can connect over TCP before the first accept().

    One process connects twelve clients and accepts none until all of them have connected. They are
    accepted in the order in which they came.
    """
    actor = stage.enter(connect_before_accept, 12)
    actor.expect("connected")
    assert actor.returns() == [True] * 12


def wait_despite_default_timeout(stage):
    """Set a default timeout for sockets; accept a client, and receive from it."""
    with new_listener(LOCALHOST) as listener:
        stage.say("address", listener.address)
        socket.setdefaulttimeout(BEAT / 10)
        stage.say("accepting")
        with new_listener(LOCALHOST) as late, connect_to(late.address) as early_client:
            connection = listener.accept()
            stage.say("accepted")
            with connection, late.accept() as of_late:
                received = [connection.recv()]
                stage.say("received")
                early_client.send("own")
                received.append(of_late.recv())
                return received


@claim(
    "listener.default-timeout-is-ignored",
    docs="multiprocessing.connection.Listener.accept",
    level=OBSERVED,
)
def test_accept_and_recv_block_without_limit(mp, stage):
    """accept() and recv() block until a client connects or sends, despite setdefaulttimeout().

    The timeout, of the module socket, is a tenth of a beat. A listener that is created before it is
    set, and connections that are accepted after that, do not return within a beat.
    """
    server = stage.enter(wait_despite_default_timeout)
    address = server.expect("address")
    server.expect("accepting")
    assert server.does_not_say("accepted"), "accept() returned without a client"
    with connect_to(address) as client:
        server.expect("accepted")
        assert server.does_not_say("received"), "recv() returned without a message"
        client.send("sent")
        assert server.returns() == ["sent", "own"]
