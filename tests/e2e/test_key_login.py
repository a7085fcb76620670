"""Which of a key's lines lets it in: from, expiry-time, several lines; beside sshd.

The clock is not moved. A time that is to pass during a test is a few seconds away, and what is
waited for is what happens then.
"""

import contextlib
import shutil
import tempfile
import time

import pytest

from harness import listeners, ports, visitor
from harness.scene import Scene
from harness.target import echo
from harness.wait import SCALE

pytestmark = pytest.mark.portreeve_only("it is compared with sshd in the same test")

BOTH, NEITHER, OURS, THEIRS = {"portreeve", "sshd"}, set(), {"portreeve"}, {"sshd"}
SOON_S = 8 * SCALE


@pytest.fixture(scope="module")
def gates(keys):
    """Both servers, kept up for all rows."""
    with tempfile.TemporaryDirectory(prefix="portreeve-e2e-") as folder, \
            contextlib.closing(Scene(folder, keys)) as scene:
        yield scene.both()


def get_in(scene, gate, source="127.0.0.1", **kwargs):
    ssh = scene.ssh(gate, args=["-b", source], **kwargs)
    inside = ssh.gets_in()
    ssh.close()
    return inside


@pytest.mark.parametrize("sources, address, let_in_by", [
    ("127.0.0.1", "127.0.0.1", BOTH),
    ("127.0.0.1", "127.0.0.2", NEITHER),
    ("127.0.0.0/31", "127.0.0.1", BOTH),
    ("127.0.0.0/31", "127.0.0.2", NEITHER),
    ("192.0.2.1,127.0.0.2", "127.0.0.2", BOTH),
    ("127.0.0.*,!127.0.0.2", "127.0.0.1", BOTH),
    ("127.0.0.*,!127.0.0.2", "127.0.0.2", NEITHER),
    ("!127.0.0.2,127.0.0.0/8", "127.0.0.2", NEITHER),
    ("!127.0.0.2", "127.0.0.1", NEITHER),
    ("127.0.0.?", "127.0.0.2", BOTH),
    ("127.0.0.?", "127.0.0.22", NEITHER),
    ("::1", "127.0.0.1", NEITHER),
])
def test_from(scene, gates, sources, address, let_in_by):
    for gate in gates:
        gate.authorize(f'from="{sources}" {scene.key.line}')
        assert get_in(scene, gate, address) == (gate.kind in let_in_by), gate.kind
    if not let_in_by:
        refusal = gates[0].log.events("login_refused")[-1]
        assert refusal["code"] == "wrong_source" and refusal["client"].startswith(address), refusal


def local(seconds_from_now, form="%Y%m%d%H%M%S"):
    return time.strftime(form, time.localtime(time.time() + seconds_from_now))


def utc(seconds_from_now, form="%Y%m%d%H%M%SZ"):
    return time.strftime(form, time.gmtime(time.time() + seconds_from_now))


@pytest.mark.parametrize("times, let_in_by", [
    (lambda: ["20200101"], NEITHER),
    (lambda: ["20200101Z"], NEITHER),
    (lambda: [utc(-60)], NEITHER),
    (lambda: [utc(-86400 * 2, "%Y%m%dZ")], NEITHER),
    (lambda: [utc(86400 * 2, "%Y%m%dZ")], BOTH),
    (lambda: [utc(3600)], BOTH),
    (lambda: [utc(3600, "%Y%m%d%H%MZ")], BOTH),
    (lambda: [local(86400 * 2, "%Y%m%d")], BOTH),
    (lambda: [local(-7200)], NEITHER),
    (lambda: [utc(3600), utc(-60)], NEITHER),
    (lambda: [utc(-60), utc(3600)], NEITHER),
    (lambda: ["20270230"], THEIRS),  # a day that there is not
], ids=["past day", "past day UTC", "a minute ago", "two days ago", "in two days", "in an hour",
        "without seconds", "local day", "local past", "later and earlier", "earlier and later",
        "no such day"])
def test_expiry_time(scene, gates, times, let_in_by):
    for gate in gates:
        gate.authorize(",".join(f'expiry-time="{each}"' for each in times()) + " " + scene.key.line)
        assert get_in(scene, gate) == (gate.kind in let_in_by), gate.kind


def test_an_expiry_ends_a_live_session(scene):
    """sshd lets it go on."""
    began = time.time()
    gate = scene.gate(lines=[f'expiry-time="{utc(SOON_S)}" {scene.key.line}', scene.other_key.line])
    expires = int(began + SOON_S)
    unlimited, other_port = scene.tunnel(gate, scene.target(echo), key=scene.other_key)
    ssh, port = scene.tunnel(gate, scene.target(echo))
    held = scene.visit(port)
    assert ssh.wait_exit(SOON_S + 15) == 255
    assert time.time() >= expires
    ssh.stderr.wait_for("^Received disconnect from .*expiry-time")
    assert visitor.read_until_closed(held) == b""
    closed = gate.log.wait_event("session_closed", reason="key_expired", user=gate.user)
    assert f"{gate.authorized_keys}:1" in closed["why"]
    listeners.wait_at(gate, port, set())
    assert gate.log.wait_event("tunnel_closed")["reason"] == "session"

    assert not get_in(scene, gate)
    assert gate.log.wait_event("login_refused", fingerprint=scene.key.fingerprint)["code"] == \
        "key_expired"
    assert not unlimited.ended() and visitor.answers(other_port)


NOTICE = "portreeve: refused the login: "


def test_who_has_the_key_is_told_that_it_expired(scene):
    """By every ssh, without -v; and the log has it once, although a key is shown twice."""
    gate = scene.gate(lines=[f'expiry-time="20200101Z" {scene.key.line}'])
    ssh = scene.ssh(gate, verbose=False)
    assert ssh.wait_exit() == 255
    assert f"{NOTICE}{gate.authorized_keys}:1: the time of expiry-time has passed" in \
        ssh.stderr.text()
    gate.log.wait_event("session_closed")
    assert [event["code"] for event in gate.log.events("login_refused")] == ["key_expired"]


def test_who_has_only_the_public_half_is_told_nothing(scene):
    """ssh shows it, and then has nothing to prove it with."""
    gate = scene.gate(lines=[f'expiry-time="20200101Z" {scene.key.line}'])
    path = f"{scene.folder}/half.pub"
    shutil.copy(scene.key.path + ".pub", path)
    ssh = scene.ssh(gate, options={"IdentityFile": path}, key=scene.other_key)
    assert ssh.wait_exit() == 255
    assert "Server accepts key: " in ssh.stderr.text() and NOTICE not in ssh.stderr.text()
    gate.log.wait_event("login_refused", code="key_expired")


def test_from_elsewhere_a_key_is_not_known(scene):
    gate = scene.gate(lines=[f'from="192.0.2.1" {scene.key.line}'])
    ssh = scene.ssh(gate)
    assert ssh.wait_exit() == 255
    assert "Server accepts key: " not in ssh.stderr.text() and NOTICE not in ssh.stderr.text()


# The first line that lets the login in holds, here as in sshd.
@pytest.mark.parametrize("first, second, granted", [
    ("", "no-port-forwarding ", True),
    ("no-port-forwarding ", "", False),
    ('from="192.0.2.1" ', "no-port-forwarding ", False),
    ('from="192.0.2.1",no-port-forwarding ', "", True),
    ('expiry-time="20200101",no-port-forwarding ', "", True),
    ('no-such-option ', "", True),
])
def test_a_key_on_two_lines(scene, gates, first, second, granted):
    for gate in gates:
        gate.authorize(first + scene.key.line, scene.other_key.line, second + scene.key.line)
        ssh = scene.ssh(gate, f"{ports.fixed()}:127.0.0.1:9")
        assert ssh.outcomes(1) == [granted], gate.kind
        ssh.close()


@pytest.mark.parametrize("options, let_in_by", [
    ("cert-authority", NEITHER),  # the line is for certificates, not for the key
    ('principals="alice,root"', NEITHER),
    ("touch-required", BOTH),
    ("no-verify-required", BOTH),
    ("verify-required", THEIRS),  # libssh cannot tell; better refused than let in unverified
    ("verify-required,no-verify-required", BOTH),
])
def test_options_about_something_else_than_a_plain_key(scene, gates, options, let_in_by):
    for gate in gates:
        gate.authorize(f"{options} {scene.key.line}")
        assert get_in(scene, gate) == (gate.kind in let_in_by), gate.kind


def test_files_and_folders_are_read_together(scene, folder):
    """A key that is in two files is what the first of them says."""
    gate = scene.new_gate(lines=[f"no-port-forwarding {scene.key.line}"])
    with open(f"{folder}/more.keys", "w", encoding="ascii") as file:
        file.write(f"# more\n{scene.key.line}\n{scene.other_key.line}\n")
    gate.write_config(auth={"authorized_keys": [gate.authorized_keys, f"{folder}/more.keys"]})
    gate.start()
    assert scene.ssh(gate, "0:127.0.0.1:9").outcomes(1) == [False]
    assert scene.ssh(gate, "0:127.0.0.1:9", key=scene.other_key).outcomes(1) == [True]
    assert gate.log.wait_event("login", fingerprint=scene.other_key.fingerprint)["granted_by"] == \
        f"{folder}/more.keys:3"
