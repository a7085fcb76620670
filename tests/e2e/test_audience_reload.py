"""Who may reach a private name follows the owner's line while its session lives."""

import subprocess

import pytest

from harness.target import greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no private names")


def reaches(scene, gate):
    ssh = scene.ssh(gate, key=scene.other_key, args=["-W", "pc42:22"], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE)
    return ssh.process.communicate(timeout=60)[0] == b"inside"


def test_a_changed_line_changes_a_live_name(scene):
    lines = [scene.key.line, scene.other_key.line]
    gate = scene.gate(lines=[f'tcp-aliases-allowed-users="any" {lines[0]}', lines[1]])
    owner = scene.ssh(gate, f"pc42:22:127.0.0.1:{scene.target(greet('inside')).port}")
    owner.wait_granted()
    assert reaches(scene, gate)
    gate.authorize(*lines)
    until(lambda: not reaches(scene, gate), "the option that was taken back holds no more")
    audience = f'tcp-aliases-allowed-users="{scene.other_key.fingerprint}"'
    gate.authorize(f"{audience} {lines[0]}", lines[1])
    until(lambda: reaches(scene, gate), "the one that was given holds")
    assert not owner.ended()


def test_the_words_of_a_session_outlive_a_changed_line(scene):
    lines = [scene.key.line, scene.other_key.line]
    gate = scene.gate(lines=lines)
    owner = scene.ssh(gate, f"pc42:22:127.0.0.1:{scene.target(greet('inside')).port}",
                      stdin=subprocess.PIPE, command=["tcp-aliases-allowed-users=any"])
    owner.stdout.wait_for("private name open", process=owner.process)
    gate.authorize(f'max-tunnels="5" {lines[0]}', lines[1])
    scene.ssh(gate, "0:127.0.0.1:9", key=scene.other_key).allocated_ports()
    assert reaches(scene, gate)
