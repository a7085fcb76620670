"""A deadline that no clock reaches: the time to it must not overflow into one that has passed."""

import subprocess

import pytest

from harness.target import greet

pytestmark = pytest.mark.portreeve_only("sshd takes no words about a session")


@pytest.mark.parametrize("when", ["9223372036854775807", "-9223372036854775808", "253402300800"])
def test_a_time_that_is_none_is_refused(scene, gate, when):
    ssh = scene.ssh(gate, command=[f"deadline={when}"])
    assert ssh.wait_exit() == 2
    assert "write how long from now" in ssh.stderr.text()
    assert scene.ssh(gate, command=["help"], verbose=False).wait_exit() == 0


def test_the_last_that_is_one_is_taken(scene, gate):
    ssh = scene.ssh(gate, f"0:127.0.0.1:{scene.target(greet('x')).port}", stdin=subprocess.PIPE,
                    command=["deadline=253402300799"])
    port = ssh.allocated_ports()[0]
    ssh.stdout.wait_for(rf"tcp tunnel open at .*:{port}", process=ssh.process)
    assert scene.ssh(gate, command=["help"], verbose=False).wait_exit() == 0
    assert not ssh.ended()
