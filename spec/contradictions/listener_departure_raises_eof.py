"""accept() "raises AuthenticationError" if authentication fails: EOFError if the client leaves."""

from multiprocessing.connection import Client, Listener

with Listener(("127.0.0.1", 0), authkey=b"key") as listener:
    Client(listener.address).close()
    try:
        listener.accept()
    except Exception as error:
        print("accept() raises", type(error).__name__)
