"""The type of Client()'s connection "is determined by family": it uses TCP all the same."""

import socket
from multiprocessing.connection import Client, Listener

listener = Listener(("127.0.0.1", 0))
with listener, Client(listener.address, family="AF_UNIX") as client, listener.accept():
    own = socket.socket(fileno=client.fileno())
    print("family='AF_UNIX' was asked for, and this is used:", own.family.name)
    own.detach()
