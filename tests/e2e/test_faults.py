"""Clients that die or freeze in the middle of a transfer, and nobody else noticing."""

import signal
import socket
import threading
import time

import pytest

from harness import memory, ports, streams, visitor
from harness.target import Flood, echo
from harness.wait import SCALE, until, until_steady

MIB = 1 << 20
NOT_HELD = {"lease": "0s"}  # so that a port refuses once its session is over


@pytest.fixture
def gate(scene):
    return scene.gate(forward=NOT_HELD)


def assert_serves(scene, gate):
    """A whole round on a session of its own, and of another user's: log in, forward, visit."""
    ssh, port = scene.tunnel(gate, scene.target(echo), user="another")
    with visitor.connect(port) as sock:
        sock.sendall(b"others")
        assert streams.read_exactly(sock, 6) == b"others"
    ssh.close()


def test_client_killed_in_a_download(scene, gate):
    port, flood = ports.fixed(), Flood()
    target = scene.target(flood)
    ssh = scene.ssh(gate, f"{port}:127.0.0.1:{target.port}")
    ssh.wait_granted()
    sock = scene.visit(port)
    streams.read_exactly(sock, MIB)
    ssh.signal(signal.SIGKILL)
    visitor.read_until_closed(sock)
    visitor.wait_refused(port)
    assert_serves(scene, gate)

    again = scene.target(echo)
    scene.ssh(gate, f"{port}:127.0.0.1:{again.port}").wait_granted()
    sock = scene.visit(port)
    sock.sendall(b"free again")
    assert streams.read_exactly(sock, 10) == b"free again"


def test_client_killed_in_an_upload(scene, gate):
    target = scene.target(streams.read_all)
    ssh, port = scene.tunnel(gate, target)
    sock = scene.visit(port)
    sock.sendall(bytes(MIB))
    ssh.signal(signal.SIGKILL)
    with pytest.raises(ConnectionError):
        while True:
            sock.sendall(bytes(MIB))
    visitor.wait_refused(port)
    assert_serves(scene, gate)


def test_client_stopped_in_an_upload_and_woken(scene, gate):
    """The visitor is held back; nothing is lost when the client wakes."""
    total, pattern, sent = 128 * MIB, streams.Pattern("stopped"), [0]
    target = scene.target(lambda connection: streams.exchange(connection, total, received=pattern))
    ssh, port = scene.tunnel(gate, target)
    sock = scene.visit(port)

    def upload():
        for index in range(total // MIB):
            view = pattern.block(index)
            while view:
                count = sock.send(view)
                sent[0] += count
                view = view[count:]
        sock.shutdown(socket.SHUT_WR)

    with memory.bounded(gate):
        uploader = threading.Thread(target=upload, daemon=True)
        uploader.start()
        until(lambda: sent[0] > 4 * MIB, "the upload runs")
        ssh.signal(signal.SIGSTOP)
        held = until_steady(lambda: sent[0], "the visitor is held back")
        assert held < total, "the whole upload went somewhere while its client was stopped"
        assert_serves(scene, gate)
        ssh.signal(signal.SIGCONT)
        streams.check_end(sock)
        target.join(1)


def test_client_stopped_in_a_download_and_woken(scene, gate):
    total, pattern = 128 * MIB, streams.Pattern("stopped")
    target = scene.target(lambda connection: streams.exchange(connection, total, sent=pattern))
    ssh, port = scene.tunnel(gate, target)
    with memory.bounded(gate):
        sock = scene.visit(port)
        first = streams.read_exactly(sock, 1)
        ssh.signal(signal.SIGSTOP)
        assert_serves(scene, gate)
        ssh.signal(signal.SIGCONT)
        assert first + streams.read_all(sock) == pattern.bytes(total)
        sock.close()
        target.join(1)


@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "in an upload"])
def test_stopped_client_is_dropped_after_three_silent_intervals(scene, loaded):
    gate = scene.gate(ssh={"keepalive": "1s"}, forward=NOT_HELD)
    port = ports.fixed()
    target = scene.target(streams.read_all)
    ssh = scene.ssh(gate, f"{port}:127.0.0.1:{target.port}")
    ssh.wait_granted()
    sock = scene.visit(port)
    sock.sendall(b"x")
    until(lambda: target.accepted == 1, "the visitor gets through")
    if loaded:
        uploader = threading.Thread(target=upload_until_cut, args=(sock,), daemon=True)
        uploader.start()

    stopped_at = time.monotonic()
    ssh.signal(signal.SIGSTOP)
    if loaded:
        uploader.join(30 * SCALE)
        assert not uploader.is_alive(), "the visitor of a dead client still hangs"
    else:
        assert visitor.read_until_closed(sock) == b""
    after_s = time.monotonic() - stopped_at
    # Three intervals from the last sign of life, which may be nearly one interval old.
    assert 1.9 <= after_s <= 10 * SCALE, f"dropped after {after_s:.1f} s"
    visitor.wait_refused(port)
    assert_serves(scene, gate)


def upload_until_cut(sock):
    try:
        while True:
            sock.sendall(bytes(MIB))
    except ConnectionError:
        pass


def test_idle_client_that_answers_is_kept(scene):
    """The keepalive drops the dead, not the quiet."""
    gate = scene.gate(ssh={"keepalive": "1s"})
    ssh, port = scene.tunnel(gate, scene.target(echo))
    # Five keepalives answered are more than the three silences that would have ended it.
    ssh.stderr.wait_for("client_input_global_request: rtype keepalive@openssh.com|"
                        "client_input_channel_req: channel .* rtype keepalive@openssh.com",
                        count=5, timeout_s=30, process=ssh.process)
    with visitor.connect(port) as sock:
        sock.sendall(b"alive")
        assert streams.read_exactly(sock, 5) == b"alive"
