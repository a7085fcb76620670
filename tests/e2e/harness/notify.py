"""The other end of NOTIFY_SOCKET: what a daemon tells systemd, collected."""

import socket
import threading


class Notify:
    """Reads all the time, as systemd does: who tells it something may block until it is read."""

    def __init__(self, path):
        self.path = path
        self._lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while message := self._socket.recv(1 << 16):
            self._lines += message.decode().splitlines()

    def lines(self):
        """Every line so far, oldest first: READY=1, STATUS=..., STOPPING=1."""
        return list(self._lines)

    def has(self, line):
        return line in self.lines()

    def close(self):
        if self._reader.is_alive():
            self._socket.shutdown(socket.SHUT_RD)  # ends the reader
            self._reader.join()
            self._socket.close()
