"""last_accepted "is None" if the peer's address is unavailable: for a Unix socket it is ''."""

from multiprocessing.connection import Client, Listener

with Listener(family="AF_UNIX") as listener:
    print("before the first client:", listener.last_accepted)
    with Client(listener.address), listener.accept():
        print("after a client without an address:", repr(listener.last_accepted))
