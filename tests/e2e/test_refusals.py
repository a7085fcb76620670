"""Forwards that are refused, each with its reason in the log, while the connection goes on."""

import socket

import pytest

from harness import ports, streams, visitor
from harness.target import greet


def refused(scene, gate, forward, port):
    """Asks for two forwards, of which the first must be refused and the second granted."""
    target = scene.target(greet("granted"))
    ssh = scene.ssh(gate, forward, f"0:127.0.0.1:{target.port}")
    ssh.stderr.wait_for(f"remote port forwarding failed for listen port {port}",
                        process=ssh.process)
    granted = ssh.allocated_ports()[0]
    assert streams.read_all(scene.visit(granted)) == b"granted"
    if gate.kind == "portreeve":
        event = gate.log.wait_event("refused")
        assert event.get("code"), event
        assert str(port) in " ".join(event.values()), event
        # With -N there is no session to write to: the sentence comes as a debug message.
        ssh.stderr.wait_for(r"Remote: portreeve: refused .*\b" + str(port), process=ssh.process)


def test_a_port_in_use(scene, gate):
    port = ports.fixed()
    with socket.create_server(("127.0.0.1", port)):
        refused(scene, gate, f"127.0.0.1:{port}:127.0.0.1:9", port)


def test_a_port_that_another_session_has(scene, gate):
    port = ports.fixed()
    target = scene.target(greet("first"))
    scene.ssh(gate, f"{port}:127.0.0.1:{target.port}").wait_granted()
    gate.write_keys([scene.key.line, scene.other_key.line])
    if gate.kind == "portreeve":
        gate.reload()
    stranger = scene.ssh(gate, f"{port}:127.0.0.1:9", key=scene.other_key)
    stranger.stderr.wait_for(f"remote port forwarding failed for listen port {port}",
                             process=stranger.process)
    assert streams.read_all(scene.visit(port)) == b"first"


def test_the_same_port_twice_on_one_connection(scene, gate):
    port = ports.fixed()
    target = scene.target(greet("first"))
    path = f"{scene.folder}/mux"
    ssh = scene.ssh(gate, f"{port}:127.0.0.1:{target.port}", args=["-M", "-S", path])
    ssh.wait_granted()
    # The client itself refuses to ask twice for one address; under another name it asks.
    again = scene.ssh(gate, f"127.0.0.1:{port}:127.0.0.1:9")
    again.stderr.wait_for(f"remote port forwarding failed for listen port {port}",
                          process=again.process)
    assert streams.read_all(scene.visit(port)) == b"first"


def test_an_address_this_host_does_not_have(scene, gate):
    port = ports.fixed()
    refused(scene, gate, f"192.0.2.1:{port}:127.0.0.1:9", port)


@pytest.mark.portreeve_only("sshd does not say why")
def test_a_client_that_leaves_on_a_refusal_has_heard_why(scene, gate):
    """Exactly as scripts call it: it ends as soon as the refusal is there."""
    for _ in range(5):
        ssh = scene.ssh(gate, "80:127.0.0.1:9", options={"ExitOnForwardFailure": "yes"})
        assert ssh.wait_exit() == 255
        words = ssh.stderr.text()
        why = words.index("Remote: portreeve: refused localhost:80: ")
        assert why < words.index("remote port forwarding failed for listen port 80"), words


@pytest.mark.parametrize("client, words", [
    ("dbclient", r"Remote TCP forward request failed \(port {refused} "),
    ("plink", r"Remote port forwarding from {refused} refused"),
])
def test_other_clients_go_on_after_a_refusal(scene, gate, client, words):
    port, refused_port = ports.fixed(), ports.fixed()
    target = scene.target(greet("granted"))
    with socket.create_server(("127.0.0.1", refused_port)):
        made = getattr(scene, client)(gate, f"{refused_port}:127.0.0.1:9",
                                      f"{port}:127.0.0.1:{target.port}")
        made.stderr.wait_for(words.format(refused=refused_port), process=made.process)
        visitor.wait_answers(port)
        assert streams.read_all(scene.visit(port)) == b"granted"
        assert not made.ended()


@pytest.mark.portreeve_only("`[forward] ports` is a setting of portreeve's")
def test_a_port_outside_the_range(scene):
    port = ports.fixed()
    gate = scene.gate(forward={"ports": [f"{port + 1}-65535"]})
    refused(scene, gate, f"{port}:127.0.0.1:9", port)


@pytest.mark.portreeve_only("`[limits] tunnels_per_session` is a setting of portreeve's")
def test_too_many_tunnels_on_a_session(scene):
    gate = scene.gate(limits={"tunnels_per_session": 2})
    ssh = scene.ssh(gate, *[f"0:127.0.0.1:{scene.target(greet('me')).port}" for _ in range(3)])
    ssh.stderr.wait_for("remote port forwarding failed for listen port 0", process=ssh.process)
    for port in ssh.allocated_ports(2):
        assert streams.read_all(scene.visit(port)) == b"me"
    event = gate.log.wait_event("refused")
    assert "tunnels_per_session" in " ".join(event.values()), event
