"""The evidence's own way between processes: frames on a local socket.

It owes nothing to the package under test, so that a broken Pipe or Queue turns its own
claims red and no others. A frame is a length and a marshalled tuple: marshal is built in,
so it costs a child no import, and it takes plain data only, which is all that evidence is.
"""

from __future__ import annotations

import marshal
import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    class Closable(Protocol):
        def close(self) -> None: ...


_LENGTH = struct.Struct("!I")
# The family of local sockets; Windows' Python has it not yet.
_LOCAL: Any = getattr(socket, "AF_UNIX", None)

# A descriptor that a forked child inherited would keep the channel open after its owner
# died, and death would look like silence.
_not_for_forks: set[Closable] = set()


def keep_from_forks(resource: Closable) -> None:
    """Close ``resource`` in every process forked from this one."""
    _not_for_forks.add(resource)


def release(resource: Closable) -> None:
    """Close ``resource`` here, and forget about it."""
    _not_for_forks.discard(resource)
    resource.close()


def _close_in_fork() -> None:
    for resource in _not_for_forks:
        # A kqueue is not inherited, and Python closes one in a fork only since 3.11.7 and 3.12.1
        # (gh-110395). What comes after it has to be closed all the same.
        try:  # noqa: SIM105, contextlib would be one import more for every child
            resource.close()
        except OSError:
            pass
    _not_for_forks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_fork)


def connect(address: Any) -> socket.socket:
    """A connection to the listener at ``address``, as :func:`listen` gave it; OSError for none."""
    # Not create_connection, which looks the address up as a name and imports a codec for it.
    connection = socket.socket(socket.AF_INET if isinstance(address, tuple) else _LOCAL)
    connection.connect(address)
    return connection


def listen(path: str) -> socket.socket:
    """A listener that only this machine can reach, with or without a network.

    ``path`` is where it is if local sockets have to be files, as everywhere but on Linux; its
    user removes it. Where local sockets are not to be had, or the path is too long for one, the
    listener is on the loopback network. Raises OSError where that is missing too.
    """
    for place in ("", path) if _LOCAL is not None else ():
        listener = socket.socket(_LOCAL)
        try:
            listener.bind(place)
            listener.listen(64)
        except OSError:
            listener.close()
        else:
            return listener
    return socket.create_server(("127.0.0.1", 0), backlog=64)


class Channel:
    """One end of a connection that carries frames, each a tuple of plain data."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.ended = False
        self._received = bytearray()
        if connection.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_from_forks(connection)

    def send(self, *frame: Any) -> None:
        """Send one frame; raises ValueError when it holds more than plain data."""
        data = marshal.dumps(frame)
        self.socket.sendall(_LENGTH.pack(len(data)) + data)

    def take(self, size: int) -> bytes | None:
        """The next ``size`` raw bytes, or None while they have not all come."""
        if len(self._received) < size:
            return None
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def frames(self) -> Iterator[tuple[Any, ...]]:
        """The whole frames that have come and were not taken before."""
        while len(self._received) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._received)
            if len(self._received) < _LENGTH.size + size:
                return
            del self._received[: _LENGTH.size]
            yield marshal.loads(self.take(size) or b"")

    def text(self) -> str:
        """What has come and is no frame but a stack that faulthandler wrote; else empty."""
        if b"hread 0x" not in self._received[:32]:
            return ""
        return self._received.decode(errors="replace").rstrip()

    def read(self) -> None:
        """Take in what has come, waiting as long as the socket's time-out allows.

        Raises TimeoutError when nothing came; sets ``ended`` at end-of-file.
        """
        try:
            data = self.socket.recv(65536)
        except ConnectionError:  # a killed peer resets the connection on some platforms
            data = b""
        self._received += data
        self.ended = not data

    def close(self) -> None:
        """Close this end; harmless when repeated."""
        release(self.socket)
