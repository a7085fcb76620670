"""The whole bind matrix, cell by cell: portreeved's answers beside those of the system's own sshd.

One stock ssh asks for everything at once, and the kernel says what came of it. Where the two
servers agree, one set stands for both; where sshd misleads, both answers are written down, and
portreeved's carries a note that the user is shown. docs/SSHD.md is this table in words.
"""

import collections
import socket
import subprocess

import pytest

from harness import listeners, ports
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("it is compared with sshd in the same test")

LOOPBACK = {"127.0.0.1", "::1"}
EVERYWHERE = {"0.0.0.0", "::"}
REFUSED = set()

# Placeholders, left out where the host has no such thing: an address of its own besides loopback,
# and the name it gives itself, with the addresses that it resolves to.
OWN, HOSTNAME = "an own address", "the host's name"
FOREIGN = "198.51.100.1"  # documentation's; nobody's
NAME = "n" * 64 + ".example"  # a label of 64 characters, which no resolver asks anybody about

Cell = collections.namedtuple("Cell", "portreeve noted sshd")


def same(hosts):
    return Cell(hosts, False, hosts)


# What is written before the port after -R; ssh sends "localhost" for None, "" for "" and for "*".
MATRIX = {
    "client": {
        None: same(LOOPBACK),
        "localhost": same(LOOPBACK),
        "": same(EVERYWHERE),
        "*": same(EVERYWHERE),
        "0.0.0.0": same({"0.0.0.0"}),
        "::": same({"::"}),
        "127.0.0.1": same({"127.0.0.1"}),
        "::1": same({"::1"}),
        "127.0.0.5": same({"127.0.0.5"}),
        OWN: same({OWN}),
        FOREIGN: same(REFUSED),
        NAME: same(REFUSED),
        HOSTNAME: Cell(REFUSED, False, {HOSTNAME}),
    },
    "loopback": {
        None: same(LOOPBACK),
        "localhost": same(LOOPBACK),
        "": Cell(LOOPBACK, True, LOOPBACK),
        "*": Cell(LOOPBACK, True, LOOPBACK),
        "0.0.0.0": Cell({"127.0.0.1"}, True, LOOPBACK),
        "::": Cell({"::1"}, True, LOOPBACK),
        "127.0.0.1": same({"127.0.0.1"}),
        "::1": same({"::1"}),
        "127.0.0.5": Cell({"127.0.0.5"}, False, LOOPBACK),
        OWN: Cell({"127.0.0.1"}, True, LOOPBACK),
        FOREIGN: Cell({"127.0.0.1"}, True, LOOPBACK),
        NAME: Cell(REFUSED, False, LOOPBACK),
        HOSTNAME: Cell(REFUSED, False, LOOPBACK),
    },
    "any": {
        None: Cell(EVERYWHERE, True, EVERYWHERE),
        "localhost": Cell(EVERYWHERE, True, EVERYWHERE),
        "": same(EVERYWHERE),
        "*": same(EVERYWHERE),
        "0.0.0.0": Cell(EVERYWHERE, True, EVERYWHERE),
        "::": Cell(EVERYWHERE, True, EVERYWHERE),
        "127.0.0.1": Cell(EVERYWHERE, True, EVERYWHERE),
        "::1": Cell(EVERYWHERE, True, EVERYWHERE),
        "127.0.0.5": Cell(EVERYWHERE, True, EVERYWHERE),
        OWN: Cell(EVERYWHERE, True, EVERYWHERE),
        FOREIGN: Cell(EVERYWHERE, True, EVERYWHERE),
        NAME: Cell(REFUSED, False, EVERYWHERE),
        HOSTNAME: Cell(REFUSED, False, EVERYWHERE),
    },
}


def own_address():
    """The address that this host would speak to the world from, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((FOREIGN, 9))
        except OSError:
            return None
        return sock.getsockname()[0]


def own_name():
    """The host's name and the addresses it resolves to; none where they are not this host's."""
    name, hosts = socket.gethostname(), set()
    try:
        for family, *_, address in socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM):
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.bind(address)
                hosts.add(address[0])
    except OSError:  # it does not resolve, or to somewhere else
        return name, set()
    return name, hosts


def wishes(bind):
    """{address as it is asked for: (port, cell)}, with the placeholders filled in."""
    own = own_address()
    name, resolved = own_name()
    asked = {OWN: own, HOSTNAME: name if resolved else None}
    heard = {OWN: {own}, HOSTNAME: resolved}
    cells = {}
    for address, cell in MATRIX[bind].items():
        if asked.get(address, address) is None and address is not None:
            continue
        ours, theirs = (set().union(*(heard.get(host, {host}) for host in hosts))
                        for hosts in (cell.portreeve, cell.sshd))
        cells[asked.get(address, address)] = (ports.fixed(), Cell(ours, cell.noted, theirs))
    return cells


def forward(address, port):
    if address is None:
        return f"{port}:127.0.0.1:9"
    return f"[{address}]:{port}:127.0.0.1:9" if ":" in address else f"{address}:{port}:127.0.0.1:9"


def answered(scene, gate, cells, **how):
    """An ssh whose wishes have all been answered, one way or the other."""
    ssh = scene.ssh(gate, *(forward(address, port) for address, (port, _) in cells.items()), **how)
    ssh.stderr.wait_for(r"remote forward success for: |remote port forwarding failed for ",
                        count=len(cells), process=ssh.process, timeout_s=60)
    return ssh


def heard_at(gate, cells):
    found = listeners.of(gate)
    return {address: found.get(port, set()) for address, (port, _) in cells.items()}


@pytest.mark.parametrize("bind", MATRIX)
def test_every_cell(scene, bind):
    gate, sshd = scene.both(forward={"bind": bind, "lease": "0s"})
    cells = wishes(bind)
    with_session = {"shell": True, "stdin": subprocess.PIPE}
    ssh = answered(scene, gate, cells, **with_session)
    assert heard_at(gate, cells) == {at: cell.portreeve for at, (_, cell) in cells.items()}

    ssh.stdout.wait_for("press Ctrl-C to end", process=ssh.process)
    shown = ssh.stdout.text().splitlines()
    for address, (port, cell) in cells.items():
        line = next(line for line in shown if f":{port}" in line)
        private = address == own_name()[0]  # granted, and listening nowhere
        assert ("refused" in line) == (cell.portreeve == REFUSED and not private), line
        assert ("private name" in line) == private, line
        assert ("[forward] bind" in line) == cell.noted, f"{address}: {line}"

    ssh.close()
    until(lambda: not listeners.of(gate), "the session's listeners are gone")
    answered(scene, sshd, cells)
    assert heard_at(sshd, cells) == {at: cell.sshd for at, (_, cell) in cells.items()}


@pytest.mark.parametrize("bind", MATRIX)
def test_a_star_on_the_wire_is_as_nothing(scene, bind):
    """Stock ssh sends "" for "*"; RFC 4254 does not know "*", other clients send it."""
    for gate in scene.both(forward={"bind": bind, "lease": "0s"}):
        hosts = {listeners_at(scene, gate, address) for address in ("", "*")}
        assert hosts == {frozenset(MATRIX[bind]["*"].portreeve)}


def listeners_at(scene, gate, address):
    return frozenset(listeners.at(gate, scene.raw(gate).listen(address, ports.fixed())))


def test_what_the_pool_gives_is_bound_alike(scene):
    """Port 0 asks for the same addresses as a fixed port does, on one port for all of them."""
    for gate in scene.both():
        client = scene.raw(gate)
        for address in ("localhost", "", "0.0.0.0", "::", "127.0.0.1", "::1", "127.0.0.5"):
            before = listeners.of(gate)
            port = client.listen(address)
            # The same port may have been given for the other family's address already.
            added = listeners.at(gate, port) - before.get(port, set())
            assert added == MATRIX["client"][address].portreeve, address


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
@pytest.mark.parametrize("asked", ["*", "localhost"])
def test_all_of_the_addresses_or_none(scene, asked, family, host):
    """Somebody else has one family: sshd grants the other and says nothing."""
    for gate in scene.both():
        cells = {asked: (ports.fixed(), None)}
        port = cells[asked][0]
        with socket.create_server((host, port), family=family):
            answered(scene, gate, cells)
            if gate.kind == "sshd":
                assert len(listeners.at(gate, port)) == 1
            else:
                assert listeners.at(gate, port) == REFUSED
                event = gate.log.wait_event("refused", code="address_in_use")
                assert str(port) in event["why"] and "in use" in event["why"], event
