"""What is offered before a login: the defaults, what `[ssh]` sets, who has nothing in common."""

import re
import subprocess

import pytest

from harness.keys import Key

pytestmark = pytest.mark.portreeve_only("sshd has settings of its own")

DEFAULT_CIPHERS = {"chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com",
                   "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"}
STRICT = "kex-strict-s-v00@openssh.com"


def offers(scene, gate):
    """What the server proposes, by the labels of `ssh -vv`, which tells its own proposal first."""
    ssh = scene.ssh(gate, args=["-vv"])
    ssh.wait_login()
    told = ssh.stderr.text().partition("peer server KEXINIT proposal")[2]
    return {label: names.split(",") for label, names in
            re.findall(r"^debug2: ([A-Za-z ]+): (\S+)\s*$", told, re.MULTILINE)}


def chosen(ssh):
    """(key exchange, host key algorithm, cipher, MAC), as `ssh -v` tells them once logged in."""
    ssh.wait_login()
    text = ssh.stderr.text()
    cipher = re.search(r"kex: server->client cipher: (\S+) MAC: (\S+)", text)
    return (re.search(r"kex: algorithm: (\S+)", text)[1],
            re.search(r"kex: host key algorithm: (\S+)", text)[1], cipher[1], cipher[2])


def assert_nothing_in_common(scene, gate, word, **asked):
    mark = gate.log.mark()
    ssh = scene.ssh(gate, **asked)
    assert ssh.wait_exit() == 255
    assert "no matching" in ssh.stderr.text()
    event = gate.log.wait_event("session_closed", after=mark)
    assert event["logged_in"] == "no"
    assert f"no match for method {word}" in event["why"], event


def test_the_defaults_are_modern_and_quick(scene, gate):
    offered = offers(scene, gate)
    assert set(offered["ciphers ctos"]) == DEFAULT_CIPHERS
    assert offered["ciphers stoc"] == offered["ciphers ctos"]
    assert offered["MACs ctos"][0] == "hmac-sha2-256-etm@openssh.com"
    assert offered["host key algorithms"] == ["ssh-ed25519"]
    assert "curve25519-sha256" in offered["KEX algorithms"]
    everything = " ".join(name for names in offered.values() for name in names)
    for never in ("sha1", "-cbc", "group16", "group18", "group-exchange", "umac", "md5"):
        assert never not in everything


def test_key_exchange_is_strict(scene, gate):
    """Against Terrapin (CVE-2023-48795): each side says so, and the client then insists."""
    assert STRICT in offers(scene, gate)["KEX algorithms"]
    ssh = scene.ssh(gate, args=["-vvv"])
    ssh.wait_login()
    assert "will use strict KEX ordering" in ssh.stderr.text()


@pytest.mark.parametrize("asked, index, name", [
    *[(["-c", name], 2, name) for name in sorted(DEFAULT_CIPHERS)],
    *[(["-o", f"KexAlgorithms={name}"], 0, name)
      for name in ("curve25519-sha256", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256")],
    *[(["-c", "aes128-ctr", "-m", name], 3, name)
      for name in ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
                   "hmac-sha2-256", "hmac-sha2-512")],
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_default_works(scene, gate, asked, index, name):
    assert chosen(scene.ssh(gate, args=asked))[index] == name


def test_what_is_configured_is_offered_and_no_more(scene):
    gate = scene.gate(ssh={"ciphers": ["aes256-ctr", "aes128-cbc"],
                           "kex": ["diffie-hellman-group16-sha512", "ecdh-sha2-nistp384"],
                           "macs": ["hmac-sha1", "hmac-sha2-512"]})
    offered = offers(scene, gate)
    assert offered["ciphers ctos"] == offered["ciphers stoc"] == ["aes256-ctr", "aes128-cbc"]
    assert offered["MACs ctos"] == offered["MACs stoc"] == ["hmac-sha1", "hmac-sha2-512"]
    assert offered["KEX algorithms"] == ["diffie-hellman-group16-sha512", "ecdh-sha2-nistp384",
                                         STRICT]
    assert chosen(scene.ssh(gate)) == ("ecdh-sha2-nistp384", "ssh-ed25519", "aes256-ctr",
                                       "hmac-sha2-512")
    # What needs no configuration elsewhere can be had here because it was asked for.
    assert chosen(scene.ssh(gate, args=[
        "-c", "aes128-cbc", "-m", "hmac-sha1",
        "-o", "KexAlgorithms=diffie-hellman-group16-sha512"])) == (
            "diffie-hellman-group16-sha512", "ssh-ed25519", "aes128-cbc", "hmac-sha1")


def test_the_host_key_algorithm_is_configured(scene):
    path = f"{scene.folder}/rsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", path],
                   check=True)
    keys = [path, Key(scene.folder, "ed25519").path]
    gate = scene.gate(ssh={"host_keys": keys, "host_key_algorithms": ["rsa-sha2-256"]})
    assert chosen(scene.ssh(gate))[1] == "rsa-sha2-256"
    assert_nothing_in_common(scene, gate, "server host key algo",
                             options={"HostKeyAlgorithms": "ssh-ed25519,rsa-sha2-512"})


@pytest.mark.parametrize("word, args", [
    ("kex algos", ["-o", "KexAlgorithms=diffie-hellman-group14-sha1"]),
    ("kex algos", ["-o", "KexAlgorithms=diffie-hellman-group18-sha512"]),
    ("encryption client->server", ["-c", "aes256-cbc"]),
    ("mac algo client->server", ["-c", "aes128-ctr", "-m", "hmac-sha1"]),
    ("server host key algo", ["-o", "HostKeyAlgorithms=ssh-rsa"]),
], ids=["SHA-1 exchange", "slow exchange", "CBC", "SHA-1 MAC", "SHA-1 signature"])
def test_old_clients_are_refused_with_the_reason(scene, gate, word, args):
    assert_nothing_in_common(scene, gate, word, args=args)
    scene.ssh(gate).wait_login()


@pytest.mark.parametrize("key, name, instead", [
    ("ciphers", "rot13", "aes256-ctr"), ("kex", "curve25519", "curve25519-sha256"),
    ("macs", "aes128-ctr", "hmac-sha2-256"), ("host_key_algorithms", "rsa", "rsa-sha2-512"),
    ("ciphers", "none", "aes256-ctr"),
])
def test_an_unknown_name_stops_start_check_and_reload(scene, key, name, instead):
    gate = scene.gate()
    mark = gate.log.mark()
    gate.write_config(ssh={key: [name]})
    gate.reload(outcome="reload_failed")
    assert f"[ssh] {key}: " in gate.log.text(mark)
    scene.ssh(gate).wait_login()  # with what was offered before

    gate.terminate()
    gate.wait_exit()
    for words in ([], ["--check"]):
        ended = subprocess.run([*gate.command(), *words], env=gate.environment(), timeout=30,
                               capture_output=True, text=True, check=False)
        assert ended.returncode == 2, ended
        assert f"[ssh] {key}: " in ended.stderr
        assert f'"{name}"' in ended.stderr
        assert instead in ended.stderr


def test_a_reload_changes_what_is_offered(scene, gate):
    gate.write_config(ssh={"ciphers": ["aes192-ctr"]})
    gate.reload()
    assert chosen(scene.ssh(gate))[2] == "aes192-ctr"
    assert_nothing_in_common(scene, gate, "encryption client->server", args=["-c", "aes256-ctr"])
