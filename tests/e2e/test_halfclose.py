"""The ends of a connection: each direction ends by itself, and an end of any kind arrives.

Every test leaves the daemon with the descriptors it had before: an end that is seen on one side
and forgotten on the other shows there.
"""

import socket
import threading

import pytest

from harness import streams, visitor
from harness.target import echo

MIB = 1 << 20
PATTERN = streams.Pattern("half-close")


@pytest.fixture
def opened(scene, gate):
    """opened(handler) -> a visitor's socket and its target, through a fresh tunnel; afterwards
    the daemon must get back to its descriptors, and serve another visitor."""
    checks = []

    def open_one(handler):
        target = scene.target(handler)
        reserve = scene.target(echo)
        ssh = scene.ssh(gate, f"0:127.0.0.1:{target.port}", f"0:127.0.0.1:{reserve.port}")
        port, reserve_port = ssh.allocated_ports(2)
        checks.append((gate.descriptors(), reserve_port, ssh))
        return scene.visit(port), target

    yield open_one
    for descriptors, reserve_port, ssh in checks:
        gate.wait_descriptors(descriptors)
        assert not ssh.ended()
        with visitor.connect(reserve_port) as sock:
            sock.sendall(b"another")
            assert streams.read_exactly(sock, 7) == b"another"


def test_visitor_ends_its_side_first(opened):
    def answer_after_the_end(connection):
        assert streams.read_all(connection) == b"request"
        connection.sendall(PATTERN.bytes(MIB))

    sock, target = opened(answer_after_the_end)
    sock.sendall(b"request")
    sock.shutdown(socket.SHUT_WR)
    streams.check(sock, PATTERN, MIB)
    streams.check_end(sock)
    sock.close()
    target.join(1)


def test_target_ends_its_side_first(opened):
    def hear_after_the_end(connection):
        connection.sendall(b"greeting")
        connection.shutdown(socket.SHUT_WR)
        streams.check(connection, PATTERN, MIB)
        streams.check_end(connection)

    sock, target = opened(hear_after_the_end)
    assert streams.read_all(sock) == b"greeting"
    sock.sendall(PATTERN.bytes(MIB))
    sock.shutdown(socket.SHUT_WR)
    target.join(1)
    sock.close()


def test_end_without_a_byte(opened):
    sock, target = opened(lambda connection: streams.read_all(connection))
    sock.shutdown(socket.SHUT_WR)
    assert streams.read_all(sock) == b""
    sock.close()
    target.join(1)
    assert target.results == [b""]


def test_end_right_behind_much_data(opened):
    """The end overtakes nothing: the visitor has closed before most of its bytes are read."""
    total = 8 * MIB
    released = threading.Event()

    def read_late(connection):
        released.wait(60)
        streams.check(connection, PATTERN, total)
        streams.check_end(connection)

    sock, target = opened(read_late)
    sender = threading.Thread(target=lambda: (streams.send(sock, PATTERN, total), sock.close()))
    sender.start()
    released.set()
    sender.join()
    target.join(1)


def test_target_resets(opened):
    def reset_after_one(connection):
        connection.recv(1)
        visitor.reset(connection)

    sock, target = opened(reset_after_one)
    sock.sendall(b"x")
    assert visitor.read_until_closed(sock) == b""
    sock.close()
    target.join(1)


def test_visitor_resets(opened):
    ended = threading.Event()

    def hear_the_end(connection):
        connection.sendall(b"welcome")
        visitor.read_until_closed(connection)
        ended.set()

    sock, target = opened(hear_the_end)
    assert streams.read_exactly(sock, 7) == b"welcome"
    visitor.reset(sock)
    target.join(1)
    assert ended.is_set()


def test_visitor_resets_under_a_download(opened):
    """A target that never stops sending is told, and not fed into nowhere."""
    def send_until_cut(connection):
        try:
            while True:
                connection.sendall(bytes(MIB))
        except ConnectionError:
            return "cut"

    sock, target = opened(send_until_cut)
    streams.read_exactly(sock, 1 << 16)
    visitor.reset(sock)
    target.join(1)
    assert target.results == ["cut"]


def test_target_resets_under_an_upload(opened):
    def reset_early(connection):
        streams.read_exactly(connection, 1 << 16)
        visitor.reset(connection)

    sock, target = opened(reset_early)
    with pytest.raises(ConnectionError):
        while True:
            sock.sendall(bytes(MIB))
    sock.close()
    target.join(1)


def test_both_ends_close_at_once(scene, gate):
    rounds = 50
    barrier = threading.Barrier(2, timeout=30)

    def close_together(connection):
        connection.sendall(b"welcome")
        barrier.wait()
        connection.close()

    target = scene.target(close_together)
    ssh, port = scene.tunnel(gate, target)
    before = gate.descriptors()
    for _ in range(rounds):
        sock = scene.visit(port)
        assert streams.read_exactly(sock, 7) == b"welcome"
        barrier.wait()
        sock.close()
    target.join(rounds)
    gate.wait_descriptors(before)
    assert not ssh.ended()
