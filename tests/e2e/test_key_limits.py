"""max-tunnels, max-visitors and max-rate: what all sessions of a key may have together."""

import contextlib
import json
import socket
import threading
import time

import pytest

from harness import ports, streams, visitor
from harness.target import Flood, echo, source
from harness.wait import SCALE, until

pytestmark = pytest.mark.portreeve_only("sshd has no such options")

RATE_BYTES_S = 1 << 20
MEASURED_BYTES = 4 << 20


def limited(scene, options):
    return scene.gate(lines=[f"{options} {scene.key.line}", scene.other_key.line])


def refused(gate, code, after=0):
    event = gate.log.wait_event("refused", after=after)
    assert event["code"] == code, event
    return event


def test_tunnels_are_counted_over_sessions(scene):
    gate = limited(scene, 'max-tunnels="2"')
    first = scene.ssh(gate, "0:127.0.0.1:9")
    first.allocated_ports()
    second = scene.ssh(gate, "0:127.0.0.1:9", "0:127.0.0.1:8", user="second")
    assert second.outcomes(2) == [True, False]
    assert f"max-tunnels, {gate.authorized_keys}:1" in refused(gate, "limit_tunnels_per_key")["why"]
    assert scene.ssh(gate, *["0:127.0.0.1:9"] * 1, key=scene.other_key).outcomes(1) == [True]

    first.close()
    gate.log.wait_event("tunnel_closed")
    assert scene.ssh(gate, "0:127.0.0.1:9", user="third").outcomes(1) == [True]


def test_a_cancelled_tunnel_makes_room(scene):
    gate = limited(scene, 'max-tunnels="1"')
    ssh = scene.ssh(gate, args=["-M", "-S", f"{scene.folder}/mux"])
    ssh.stderr.wait_for("Entering interactive session", process=ssh.process)
    one, two = (f"{ports.fixed()}:127.0.0.1:9" for _ in range(2))
    ssh.control("forward", one)
    ssh.control("forward", two, works=False)
    ssh.control("cancel", one)
    ssh.control("forward", two)


def test_visitors_are_counted_over_tunnels_and_sessions(scene):
    gate = limited(scene, 'max-visitors="2"')
    target = scene.target(echo)
    _, port = scene.tunnel(gate, target)
    _, other_port = scene.tunnel(gate, target, user="other")

    def served(at):
        sock = scene.visit(at)
        sock.sendall(b"hello")
        return sock if sock.recv(5) == b"hello" else None

    def is_served(at):
        try:
            return served(at) is not None
        except ConnectionError:
            return False

    held = served(port)
    assert served(other_port)
    for at in (port, other_port):
        assert visitor.is_reset(at)
    event = gate.log.wait_event("visitor_refused")
    assert event["code"] == "limit_visitors_per_key"
    assert f"{gate.authorized_keys}:1" in event["why"]

    held.close()
    until(lambda: is_served(other_port), "a place is free again")


@pytest.mark.parametrize("limit", ["per_tunnel", "per_key"])
def test_a_visitor_too_many_is_cut_and_its_owner_told(scene, limit):
    """By RST, lest it take the end for an answer; and the owner hears it once, not once each."""
    gate = scene.gate(lines=[('max-visitors="1" ' if limit == "per_key" else "") + scene.key.line],
                      limits={"visitors_per_tunnel": 1 if limit == "per_tunnel" else 100})
    ssh, port = scene.tunnel(gate, scene.target(echo))
    inside = scene.visit(port)
    inside.sendall(b"hello")
    assert streams.read_exactly(inside, 5) == b"hello"
    for _ in range(3):
        assert visitor.is_reset(port)
    until(lambda: len(gate.log.events("visitor_refused")) == 3, "all are logged")
    inside.sendall(b"again")
    assert streams.read_exactly(inside, 5) == b"again"
    told = [line for line in ssh.stderr.text().splitlines() if "refused a visitor" in line]
    assert len(told) == 1 and f":{port}: the " in told[0], told
    lister = scene.ssh(gate, command=["list", "--json"], verbose=False)
    lister.wait_exit()
    tunnel, = json.loads(lister.stdout.text())
    assert tunnel["last_error"].startswith(f"limit_visitors_{limit}: "), tunnel


def take(socks, total):
    """Comes back when all of them together have received so much."""
    counts = [0] * len(socks)

    def take_one(index):
        with contextlib.suppress(OSError):
            while sum(counts) < total and (part := socks[index].recv(1 << 16)):
                counts[index] += len(part)

    for index in range(len(socks)):
        threading.Thread(target=take_one, args=(index,), daemon=True).start()
    until(lambda: sum(counts) >= total, lambda: f"{total} bytes, {sum(counts)} have come", 30)


def assert_rate(count, began):
    """So much has passed since nothing had. That bounds it whatever waits on the way: a machine
    that stands still makes it later, and cannot make it sooner."""
    took_s, expected_s = time.monotonic() - began, count / RATE_BYTES_S
    assert expected_s * 0.6 <= took_s <= expected_s * 2 * SCALE, \
        f"{count} bytes in {took_s:.2f} s, {expected_s:.2f} s are expected"


class Sink:
    """Takes all it is sent, and counts."""

    def __init__(self):
        self.count = 0

    def __call__(self, connection):
        while part := connection.recv(1 << 16):
            self.count += len(part)


def pump(sock):
    try:
        while True:
            sock.sendall(bytes(1 << 14))
    except OSError:
        pass


@pytest.mark.parametrize("sessions", [1, 2])
def test_the_rate_of_what_visitors_receive(scene, sessions):
    gate = limited(scene, 'max-rate="1M"')
    target = scene.target(Flood())
    tunnels = [scene.tunnel(gate, target, user=f"user{number}")[1] for number in range(sessions)]
    began = time.monotonic()
    socks = [scene.visit(port) for port in tunnels for _ in range(2)]  # one rate for them all
    take(socks, MEASURED_BYTES)
    assert_rate(MEASURED_BYTES, began)


@pytest.mark.parametrize("sessions", [1, 2])
def test_the_rate_of_what_visitors_send(scene, sessions):
    gate = limited(scene, 'max-rate="1M"')
    sinks = [Sink() for _ in range(sessions)]
    tunnels = [scene.tunnel(gate, scene.target(sink), user=f"user{number}")[1]
               for number, sink in enumerate(sinks)]
    began = time.monotonic()
    socks = [scene.visit(port) for port in tunnels for _ in range(2)]
    for sock in socks:
        threading.Thread(target=pump, args=(sock,), daemon=True).start()
    until(lambda: sum(sink.count for sink in sinks) >= MEASURED_BYTES, "it has passed", 30)
    assert_rate(MEASURED_BYTES, began)
    assert all(sink.count for sink in sinks)
    for sock in socks:
        visitor.reset(sock)


def test_a_limited_stream_is_whole_and_ends(scene):
    """What waits for its turn is neither lost nor cut by the end of the stream behind it."""
    total, down, up = 3 << 19, streams.Pattern(1), streams.Pattern(2)
    gate = limited(scene, 'max-rate="1M"')
    target = scene.target(lambda sock: streams.exchange(sock, total, sent=down, received=up))
    _, port = scene.tunnel(gate, target)
    sock = scene.visit(port)
    began = time.monotonic()
    streams.exchange(sock, total, sent=up, received=down)
    target.join(1)
    assert time.monotonic() - began >= 0.7  # 1.5 MiB, of which a quarter of a second's is at once


def test_a_fast_sender_that_ends_at_once(scene):
    """All is sent, and the connection's end with it, long before it may pass."""
    total, pattern = 1 << 20, streams.Pattern(3)
    gate = limited(scene, 'max-rate="1M"')
    target = scene.target(source(pattern, total))
    _, port = scene.tunnel(gate, target)
    sock = scene.visit(port)
    streams.check(sock, pattern, total)
    streams.check_end(sock)
    sock.shutdown(socket.SHUT_WR)
    target.join(1)


def test_other_keys_are_not_slowed(scene):
    gate = limited(scene, 'max-rate="64K"')
    _, slow_port = scene.tunnel(gate, scene.target(Flood()))
    _, port = scene.tunnel(gate, scene.target(Flood()), key=scene.other_key)
    began = time.monotonic()
    flooded = scene.visit(slow_port)
    take([scene.visit(port)], 32 << 20)  # eight minutes, at that rate
    flooded.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while part := flooded.recv(1 << 16):
            count += len(part)
    assert count <= 1.6 * (64 << 10) * (0.25 + time.monotonic() - began)
