"""Forwards that come and go on a live connection: `ssh -O forward` and `-O cancel`.

Each test runs against sshd too.
"""

import pytest

from harness import listeners, ports, streams
from harness.target import echo, greet

pytestmark = pytest.mark.portreeve_only("each test runs against sshd too")


@pytest.fixture(params=["portreeve", "sshd"])
def gate(request, scene):
    return scene.gate(kind=request.param)


@pytest.fixture
def master(scene, gate):
    made = scene.ssh(gate, args=["-M", "-S", f"{scene.folder}/mux"])
    made.stderr.wait_for("Entering interactive session", process=made.process)
    return made


@pytest.mark.parametrize("assigned", [True, False], ids=["port 0", "fixed port"])
@pytest.mark.parametrize("address, hosts", [
    ("", {"127.0.0.1", "::1"}),
    ("localhost:", {"127.0.0.1", "::1"}),
    ("*:", {"0.0.0.0", "::"}),
    (":", {"0.0.0.0", "::"}),
    ("0.0.0.0:", {"0.0.0.0"}),
    ("[::]:", {"::"}),
    ("127.0.0.5:", {"127.0.0.5"}),
    ("[::1]:", {"::1"}),
], ids=["none", "localhost", "star", "empty", "all v4", "all v6", "other v4", "v6"])
def test_forward_and_cancel(scene, gate, master, address, hosts, assigned):
    target = scene.target(echo)
    port = 0 if assigned else ports.fixed()
    forward = f"{address}{port}:127.0.0.1:{target.port}"
    added = master.control("forward", forward)
    port = int(added.split()[-1]) if assigned else port
    assert listeners.of(gate) == {port: hosts}

    host = {"127.0.0.5:": "127.0.0.5", "[::]:": "::1", "[::1]:": "::1"}.get(address, "127.0.0.1")
    sock = scene.visit(port, host)
    sock.sendall(b"before")
    assert streams.read_exactly(sock, 6) == b"before"
    master.control("cancel", forward)
    listeners.wait_at(gate, port, set())  # the client does not wait for an answer
    sock.sendall(b"after")
    assert streams.read_exactly(sock, 5) == b"after"

    again = master.control("forward", forward)
    port = int(again.split()[-1]) if assigned else port
    assert listeners.of(gate) == {port: hosts}
    assert not master.ended()


def test_a_refused_forward_leaves_the_others(scene, gate, master):
    target = scene.target(greet("granted"))
    taken = ports.fixed()
    master.control("forward", f"{taken}:127.0.0.1:{target.port}")
    assert "remote port forwarding failed" in \
        master.control("forward", f"127.0.0.1:{taken}:127.0.0.1:9", works=False)
    assert "not forwarded" in master.control("cancel", f"{ports.fixed()}:127.0.0.1:9")
    assert streams.read_all(scene.visit(taken)) == b"granted"
    assert listeners.of(gate) == {taken: {"127.0.0.1", "::1"}}


def test_as_many_as_a_session_may_have_in_one_burst(scene, gate):
    """ssh sends them all before the first answer, fixed ports and port 0 mixed."""
    names = [f"target {number}" for number in range(32)]
    targets = [scene.target(greet(name)) for name in names]
    wanted = [0 if number % 2 else ports.fixed() for number in range(len(names))]
    ssh = scene.ssh(gate, *(f"{port}:127.0.0.1:{target.port}"
                            for port, target in zip(wanted, targets)))
    ssh.wait_granted(len(names))
    assigned = iter(ssh.allocated_ports(len(names) // 2))
    got = [port or next(assigned) for port in wanted]
    assert set(listeners.of(gate)) == set(got)
    assert [streams.read_all(scene.visit(port)).decode() for port in got] == names
