"""recv_bytes_into() accepts an offset that is equal to the length of the buffer.

Documentation of Connection.recv_bytes_into: "Offset must be a non-negative integer less than the
length of buffer (in bytes)."
"""

import multiprocessing

if __name__ == "__main__":
    receiving, sending = multiprocessing.Pipe()
    buffer = bytearray(8)
    for offset in (8, 9):
        sending.send_bytes(b"")
        try:
            print(f"offset {offset} of {len(buffer)}:", receiving.recv_bytes_into(buffer, offset))
        except ValueError as error:
            print(f"offset {offset} of {len(buffer)}: ValueError: {error}")
