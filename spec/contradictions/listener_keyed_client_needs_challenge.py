"""Client() "raises AuthenticationError" if authentication fails: with a listener without a key not.

Prints: True (it still waits after half a second), then EOFError, when the listener has closed.
"""

from multiprocessing.connection import Client, Listener
from multiprocessing.pool import ThreadPool

with Listener(("127.0.0.1", 0)) as listener, ThreadPool(1) as pool:
    client = pool.apply_async(Client, (listener.address,), {"authkey": b"key"})
    with listener.accept():
        client.wait(0.5)
        print("Client() still waits:", not client.ready())
    client.wait(20)
    try:
        client.get(0)
    except Exception as error:
        print("Client() raises", type(error).__name__)
