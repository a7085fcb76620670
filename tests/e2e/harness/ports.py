"""Ports for tests that must name one. Below the kernel's ephemeral range, so that no connection
of anybody takes one by chance, chosen at random, and tried: two suites at once do not collide."""

import collections
import random
import socket

_FIXED = range(10_000, 19_900)
_given = collections.deque(maxlen=1000)  # a test that wants several gets different ones
_POOLS = range(20_000, 29_900, 64)


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
        port = random.choice(_FIXED)
        if port not in _given and _free(port):
            _given.append(port)
            return port


def pool():
    """A range for `[forward] pool` that is free now from end to end."""
    while True:
        first = random.choice(_POOLS)
        if all(_free(port) for port in range(first, first + 64)):
            return f"{first}-{first + 63}"
