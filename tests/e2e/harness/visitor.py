"""What a visitor of a tunnel does, and what it can tell about a port."""

import socket
import struct

from harness.wait import SCALE, until

TIMEOUT_S = 60 * SCALE


def connect(port, host="127.0.0.1"):
    sock = socket.create_connection((host, port), timeout=TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def answers(port, host="127.0.0.1"):
    """Whether something listens there. It costs the listener one visitor."""
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
        return True
    except ConnectionRefusedError:
        return False


def wait_refused(port, host="127.0.0.1", timeout_s=15):
    until(lambda: not answers(port, host), f"{host}:{port} refuses connections", timeout_s)


def wait_answers(port, host="127.0.0.1", timeout_s=15):
    until(lambda: answers(port, host), f"{host}:{port} takes connections", timeout_s)


def reset(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def is_reset(port):
    """Whether a visitor who says nothing gets RST, be it while it still connects."""
    try:
        with connect(port) as sock:
            sock.recv(1)
            return False
    except ConnectionResetError:
        return True


def read_until_closed(sock):
    """All that comes before the connection ends, in whatever way it ends."""
    parts = []
    try:
        while part := sock.recv(1 << 20):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)
