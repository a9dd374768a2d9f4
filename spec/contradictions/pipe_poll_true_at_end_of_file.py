"""poll() returns True although there is no data: the other end is closed, and recv() raises.

Documentation of Connection.poll: "Return whether there is any data available to be read."
"""

import multiprocessing

if __name__ == "__main__":
    receiving, sending = multiprocessing.Pipe()
    print("poll() while the other end is open:", receiving.poll())
    sending.close()
    print("poll() when it is closed:", receiving.poll())
    try:
        receiving.recv()
    except EOFError:
        print("recv() raises EOFError: there is no data")
