"""Sockets that systemd has opened: told apart by name, used instead of the configured ones."""

import os
import shutil
import socket

import pytest

from harness import client, ports, streams, visitor
from harness.gate import port_of
from harness.target import echo
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd's activation is by inetd's rules")


def listener():
    return socket.create_server(("127.0.0.1", 0))


def test_a_socket_named_ssh_is_used(scene):
    gate = scene.new_gate(ssh={"listen": [f"127.0.0.1:{ports.fixed()}"]})
    with listener() as passed:
        gate.start(sockets=[("ssh", passed)])
        assert gate.port == passed.getsockname()[1]
    _, port = scene.tunnel(gate, scene.target(echo))
    with visitor.connect(port) as sock:
        sock.sendall(b"passed")
        assert streams.read_exactly(sock, 6) == b"passed"
    configured = int(gate.settings["ssh"]["listen"][0].rpartition(":")[2])
    assert not visitor.answers(configured), "the configured address is open beside the passed one"


def test_two_sockets_named_ssh(scene):
    gate = scene.new_gate()
    with listener() as first, listener() as second:
        gate.start(sockets=[("ssh", first), ("ssh", second)])
        for sock in (first, second):
            scene.ssh(gate, port=sock.getsockname()[1]).wait_login()


def test_an_unknown_name_is_logged_and_closed(scene):
    gate = scene.new_gate()
    with listener() as ssh, listener() as stray:
        gate.start(sockets=[("stray", stray), ("ssh", ssh)])
        stray_port = stray.getsockname()[1]
    gate.log.wait_for(r"\bstray\b")
    visitor.wait_refused(stray_port)
    scene.ssh(gate).wait_login()


def test_sockets_for_another_process_are_left_alone(scene):
    """LISTEN_PID names somebody else: whatever descriptor 3 is, it is not for this daemon."""
    gate = scene.new_gate()
    gate.start(wrapper=["/usr/bin/env", "LISTEN_PID=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=ssh"])
    scene.ssh(gate).wait_login()


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="systemd-socket-activate is not installed")
def test_systemd_socket_activate(scene):
    """systemd's own tool passes the socket, and starts the daemon at the first connection."""
    gate = scene.new_gate()
    port = ports.fixed()
    # It passes on no environment but what it is told to.
    command = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=ssh"]
    command += [word for name, value in gate.environment().items()
                if name == "NOTIFY_SOCKET" or "SAN_OPTIONS" in name
                for word in ("-E", f"{name}={value}")]
    for table in ("state_dir", "runtime_dir"):
        os.makedirs(gate.settings["server"][table], mode=0o700)
    gate.spawn([*command, *gate.command()])
    gate.log.wait_for("Listening on")
    gate.port = port
    ssh = scene.add(client.Ssh(gate, scene.key, scene.folder))
    ssh.wait_login()
    until(lambda: gate.notify.has("READY=1"), "READY=1")
    assert port_of(gate.log.wait_event("listening", name="ssh")) == port
