"""RFC 4254 section 7 on the wire, message by message, from portreeved and from sshd alike.

Each test runs against both servers: what is asserted is what the RFC says and what sshd does.
"""

import pytest

from harness import listeners, ports, streams, visitor
from harness.raw import FAILURE, SUCCESS

pytestmark = pytest.mark.portreeve_only("each test runs against sshd too")

ADDRESSES = ["", "localhost", "*", "0.0.0.0", "127.0.0.1", "::1", "127.0.0.5"]


@pytest.fixture(params=["portreeve", "sshd"])
def gate(request, scene):
    return scene.gate(kind=request.param)


@pytest.fixture
def raw(scene, gate):
    return scene.raw(gate)


def visit(scene, address, port):
    """A visitor of a forward that was asked for at `address`."""
    return scene.visit(port, {"::1": "::1", "127.0.0.5": "127.0.0.5"}.get(address, "127.0.0.1"))


def assert_served(raw, sock, opened):
    channel = raw.accept(opened)
    sock.sendall(b"visit")
    assert streams.read_exactly(channel, 5) == b"visit"
    channel.sendall(b"served")
    assert streams.read_exactly(sock, 6) == b"served"
    return channel


def test_the_reply_carries_a_port_where_0_was_asked_and_only_there(gate, raw):
    outcome, payload = raw.ask("tcpip-forward", "localhost", 0)
    assert outcome == SUCCESS and len(payload) == 4
    assert int.from_bytes(payload, "big") in listeners.of(gate)

    port = ports.fixed()
    assert raw.ask("tcpip-forward", "localhost", port) == (SUCCESS, b"")
    assert raw.ask("tcpip-forward", "localhost", port) == (FAILURE, b"")
    assert raw.ask("cancel-tcpip-forward", "localhost", port) == (SUCCESS, b"")


def test_pipelined_requests_are_answered_in_order(gate, raw):
    first, second = ports.fixed(), ports.fixed()
    raw.send("tcpip-forward", "localhost", first)
    raw.send("no-such-request@example.com", "with", 3, "fields")
    raw.send("tcpip-forward", "localhost", 0)
    raw.send("tcpip-forward", "localhost", first)
    raw.send("cancel-tcpip-forward", "localhost", first)
    raw.send("tcpip-forward", "localhost", second)
    raw.send("cancel-tcpip-forward", "localhost", first)
    outcomes, payloads = zip(*raw.replies())
    assert outcomes == (SUCCESS, FAILURE, SUCCESS, FAILURE, SUCCESS, SUCCESS, FAILURE)
    assert [len(payload) for payload in payloads] == [0, 0, 4, 0, 0, 0, 0]
    assert set(listeners.of(gate)) == {second, int.from_bytes(payloads[2], "big")}


@pytest.mark.parametrize("assigned", [True, False], ids=["port 0", "fixed port"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_open_names_what_was_asked_and_who_came(scene, raw, address, assigned):
    port = raw.listen(address, 0 if assigned else ports.fixed())
    sock = visit(scene, address, port)
    opened = raw.wait_open()
    assert (opened.address, opened.port) == (address, port)
    assert opened.originator == sock.getsockname()[:2]
    assert_served(raw, sock, opened)


def test_one_port_at_two_addresses_is_told_apart(scene, raw):
    port = raw.listen("127.0.0.1", ports.fixed())
    raw.listen("127.0.0.5", port)
    for number, address in enumerate(("127.0.0.5", "127.0.0.1"), 1):
        sock = visit(scene, address, port)
        opened = raw.wait_open(number)
        assert (opened.address, opened.port) == (address, port)
        assert_served(raw, sock, opened)


def test_a_forward_without_a_reply(scene, gate, raw):
    port = ports.fixed()
    raw.send("tcpip-forward", "127.0.0.1", port, want_reply=False)
    raw.synchronise()  # and no reply but its own
    assert listeners.of(gate) == {port: {"127.0.0.1"}}
    assert_served(raw, scene.visit(port), raw.wait_open())


def test_port_0_without_a_reply_binds_nothing(gate, raw):
    """Nobody would know the port."""
    raw.send("tcpip-forward", "127.0.0.1", 0, want_reply=False)
    raw.synchronise()
    assert listeners.of(gate) == {}


@pytest.mark.parametrize("want_reply", [True, False])
@pytest.mark.parametrize("assigned", [True, False], ids=["port 0", "fixed port"])
@pytest.mark.parametrize("address", ["", "localhost", "*", "127.0.0.1", "::1"])
def test_cancel_by_requested_address_and_effective_port(gate, raw, address, assigned, want_reply):
    port = raw.listen(address, 0 if assigned else ports.fixed())
    other = raw.listen(address)
    raw.send("cancel-tcpip-forward", address, port, want_reply=want_reply)
    raw.synchronise()
    if want_reply:
        assert raw.replies()[-2] == (SUCCESS, b"")
    assert set(listeners.of(gate)) == {other}
    assert raw.ask("tcpip-forward", address, port)[0] == SUCCESS, "the port is free again"


@pytest.mark.parametrize("asked, cancelled", [
    (("localhost", 0), ("localhost", 0)),
    (("localhost", 0), ("", "port")),
    (("localhost", 0), ("127.0.0.1", "port")),
    (("", 0), ("*", "port")),
    (("localhost", 0), ("localhost", 1)),
], ids=["port 0 itself", "no address", "a part of it", "the same in other words", "another port"])
def test_a_cancel_in_other_words_is_refused(gate, raw, asked, cancelled):
    port = raw.listen(*asked)
    before = listeners.of(gate)
    address, number = cancelled
    number = port if number == "port" else number
    assert raw.ask("cancel-tcpip-forward", address, number) == (FAILURE, b"")
    assert listeners.of(gate) == before


def test_a_cancel_of_what_another_session_has_is_refused(scene, gate, raw):
    port = raw.listen("localhost")
    stranger = scene.raw(gate)
    assert stranger.ask("cancel-tcpip-forward", "localhost", port) == (FAILURE, b"")
    assert listeners.at(gate, port)


def test_open_visitors_survive_a_cancel(scene, gate, raw):
    port = raw.listen("127.0.0.1")
    sock = scene.visit(port)
    channel = assert_served(raw, sock, raw.wait_open())
    assert raw.ask("cancel-tcpip-forward", "127.0.0.1", port)[0] == SUCCESS
    assert listeners.at(gate, port) == set()
    sock.sendall(b"on")
    assert streams.read_exactly(channel, 2) == b"on"
    channel.sendall(b"and on")
    channel.close()
    assert streams.read_all(sock) == b"and on"


@pytest.mark.parametrize("late", ["refuses", "accepts"])
def test_a_visitor_that_races_a_cancel(scene, gate, raw, late):
    """It came before the cancel and is answered after: the client may do either."""
    kept_port, port = raw.listen("127.0.0.1"), raw.listen("127.0.0.1")
    kept = scene.visit(kept_port)
    kept_channel = assert_served(raw, kept, raw.wait_open(1))
    racing = scene.visit(port)
    opened = raw.wait_open(2)
    assert raw.ask("cancel-tcpip-forward", "127.0.0.1", port)[0] == SUCCESS
    if late == "refuses":
        raw.refuse(opened)
        assert visitor.read_until_closed(racing) == b""
    else:
        assert_served(raw, racing, opened)

    kept_channel.sendall(b"nothing to me")
    assert streams.read_exactly(kept, 13) == b"nothing to me"
    assert_served(raw, scene.visit(kept_port), raw.wait_open(3))
    raw.synchronise()
    assert raw.alive()


def test_many_cancels_and_forwards_in_one_burst(gate, raw):
    """One port again and again: each request finds what the one before it left."""
    port = ports.fixed()
    for _ in range(50):
        raw.send("tcpip-forward", "localhost", port)
        raw.send("cancel-tcpip-forward", "localhost", port)
    assert raw.replies() == [(SUCCESS, b"")] * 100
    assert listeners.of(gate) == {}


@pytest.mark.parametrize("name, fields", [
    ("no-such-request@example.com", ()),
    ("no-such-request@example.com", ("a field", 7)),
    ("tcpip-forward@example.com", ("localhost", 0)),
    ("", ()),
    ("streamlocal-forward@openssh.com", ("",)),
], ids=["unknown", "with fields", "alike", "no name", "a unix socket without a path"])
def test_unknown_global_requests_get_a_failure(gate, raw, name, fields):
    raw.send(name, *fields, want_reply=False)
    assert raw.ask(name, *fields)[0] == FAILURE
    assert raw.listen("localhost") in listeners.of(gate)


@pytest.mark.parametrize("name", ["keepalive@openssh.com", "no-more-sessions@openssh.com",
                                  "hostkeys-prove-00@openssh.com"])
def test_requests_of_stock_clients_are_answered(gate, raw, name):
    """The client goes on after either answer; one that never came would stop it."""
    raw.send(name, want_reply=False)
    raw.ask(name)
    assert raw.listen("localhost") in listeners.of(gate)


@pytest.mark.parametrize("name, fields", [
    ("winadj@putty.projects.tartarus.org", ()),
    ("simple@putty.projects.tartarus.org", ()),
    ("no-such-request@example.com", ("a field",)),
])
def test_unknown_channel_requests_get_a_failure(scene, raw, name, fields):
    """PuTTY measures its round trip by the answer to winadj, and stops sending without one."""
    sock = scene.visit(raw.listen("127.0.0.1"))
    channel = assert_served(raw, sock, raw.wait_open())
    assert raw.ask_channel(channel, name, *fields) == FAILURE
    sock.sendall(b"goes on")
    assert streams.read_exactly(channel, 7) == b"goes on"


def test_unknown_channels_are_refused(gate, raw):
    assert raw.refusal_of_channel("no-such-channel@example.com") is not None
    assert raw.listen("localhost") in listeners.of(gate)
