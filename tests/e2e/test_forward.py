"""Forwards as stock clients ask for them: granted, reported, reached, cancelled."""

import os

import pytest

from harness import client, ports, streams, visitor
from harness.target import echo, greet


def say(scene, port, words, host="127.0.0.1"):
    """One round trip through an echo."""
    sock = scene.visit(port, host)
    sock.sendall(words)
    assert streams.read_exactly(sock, len(words)) == words
    return sock


def read_greeting(scene, port):
    return streams.read_all(scene.visit(port)).decode()


def test_port_0_is_assigned_shown_and_reached(scene, gate):
    target = scene.target(echo)
    ssh = scene.ssh(gate, f"0:localhost:{target.port}", verbose=False)
    port = ssh.allocated_ports()[0]
    line = f"Allocated port {port} for remote forward to localhost:{target.port}"
    assert line in ssh.stderr.text().splitlines()
    say(scene, port, b"hello")
    say(scene, port, b"and again, as another visitor")


@pytest.mark.portreeve_only("the pool of port 0 is a setting of portreeve's")
def test_port_0_comes_from_the_pool(scene, gate):
    first, last = map(int, gate.settings["forward"]["pool"].split("-"))
    # Five targets, because the client asks only once for forwards that are alike in all.
    ssh = scene.ssh(gate, *[f"0:127.0.0.1:{scene.target(echo).port}" for _ in range(5)])
    allocated = ssh.allocated_ports(5)
    assert len(set(allocated)) == 5
    assert all(first <= port <= last for port in allocated)


def test_fixed_port(scene, gate):
    target, port = scene.target(echo), ports.fixed()
    scene.ssh(gate, f"{port}:127.0.0.1:{target.port}").wait_granted()
    say(scene, port, b"fixed")


def test_several_forwards_on_one_connection(scene, gate):
    names = ["red", "green", "blue"]
    targets = [scene.target(greet(name)) for name in names]
    wanted = ports.fixed()
    ssh = scene.ssh(gate, f"0:127.0.0.1:{targets[0].port}",
                    f"{wanted}:127.0.0.1:{targets[1].port}", f"0:127.0.0.1:{targets[2].port}")
    ssh.wait_granted(3)
    first, third = ssh.allocated_ports(2)
    assert [read_greeting(scene, port) for port in (first, wanted, third)] == names


def test_forwards_end_with_their_connection(scene):
    gate = scene.gate(forward={"lease": "0s"})
    target = scene.target(echo)
    ssh, port = scene.tunnel(gate, target)
    sock = say(scene, port, b"open")
    ssh.close()
    assert visitor.read_until_closed(sock) == b""
    visitor.wait_refused(port)


def test_a_target_that_is_down_costs_one_visitor_only(scene, gate):
    dead, alive = ports.fixed(), scene.target(echo)
    ssh = scene.ssh(gate, f"0:127.0.0.1:{dead}", f"0:127.0.0.1:{alive.port}")
    to_dead, to_alive = ssh.allocated_ports(2)
    assert visitor.read_until_closed(scene.visit(to_dead)) == b""
    say(scene, to_alive, b"still here")
    assert not ssh.ended()


def test_forward_and_cancel_through_a_control_master(scene, gate):
    target = scene.target(echo)
    path = os.path.join(scene.folder, "mux")
    master = scene.ssh(gate, args=["-M", "-S", path])
    master.wait_login()
    master.stderr.wait_for("setting up multiplex master socket|ControlSocket|Entering interactive")
    forward = f"0:127.0.0.1:{target.port}"
    added = client.ssh_control(path, "forward", "-R", forward)
    assert added.returncode == 0, added.stderr
    port = int(added.stdout.strip().splitlines()[-1])
    sock = say(scene, port, b"through the master")

    # A stock client names port 0 here; the server is then asked to cancel the port it gave.
    cancelled = client.ssh_control(path, "cancel", "-R", forward)
    assert cancelled.returncode == 0, cancelled.stderr
    visitor.wait_refused(port)
    sock.sendall(b"a visitor outlives the cancel")
    assert streams.read_exactly(sock, 29) == b"a visitor outlives the cancel"

    again = client.ssh_control(path, "forward", "-R", forward)
    assert again.returncode == 0, again.stderr
    say(scene, int(again.stdout.strip().splitlines()[-1]), b"once more")


def test_cancel_of_a_fixed_port_frees_it(scene, gate):
    target, port = scene.target(echo), ports.fixed()
    path = os.path.join(scene.folder, "mux")
    master = scene.ssh(gate, f"{port}:127.0.0.1:{target.port}", args=["-M", "-S", path])
    master.wait_granted()
    say(scene, port, b"before")
    forward = f"{port}:127.0.0.1:{target.port}"
    assert client.ssh_control(path, "cancel", "-R", forward).returncode == 0
    visitor.wait_refused(port)
    assert client.ssh_control(path, "forward", "-R", forward).returncode == 0
    say(scene, port, b"after")


def test_dbclient(scene, gate):
    target, port = scene.target(echo), ports.fixed()
    dbclient = scene.dbclient(gate, f"{port}:127.0.0.1:{target.port}")
    visitor.wait_answers(port)
    say(scene, port, b"dropbear")
    assert not dbclient.ended()


def test_dbclient_is_told_its_assigned_port(scene, gate):
    target = scene.target(echo)
    dbclient = scene.dbclient(gate, f"0:127.0.0.1:{target.port}")
    found = dbclient.stderr.wait_for(r"Allocated port (\d+) for remote forward",
                                     process=dbclient.process)
    say(scene, int(found[1]), b"dropbear")


def test_plink(scene, gate):
    target, port = scene.target(echo), ports.fixed()
    plink = scene.plink(gate, f"{port}:127.0.0.1:{target.port}")
    plink.stderr.wait_for(f"Remote port forwarding from {port} enabled", process=plink.process)
    say(scene, port, b"putty")


@pytest.mark.skipif("LIBSSH_CLIENT" not in os.environ,
                    reason="LIBSSH_CLIENT must name the built libssh client; ctest sets it")
def test_libssh_client(scene, gate):
    fixed = ports.fixed()
    libssh = scene.libssh(gate, "0", str(fixed), "0")
    first, second, third = libssh.listening_ports(3)
    assert second == fixed
    for port in (first, second, third):
        say(scene, port, b"libssh %d" % port)
    pattern = streams.Pattern("libssh")
    streams.exchange(scene.visit(third), 4 << 20, sent=pattern, received=pattern)
