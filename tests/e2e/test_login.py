"""Who gets in, and what those who do not can cost: wrong keys, silence, garbage, too many."""

import os
import socket
import time

import pytest

from harness import client, streams, visitor
from harness.target import echo
from harness.wait import SCALE, until

GRACE_S = max(4, 2 * SCALE)  # of which a login that is meant to succeed needs a part
GRACE = {"login_grace": f"{GRACE_S}s"}
GRACE_BOUND_S = 4 * GRACE_S


def knock(scene, gate, words=b"", host="127.0.0.1"):
    """A connection to the SSH port itself, which sends `words` and nothing more."""
    sock = socket.create_connection(("127.0.0.1", gate.port), GRACE_BOUND_S, (host, 0))
    scene.add(sock)
    sock.sendall(words)
    return sock


def assert_serves(scene, gate, **kwargs):
    ssh, port = scene.tunnel(gate, scene.target(echo), **kwargs)
    with visitor.connect(port) as sock:
        sock.sendall(b"served")
        assert streams.read_exactly(sock, 6) == b"served"
    ssh.close()


def assert_denied(ssh):
    assert ssh.wait_exit() == 255
    assert "Permission denied (publickey" in ssh.stderr.text()


def assert_logged(gate, names, word=""):
    """portreeve gives a reason for every connection it ends; sshd is not asked."""

    def gives_a_reason(event):
        reason = event.get("reason") or event.get("code")
        return reason and word in " ".join(event.values())

    if gate.kind == "portreeve":
        until(lambda: any(gives_a_reason(event) for name in names
                          for event in gate.log.events(name)),
              lambda: f"{names} with a reason and {word!r}:\n{gate.log.tail()}")


def test_a_wrong_key_is_refused(scene, gate):
    assert_denied(scene.ssh(gate, key=scene.other_key))
    assert_logged(gate, ["login_refused", "session_closed"])
    assert_serves(scene, gate)


def test_nobody_gets_in_without_a_key(scene, gate):
    ways = "none,password,keyboard-interactive"
    ssh = scene.add(client.Ssh(gate, None, scene.folder,
                               options={"PreferredAuthentications": ways}))
    assert_denied(ssh)


def test_the_right_key_after_wrong_ones(scene, gate):
    """What an agent with several keys does."""
    ssh, _ = scene.tunnel(gate, scene.target(echo), key=scene.other_key,
                          args=["-i", scene.key.path])
    assert not ssh.ended()


@pytest.mark.portreeve_only("for sshd the user name is an account")
@pytest.mark.parametrize("user", ["nobody-knows-me", "x" * 64, "with.dots-and_more"])
def test_the_user_name_is_a_label(scene, gate, user):
    assert_serves(scene, gate, user=user)
    gate.log.wait_event("login", user=user)


@pytest.mark.portreeve_only("sshd says so only in its debug log")
def test_a_line_with_an_unknown_option_is_refused_loudly(scene):
    gate = scene.new_gate()
    gate.write_keys(["# a comment", scene.key.line, "restrict,port-forewarding " +
                     scene.other_key.line])
    gate.start()
    assert_denied(scene.ssh(gate, key=scene.other_key))
    assert f"{gate.authorized_keys}:3" in gate.log.text()
    assert_serves(scene, gate)


@pytest.mark.parametrize("words", [b"", b"SSH-2.0-half a banner", b"SSH-2.0-whole\r\n"],
                         ids=["silence", "half a banner", "a banner and silence"])
def test_login_grace_ends_those_who_say_nothing(scene, words):
    gate = scene.gate(ssh=GRACE)
    started = time.monotonic()
    sock = knock(scene, gate, words)
    assert_serves(scene, gate)  # meanwhile
    visitor.read_until_closed(sock)  # raises TimeoutError if it is not closed within the bound
    assert time.monotonic() - started >= GRACE_S - 0.5, "closed before the grace was over"
    assert_logged(gate, ["session_closed", "refused"], "grace")


@pytest.mark.parametrize("words", [
    b"GET / HTTP/1.0\r\nHost: gate\r\n\r\n",
    os.urandom(1 << 16),
    b"SSH-1.5-ancient\r\n",
    b"SSH-2.0-x\r\n" + b"\xff" * 4096,
    b"SSH-2.0-x\r\n" + bytes(4096),
    b"\n" * 65536,
], ids=["http", "noise", "ssh 1", "a huge packet", "zeros", "empty lines"])
def test_garbage_is_cut_off(scene, words):
    gate = scene.gate(ssh=GRACE)
    try:
        sock = knock(scene, gate, words)
        visitor.read_until_closed(sock)
    except ConnectionError:
        pass  # cut off while it was still being sent
    assert_logged(gate, ["session_closed", "refused"])
    assert_serves(scene, gate)


def test_too_many_startups_from_one_address(scene):
    gate = scene.gate(limits={"startups_per_ip": 3})
    silent = [knock(scene, gate) for _ in range(3)]
    for sock in silent:
        assert streams.read_exactly(sock, 4) == b"SSH-"
    # The next one is turned away at once, long before the grace of 20 s ends.
    assert b"SSH-2.0" not in visitor.read_until_closed(knock(scene, gate))
    assert_logged(gate, ["refused"], "startups_per_ip")
    assert_serves(scene, gate, args=["-b", "127.0.0.2"])  # another address: nothing to it

    for sock in silent:
        sock.close()

    def let_in():
        sock = knock(scene, gate)
        try:
            return sock.recv(4) == b"SSH-"
        except ConnectionError:
            return False
        finally:
            sock.close()

    until(let_in, "a place is free again")


@pytest.mark.portreeve_only("sshd does these things")
@pytest.mark.parametrize("asked", [
    {"forwards": ["/tmp/portreeve-e2e-never:127.0.0.1:9"],
     "options": {"ExitOnForwardFailure": "yes"}},
    {"command": ["sftp"], "options": {"SessionType": "subsystem"}},
    {"args": ["-W", "127.0.0.1:9"], "shell": True},
], ids=["a unix socket", "a subsystem", "a direct channel"])
def test_an_unknown_request_is_refused_and_nothing_else_notices(scene, gate, asked):
    ssh, port = scene.tunnel(gate, scene.target(echo))
    assert scene.ssh(gate, *asked.pop("forwards", []), **asked).wait_exit() != 0
    assert not ssh.ended()
    with visitor.connect(port) as sock:
        sock.sendall(b"here")
        assert streams.read_exactly(sock, 4) == b"here"
