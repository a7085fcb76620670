"""The status line: what `systemctl status` shows of a running daemon."""

import pytest

from harness.target import echo
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd tells systemd nothing of its tunnels")


def status(gate):
    lines = [line for line in gate.notify.lines() if line.startswith("STATUS=")]
    return lines[-1] if lines else ""


def wait_status(gate, words):
    until(lambda: words in status(gate), lambda: f"{words!r} in {gate.notify.lines()}")


def test_it_counts_tunnels_as_they_come_and_go(scene, gate):
    wait_status(gate, "tunnels: 0 open, 0 held; keys: 1; ssh sockets: 1")
    target = scene.target(echo)
    ssh, _ = scene.tunnel(gate, target)
    wait_status(gate, "tunnels: 1 open, 0 held")
    ssh.close()
    wait_status(gate, "tunnels: 0 open, 1 held")
    scene.tunnel(gate, target)
    wait_status(gate, "tunnels: 1 open, 0 held")


def test_it_counts_keys(scene, gate):
    gate.write_keys([scene.key.line, scene.other_key.line])
    wait_status(gate, "keys: 2")


def test_a_failed_reload_stays_in_it_until_one_succeeds(scene, gate):
    with open(gate.config, "a", encoding="utf-8") as file:
        file.write("\n[nonsense]\n")
    gate.reload(outcome="reload_failed")
    wait_status(gate, "reload failed, the old configuration holds: ")
    scene.tunnel(gate, scene.target(echo))
    wait_status(gate, "tunnels: 1 open")
    assert "reload failed" in status(gate)
    gate.write_config()
    gate.reload()
    until(lambda: "reload failed" not in status(gate), "a good reload clears it")
