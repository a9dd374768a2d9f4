"""The channel between a test and its actors: frames on a local socket.

It does not use the package under test, so a broken Pipe or Queue turns its own claims red and
no others. A frame is a length and a marshalled tuple: marshal is built in, so a child need not
import anything for it, and it accepts plain data only. Reports never need more.
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
# The family of local sockets, which Python does not yet have on Windows.
_LOCAL: Any = getattr(socket, "AF_UNIX", None)

# A file descriptor inherited by a forked child would keep the channel open after the death of its
# owner, which would then seem to be alive and silent.
_not_for_forks: set[Closable] = set()


def keep_from_forks(resource: Closable) -> None:
    """Close ``resource`` in every process forked from this one."""
    _not_for_forks.add(resource)


def release(resource: Closable) -> None:
    """Close ``resource`` here; no forked process closes it any more."""
    _not_for_forks.discard(resource)
    resource.close()


def _close_in_fork() -> None:
    for resource in _not_for_forks:
        # A kqueue is not inherited, and its close() raises OSError in a forked process before
        # 3.11.7 and 3.12.1 (gh-110395). The resources after it must still be closed.
        try:  # noqa: SIM105, contextlib would be one more import in every child
            resource.close()
        except OSError:
            pass
    _not_for_forks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_fork)


def connect(address: Any) -> socket.socket:
    """Connect to the listener that :func:`listen` made at ``address``; returns the socket.

    Raises OSError if there is no listener.
    """
    # Not create_connection(), which resolves the address as a host name and imports a codec.
    connection = socket.socket(socket.AF_INET if isinstance(address, tuple) else _LOCAL)
    connection.connect(address)
    return connection


def listen(path: str) -> socket.socket:
    """Return a listener that only this machine can reach, with or without a network.

    ``path`` is its file where local sockets must be files, as on all systems except Linux; the
    caller removes it. Without local sockets, or if the path is too long for one, the listener is
    on the loopback interface. Raises OSError if that is missing too.
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
        """Send one frame; raises ValueError if it contains anything except plain data."""
        data = marshal.dumps(frame)
        self.socket.sendall(_LENGTH.pack(len(data)) + data)

    def take(self, size: int) -> bytes | None:
        """Remove and return the next ``size`` raw bytes, or None if fewer have arrived."""
        if len(self._received) < size:
            return None
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def frames(self) -> Iterator[tuple[Any, ...]]:
        """Remove and yield the complete frames that have arrived."""
        while len(self._received) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._received)
            if len(self._received) < _LENGTH.size + size:
                return
            del self._received[: _LENGTH.size]
            yield marshal.loads(self.take(size) or b"")

    def text(self) -> str:
        """Return the stack that faulthandler has written in the place of a frame, else "".

        Only its whole lines: a stack comes in pieces, and the end of a long one is lost when the
        socket's buffer is full. The last calls come first.
        """
        if b"hread 0x" not in self._received[:32]:
            return ""
        stack = self._received.decode(errors="replace").rpartition("\n")[0]
        return stack.rstrip() if "\n  File " in stack else ""

    def read(self) -> None:
        """Read the data that has arrived; wait for it at most until the socket's timeout.

        Raises TimeoutError if nothing arrives; sets ``ended`` at end-of-file.
        """
        try:
            data = self.socket.recv(65536)
        except ConnectionError:  # a killed peer resets the connection on some platforms
            data = b""
        self._received += data
        self.ended = not data

    def close(self) -> None:
        """Close this end; a second call has no effect."""
        release(self.socket)
