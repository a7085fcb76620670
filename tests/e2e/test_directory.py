"""RUNTIME_DIR/tunnels and RUNTIME_DIR/ssh_config: what a program on the gate finds there."""

import datetime
import os
import signal

import pytest

from harness import client, ports, streams, visitor
from harness.directory import entries
from harness.target import greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd tells nobody of its tunnels")


def folder(gate):
    return os.path.join(gate.settings["server"]["runtime_dir"], "tunnels")


def wait_states(gate, **states):
    """Waits until exactly these names are there, in these states."""
    def now():
        return {entry["name"]: entry["state"] for entry in entries(gate).values()}

    until(lambda: now() == states, lambda: f"{states} in {entries(gate)}")
    return {entry["name"]: entry for entry in entries(gate).values()}


def test_each_live_tunnel_is_a_file(scene, gate):
    target = scene.target(greet("hello"))
    ssh, port = scene.tunnel(gate, target, user="pc42")
    private = scene.ssh(gate, f"box:22:127.0.0.1:{target.port}")
    found = wait_states(gate, pc42="open", box="open")
    pc42 = found["pc42"]
    since = datetime.datetime.fromisoformat(pc42.pop("since"))
    now = datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta() <= now - since < datetime.timedelta(minutes=1)
    assert pc42.pop("client").startswith("127.0.0.1:")
    assert pc42 == {"name": "pc42", "kind": "tcp", "user": "pc42", "state": "open",
                    "fingerprint": scene.key.fingerprint, "requested": "localhost:0",
                    "address": "127.0.0.1", "addresses": ["127.0.0.1", "::1"], "port": port,
                    "last_error": "", "last_error_at": ""}
    assert found["box"]["kind"] == "private"
    assert (found["box"]["requested"], found["box"]["port"]) == ("box:22", 22)
    private.close()
    ssh.close()
    wait_states(gate, pc42="held", box="held")


def test_it_tells_what_went_wrong_last(scene, gate):
    """Session alive, target refuses, session gone: told apart."""
    nobody = ports.fixed()
    ssh = scene.ssh(gate, f"0:127.0.0.1:{nobody}", user="pc42")
    port = ssh.allocated_ports()[0]

    def error():
        return [(entry["state"], entry["last_error"]) for entry in entries(gate).values()]

    until(lambda: error() == [("open", "")], error)
    visitor.read_until_closed(scene.visit(port))
    until(lambda: error()[0][1].startswith("target_refused: "), error)
    assert error()[0][0] == "open"
    ssh.signal(signal.SIGKILL)
    until(lambda: error()[0][0] == "held", error)
    assert error() == [("held", "lost: the client closed the connection")]
    scene.ssh(gate, f"0:127.0.0.1:{nobody}", user="pc42").allocated_ports()
    until(lambda: error() == [("open", "")], error)


def test_a_cancelled_forward_has_none(scene, gate):
    path = os.path.join(scene.folder, "mux")
    words = f"box:22:127.0.0.1:{scene.target(greet('hello')).port}"
    ssh = scene.ssh(gate, words, args=["-M", "-S", path])
    ssh.wait_granted()
    wait_states(gate, box="open")
    assert client.ssh_control(path, "cancel", "-R", words).returncode == 0
    wait_states(gate)


def test_ssh_finds_a_machine_by_its_name(scene, gate):
    """`Include` of what the gate keeps, and then `ssh pc42`."""
    inner = scene.gate(kind="sshd")
    scene.ssh(gate, f"0:127.0.0.1:{inner.port}", user="pc42").allocated_ports()
    wait_states(gate, pc42="open")
    config = os.path.join(scene.folder, "config")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"Include {gate.settings['server']['runtime_dir']}/ssh_config\n"
                   f"StrictHostKeyChecking accept-new\nIdentityFile {scene.key.path}\n"
                   f"UserKnownHostsFile {scene.folder}/known\n")
    ssh = scene.add(client.Client(["ssh", "-F", config, f"{inner.user}@pc42", "echo", "landed"],
                                  scene.folder))
    assert ssh.wait_exit() == 0, ssh.stderr.tail()
    assert ssh.stdout.text() == "landed\n"


def test_a_flag_says_that_its_hosts_changed(scene, gate):
    """Whoever copies ssh_config for others takes it away, and is told of each change again."""
    run = gate.settings["server"]["runtime_dir"]
    flag = os.path.join(run, "ssh_config.changed")

    def hosts_after_a_flag():
        until(lambda: os.path.exists(flag), "there is a flag")
        os.unlink(flag)
        with open(os.path.join(run, "ssh_config"), encoding="utf-8") as file:
            return [line.split()[1] for line in file if line.startswith("Host ")]

    assert hosts_after_a_flag() == []
    target = scene.target(greet("hello"))
    scene.tunnel(gate, target, user="pc42")
    assert hosts_after_a_flag() == ["pc42"]
    scene.tunnel(gate, target, user="pc43")
    assert sorted(hosts_after_a_flag()) == ["pc42", "pc43"]
    gate.process.send_signal(signal.SIGTERM)
    gate.wait_exit()
    assert not os.path.exists(flag)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stop", "crash"])
def test_it_is_true_again_after_a_start(scene, gate, end):
    target = scene.target(greet("hello"))
    scene.tunnel(gate, target, user="pc42")
    scene.ssh(gate, f"box:22:127.0.0.1:{target.port}", user="pc43").wait_granted()
    before = wait_states(gate, pc42="open", box="open")
    leases = os.path.join(gate.settings["server"]["state_dir"], "leases")
    until(lambda: os.path.exists(leases) and "box" in open(leases, encoding="utf-8").read(),
          "the leases are on the disk")
    gate.process.send_signal(end)
    gate.wait_exit()
    if end == signal.SIGTERM:
        assert not os.path.exists(folder(gate))
    gate.start()
    after = wait_states(gate, pc42="held", box="held")
    assert after["pc42"]["port"] == before["pc42"]["port"]
    _, port = scene.tunnel(gate, target, user="pc42")
    assert port == before["pc42"]["port"]
    wait_states(gate, pc42="open", box="held")
    assert streams.read_all(scene.visit(port)) == b"hello"


def test_a_folder_that_cannot_be_had_is_told_of_and_no_end(scene):
    gate = scene.new_gate()
    os.makedirs(gate.settings["server"]["runtime_dir"])
    with open(folder(gate), "w", encoding="utf-8"):
        pass  # a file where the folder would be
    gate.start()
    assert gate.log.wait_event("directory_not_written")["why"].startswith(folder(gate))
    scene.tunnel(gate, scene.target(greet("hello")))
