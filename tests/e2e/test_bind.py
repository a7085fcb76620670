"""Where a forward listens: exactly where it was asked to, no wider, no narrower.

The addresses are loopback's own, which has a whole /8 of them: what is bound to 127.0.0.1 is not
there at 127.0.0.2, and what is bound to every address is.
"""

import contextlib
import socket

import pytest

from harness import ports, streams, visitor
from harness.target import greet

EVERYWHERE = {"127.0.0.1", "127.0.0.2", "::1"}


def reached(port):
    """Where among EVERYWHERE the target's greeting comes from that port."""
    hosts = set()
    for host in EVERYWHERE:
        with contextlib.suppress(ConnectionRefusedError), visitor.connect(port, host) as sock:
            assert streams.read_all(sock) == b"me"
            hosts.add(host)
    return hosts


@pytest.mark.parametrize("address, hosts", [
    ("", {"127.0.0.1", "::1"}),
    ("localhost:", {"127.0.0.1", "::1"}),
    ("*:", EVERYWHERE),
    ("127.0.0.1:", {"127.0.0.1"}),
    ("127.0.0.2:", {"127.0.0.2"}),
    ("[::1]:", {"::1"}),
    ("0.0.0.0:", {"127.0.0.1", "127.0.0.2"}),
    ("[::]:", {"::1"}),
], ids=["none", "localhost", "star", "v4", "other v4", "v6", "all v4", "all v6"])
@pytest.mark.parametrize("assigned", [True, False], ids=["port 0", "fixed port"])
def test_a_forward_listens_where_it_was_asked_to(scene, gate, address, hosts, assigned):
    target = scene.target(greet("me"))
    port = 0 if assigned else ports.fixed()
    ssh = scene.ssh(gate, f"{address}{port}:127.0.0.1:{target.port}")
    ssh.wait_granted()
    if assigned:
        port = ssh.allocated_ports()[0]
    assert reached(port) == hosts


@pytest.mark.portreeve_only("`[forward] bind` has other words than GatewayPorts")
@pytest.mark.parametrize("bind, hosts", [("loopback", {"127.0.0.1", "::1"}), ("any", EVERYWHERE)])
def test_the_bind_setting_overrules_the_client(scene, bind, hosts):
    gate = scene.gate(forward={"bind": bind})
    target = scene.target(greet("me"))
    _, port = scene.tunnel(gate, target)
    assert reached(port) == hosts


@pytest.mark.portreeve_only("sshd grants the family that is free, without a word")
@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_both_families_or_neither(scene, gate, family, host):
    port = ports.fixed()
    with socket.create_server((host, port), family=family):
        ssh = scene.ssh(gate, f"localhost:{port}:127.0.0.1:9")
        ssh.stderr.wait_for(f"remote port forwarding failed for listen port {port}",
                            process=ssh.process)
        other = "::1" if host == "127.0.0.1" else "127.0.0.1"
        assert not visitor.answers(port, other)
