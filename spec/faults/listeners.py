"""Faults of listeners and clients."""

import os
import socket
import tempfile

from spec.faults import fault, replace

_kept: list[object] = []


@fault("connection.Listener.accept", "listener.client-exchanges-objects")
def first_connection_is_returned_again(original, self):
    """Every client after the first gets the answers of none: accept() returns an older end."""
    vars(self).setdefault("all", []).append(original(self))
    return self.all[(len(self.all) - 1) // 2]


@fault("connection.Connection.recv", "listener.client-exchanges-objects", for_users=True)
def bytes_inside_a_list_are_lost(original, self):
    """A list arrives without what is bytes in it."""
    received = original(self)
    if type(received) is list:
        return [item for item in received if not isinstance(item, bytes)]
    return received


@fault("connection.SocketListener.__init__", "listener.port-zero-is-resolved")
def port_stays_zero(original, self, address, family, backlog=1):
    """The address of a listener at port 0 says port 0: no program can tell others where it is."""
    original(self, address, family, backlog)
    if family == "AF_INET":
        self._address = address


@fault("connection.SocketListener.accept", "listener.last-accepted-is-peer")
def last_accepted_is_the_first(original, self):
    """last_accepted stays that of the first client, so a log names the wrong one."""
    first = self._last_accepted
    connection = original(self)
    self._last_accepted = first or self._last_accepted
    return connection


@fault("connection.SocketListener.accept", "listener.last-accepted-is-peer")
def last_accepted_is_own_address(original, self):
    """last_accepted is the address of the listener, not that of the client."""
    connection = original(self)
    self._last_accepted = self._last_accepted and self._address
    return connection


@fault("connection.SocketListener.accept", "listener.unix-peer-is-empty-string")
def unknown_peer_is_none(original, self):
    """last_accepted is None for a client without an address, as documented."""
    connection = original(self)
    self._last_accepted = self._last_accepted or None
    return connection


@fault("connection", "listener.address-and-peer-read-only")
def last_accepted_can_be_set(connection):
    """Setting last_accepted succeeds, so a slip of the pen forges the peer's address."""
    own = connection.Listener.last_accepted

    def set_it(self, value):
        self._listener._last_accepted = value

    connection.Listener.last_accepted = property(own.fget, set_it)


@fault("connection", "listener.address-and-peer-read-only")
def address_can_be_set(connection):
    """Setting the address succeeds, and changes nothing but what is told."""
    own = connection.Listener.address

    def set_it(self, value):
        self._listener._address = value

    connection.Listener.address = property(own.fget, set_it)


@fault("connection.Listener.close", "listener.close-stops-and-cleans-up")
def close_leaves_the_socket(original, self):
    """close() leaves the socket open, so no other listener gets the address."""
    _kept.append(self._listener)
    self._listener = None


@fault("connection.Listener.accept", "listener.close-stops-and-cleans-up")
def accept_after_close_returns_none(original, self):
    """accept() of a closed listener returns None instead of raising."""
    return None if self._listener is None else original(self)


@fault("connection.Listener.__exit__", "listener.close-stops-and-cleans-up")
def exception_leaves_the_listener(original, self, exc_type, exc_value, exc_tb):
    """A with block that an exception leaves does not close the listener."""
    if exc_type is None:
        original(self, exc_type, exc_value, exc_tb)
    else:
        _kept.append(self)


@fault("connection.Listener.close", "listener.close-stops-and-cleans-up")
def second_listener_close_raises(original, self):
    """A second close() raises OSError."""
    if self._listener is None:
        raise OSError("listener is closed")
    original(self)


@fault("connection", "listener.close-keeps-connections")
def close_ends_connections(connection):
    """close() of a listener closes all connections that it has accepted."""

    def accept(original, self):
        accepted = original(self)
        vars(self).setdefault("accepted", []).append(accepted)
        return accepted

    def close(original, self):
        for accepted in vars(self).pop("accepted", ()):
            accepted.close()
        original(self)

    replace(connection.Listener, "accept", accept)
    replace(connection.Listener, "close", close)


@fault(
    "connection.SocketListener.close",
    "listener.close-removes-socket-file",
)
def close_leaves_the_file(original, self):
    """close() leaves the file of a Unix socket: the address is taken forever."""
    _kept.append(self)
    self._socket.close()


@fault("connection.SocketListener.__init__", "listener.collected-listener-is-closed")
def collected_listeners_live_on(original, self, *args):
    """A listener that is not closed by hand lives until the end of the process."""
    original(self, *args)
    _kept.append(self)


@fault("connection.SocketListener.__init__", "listener.killed-listener-leaves-file")
def address_is_taken_over(original, self, address, family, backlog=1):
    """A listener removes a file that is at its address, even a socket of a living listener."""
    if family == "AF_UNIX" and isinstance(address, str) and os.path.exists(address):
        os.unlink(address)
    original(self, address, family, backlog)


@fault("connection.SocketClient", "listener.unreachable-or-taken-address-fails")
def client_tries_forever(original, address):
    """A client that is refused tries again forever: its program hangs."""
    while True:
        try:
            return original(address)
        except ConnectionRefusedError:
            pass


@fault("connection", "listener.unreachable-or-taken-address-fails")
def two_share_an_address(connection):
    """Two listeners can have one address: clients reach either of them."""

    class Shared(socket.socket):
        def bind(self, address):
            if self.family == socket.AF_INET:
                self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            super().bind(address)

    class Module:
        socket = Shared

        def __getattr__(self, name):
            return getattr(socket, name)

    connection.socket = Module()


@fault("connection.address_type", "listener.family-from-address-form")
def backslashes_are_a_file_name(original, address):
    """A string that begins with two backslashes is a file name, as any other string."""
    if isinstance(address, str):
        return "AF_UNIX"
    return original(address)


@fault("connection.Listener.__init__", "listener.family-from-address-form")
def lists_are_addresses(original, self, address=None, *args, **kwargs):
    """Listener() takes a list for the address of a TCP socket, and Client() does not."""
    original(self, tuple(address) if isinstance(address, list) else address, *args, **kwargs)


@fault("connection.Client", "listener.client-ignores-family")
def client_obeys_family(original, address, family=None, authkey=None):
    """Client() refuses an address that is not of the family, as documented."""
    if family not in (None, "AF_INET" if isinstance(address, tuple) else "AF_UNIX"):
        raise ValueError(f"{address!r} is no address of {family}")
    return original(address, family, authkey)


@fault("connection.arbitrary_address", "listener.default-address-is-private")
def default_address_is_public(original, family):
    """The default address is in the folder for temporary files, where all users can see it."""
    if family != "AF_UNIX":
        return original(family)
    return tempfile.mktemp(prefix="listener-", dir=tempfile.gettempdir())


@fault("util.get_temp_dir", "listener.default-address-is-private")
def all_may_enter(original):
    """All users may enter the folder of default addresses, and so connect to listeners there."""
    folder = original()
    os.chmod(folder, 0o755)
    return folder


@fault("connection.SocketListener.__init__", "listener.backlog-lets-clients-wait")
def backlog_is_one(original, self, address, family, backlog=1):
    """The backlog is 1, whatever is asked for: of many clients that come at once most must wait."""
    original(self, address, family, 1)


@fault("connection.SocketListener.accept", "listener.default-timeout-is-ignored")
def accepted_end_has_default_timeout(original, self):
    """An accepted connection has the default timeout of sockets: recv() raises BlockingIOError."""
    accepted, self._last_accepted = self._socket.accept()
    from multiprocessing.connection import Connection

    return Connection(accepted.detach())


@fault("connection.SocketListener.accept", "listener.default-timeout-is-ignored")
def accept_has_default_timeout(original, self):
    """accept() raises TimeoutError after the default timeout of sockets."""
    self._socket.settimeout(socket.getdefaulttimeout())
    return original(self)


@fault("connection._validate_family", "listener.unavailable-family-is-refused")
def families_are_not_checked(original, family):
    """A family that the platform does not have raises NameError (bpo-14151)."""
