"""The other end of NOTIFY_SOCKET: what a daemon tells systemd, collected."""

import socket


class Notify:
    def __init__(self, path):
        self.path = path
        self._lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(path)

    def lines(self):
        """Every line so far, oldest first: READY=1, STATUS=..., STOPPING=1."""
        try:
            while True:
                self._lines += self._socket.recv(1 << 16).decode().splitlines()
        except BlockingIOError:
            return self._lines

    def has(self, line):
        return line in self.lines()

    def close(self):
        self._socket.close()
