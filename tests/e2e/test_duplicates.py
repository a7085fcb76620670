"""One port asked for twice: what the second one gets, from portreeved and from sshd.

The first always lives on untouched. Addresses that do not overlap stand side by side; those that do
are refused whole by portreeved, where sshd grants the family that is left and says nothing.
"""

import contextlib
import tempfile

import pytest

from harness import listeners, ports, streams, visitor
from harness.raw import FAILURE, SUCCESS
from harness.scene import Scene
from harness.target import greet

pytestmark = pytest.mark.portreeve_only("it is compared with sshd in the same test")

REFUSED = set()

# first, second: what portreeved and sshd listen on for the second. As on the wire: "" is "*".
TABLE = [
    ("localhost", "localhost", REFUSED, REFUSED),
    ("localhost", "127.0.0.1", REFUSED, REFUSED),
    ("localhost", "::1", REFUSED, REFUSED),
    ("localhost", "", REFUSED, REFUSED),
    ("127.0.0.1", "127.0.0.1", REFUSED, REFUSED),
    ("127.0.0.1", "localhost", REFUSED, {"::1"}),
    ("127.0.0.1", "", REFUSED, {"::"}),
    ("127.0.0.1", "::1", {"::1"}, {"::1"}),
    ("127.0.0.1", "127.0.0.5", {"127.0.0.5"}, {"127.0.0.5"}),
    ("127.0.0.1", "0.0.0.0", REFUSED, REFUSED),
    ("127.0.0.1", "::", {"::"}, {"::"}),
    ("::1", "localhost", REFUSED, {"127.0.0.1"}),
    ("::1", "", REFUSED, {"0.0.0.0"}),
    ("", "", REFUSED, REFUSED),
    ("", "localhost", REFUSED, REFUSED),
    ("", "127.0.0.1", REFUSED, REFUSED),
    ("0.0.0.0", "::", {"::"}, {"::"}),
    ("0.0.0.0", "", REFUSED, {"::"}),
]


@pytest.fixture(scope="module")
def gates(keys):
    """Both servers, kept up for all rows."""
    with tempfile.TemporaryDirectory(prefix="portreeve-e2e-") as folder, \
            contextlib.closing(Scene(folder, keys)) as scene:
        yield scene.both(lines=[scene.key.line, scene.other_key.line], forward={"lease": "0s"})


@pytest.fixture(params=["one session", "two sessions"])
def sessions(request, scene):
    """Makes the clients that ask first and second: the same one, or two with a key each (with the
    same key, portreeve gives an owner what is his: test_leases.py)."""

    def make(gate):
        first = scene.raw(gate)
        return first, first if request.param == "one session" else \
            scene.raw(gate, key=scene.other_key)

    return make


@pytest.mark.parametrize("first, second, ours, theirs", TABLE,
                         ids=[f"{row[0] or '*'} then {row[1] or '*'}" for row in TABLE])
def test_the_second_gets(gates, sessions, first, second, ours, theirs):
    for gate in gates:
        expected = theirs if gate.kind == "sshd" else ours
        port = ports.fixed()
        elder, younger = sessions(gate)
        elder.listen(first, port)
        held = listeners.at(gate, port)
        outcome, _ = younger.ask("tcpip-forward", second, port)
        assert outcome == (SUCCESS if expected else FAILURE), gate.kind
        assert listeners.at(gate, port) == held | expected, gate.kind
        assert not held & expected

        host = next(iter(held)).replace("0.0.0.0", "127.0.0.1")
        with visitor.connect(port, "::1" if ":" in host else host):
            assert elder.wait_open().address == first, gate.kind
        if not expected:
            assert younger.ask("cancel-tcpip-forward", second, port)[0] == \
                (SUCCESS if elder is younger and first == second else FAILURE)


def test_two_stock_clients_want_one_port(scene, gates):
    """The one that is told no goes on with what it has, and gets the port when it is free."""
    for gate in gates:
        port = ports.fixed()
        first, second = scene.target(greet("first")), scene.target(greet("second"))
        holder = scene.ssh(gate, f"{port}:127.0.0.1:{first.port}")
        holder.wait_granted()
        path = f"{scene.folder}/mux-{gate.kind}"
        waiting = scene.ssh(gate, f"{port}:127.0.0.1:{second.port}",
                            f"0:127.0.0.1:{second.port}", key=scene.other_key,
                            args=["-M", "-S", path])
        waiting.stderr.wait_for(f"remote port forwarding failed for listen port {port}",
                                process=waiting.process)
        assert streams.read_all(scene.visit(port)) == b"first"
        assert streams.read_all(scene.visit(waiting.allocated_ports()[0])) == b"second"

        holder.close()
        listeners.wait_at(gate, port, REFUSED)
        # In other words than before, or ssh takes it for one that it has.
        waiting.control("forward", f"localhost:{port}:127.0.0.1:{second.port}")
        assert streams.read_all(scene.visit(port)) == b"second"
