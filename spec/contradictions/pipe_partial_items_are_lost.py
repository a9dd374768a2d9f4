"""recv_bytes_into() an array of integers loses the bytes that fill no whole integer.

Documentation of Connection.recv_bytes_into: "Read into buffer a complete message"; with an
offset, "the message will be written into the buffer from that position", an integer "in bytes".
"""

import array
import multiprocessing

if __name__ == "__main__":
    receiving, sending = multiprocessing.Pipe()
    for message, offset in ((b"abcde", 0), (b"abc", 0), (b"abcd", 2)):
        for buffer in (bytearray(8), array.array("i", [0, 0])):
            sending.send_bytes(message)
            count = receiving.recv_bytes_into(buffer, offset)
            kind = type(buffer).__name__
            print(f"{message!r} at {offset}: returned {count}, the {kind} has {bytes(buffer)!r}")
