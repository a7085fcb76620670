"""`portreeved --explain` says what the running daemon does: each line of keys and each wish below
is asked of both, and the answers are compared, code by code and address by address."""

import collections
import os
import re
import shutil
import subprocess

import pytest

from harness import listeners, ports
from harness.client import Ssh
from harness.wait import SCALE, until

pytestmark = pytest.mark.portreeve_only("sshd has no --explain")


# The first word, or for a refusal its code; the lines below the first, by their name.
Said = collections.namedtuple("Said", "verdict rows exit_code text")


def explain(gate, key, listen, *args):
    path = key if isinstance(key, str) else key.path + ".pub"
    result = subprocess.run(
        [*gate.command(), "--explain", "--key", path, "--listen", listen, *args],
        timeout=30 * SCALE, capture_output=True, text=True, env=gate.environment(), check=False)
    assert result.returncode in (0, 1) and not result.stderr, result
    verdict, *rows = result.stdout.splitlines()
    word, _, rest = verdict.partition(": ")
    code = rest.partition(": ")[0] if word == "refused" else word
    return Said(code, dict(row.strip().split(": ", 1) for row in rows), result.returncode,
                result.stdout)


def tried(scene, gate, key, listen, user=None):
    """What the daemon does: "granted" or the code of its refusal, and where it listens then."""
    ssh = scene.add(Ssh(gate, key, scene.folder, [f"{listen}:127.0.0.1:9"], user=user))

    def verdict():
        for name in ("refused", "login_refused"):
            for event in gate.log.events(name):
                return event["code"]
        return "granted" if gate.log.events("tunnel_open") else None

    until(verdict, lambda: f"a verdict on {listen}:\n{gate.log.tail()}")
    places = {(host, port) for port, hosts in listeners.of(gate).items() for host in hosts}
    ssh.close()
    return verdict(), places


def places_of(rows):
    return {(host.strip("[]"), int(port)) for host, port in
            re.findall(r"(\[[^\]]+\]|[\d.]+):(\d+)", rows.get("listens on", ""))}


# The options of the key's line, what is asked for, and the verdict that both must give.
TABLE = [
    ("", "{port}", "granted"),
    ("", "localhost:{port}", "granted"),
    ("", "*:{port}", "granted"),
    ("", ":{port}", "granted"),
    ("", "127.0.0.1:{port}", "granted"),
    ("", "[::1]:{port}", "granted"),
    ("", "0", "granted"),
    ("", "80", "port_privileged"),
    ("", "pc42:{port}", "granted"),
    ("", "-pc42:{port}", "name_not_valid"),
    ("", "127.1:{port}", "name_not_valid"),
    ("restrict", "{port}", "forwarding_not_allowed"),
    ("no-port-forwarding", "0", "forwarding_not_allowed"),
    ("restrict,port-forwarding", "{port}", "granted"),
    ('permitlisten="{port}"', "{port}", "granted"),
    ('permitlisten="{port}"', "*:{port}", "granted"),
    ('permitlisten="{port}"', "0", "listen_not_permitted"),
    ('permitlisten="localhost:{port}"', "*:{port}", "listen_not_permitted"),
    ('permitlisten=":{port}"', "*:{port}", "granted"),
    ('permitlisten="10000-19999"', "[::1]:{port}", "granted"),
    ('permitlisten="0"', "0", "granted"),
    ('from="127.0.0.0/8"', "{port}", "granted"),
    ('from="192.0.2.0/24"', "{port}", "wrong_source"),
    ('expiry-time="20200101Z"', "{port}", "key_expired"),
    ('expiry-time="20990101Z",max-tunnels="1"', "{port}", "granted"),
    ("no-such-option", "{port}", "unknown_key"),
]


@pytest.mark.parametrize("options, listen, verdict", TABLE)
def test_it_says_what_is_done(scene, options, listen, verdict):
    port = ports.fixed()
    options, listen = (text.replace("{port}", str(port)) for text in (options, listen))
    gate = scene.new_gate()
    gate.write_keys([f"{options} {scene.key.line}".strip()])
    gate.start()
    said = explain(gate, scene.key, listen, "--from", "127.0.0.1")
    done, places = tried(scene, gate, scene.key, listen)
    assert (said.verdict, done) == (verdict, verdict)
    assert said.exit_code == (0 if verdict == "granted" else 1)
    assert f"{gate.authorized_keys}:1" in said.text
    if verdict == "granted" and listen != "0":
        assert places_of(said.rows) == places


@pytest.mark.parametrize("bind", ["loopback", "any"])
@pytest.mark.parametrize("listen", ["{port}", "*:{port}", "0.0.0.0:{port}"])
def test_it_knows_where_the_setting_moves_a_forward_to(scene, bind, listen):
    listen = listen.replace("{port}", str(ports.fixed()))
    gate = scene.gate(forward={"bind": bind})
    said = explain(gate, scene.key, listen)
    assert (said.verdict, places_of(said.rows)) == tried(scene, gate, scene.key, listen)


@pytest.mark.parametrize("principal, user, verdict", [
    ("alice", "alice", "granted"), ("bob", "alice", "certificate_wrong_principal"),
])
def test_a_certificate(scene, principal, user, verdict):
    copy = os.path.join(scene.folder, "certified")
    for ending in ("", ".pub"):
        shutil.copy(scene.key.path + ending, copy + ending)
    subprocess.run(["ssh-keygen", "-q", "-s", scene.other_key.path, "-I", "id", "-n", principal,
                    copy + ".pub"], check=True)
    gate = scene.new_gate()
    gate.write_keys([f"cert-authority {scene.other_key.line}"])
    gate.start()
    said = explain(gate, f"{copy}-cert.pub", "0", "--user", user)
    ssh = scene.add(Ssh(gate, None, scene.folder, ["0:127.0.0.1:9"], user=user,
                        args=["-i", copy, "-o", f"CertificateFile={copy}-cert.pub"]))
    if verdict == "granted":
        ssh.allocated_ports()
    else:
        # ssh shows the plain key as well, which nothing lets in.
        gate.log.wait_event("login_refused", code=verdict)
    assert said.verdict == verdict


def test_a_command_is_not_run(scene):
    gate = scene.new_gate()
    gate.write_keys([])
    mark = os.path.join(scene.folder, "asked")
    gate.write_config(auth={"command": f"/usr/bin/touch {mark}"})
    said = explain(gate, scene.key, "0")
    assert (said.verdict, said.exit_code) == ("undecided", 1)
    assert said.rows["files"].startswith("unknown_key: ")
    assert not os.path.exists(mark)


def test_nothing_is_left_behind(scene):
    gate = scene.new_gate()
    assert explain(gate, scene.key, "0").verdict == "granted"
    assert not os.path.exists(gate.settings["server"]["state_dir"])


@pytest.mark.parametrize("args, word", [
    (["--key", "/nowhere.pub", "--listen", "0"], "/nowhere.pub: No such file"),
    (["--key", "{key}", "--listen", "many"], 'port'),
    (["--key", "{key}", "--listen", "0", "--from", "gate.example.com"], "IP address"),
    (["--key", "{key}"], "--listen"),
])
def test_a_question_without_an_answer(scene, args, word):
    gate = scene.new_gate()
    args = [arg.replace("{key}", scene.key.path + ".pub") for arg in args]
    result = subprocess.run([*gate.command(), "--explain", *args], timeout=30 * SCALE,
                            capture_output=True, text=True, env=gate.environment(), check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert word in result.stderr.splitlines()[0]
