"""Which addresses a server listens on, as the kernel tells: /proc, not a connection that is tried.

A connection shows only that something answers; this shows whose socket it is and exactly what it
is bound to, so that 0.0.0.0 is not taken for every address it covers.
"""

import os
import socket
import struct

from harness.wait import until

_LISTEN = "0A"


def _sockets_of(pid):
    """The inodes of the sockets that a process holds."""
    inodes = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                link = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                continue
            if link.startswith("socket:["):
                inodes.add(link[len("socket:["):-1])
    except FileNotFoundError:  # one of sshd's sessions, gone with its client
        pass
    return inodes


def _host(words):
    """The kernel prints an address as words of 32 bits, each in the machine's own order."""
    packed = b"".join(struct.pack("=I", int(words[at:at + 8], 16))
                      for at in range(0, len(words), 8))
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _listening(pid, table):
    try:
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
    except FileNotFoundError:  # no IPv6, or the process has ended
        return
    for row in rows:
        if row[3] == _LISTEN:
            host, port = row[1].split(":")
            yield row[9], _host(host), int(port, 16)


def of(gate):
    """{port: {address, ...}} of the forwards' listeners; the port of SSH itself is left out."""
    found = {}
    for pid in gate.pids():
        held = _sockets_of(pid)
        for table in ("tcp", "tcp6"):
            for inode, host, port in _listening(pid, table):
                if inode in held and port != gate.port:
                    found.setdefault(port, set()).add(host)
    return found


def at(gate, port):
    return of(gate).get(port, set())


def wait_at(gate, port, hosts, timeout_s=15):
    until(lambda: at(gate, port) == hosts,
          lambda: f"port {port} is listened on at {hosts or 'no address'}, not {at(gate, port)}",
          timeout_s)
