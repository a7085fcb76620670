"""`[auth] passwords`: logins by password with the stock ssh, and what they may do."""

import os
import subprocess

import pytest

from harness import client, ports, streams

pytestmark = pytest.mark.portreeve_only("sshd asks the system for passwords")

PASSWORD = "correct horse: battery 'staple' ü"


def hashed(password=PASSWORD, setting="$6$rounds=1000$somesalt$"):
    return subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password, setting],
                          capture_output=True, text=True, check=True).stdout


def gate_with(scene, *lines, **settings):
    path = os.path.join(scene.folder, "passwords")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    os.chmod(path, 0o600)
    return scene.gate(auth={"passwords": path}, **settings)


@pytest.fixture
def typing(scene):
    """ssh whose user types a password, through SSH_ASKPASS."""
    askpass = os.path.join(scene.folder, "askpass")
    with open(askpass, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nprintf '%s\\n' \"$E2E_PASSWORD\"\n")
    os.chmod(askpass, 0o700)

    def ssh(gate, *forwards, password=PASSWORD, prompts=1, options=None, **kwargs):
        options = {"BatchMode": "no", "PubkeyAuthentication": "no",
                   "NumberOfPasswordPrompts": prompts, **(options or {})}
        return scene.add(client.Ssh(
            gate, kwargs.pop("key", None), scene.folder, forwards, **kwargs,
            options={name: str(value) for name, value in options.items()},
            env={"SSH_ASKPASS": askpass, "SSH_ASKPASS_REQUIRE": "force",
                 "E2E_PASSWORD": password}))

    return ssh


@pytest.mark.parametrize("setting", ["$y$j9T$somesaltsomesalt", "$gy$j9T$somesaltsomesalt",
                                     "$2b$05$abcdefghijklmnopqrstuu", "$6$rounds=1000$somesalt$",
                                     "$7$CU..../....somesaltsomesalt"],
                         ids=["yescrypt", "gost-yescrypt", "bcrypt", "SHA-512", "scrypt"])
def test_the_right_password_gets_in(scene, typing, setting):
    gate = gate_with(scene, f"alice:{hashed(setting=setting)}")
    ssh = typing(gate, "0:127.0.0.1:9")
    assert ssh.outcomes(1) == [True]
    event = gate.log.wait_event("login")
    assert event["user"] == "alice" and event["fingerprint"] == "user:alice"
    assert event["granted_by"].endswith("/passwords:1")
    assert PASSWORD not in gate.log.text() and hashed(setting=setting) not in gate.log.text()


@pytest.mark.parametrize("user, password", [
    ("alice", "wrong"), ("alice", ""), ("alice", PASSWORD + " "), ("alice", "x" * 511),
    ("alice", "x" * 5000), ("mallory", PASSWORD), ("ALICE", PASSWORD), ("bob", PASSWORD),
], ids=["wrong", "empty", "one character more", "long", "too long", "unknown user", "other case",
        "another's"])
def test_what_does_not_get_in(scene, typing, user, password):
    gate = gate_with(scene, f"alice:{hashed()}", f"bob:{hashed('his own')}")
    ssh = typing(gate, user=user, password=password)
    assert not ssh.gets_in()
    # Nobody learns which of the two was wrong.
    refusal = gate.log.wait_event("login_refused", user=user)
    assert refusal["code"] == "wrong_password" or len(password) > 511, refusal
    if len(password) > 10:
        assert password not in gate.log.text()
    assert typing(gate).gets_in()


def test_the_right_one_after_wrong_ones(scene, typing):
    """The right key is no help to a user who has to type: each is judged by itself."""
    gate = gate_with(scene, f"alice:{hashed()}")
    ssh = typing(gate, password="wrong", prompts=3)
    assert not ssh.gets_in()
    assert len(gate.log.events("login_refused")) == 3
    both = typing(gate, key=scene.other_key, options={"PubkeyAuthentication": "yes"})
    assert both.gets_in()


def test_off_unless_it_is_configured(scene, typing):
    gate = scene.gate()
    ssh = typing(gate)
    assert not ssh.gets_in()
    assert "Permission denied (publickey)" in ssh.stderr.text()  # not even offered
    # A file that nobody has a line in offers it, and lets nobody in.
    assert "Permission denied (publickey,password)" in denied(typing(gate_with(scene)))


def denied(ssh):
    assert not ssh.gets_in()
    return ssh.stderr.text()


@pytest.mark.parametrize("options, granted", [
    ("restrict", [False, False]),
    ("no-port-forwarding", [False, False]),
    ('permitlisten="{p}"', [True, False]),
    ('permitlisten="{p}",from="127.0.0.1"', [True, False]),
    ('from="192.0.2.1"', None),
    ('expiry-time="20200101"', None),
    ('max-tunnels="1"', [True, False]),
    ("pty", [True, True]),
])
def test_the_options_of_the_line_hold(scene, typing, options, granted):
    port, other = ports.fixed(), ports.fixed()
    gate = gate_with(scene, f"alice:{hashed()}:{options.format(p=port)}")
    ssh = typing(gate, f"{port}:127.0.0.1:9", f"{other}:127.0.0.1:9")
    assert ssh.gets_in() == (granted is not None)
    if granted:
        assert ssh.outcomes(2) == granted
    # Who guesses is not told that the password was right.
    assert "portreeve: refused the login" not in ssh.stderr.text()


def test_others_go_on_while_a_password_is_hashed(scene, typing):
    total, down, up = 4 << 20, streams.Pattern(1), streams.Pattern(2)
    # A quarter of a minute's work, and of no password.
    slow_hash = hashed().replace("$rounds=1000$", "$rounds=20000000$")
    gate = gate_with(scene, f"slow:{slow_hash}", server={"workers": 1},
                     ssh={"login_grace": "300s"})
    target = scene.target(lambda sock: streams.exchange(sock, total, sent=down, received=up))
    _, port = scene.tunnel(gate, target)

    slow = typing(gate, user="slow")
    slow.stderr.wait_for("Next authentication method: password", process=slow.process)
    mark = gate.log.mark()
    assert scene.ssh(gate).gets_in()
    streams.exchange(scene.visit(port), total, sent=up, received=down)
    target.join(1)
    assert not gate.log.events("login_refused", mark) and not slow.ended()
    assert "Authenticated to" not in slow.stderr.text()
    gate.log.wait_event("login_refused", after=mark, user="slow", timeout_s=120)


def test_a_reload_takes_a_user_away(scene, typing):
    gate = gate_with(scene, f"alice:{hashed()}", f"bob:{hashed()}")
    removed, stays = typing(gate), typing(gate, user="bob")
    assert removed.gets_in() and stays.gets_in()
    with open(f"{scene.folder}/passwords", "w", encoding="utf-8") as file:
        file.write(f"bob:{hashed('a new one')}\n")
    gate.reload()
    assert removed.wait_exit() == 255
    assert gate.log.wait_event("session_closed", user="alice")["reason"] == "unknown_user"
    assert not typing(gate).gets_in()
    assert not typing(gate, user="bob").gets_in()
    assert typing(gate, user="bob", password="a new one").gets_in()
    assert not stays.ended()


@pytest.mark.parametrize("mode, content, sentence", [
    (0o644, "alice:{hash}", "chmod 600"),
    (0o600, "alice", ":1"),
    (0o600, "alice:$1$salt$qJH7.N4xYta3aEG/dfqo/0", ":1"),
    (0o600, "alice:{hash}\nalice:{hash}", ":2"),
    (0o600, "alice:{hash}:no-such-option", "no-such-option"),
], ids=["open to others", "no hash", "MD5", "a user twice", "unknown option"])
def test_a_file_that_cannot_be_used_stops_the_start(scene, mode, content, sentence):
    path = f"{scene.folder}/passwords"
    with open(path, "w", encoding="ascii") as file:
        file.write(content.format(hash=hashed()) + "\n")
    os.chmod(path, mode)
    gate = scene.new_gate(auth={"passwords": path})
    os.makedirs(gate.settings["server"]["state_dir"], mode=0o700)
    done = subprocess.run(gate.command(), env=gate.environment(), timeout=30, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1
    assert path in done.stderr and sentence in done.stderr, done.stderr
