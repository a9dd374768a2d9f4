"""On Linux recv() raises ConnectionResetError if the other end was closed with a message unread.

Documentation of Connection.recv: "Raises EOFError if there is nothing left to receive and the
other end was closed."
"""

import multiprocessing

if __name__ == "__main__":
    for unread in (False, True):
        first, second = multiprocessing.Pipe()
        if unread:
            second.send("never received")
        first.close()
        try:
            second.recv()
        except (EOFError, OSError) as error:
            print(f"message unread: {unread}; recv() raises {type(error).__name__}")
