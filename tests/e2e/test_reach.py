"""What -L, -W and -J reach through the gate: what permitopen names, and nothing else."""

import os
import re
import shlex
import socket
import subprocess
import threading

import pytest

from harness import ports, streams, visitor
from harness.target import echo, greet
from harness.wait import until

MIB = 1 << 20
UP = streams.Pattern("client to target")
DOWN = streams.Pattern("target to client")

pytestmark = pytest.mark.portreeve_only("by default sshd lets a key reach everything")


def permitting(scene, *options, settings=None):
    """A gate whose key has these options."""
    gate = scene.new_gate(**(settings or {}))
    gate.write_keys([(",".join(options) + " " if options else "") + scene.key.line])
    return gate.start()


def forward(scene, gate, host, port):
    """ssh -L to there: the client, and the port where it listens."""
    local = ports.fixed()
    ssh = scene.ssh(gate, args=["-L", f"127.0.0.1:{local}:{host}:{port}"])
    ssh.stderr.wait_for(rf"^debug1: Local forwarding listening on 127.0.0.1 port {local}",
                        process=ssh.process)
    ssh.wait_login()
    return ssh, local


def through(scene, gate, host, port, **popen):
    """ssh -W to there, without a terminal: its stdin and stdout are pipes."""
    return scene.ssh(gate, args=["-W", f"{host}:{port}"], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, **popen)


def refusal(gate, ssh, code, after=0):
    """The refusal, as the log has it and as the client is told with -v."""
    event = gate.log.wait_event("refused", after=after, code=code)
    ssh.stderr.wait_for("Remote: portreeve: refused " + re.escape(event["requested"]))
    return event


@pytest.mark.parametrize("asked", ["localhost", "127.0.0.1"])
def test_forward_reaches_what_is_permitted(scene, asked):
    target = scene.target(greet("inside"))
    gate = permitting(scene, f'permitopen="{asked}:{target.port}"')
    _, local = forward(scene, gate, asked, target.port)
    with visitor.connect(local) as sock:
        assert streams.read_all(sock) == b"inside"
    gate.log.wait_event("reach_open", target=f"{asked}:{target.port}",
                        address=f"127.0.0.1:{target.port}")
    gate.log.wait_event("reach_closed", target=f"{asked}:{target.port}", bytes_in=6)


def test_localhost_is_ipv6_where_nothing_listens_on_ipv4(scene):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        gate = permitting(scene, f'permitopen="localhost:{port}"')
        _, local = forward(scene, gate, "localhost", port)
        near = scene.visit(local)
        far, _ = server.accept()
        with far:
            near.sendall(b"six")
            assert streams.read_exactly(far, 3) == b"six"


def test_stdio_reaches_what_is_permitted(scene):
    target = scene.target(echo)
    gate = permitting(scene, f'permitopen="localhost:{target.port}"')
    ssh = through(scene, gate, "localhost", target.port)
    out, _ = ssh.process.communicate(UP.bytes(100_000), timeout=60)
    assert out == UP.bytes(100_000)
    assert ssh.process.returncode == 0


@pytest.mark.parametrize("options, code", [
    ((), "open_not_permitted"),
    (('permitopen="localhost:1"',), "open_not_permitted"),  # another port
    (('permitopen="127.0.0.1:*"',), "open_not_permitted"),  # another word for the same host
    (("restrict", 'permitopen="*:*"'), "forwarding_not_allowed"),
], ids=["nothing", "port", "host", "restrict"])
def test_all_else_is_refused(scene, options, code):
    target = scene.target(greet("inside"))
    gate = permitting(scene, *options)
    ssh, local = forward(scene, gate, "localhost", target.port)
    for _ in range(2):  # the connection goes on
        mark = gate.log.mark()
        assert visitor.read_until_closed(scene.visit(local)) == b""
        event = refusal(gate, ssh, code, mark)
        assert event["fingerprint"] == scene.key.fingerprint, event
    stdio = through(scene, gate, "localhost", target.port)
    assert stdio.wait_exit() == 255
    assert "open failed: administratively prohibited" in stdio.stderr.text()
    # It leaves with the refusal, and has heard why before.
    assert f"Remote: portreeve: refused localhost:{target.port}: " in stdio.stderr.text()
    assert target.accepted == 0
    assert not ssh.ended()


def test_a_name_is_never_looked_up(scene):
    gate = permitting(scene, 'permitopen="*:*"')
    ssh, local = forward(scene, gate, "gate.example", 22)
    assert visitor.read_until_closed(scene.visit(local)) == b""
    assert "no name is looked up" in refusal(gate, ssh, "name_not_found")["why"]


def test_a_target_that_refuses_ends_its_channel_alone(scene):
    nobody = ports.fixed()
    target = scene.target(greet("inside"))
    gate = permitting(scene, 'permitopen="localhost:*"')
    ssh, local = forward(scene, gate, "localhost", nobody)
    before = gate.descriptors()
    assert visitor.read_until_closed(scene.visit(local)) == b""
    assert "Connection refused" in refusal(gate, ssh, "target_unreachable")["why"]
    gate.wait_descriptors(before)
    late = scene.add(socket.create_server(("127.0.0.1", nobody)))
    near = scene.visit(local)
    far, _ = late.accept()
    with far:
        far.sendall(b"now")
    assert streams.read_all(near) == b"now"
    assert target.accepted == 0


def test_what_is_sent_before_the_target_is_connected_arrives(scene):
    """ssh sends with the open already; the end comes right behind."""
    target = scene.target(lambda connection: streams.read_all(connection))
    gate = permitting(scene, 'permitopen="localhost:*"')
    _, local = forward(scene, gate, "localhost", target.port)
    for _ in range(50):
        with visitor.connect(local) as sock:
            sock.sendall(b"all of it")
    target.join(50)
    assert set(target.results) == {b"all of it"}


def test_client_ends_its_side_first(scene):
    def answer_after_the_end(connection):
        assert streams.read_all(connection) == b"request"
        connection.sendall(DOWN.bytes(MIB))

    target = scene.target(answer_after_the_end)
    gate = permitting(scene, f'permitopen="localhost:{target.port}"')
    ssh = through(scene, gate, "localhost", target.port)
    out, _ = ssh.process.communicate(b"request", timeout=60)
    assert out == DOWN.bytes(MIB)
    target.join(1)


def test_target_ends_its_side_first(scene):
    def hear_after_the_end(connection):
        connection.sendall(b"greeting")
        connection.shutdown(socket.SHUT_WR)
        streams.check(connection, UP, MIB)
        streams.check_end(connection)

    target = scene.target(hear_after_the_end)
    gate = permitting(scene, f'permitopen="localhost:{target.port}"')
    # By -L: with -W, ssh itself stops sending once it has heard the end.
    _, local = forward(scene, gate, "localhost", target.port)
    sock = scene.visit(local)
    assert streams.read_all(sock) == b"greeting"
    sock.sendall(UP.bytes(MIB))
    sock.shutdown(socket.SHUT_WR)
    target.join(1)


def test_bulk_both_ways(scene):
    total = 64 * MIB
    target = scene.target(
        lambda connection: streams.exchange(connection, total, sent=DOWN, received=UP))
    gate = permitting(scene, f'permitopen="localhost:{target.port}"')
    _, local = forward(scene, gate, "localhost", target.port)
    streams.exchange(scene.visit(local), total, sent=UP, received=DOWN)
    target.join(1)


def test_many_at_once(scene):
    count = 200
    target = scene.target(echo)
    gate = permitting(scene, f'permitopen="localhost:{target.port}"')
    ssh, local = forward(scene, gate, "localhost", target.port)
    before = gate.descriptors()
    visitors = [visitor.connect(local) for _ in range(count)]
    for number, sock in enumerate(visitors):
        sock.sendall(number.to_bytes(4, "big") * 100)
    for number, sock in enumerate(visitors):
        assert streams.read_exactly(sock, 400) == number.to_bytes(4, "big") * 100
    for sock in visitors:
        sock.close()
    target.join(count)
    gate.wait_descriptors(before)
    assert not ssh.ended()


@pytest.mark.parametrize("options, settings, code", [
    (('max-visitors="2"',), {}, "limit_visitors_per_key"),
    ((), {"limits": {"visitors_per_tunnel": 2}}, "limit_visitors_per_tunnel"),
], ids=["key", "session"])
def test_they_are_bounded(scene, options, settings, code):
    target = scene.target(echo)
    gate = permitting(scene, 'permitopen="localhost:*"', *options, settings=settings)
    ssh, local = forward(scene, gate, "localhost", target.port)
    held = [scene.visit(local) for _ in range(2)]
    for sock in held:
        sock.sendall(b"x")
        assert streams.read_exactly(sock, 1) == b"x"
    assert visitor.read_until_closed(scene.visit(local)) == b""
    refusal(gate, ssh, code)
    held[0].close()
    target.join(1)
    gate.log.wait_event("reach_closed")
    with visitor.connect(local) as sock:
        sock.sendall(b"y")
        assert streams.read_exactly(sock, 1) == b"y"


def test_a_removed_key_ends_what_it_reaches(scene):
    ended = threading.Event()

    def hear_the_end(connection):
        connection.sendall(b"inside")
        visitor.read_until_closed(connection)
        ended.set()

    target = scene.target(hear_the_end)
    gate = permitting(scene, 'permitopen="localhost:*"')
    ssh, local = forward(scene, gate, "localhost", target.port)
    sock = scene.visit(local)
    assert streams.read_exactly(sock, 6) == b"inside"
    gate.write_keys([scene.other_key.line])
    gate.reload()
    ssh.wait_exit()
    target.join(1)
    assert ended.is_set()


def test_a_reload_holds_for_what_comes_then(scene):
    target = scene.target(echo)
    gate = permitting(scene, 'permitopen="localhost:*"')
    ssh, local = forward(scene, gate, "localhost", target.port)
    held = scene.visit(local)
    held.sendall(b"x")
    assert streams.read_exactly(held, 1) == b"x"
    gate.write_keys([scene.key.line])
    gate.reload()
    assert visitor.read_until_closed(scene.visit(local)) == b""
    refusal(gate, ssh, "open_not_permitted")
    held.sendall(b"y")
    assert streams.read_exactly(held, 1) == b"y"


def test_a_server_that_stops_lets_it_finish(scene):
    target = scene.target(echo)
    gate = permitting(scene, 'permitopen="localhost:*"', settings={"server": {"drain": "120s"}})
    ssh, local = forward(scene, gate, "localhost", target.port)
    held = scene.visit(local)
    held.sendall(b"x")
    assert streams.read_exactly(held, 1) == b"x"
    gate.terminate()
    until(lambda: gate.notify.has("STOPPING=1"), "STOPPING=1")
    assert visitor.read_until_closed(scene.visit(local)) == b""
    refusal(gate, ssh, "stopping")
    held.sendall(b"y")
    assert streams.read_exactly(held, 1) == b"y"
    held.close()
    assert gate.wait_exit() == 0


def test_a_server_that_has_waited_long_enough_cuts_it(scene):
    """Also a target that neither reads nor ends, and would be waited for without its client."""
    released = threading.Event()
    target = scene.target(lambda connection: released.wait(120))
    gate = permitting(scene, 'permitopen="localhost:*"', settings={"server": {"drain": "1s"}})
    ssh, local = forward(scene, gate, "localhost", target.port)
    held = scene.visit(local)
    gate.log.wait_event("reach_open")
    held.sendall(b"x")
    gate.terminate()
    try:
        assert gate.wait_exit(10) == 0
        assert visitor.read_until_closed(held) == b""
    finally:
        released.set()
    ssh.wait_exit()


def test_jump_to_a_server_behind_the_gate(scene):
    inner = scene.gate(kind="sshd")
    gate = permitting(scene, f'permitopen="localhost:{inner.port}"')
    hop = shlex.join(["ssh", "-F", "none", "-i", scene.key.path, "-o", "BatchMode=yes",
                      "-o", "StrictHostKeyChecking=accept-new", "-o", "IdentitiesOnly=yes",
                      "-o", f"UserKnownHostsFile={os.path.join(gate.folder, 'known_hosts')}",
                      "-W", "[%h]:%p", "-p", str(gate.port), f"{gate.user}@127.0.0.1"])
    ssh = scene.ssh(inner, host="localhost", options={"ProxyCommand": hop},
                    command=["echo", "landed"])
    assert ssh.wait_exit() == 0, ssh.stderr.tail()
    assert ssh.stdout.text() == "landed\n"
