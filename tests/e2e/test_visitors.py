"""Many visitors at once, each with something of its own to say and to hear."""

import hashlib
import random

from harness import memory, streams

VISITORS = 500
COMING_AND_GOING = 200
REQUEST_BYTES = 4096
REPLY_BYTES = 32 * 1024


def reply_to(request):
    """Differs for every request and everywhere within itself."""
    return random.Random(hashlib.sha256(request).digest()).randbytes(REPLY_BYTES)


def serve(connection):
    connection.sendall(b"w")  # a welcome, which tells a visitor that it has come through
    request = streams.read_exactly(connection, REQUEST_BYTES)
    connection.sendall(reply_to(request))
    streams.check_end(connection)


def test_500_visitors_at_once(scene, gate):
    target = scene.target(serve)
    _, port = scene.tunnel(gate, target)
    before = gate.descriptors()
    with memory.bounded(gate):
        visitors = [scene.visit(port) for _ in range(VISITORS)]
        for visitor in visitors:
            assert streams.read_exactly(visitor, 1) == b"w"
        assert target.accepted == VISITORS and target.finished == 0

        requests = [random.Random(number).randbytes(REQUEST_BYTES) for number in range(VISITORS)]
        for visitor, request in zip(visitors, requests):
            visitor.sendall(request)
        for visitor, request in zip(visitors, requests):
            assert streams.read_exactly(visitor, REPLY_BYTES) == reply_to(request)
        for visitor in visitors:
            visitor.close()
        target.join(VISITORS)
    gate.wait_descriptors(before)


def test_visitors_come_and_go(scene, gate):
    """More of them than stay at a time: what one leaves behind, the next would trip over."""
    target = scene.target(serve)
    _, port = scene.tunnel(gate, target)
    before = gate.descriptors()
    with memory.bounded(gate):
        for number in range(COMING_AND_GOING):
            request = random.Random(number).randbytes(REQUEST_BYTES)
            visitor = scene.visit(port)
            visitor.sendall(request)
            assert streams.read_exactly(visitor, 1 + REPLY_BYTES) == b"w" + reply_to(request)
            visitor.close()
        target.join(COMING_AND_GOING)
    gate.wait_descriptors(before)
