"""SIGHUP: an edited configuration holds as one transaction, and live tunnels go on."""

import socket

import pytest

from harness import ports, streams, visitor
from harness.gate import port_of
from harness.target import echo, greet

pytestmark = pytest.mark.portreeve_only("sshd starts anew on SIGHUP")


def open_tunnel(scene, gate):
    """A tunnel with a visitor in it, and a check that both still live.

    Who asks for port 0 beside it has another label: the server would first ask this one whether it
    still lives, and a busy client may be too late with its answer.
    """
    ssh, port = scene.tunnel(gate, scene.target(echo))
    sock = scene.visit(port)

    def lives():
        for each in (sock, scene.visit(port)):
            each.sendall(b"alive")
            assert streams.read_exactly(each, 5) == b"alive"
        assert not ssh.ended()

    lives()
    return lives


def assert_denied(scene, gate, key):
    ssh = scene.ssh(gate, key=key)
    assert ssh.wait_exit() == 255
    assert "Permission denied" in ssh.stderr.text()


def test_a_new_key_gets_in(scene, gate):
    lives = open_tunnel(scene, gate)
    gate.write_keys([scene.key.line, scene.other_key.line])
    gate.reload()
    scene.ssh(gate, key=scene.other_key).wait_login()
    lives()


def test_a_removed_key_gets_in_no_more(scene, gate):
    gate.write_keys([scene.other_key.line])
    gate.reload()
    assert_denied(scene, gate, scene.key)
    scene.ssh(gate, key=scene.other_key).wait_login()


def test_a_new_listener_serves(scene, gate):
    lives = open_tunnel(scene, gate)
    mark, added = gate.log.mark(), ports.fixed()
    gate.write_config(ssh={"listen": ["127.0.0.1:0", f"127.0.0.1:{added}"]})
    gate.reload()
    event = gate.log.wait_event("listening", after=mark, address=f"127.0.0.1:{added}")
    scene.ssh(gate, port=port_of(event)).wait_login()
    lives()


def test_a_removed_listener_serves_no_more(scene):
    kept, removed = ports.fixed(), ports.fixed()
    both = [f"127.0.0.1:{kept}", f"127.0.0.1:{removed}"]
    gate = scene.gate(ssh={"listen": both})
    gate.port = kept
    lives = open_tunnel(scene, gate)
    gate.write_config(ssh={"listen": both[:1]})
    gate.reload()
    visitor.wait_refused(removed)
    scene.ssh(gate, port=kept).wait_login()
    lives()


def test_a_new_range_holds_for_new_forwards(scene, gate):
    lives = open_tunnel(scene, gate)
    port = ports.fixed()
    gate.write_config(forward={"ports": [f"{port}"]})
    gate.reload()
    target = scene.target(greet("me"))
    ssh = scene.ssh(gate, f"{port + 1}:127.0.0.1:9", f"{port}:127.0.0.1:{target.port}")
    ssh.stderr.wait_for(f"remote port forwarding failed for listen port {port + 1}",
                        process=ssh.process)
    ssh.wait_granted()
    assert streams.read_all(scene.visit(port)) == b"me"
    lives()


def test_limits_change(scene, gate):
    lives = open_tunnel(scene, gate)
    gate.write_config(limits={"tunnels_per_session": 1})
    gate.reload()
    ssh = scene.ssh(gate, "0:127.0.0.1:8", "0:127.0.0.1:9", user="other")
    ssh.stderr.wait_for("remote port forwarding failed for listen port 0", process=ssh.process)
    ssh.allocated_ports(1)
    lives()


@pytest.mark.parametrize("broken, line", [
    ('[limits]\ntunnels_per_sesion = 1\n', 2), ('[server]\ndrain = 7 fish\n', 2),
    ('[limits]\ntunnels_per_session = 1\n[forward]\nports = ["9-1"]\n', 4),
], ids=["unknown key", "no TOML", "good part and bad value"])
def test_a_broken_file_changes_nothing_and_is_named(scene, gate, broken, line):
    lives = open_tunnel(scene, gate)
    mark = gate.log.mark()
    with open(gate.config, "w", encoding="utf-8") as file:
        file.write(broken)
    gate.reload(outcome="reload_failed")
    gate.log.wait_for(rf"portreeve\.toml:{line}:\d+", after=mark)
    lives()
    scene.ssh(gate, "0:127.0.0.1:8", "0:127.0.0.1:9", user="other").allocated_ports(2)  # the old

    gate.write_config()
    gate.reload()
    lives()


def test_a_listener_that_cannot_be_had_changes_nothing(scene, gate):
    lives = open_tunnel(scene, gate)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        gate.write_config(ssh={"listen": ["127.0.0.1:0", address]},
                          limits={"tunnels_per_session": 1})
        mark = gate.log.mark()
        gate.reload(outcome="reload_failed")
        assert address in gate.log.text(mark)
    # One transaction: the limits are the old ones too.
    scene.ssh(gate, "0:127.0.0.1:8", "0:127.0.0.1:9", user="other").allocated_ports(2)
    lives()
