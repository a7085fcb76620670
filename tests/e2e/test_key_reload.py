"""SIGHUP and the sessions that are there: each goes on by what the files say of its key now."""

import re

import pytest

from harness import listeners, ports, streams, visitor
from harness.keys import Authority, revoke
from harness.target import echo
from harness.wait import SCALE, until

pytestmark = pytest.mark.portreeve_only("sshd knows no reload: it asks its files at each login")

SOON_S = 8 * SCALE


class Tunnel:
    """A client with one tunnel, a visitor in it, and a control socket for more wishes."""

    def __init__(self, scene, gate, **kwargs):
        self.scene, self.gate = scene, gate
        path = f"{scene.folder}/mux-{ports.fixed()}"
        self.ssh, self.port = scene.tunnel(gate, scene.target(echo), args=["-M", "-S", path],
                                           **kwargs)
        self.visitor = scene.visit(self.port)
        self.assert_lives()

    def assert_lives(self):
        for sock in (self.visitor, self.scene.visit(self.port)):
            sock.sendall(b"alive")
            assert streams.read_exactly(sock, 5) == b"alive"
        assert not self.ssh.ended()

    def assert_ended(self, mark, reason, why):
        event = self.gate.log.wait_event("session_closed", after=mark, reason=reason)
        assert why in event["why"], event
        assert self.ssh.wait_exit() == 255
        self.ssh.stderr.wait_for(r"^Received disconnect from .*" + re.escape(why))
        assert visitor.read_until_closed(self.visitor) == b""
        listeners.wait_at(self.gate, self.port, set())


def test_a_removed_key_ends_its_sessions_and_no_others(scene):
    gate = scene.gate(lines=[scene.key.line, scene.other_key.line])
    tunnels, other = [Tunnel(scene, gate) for _ in range(2)], Tunnel(scene, gate,
                                                                     key=scene.other_key)
    mark = gate.log.mark()
    gate.authorize(scene.other_key.line)
    for tunnel in tunnels:
        tunnel.assert_ended(mark, "unknown_key", "the key is in no authorized_keys file")
    other.assert_lives()
    assert not scene.ssh(gate).gets_in()


def test_a_line_that_can_no_longer_be_read_ends_them_too(scene):
    gate = scene.gate(lines=[scene.key.line])
    tunnel, mark = Tunnel(scene, gate), gate.log.mark()
    gate.authorize(f"no-such-option {scene.key.line}")
    tunnel.assert_ended(mark, "unknown_key", "")
    assert f"{gate.authorized_keys}:1: this key is refused" in gate.log.text(mark)


def test_removed_keys_may_keep_what_they_have(scene):
    gate = scene.gate(lines=[scene.key.line], auth={"removed_keys": "keep"})
    tunnel = Tunnel(scene, gate)
    gate.authorize(scene.other_key.line)
    tunnel.assert_lives()
    tunnel.ssh.control("forward", f"{ports.fixed()}:127.0.0.1:9")  # by the line that is gone
    assert not scene.ssh(gate).gets_in()

    mark = gate.log.mark()
    gate.write_config(auth={"removed_keys": "end"})
    gate.reload()
    tunnel.assert_ended(mark, "unknown_key", "the key is in no authorized_keys file")


def test_a_changed_line_is_for_new_wishes(scene):
    gate = scene.gate(lines=[scene.key.line])
    tunnel = Tunnel(scene, gate)
    before, after = (f"{port}:127.0.0.1:9" for port in (ports.fixed(), ports.fixed()))
    tunnel.ssh.control("forward", before)
    tunnel.ssh.control("cancel", before)

    port = after.partition(":")[0]
    gate.authorize("# moved", f'permitlisten="{port}" {scene.key.line}')
    tunnel.assert_lives()
    mark = gate.log.mark()
    tunnel.ssh.control("forward", before, works=False)
    event = gate.log.wait_event("refused", after=mark)
    assert event["code"] == "listen_not_permitted"
    assert f"{gate.authorized_keys}:2" in event["why"]
    tunnel.ssh.control("forward", after)

    gate.authorize(f"restrict {scene.key.line}")
    tunnel.assert_lives()
    tunnel.ssh.control("forward", f"{ports.fixed()}:127.0.0.1:9", works=False)

    gate.authorize(f'max-visitors="1" {scene.key.line}')
    assert visitor.is_reset(tunnel.port)  # the one from before is still there
    tunnel.visitor.sendall(b"still")
    assert streams.read_exactly(tunnel.visitor, 5) == b"still"


@pytest.mark.parametrize("options, reason, why", [
    ('from="192.0.2.1"', "wrong_source", "192.0.2.1"),
    ('expiry-time="20200101Z"', "key_expired", "expiry-time"),
    ("cert-authority", "unknown_key", ""),
])
def test_a_line_that_no_longer_lets_in(scene, options, reason, why):
    gate = scene.gate(lines=[scene.key.line])
    tunnel, mark = Tunnel(scene, gate), gate.log.mark()
    gate.authorize(f"{options} {scene.key.line}")
    tunnel.assert_ended(mark, reason, why)


def test_another_line_of_the_same_key_takes_over(scene):
    gate = scene.gate(lines=[f"no-pty {scene.key.line}", f"no-port-forwarding {scene.key.line}"])
    tunnel = Tunnel(scene, gate)
    gate.authorize(f"no-port-forwarding {scene.key.line}")
    tunnel.assert_lives()
    tunnel.ssh.control("forward", f"{ports.fixed()}:127.0.0.1:9", works=False)


def revocation(scene, **auth):
    path = f"{scene.folder}/revoked"
    with open(path, "w", encoding="ascii"):
        pass
    return path, scene.gate(lines=[scene.key.line, scene.other_key.line],
                            auth={"revoked_keys": path, **auth})


@pytest.mark.parametrize("removed_keys", ["end", "keep"])
def test_a_revocation_ends_sessions_whatever_the_rest_says(scene, removed_keys):
    path, gate = revocation(scene, removed_keys=removed_keys)
    tunnel, other = Tunnel(scene, gate), Tunnel(scene, gate, key=scene.other_key)
    mark = gate.log.mark()
    revoke(path, scene.key.path + ".pub")
    gate.reload()
    tunnel.assert_ended(mark, "key_revoked", "revoked")
    other.assert_lives()


@pytest.mark.parametrize("damage", [
    lambda path: open(path, "w", encoding="ascii").write("no key\n"),
    lambda path: open(path, "r+b").truncate(30),
    lambda path: __import__("os").remove(path),
], ids=["no key", "cut off", "gone"])
def test_a_broken_list_changes_nothing(scene, damage):
    path, gate = revocation(scene)
    revoke(path, scene.other_key.path + ".pub")
    gate.reload()
    tunnel = Tunnel(scene, gate)
    damage(path)
    mark = gate.log.mark()
    gate.write_keys([])
    gate.reload(outcome="reload_failed")
    assert path in gate.log.text(mark)
    tunnel.assert_lives()
    assert scene.ssh(gate).gets_in()  # one transaction: the keys are the old ones too
    assert not scene.ssh(gate, key=scene.other_key).gets_in()  # and so is the list


@pytest.fixture
def authority(folder):
    return Authority(folder, "authority")


def certified(scene, gate, authority, *words, principals=None):
    path = authority.certify(scene.key, principals or gate.user, *words)
    return Tunnel(scene, gate, options={"CertificateFile": path})


def test_an_authority_that_is_taken_away(scene, authority):
    gate = scene.gate(lines=[f"cert-authority {authority.line}"])
    tunnel, mark = certified(scene, gate, authority), gate.log.mark()
    gate.authorize(scene.other_key.line)
    tunnel.assert_ended(mark, "unknown_authority", authority.fingerprint)


@pytest.mark.parametrize("second", [False, True], ids=["one line", "two lines"])
def test_a_certificate_that_expired_since(scene, authority, second):
    """As in sshd it is for the moment of the login; which other lines there are is all the same."""
    lines = [f"cert-authority {authority.line}"]
    lines += [f'from="192.0.2.2",cert-authority {authority.line}'] if second else []
    gate = scene.gate(lines=lines)
    tunnel = certified(scene, gate, authority, "-V", f"-1h:+{SOON_S}s")

    def expired():
        words = [word for word in tunnel.ssh.command if word.startswith("CertificateFile=")]
        ssh = scene.ssh(gate, options=dict(word.split("=", 1) for word in words))
        inside = ssh.gets_in()
        ssh.close()
        return not inside

    until(expired, "the certificate expires", SOON_S + 15)
    gate.reload()
    tunnel.assert_lives()

    mark = gate.log.mark()
    gate.authorize(f'from="192.0.2.1",{lines[0]}')
    tunnel.assert_ended(mark, "wrong_source", "192.0.2.1")


def test_a_login_by_command_is_not_asked_for_again(scene):
    """Only a revocation ends it, or taking the command away."""
    path, gate = revocation(scene, command="/bin/false")
    gate.write_config(auth={"command": f"/bin/echo {scene.key.line.rsplit(' ', 1)[0]}"})
    gate.authorize()
    tunnel = Tunnel(scene, gate)
    gate.write_config(auth={"command": "/bin/false"})
    gate.reload()
    tunnel.assert_lives()

    mark = gate.log.mark()
    revoke(path, scene.key.path + ".pub")
    gate.reload()
    tunnel.assert_ended(mark, "key_revoked", "revoked")
