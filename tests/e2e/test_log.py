"""The log: what a reload changes of it, and its other shapes."""

import json
from datetime import datetime

import pytest

from harness import ports, streams, visitor
from harness.target import echo
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("these are portreeved's events")


def visit(port):
    with visitor.connect(port) as sock:
        sock.sendall(b"seen")
        assert streams.read_exactly(sock, 4) == b"seen"


def test_a_reload_shows_visitors_and_nothing_else(scene):
    gate = scene.gate(log={"level": "info"})
    _, port = scene.tunnel(gate, scene.target(echo))
    visit(port)

    gate.write_config(**{"log.levels": {"visitor": "debug", "session": "error"}})
    gate.reload()
    mark = gate.log.mark()
    visit(port)
    gate.log.wait_event("visitor_closed", after=mark, bytes_in=4, bytes_out=4)
    assert len(gate.log.events("visitor_open")) == 1, "the first one was shown at level info"
    scene.ssh(gate).wait_login()
    assert not gate.log.events("login", mark) and not gate.log.events("session_open", mark)

    gate.write_config(**{"log.levels": {"visitor": "", "session": ""}})
    gate.reload()
    mark = gate.log.mark()
    visit(port)
    scene.ssh(gate).wait_login()
    gate.log.wait_event("login", after=mark)
    assert not gate.log.events("visitor_open", mark)


def test_a_tunnel_that_ends_says_what_it_carried(scene):
    gate = scene.gate()
    ssh, port = scene.tunnel(gate, scene.target(echo))
    for _ in range(3):
        visit(port)
    until(lambda: len(gate.log.events("visitor_closed")) == 3, "three visitors have left")
    left = gate.log.events("visitor_closed")
    assert {event["reason"] for event in left} == {"visitor_ended"}
    assert all(int(event["duration_ms"]) < 60_000 for event in left)
    ssh.close()
    event = gate.log.wait_event("tunnel_closed", visitors=3, visitors_in=0, bytes_in=12,
                                bytes_out=12)
    assert max(int(visitor["duration_ms"]) for visitor in left) <= int(event["duration_ms"])
    assert event["fingerprint"].startswith("SHA256:") and event["user"] == gate.user


@pytest.mark.parametrize("wish", ["port", "name"])
def test_a_takeover_says_from_whom_to_whom(scene, wish):
    gate = scene.gate()
    target = scene.target(echo)
    forward = f"{'pc42:22' if wish == 'name' else ports.fixed()}:127.0.0.1:{target.port}"
    scene.ssh(gate, forward).wait_granted()
    assert not gate.log.events("tunnel_taken")
    scene.ssh(gate, forward).wait_granted()
    one, two = [event["client"] for event in gate.log.events("tunnel_open")]
    taken = gate.log.wait_event("tunnel_taken", former_client=one, client=two)
    assert taken["level"] == "info" and taken["user"] == gate.user
    assert taken["fingerprint"] == scene.key.fingerprint
    assert taken["address"] == gate.log.events("tunnel_open")[0]["address"]
    gate.log.wait_event("session_closed", reason="taken_over", client=one)


def test_an_owner_who_is_back_takes_from_nobody(scene):
    gate = scene.gate()
    forward = f"pc42:22:127.0.0.1:{scene.target(echo).port}"
    first = scene.ssh(gate, forward)
    first.wait_granted()
    first.close()
    gate.log.wait_event("tunnel_held")
    scene.ssh(gate, forward).wait_granted()
    assert len(gate.log.events("tunnel_open")) == 2 and not gate.log.events("tunnel_taken")


def test_visitors_and_ends_have_the_key(scene):
    gate = scene.gate(lines=[f'max-visitors="1" {scene.key.line}'])
    ssh, port = scene.tunnel(gate, scene.target(echo))
    with visitor.connect(port) as sock:
        sock.sendall(b"seen")
        assert streams.read_exactly(sock, 4) == b"seen"
        assert visitor.is_reset(port)
    gate.log.wait_event("visitor_closed")
    ssh.close()
    for name in ("visitor_open", "visitor_refused", "visitor_closed", "session_closed"):
        assert gate.log.wait_event(name)["fingerprint"] == scene.key.fingerprint, name


def test_json_lines(scene):
    gate = scene.gate(log={"level": "debug", "format": "json"})
    _, port = scene.tunnel(gate, scene.target(echo))
    visit(port)
    seen = gate.log.wait_event("visitor_closed", bytes_in=4, bytes_out=4)
    assert seen["subsystem"] == "visitor" and seen["level"] == "debug"
    assert datetime.fromisoformat(seen["time"]).tzinfo, "a time without its zone"

    scene.ssh(gate, key=scene.other_key, user="J\u00fcr gen").wait_exit()
    assert gate.log.wait_event("login_refused", code="unknown_key")["user"] == "J\u00fcr gen"
    for line in gate.log.text().splitlines():
        assert json.loads(line)["event"], line


def test_the_format_holds_from_the_next_start_on(scene):
    gate = scene.gate()
    gate.write_config(log={"format": "json"})
    gate.reload()
    gate.log.wait_event("restart_needed", key="log.format")


def test_a_flood_of_refused_visitors_is_a_count(scene):
    gate = scene.gate(log={"level": "info"})
    nobody = f"0:127.0.0.1:{ports.fixed()}"
    port = scene.ssh(gate, nobody).allocated_ports()[0]
    for _ in range(30):
        with visitor.connect(port) as sock:
            assert streams.read_all(sock) == b""
    gate.close()
    assert len(gate.log.events("visitor_refused")) == 10
    assert [(event["what"], event["lines"]) for event in gate.log.events("held_back")] == [
        ("visitor_refused", "20")]
