"""Without -N: the session says what was opened and where, and stays until it is ended."""

import os
import subprocess

import pytest

from harness import client, streams, visitor
from harness.target import echo
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd gives a shell here")


@pytest.fixture
def gate(scene):
    """With ports that refuse once their session is over."""
    return scene.gate(forward={"lease": "0s"})


def test_the_session_shows_what_was_opened_and_stays(scene, gate):
    targets = [scene.target(echo), scene.target(echo)]
    ssh = scene.ssh(gate, *[f"0:127.0.0.1:{target.port}" for target in targets], shell=True,
                    stdin=subprocess.PIPE)
    for port in ssh.allocated_ports(2):
        ssh.stdout.wait_for(rf"\b{port}\b", process=ssh.process)
        with visitor.connect(port) as sock:
            sock.sendall(b"visit")
            assert streams.read_exactly(sock, 5) == b"visit"
    assert not ssh.ended()


def test_a_forward_added_later_is_shown_too(scene, gate):
    target, path = scene.target(echo), os.path.join(scene.folder, "mux")
    ssh = scene.ssh(gate, shell=True, stdin=subprocess.PIPE, args=["-M", "-S", path])
    ssh.wait_login()
    until(lambda: os.path.exists(path), "the control socket")
    added = client.ssh_control(path, "forward", "-R", f"0:127.0.0.1:{target.port}")
    assert added.returncode == 0, added.stderr
    ssh.stdout.wait_for(rf"\b{added.stdout.split()[-1]}\b", process=ssh.process)


def test_ctrl_c_ends_it(scene, gate):
    target = scene.target(echo)
    ssh = scene.terminal(gate, f"0:127.0.0.1:{target.port}")
    port = ssh.allocated_ports()[0]
    until(lambda: str(port) in ssh.screen(), lambda: f"{port} on the screen: {ssh.screen()!r}")
    assert visitor.answers(port)
    ssh.type(b"\x03")
    assert ssh.wait_exit() != 255, f"ssh calls it a failure:\n{ssh.stderr.tail(10)}"
    visitor.wait_refused(port)


def test_the_screen_has_whole_lines(scene, gate):
    """On a terminal in raw mode a line feed alone would make a staircase."""
    ssh = scene.terminal(gate, f"0:127.0.0.1:{scene.target(echo).port}")
    port = ssh.allocated_ports()[0]
    until(lambda: str(port) in ssh.screen() and ssh.screen().endswith("\n"), "the lines")
    screen = ssh.screen()
    assert screen.count("\n") == screen.count("\r\n"), repr(screen)


def test_a_command_is_refused_with_a_sentence(scene, gate):
    target = scene.target(echo)
    ssh = scene.ssh(gate, f"0:127.0.0.1:{target.port}", command=["somecommand"])
    port = ssh.allocated_ports()[0]
    assert ssh.wait_exit() == 2
    words = [line for line in ssh.stderr.text().splitlines()
             if "command" in line and not line.startswith("debug1:")]
    assert words, f"nothing says why:\n{ssh.stderr.text()}"
    visitor.wait_refused(port)
