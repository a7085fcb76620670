"""SIGTERM: no new connections, running visitors finish within a bound, clients are told, exit 0."""

import threading
import time

import pytest

from harness import streams, visitor
from harness.target import Flood, echo
from harness.wait import SCALE, until
from harness.wedge import wedged, worker

pytestmark = pytest.mark.portreeve_only("sshd's sessions outlive it")

MIB = 1 << 20


def test_without_visitors_it_ends_at_once(scene, gate):
    ssh, _ = scene.tunnel(gate, scene.target(echo))
    started = time.monotonic()
    gate.terminate()
    assert gate.wait_exit() == 0
    assert time.monotonic() - started < 5 * SCALE  # of the 10 s it may take to drain
    assert gate.notify.has("STOPPING=1")
    ssh.wait_exit()


def test_the_client_is_told(scene, gate):
    ssh, _ = scene.tunnel(gate, scene.target(echo))
    gate.terminate()
    ssh.wait_exit()
    ssh.stderr.wait_for("^Received disconnect from .*: the server is stopping")


def told(gate):
    return gate.notify.has("STOPPING=1") and gate.log.events("stopping")


def test_it_is_told_when_no_worker_lets_anybody_in(scene):
    gate = scene.gate(server={"workers": 2})
    with wedged(worker(gate, 1)):
        gate.terminate()
        visitor.wait_refused(gate.port)
        assert not gate.notify.has("STOPPING=1") and not gate.log.events("stopping")
    until(lambda: told(gate), "it is told")
    assert gate.wait_exit() == 0
    assert len(gate.log.events("stopping")) == 1


def test_a_worker_that_is_stuck_does_not_keep_it_from_being_told(scene):
    gate = scene.gate(server={"workers": 2})
    with wedged(worker(gate, 1)):
        gate.terminate()
        visitor.wait_refused(gate.port)
        gate.terminate()  # twice: at once
        until(lambda: told(gate), "it is told")
    gate.expect_exit = gate.wait_exit()  # by how long it was stuck


def test_a_running_visitor_finishes(scene):
    gate = scene.gate(server={"drain": "120s"})
    pattern, total, go_on = streams.Pattern("drain"), 32 * MIB, threading.Event()

    def source_in_two_halves(connection):
        connection.sendall(pattern.bytes(total)[:MIB])
        go_on.wait(60)
        connection.sendall(pattern.bytes(total)[MIB:])

    target = scene.target(source_in_two_halves)
    _, port = scene.tunnel(gate, target)
    sock = scene.visit(port)
    first = streams.read_exactly(sock, MIB)
    gate.terminate()
    visitor.wait_refused(gate.port)
    visitor.wait_refused(port)
    assert not gate.ended()
    go_on.set()
    assert first + streams.read_all(sock) == pattern.bytes(total)
    sock.close()
    assert gate.wait_exit() == 0


def test_a_visitor_that_does_not_finish_is_cut_at_the_bound(scene):
    gate = scene.gate(server={"drain": "2s"})
    _, port = scene.tunnel(gate, scene.target(Flood()))
    sock = scene.visit(port)
    streams.read_exactly(sock, MIB)
    started = time.monotonic()
    gate.terminate()
    visitor.read_until_closed(sock)
    assert gate.wait_exit() == 0
    assert 1.9 <= time.monotonic() - started <= 8 * SCALE


def test_no_new_sessions_while_it_drains(scene):
    gate = scene.gate(server={"drain": "120s"})
    _, port = scene.tunnel(gate, scene.target(echo))
    sock = scene.visit(port)
    sock.sendall(b"in")
    assert streams.read_exactly(sock, 2) == b"in"
    gate.terminate()
    until(lambda: gate.notify.has("STOPPING=1"), "STOPPING=1")
    visitor.wait_refused(gate.port)
    sock.sendall(b"still in")
    assert streams.read_exactly(sock, 8) == b"still in"
    sock.close()
    assert gate.wait_exit() == 0
