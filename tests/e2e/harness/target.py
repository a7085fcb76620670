"""The things that forwards lead to: small TCP servers, one thread for each connection.

A Target runs its handler for every connection. A handler that raises an AssertionError (a stream
that came out wrong) fails the test: `join` and `close` raise it. Socket errors are not failures by
themselves, since tests cut connections on purpose; a test that needs one to end well has the
handler's result, which `results` collects in order of completion.
"""

import socket
import threading

from harness import streams
from harness.wait import SCALE, until

TIMEOUT_S = 120 * SCALE


class Target:
    def __init__(self, handler):
        self._handler = handler
        self._lock = threading.Lock()
        self._connections = set()
        self.accepted = 0
        self.finished = 0
        self.results = []
        self._failures = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.accepted += 1
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            result = self._handler(connection)
            with self._lock:
                self.results.append(result)
        except OSError:
            pass
        except Exception as error:  # pylint: disable=broad-except
            with self._lock:
                self._failures.append(error)
        finally:
            connection.close()
            with self._lock:
                self._connections.discard(connection)
                self.finished += 1

    def join(self, connections, timeout_s=30):
        """Waits until that many connections have been served, and raises what went wrong."""
        until(lambda: self.finished >= connections or self._failures,
              lambda: f"{connections} connections served, {self.finished} are", timeout_s)
        if self._failures:
            raise self._failures[0]

    def close(self):
        # shutdown wakes the thread in accept or recv; close alone would leave it there.
        for sock in [self._listener, *self._connections]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()
        if self._failures:
            raise self._failures[0]


def echo(connection):
    while data := connection.recv(1 << 16):
        connection.sendall(data)


def greet(name):
    """Says `name` and closes: tells which of several targets a visitor has reached."""

    def handler(connection):
        connection.sendall(name.encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    return handler


def source(pattern, total_bytes):
    return lambda connection: streams.exchange(connection, total_bytes, sent=pattern)


class Flood:
    """Sends for ever, and counts how much the other side has taken: a download that never ends."""

    def __init__(self):
        self.sent_bytes = 0

    def __call__(self, connection):
        chunk = bytes(1 << 16)
        while True:
            self.sent_bytes += connection.send(chunk)
