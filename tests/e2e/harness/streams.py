"""Byte streams that can be made and checked at the speed of memory.

A Pattern is one pseudo-random block whose rotation changes from block to block: a lost, doubled,
swapped or altered byte shows, and a gigabyte costs one memcmp. `exchange` is what both ends of a
connection run: it sends one pattern, receives and checks another, or both at once, and insists on
a clean end of stream in each direction.
"""

import random
import socket
import threading

BLOCK_BYTES = 1 << 20
_STEP = 300_007  # odd, so that no rotation comes twice within BLOCK_BYTES blocks


class Corrupt(AssertionError):
    pass


class Pattern:
    def __init__(self, seed):
        block = random.Random(seed).randbytes(BLOCK_BYTES)
        self._twice = memoryview(block + block)

    def block(self, index):
        start = index * _STEP % BLOCK_BYTES
        return self._twice[start:start + BLOCK_BYTES]

    def bytes(self, count):
        return b"".join(self.block(i) for i in range(-(-count // BLOCK_BYTES)))[:count]


def send(sock, pattern, total_bytes):
    for index in range(-(-total_bytes // BLOCK_BYTES)):
        left = total_bytes - index * BLOCK_BYTES
        sock.sendall(pattern.block(index)[:left])


def check(sock, pattern, total_bytes):
    """Receives exactly `total_bytes` and compares each with the pattern."""
    # bytearray == memoryview is one memcmp; memoryview == memoryview looks at item by item.
    buffer = bytearray(BLOCK_BYTES)
    view = memoryview(buffer)
    for index in range(-(-total_bytes // BLOCK_BYTES)):
        want = min(BLOCK_BYTES, total_bytes - index * BLOCK_BYTES)
        have = 0
        while have < want:
            got = sock.recv_into(view[have:want])
            if got == 0:
                raise Corrupt(f"the stream ended after {index * BLOCK_BYTES + have} bytes "
                              f"of {total_bytes}")
            have += got
        expected = pattern.block(index)[:want]
        if (buffer if want == BLOCK_BYTES else buffer[:want]) != expected:
            at = next(i for i in range(want) if buffer[i] != expected[i])
            raise Corrupt(f"byte {index * BLOCK_BYTES + at} is {buffer[at]:#x}, "
                          f"not {expected[at]:#x}")


def check_end(sock):
    extra = sock.recv(1)
    if extra:
        raise Corrupt(f"a byte too many: {extra!r}")


def read_all(sock):
    parts = []
    while part := sock.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise Corrupt(f"the stream ended after {len(data)} bytes of {count}")
        data += part
    return data


def exchange(sock, total_bytes, sent=None, received=None):
    """Sends and receives `total_bytes` of each pattern given, at once; ends with EOF both ways.

    A side with nothing to send ends only once it has received everything, so that its end tells
    the other side that all has arrived.
    """
    failures = []

    def send_it():
        try:
            send(sock, sent, total_bytes)
            sock.shutdown(socket.SHUT_WR)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    sender = threading.Thread(target=send_it, daemon=True)
    if sent is not None:
        sender.start()
    try:
        if received is not None:
            check(sock, received, total_bytes)
        check_end(sock)
    except OSError:
        if failures:  # the sender's is the first cause
            raise failures[0] from None
        raise
    if sent is None:
        sock.shutdown(socket.SHUT_WR)
    else:
        sender.join()
    if failures:
        raise failures[0]
