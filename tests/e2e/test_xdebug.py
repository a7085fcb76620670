"""docs/XDEBUG.md: its ssh commands, with a program in PHP's place and one in the editor's.

Ports of the page become free ones of this machine, and its GATE the gate under test.
"""

import os
import re
import shlex

import pytest

from harness import listeners, ports, visitor
from harness.target import TIMEOUT_S

pytestmark = pytest.mark.portreeve_only("the page is about portreeve")

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "XDEBUG.md")


class Page:
    """The commands of the page, each found by what is in it."""

    def __init__(self, gate):
        with open(PAGE, encoding="utf-8") as file:
            self.text = file.read()
        self.gate = gate
        self.ports = {number: str(ports.fixed()) for number in ("9003", "9004")}

    def line(self, part):
        (found,) = [line.strip() for line in self.text.splitlines()
                    if line.startswith("    ") and part in line]
        return found

    def permits(self):
        """The options in front of the developer's key."""
        return self.here(self.line("permitlisten=").partition(" ssh-ed25519")[0])

    def here(self, text):
        """With this gate's ports."""
        return re.sub(r"\b900[34]\b", lambda match: self.ports[match[0]], text)

    def forward(self, part, editor):
        """The words after -R, which lead to this editor."""
        words = shlex.split(self.line(part))
        assert words[:5] == ["ssh", "-p", "2222", "-N", "-R"] and words[6:] == ["GATE"], words
        listen, host, port = words[5].rsplit(":", 2)
        assert (host, port) == ("localhost", "9003"), "where every editor listens"
        return f"{self.here(listen)}:localhost:{editor.port}"

    def port(self, number="9003"):
        return int(self.ports[number])


def message(text):
    """As Xdebug sends one: its length, and a NUL behind each."""
    return f"{len(text)}".encode() + b"\0" + text.encode() + b"\0"


def until_nul(sock):
    data = b""
    while not data.endswith(b"\0"):
        part = sock.recv(1)
        assert part, f"it ends after {data!r}"
        data += part
    return data[:-1].decode()


def editor(name):
    """Waits for PHP's first words, and says which editor it is by a command."""

    def handler(connection):
        length = int(until_nul(connection))
        init = until_nul(connection)
        assert len(init) == length
        connection.sendall(f"run -i {name}\0".encode())
        assert connection.recv(1) == b"", "PHP goes on, and ends the connection"
        return init

    return handler


def php(port, script="/srv/index.php"):
    """A request of PHP's: connects to the editor, and returns what it is told to do."""
    with visitor.connect(port) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.sendall(message(f'<init xmlns="urn:debugger_protocol_v1" language="PHP" '
                             f'fileuri="file://{script}"/>'))
        return until_nul(sock)


def test_php_on_the_server_reaches_the_editor(scene):
    gate = scene.new_gate()
    page, ann = Page(gate), scene.target(editor("ann"))
    gate.write_keys([f"{page.permits()} {scene.key.line}"])
    gate.start()
    everybody = scene.ssh(gate, f"*:{page.port()}:localhost:{ann.port}")
    assert everybody.outcomes(1) == [False]
    ssh = scene.ssh(gate, page.forward("-N -R 9003:", ann))
    ssh.wait_granted()
    assert php(page.port()) == "run -i ann"
    ann.join(1)
    assert 'language="PHP"' in ann.results[0]
    assert listeners.at(gate, page.port()) == {"127.0.0.1", "::1"}


def test_the_second_developer_is_refused_and_told(scene):
    gate = scene.new_gate(lines=[scene.key.line, scene.other_key.line]).start()
    page, ann, bob = Page(gate), scene.target(editor("ann")), scene.target(editor("bob"))
    first = scene.ssh(gate, page.forward("-N -R 9003:", ann))
    first.wait_granted()
    forward = page.forward("-N -R 9003:", bob)
    second = scene.ssh(gate, forward, key=scene.other_key, verbose=False)
    told = page.here(page.line("Warning: "))
    second.stderr.wait_for(f"^{re.escape(told)}\r?$")
    gate.log.wait_event("refused", code="address_leased")
    assert php(page.port()) == "run -i ann"

    first.close()
    gate.log.wait_event("tunnel_held")
    third = scene.ssh(gate, forward, key=scene.other_key)
    assert third.outcomes(1) == [False], "the lease is Ann's while she is away"
    third.stderr.wait_for("Remote: portreeve: refused .* is kept for another key, which is away")


def test_the_same_key_takes_it_over(scene, gate):
    page, ann, bob = Page(gate), scene.target(editor("ann")), scene.target(editor("bob"))
    first = scene.ssh(gate, page.forward("-N -R 9003:", ann))
    first.wait_granted()
    scene.ssh(gate, page.forward("-N -R 9003:", bob)).wait_granted()
    first.wait_exit()
    assert "taken over" in first.stderr.text()
    assert php(page.port()) == "run -i bob"


def test_each_has_a_port_of_his_own(scene):
    gate = scene.new_gate(lines=[scene.key.line, scene.other_key.line]).start()
    page, ann, bob = Page(gate), scene.target(editor("ann")), scene.target(editor("bob"))
    scene.ssh(gate, page.forward("-N -R 9003:", ann)).wait_granted()
    scene.ssh(gate, page.forward("-N -R 9004:", bob), key=scene.other_key).wait_granted()
    assert php(page.port("9003")) == "run -i ann"
    assert php(page.port("9004")) == "run -i bob"


def test_the_range_permits_each_of_its_ports(scene):
    page = Page(None)
    (permit,) = re.findall(r'`(permitlisten="localhost:9003-9099")`', page.text)
    first = ports.fixed()
    permit = permit.replace("9003-9099", f"{first}-{first + 1}")
    gate = scene.gate(lines=[f"restrict,port-forwarding,{permit} {scene.key.line}"])
    ssh = scene.ssh(gate, f"{first}:localhost:80", f"{first + 2}:localhost:80")
    assert ssh.outcomes(2) == [True, False]


def test_names_of_their_own(scene, gate):
    page, ann = Page(gate), scene.target(editor("ann"))
    name = page.forward("-N -R ann:", ann)
    scene.ssh(gate, name).wait_granted()
    words = shlex.split(page.line("-L "))
    assert words[:5] == ["ssh", "-p", "2222", "-N", "-L"] and words[6:] == ["GATE"]
    here = ports.fixed()
    local, _, rest = page.here(words[5]).partition(":")
    assert local == page.ports["9003"] and name.startswith(rest + ":")
    caller = scene.ssh(gate, args=["-L", f"{here}:{rest}"])
    caller.stderr.wait_for(f"Local forwarding listening on 127.0.0.1 port {here}")
    assert php(here) == "run -i ann"
    assert listeners.of(gate) == {}


def test_the_tunnel_from_boot_on_is_the_same_forward(scene):
    page = Page(None)
    (kept,) = re.findall(r"contrib/client/install GATE -R (\S+)", page.text)
    assert kept in page.line("-N -R 9003:").split()
