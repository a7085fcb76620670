"""`ssh -t GATE`: a live screen of the key's tunnels, in a terminal that draws."""

import os
import re

import pytest

from harness import client, ports, streams, visitor
from harness.target import echo, greet
from harness.tmux import PLAIN
from harness.wait import SCALE, until

pytestmark = pytest.mark.portreeve_only("sshd gives a shell here")

KEYS = "q, Ctrl-C or Ctrl-D ends this"


def row_of(pane, address):
    return next((line for line in pane.lines() if line.startswith(address)), "")


def wait_row(pane, address, pattern):
    until(lambda: re.search(pattern, row_of(pane, address)),
          lambda: f"/{pattern}/ in the row of {address}:\n{pane.text()}")


def test_it_shows_the_tunnels_of_all_sessions_of_the_key_and_counts_their_visitors(scene):
    gate = scene.gate(lines=[scene.key.line, scene.other_key.line])
    _, port = scene.tunnel(gate, scene.target(echo), user="pc42")
    scene.ssh(gate, "box:22:127.0.0.1:9").wait_granted()
    _, others = scene.tunnel(gate, scene.target(echo), key=scene.other_key)
    pane = scene.pane(gate)
    lines = pane.wait_for(f"127.0.0.1:{port}", KEYS)
    assert lines[0].startswith("portreeve: 2 tunnels open, 0 held; visitors 0 of 0; ")
    assert lines[1].split() == ["ADDRESS", "STATE", "VISITORS", "IN", "OUT", "USER"]
    assert lines[2].split() == [f"127.0.0.1:{port}", "open", "0", "of", "0", "0", "B", "0", "B",
                                "pc42"]
    assert lines[3].startswith("box:22 ")
    assert str(others) not in pane.text()
    assert pane.flags() == {"alternate_on": "1", "cursor_flag": "0", "wrap_flag": "0"}
    sock = scene.visit(port)
    sock.sendall(b"x" * 2048)
    streams.read_exactly(sock, 2048)
    wait_row(pane, f"127.0.0.1:{port}", r"open +1 of 1 +2\.0 KiB +2\.0 KiB +pc42$")
    sock.close()
    wait_row(pane, f"127.0.0.1:{port}", r"open +0 of 1 ")


def test_a_tunnel_that_goes_is_held_and_then_no_longer_there(scene):
    gate = scene.gate(forward={"lease": f"{5 * SCALE}s"})
    ssh, port = scene.tunnel(gate, scene.target(echo))
    pane = scene.pane(gate)
    wait_row(pane, f"127.0.0.1:{port}", "open")
    ssh.close()
    held = rf"^127\.0\.0\.1:{port} +held .*(\n.*)* left: "  # and its last error, in one look
    until(lambda: re.search(held, pane.text(), re.MULTILINE), pane.text)
    pane.wait_for("no tunnel is open; ask for one with -R 0:localhost:PORT")


def test_another_size_is_drawn_at_once(scene, gate):
    _, port = scene.tunnel(gate, scene.target(echo))
    pane = scene.pane(gate)
    pane.wait_for(f"127.0.0.1:{port}", KEYS)
    pane.resize(30, 8)
    until(lambda: len(pane.lines()) == 8 and pane.lines()[7] == KEYS[:30],
          lambda: f"a small screen:\n{pane.text()}")
    assert pane.lines()[0] == "portreeve: 1 tunnel open, 0 he"
    assert row_of(pane, f"127.0.0.1:{port}").split() == [f"127.0.0.1:{port}", "open", "0", "of",
                                                         "0"]
    pane.resize(120, 40)
    until(lambda: pane.lines()[-1] == KEYS, lambda: f"a large screen:\n{pane.text()}")
    assert pane.lines()[0].endswith(" out")
    assert pane.text().count(KEYS) == 1, "rows of before are left"


@pytest.mark.parametrize("key, status", [("q", 0), ("C-c", 130), ("C-d", 0)])
def test_a_key_ends_it_and_the_terminal_is_as_before(scene, gate, key, status):
    _, port = scene.tunnel(gate, scene.target(echo))
    pane = scene.pane(gate)
    pane.wait_for(f"127.0.0.1:{port}", KEYS)
    assert "before" not in pane.text()
    pane.press("Up")
    pane.press(key)
    ended, lines = pane.wait_status()
    assert ended == status
    assert pane.flags() == PLAIN
    assert lines[:3] == [
        "before", "portreeve: 1 tunnel open, 0 held; visitors 0 of 0; 0 B in, 0 B out",
        "Connection to 127.0.0.1 closed."], lines


def test_lines_about_a_forward_of_its_own_stay_when_the_screen_is_gone(scene, gate):
    pane = scene.pane(gate, f"0:127.0.0.1:{scene.target(greet('hello')).port}")
    lines = pane.wait_for("127.0.0.1:", KEYS)
    port = int(lines[2].split()[0].rpartition(":")[2])
    with visitor.connect(port) as sock:
        assert streams.read_all(sock) == b"hello"
    wait_row(pane, f"127.0.0.1:{port}", "0 of 1")
    pane.press("q")
    status, lines = pane.wait_status()
    assert status == 0
    assert lines[1].startswith(f"Allocated port {port} for remote forward to ")
    assert lines[2].startswith(f"portreeve: tcp tunnel open at 127.0.0.1:{port}")
    assert lines[3].startswith("portreeve: 1 tunnel open, ")


def test_a_target_that_refuses_is_the_last_error_and_sshs_own_words_are_painted_over(scene, gate):
    pane = scene.pane(gate, f"0:127.0.0.1:{ports.fixed()}")
    lines = pane.wait_for("127.0.0.1:", KEYS)
    scene.visit(int(lines[2].split()[0].rpartition(":")[2]))
    pane.wait_for(" target_refused: ")
    until(lambda: "connect_to" not in pane.text(), lambda: f"a clean screen:\n{pane.text()}")
    assert pane.lines()[-1] == KEYS


def test_refusals_are_shown_below_and_stay(scene, gate):
    path = os.path.join(scene.folder, "mux")
    pane = scene.pane(gate, "80:127.0.0.1:9", args=["-t", "-M", "-S", path])
    lines = pane.wait_for("refused localhost:80: ", KEYS)
    assert lines[-2].startswith("refused localhost:80: ")
    assert client.ssh_control(path, "forward", "-R", "81:127.0.0.1:9").returncode != 0
    pane.wait_for("refused localhost:81: ")
    pane.press("q")
    _, lines = pane.wait_status()
    assert [line[:32] for line in lines if line.startswith("portreeve: refused ")] == [
        "portreeve: refused localhost:80:", "portreeve: refused localhost:81:"]


def test_a_server_that_stops_puts_the_terminal_back(scene, gate):
    pane = scene.pane(gate)
    pane.wait_for(KEYS)
    gate.terminate()
    status, lines = pane.wait_status()
    assert status == 255
    assert "portreeve: the server is stopping" in lines
    assert pane.flags() == PLAIN
    assert gate.wait_exit() == 0


def test_a_session_that_is_kicked_puts_the_terminal_back(scene, gate):
    pane = scene.pane(gate, "pc42:22:127.0.0.1:9")
    pane.wait_for("pc42:22", KEYS)
    assert scene.ssh(gate, command=["kick", "pc42"]).wait_exit() == 0
    status, lines = pane.wait_status()
    assert status == 255
    assert pane.flags() == PLAIN
    assert any(line.startswith("portreeve: ended by its owner, from 127.0.0.1") for line in lines)


def test_more_tunnels_than_rows_are_counted(scene):
    gate = scene.gate(limits={"tunnels_per_session": 50})
    scene.ssh(gate, *[f"pc{number}:22:127.0.0.1:9" for number in range(50)]).wait_granted(50)
    pane = scene.pane(gate, rows=10)
    lines = pane.wait_for("50 tunnels open", "and 44 more", KEYS)
    assert [line.split()[0] for line in lines[2:8]] == [f"pc{at}:22" for at in range(6)]


@pytest.mark.parametrize("how", [{"term": "dumb"}, {"term": ""}, {"args": ["-T"]}])
def test_without_a_terminal_that_draws_there_are_lines(scene, gate, how):
    pane = scene.pane(gate, f"0:127.0.0.1:{scene.target(echo).port}", **how)
    lines = pane.wait_for("portreeve: press Ctrl-C to end")
    assert lines[2].startswith("portreeve: tcp tunnel open at 127.0.0.1:")
    assert pane.flags() == PLAIN


def test_a_key_that_may_have_no_terminal_gets_lines(scene):
    gate = scene.gate(lines=[f"no-pty {scene.key.line}"])
    pane = scene.pane(gate, args=[])  # with -t ssh would give up
    pane.wait_for("portreeve: press Ctrl-C to end")
    assert pane.flags() == PLAIN
