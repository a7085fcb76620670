"""Ports for tests that must name one. Below the kernel's ephemeral range, so that no connection
of anybody takes one by chance, chosen at random, and tried.

What is given is claimed, by the name of an abstract socket that one process at a time can have: a
port that is free is free for long after it was tried, and several topics run at once.
"""

import random
import socket

FIXED = range(10_000, 19_900)
POOLS = range(20_000, 29_900, 64)
_claims = []  # of fixed ports, until this process ends: who wants several gets different ones


def _claim(what):
    """A socket that means it is ours while it is open; None: it is somebody else's."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0portreeve-e2e-{what}")
        return claim
    except OSError:
        claim.close()
        return None


def _free(port):
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with socket.socket(family) as sock:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((host, port))
            except OSError:
                return False
    return True


def fixed():
    while True:
        port = random.choice(FIXED)
        if claim := _claim(f"port-{port}"):
            _claims.append(claim)
            if _free(port):
                return port


class Pool:
    """A range for `[forward] pool`: free from end to end, and nobody else's until close()."""

    SIZE = POOLS.step

    def __init__(self):
        while True:
            first = random.choice(POOLS)
            self._claim = _claim(f"pool-{first}")
            if self._claim and all(_free(port) for port in range(first, first + self.SIZE)):
                self.text = f"{first}-{first + self.SIZE - 1}"
                return
            self.close()

    def close(self):
        if self._claim:
            self._claim.close()
