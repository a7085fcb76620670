"""[forward] sockets: each tunnel as a Unix socket on the gate."""

import grp
import os
import signal
import socket
import stat
import subprocess

import pytest

from harness import control, streams
from harness.target import echo, greet
from harness.wait import SCALE, TextFile, until

pytestmark = pytest.mark.portreeve_only("sshd opens no socket that was not asked for")


def path(gate, name):
    return os.path.join(gate.settings["server"]["runtime_dir"], "tunnels", name)


def there(gate):
    return sorted(name for name in os.listdir(path(gate, "")) if name.endswith(".sock"))


def wait_there(gate, *names):
    until(lambda: there(gate) == sorted(names), lambda: f"{names}, not {there(gate)}")


def connect(gate, name):
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(15 * SCALE)
    made.connect(path(gate, name))
    return made


def gate_with_sockets(scene, **rules):
    return scene.gate(forward={"sockets": True, **rules})


def test_it_leads_to_the_tunnel_while_the_tunnel_is(scene):
    gate = gate_with_sockets(scene, lease="0s")
    ssh, port = scene.tunnel(gate, scene.target(echo), user="pc42")
    name = f"pc42-{port}.sock"
    wait_there(gate, name)
    with connect(gate, name) as sock:
        sock.sendall(b"through a socket")
        sock.shutdown(socket.SHUT_WR)
        assert streams.read_all(sock) == b"through a socket"
    opened = gate.log.wait_event("visitor_open")
    assert opened["visitor"] == "127.0.0.1:0"
    ssh.close()
    wait_there(gate)


def test_a_private_name_has_one(scene):
    gate = gate_with_sockets(scene)
    target = scene.target(greet("inside"))
    scene.ssh(gate, f"box:22:127.0.0.1:{target.port}").wait_granted()
    wait_there(gate, "box-22.sock")
    with connect(gate, "box-22.sock") as sock:
        assert streams.read_all(sock) == b"inside"


def test_curl_speaks_through_it(scene):
    gate = gate_with_sockets(scene)
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    _, port = scene.tunnel(gate, scene.target(greet(answer)), user="web")
    wait_there(gate, f"web-{port}.sock")
    done = subprocess.run(["curl", "-sS", "--unix-socket", path(gate, f"web-{port}.sock"),
                           "http://web/"], capture_output=True, timeout=30 * SCALE, check=True)
    assert done.stdout == b"hello"


def test_visitors_wait_for_an_owner_who_is_away(scene):
    gate = gate_with_sockets(scene)
    target = scene.target(greet("back"))
    ssh, port = scene.tunnel(gate, target, user="pc42")
    wait_there(gate, f"pc42-{port}.sock")
    ssh.signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    with connect(gate, f"pc42-{port}.sock") as sock:
        scene.tunnel(gate, target, user="pc42")
        assert streams.read_all(sock) == b"back"


def test_mode_and_group(scene):
    group = grp.getgrgid(os.getgroups()[-1] if os.getuid() else 1).gr_name
    gate = gate_with_sockets(scene, sockets_mode="0606", sockets_group=group)
    _, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    wait_there(gate, f"pc42-{port}.sock")
    found = os.stat(path(gate, f"pc42-{port}.sock"))
    assert stat.S_IMODE(found.st_mode) == 0o606
    assert grp.getgrgid(found.st_gid).gr_name == group


def test_a_reload_opens_closes_and_changes_them(scene):
    gate = scene.gate()
    _, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    name = f"pc42-{port}.sock"
    assert there(gate) == []
    gate.write_config(forward={"sockets": True})
    gate.reload()
    wait_there(gate, name)
    gate.write_config(forward={"sockets_mode": "0600"})
    gate.reload()
    until(lambda: there(gate) == [name]
          and stat.S_IMODE(os.stat(path(gate, name)).st_mode) == 0o600, "the new mode holds")
    with connect(gate, name) as sock:
        assert streams.read_all(sock) == b"hello"
    gate.write_config(forward={"sockets_group": "no-such-group"})
    why = gate.reload("reload_failed")["why"]
    assert "sockets_group: there is no group" in why
    gate.write_config(forward={"sockets": False, "sockets_group": ""})
    gate.reload()
    wait_there(gate)


def test_none_is_left_behind(scene):
    gate = gate_with_sockets(scene)
    _, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    wait_there(gate, f"pc42-{port}.sock")
    kept = os.path.join(gate.settings["server"]["state_dir"], "leases")
    TextFile(kept).wait_for("pc42")  # the lease is on the disk
    gate.expect_exit = -signal.SIGKILL
    gate.process.kill()
    gate.process.wait()
    gate.expect_exit = 0
    gate.start()
    wait_there(gate, f"pc42-{port}.sock")  # of the lease, again
    assert control.ctl(gate, "kick", "pc42") == "ended 1 tunnel\n"
    wait_there(gate)
    gate.terminate()
    assert gate.wait_exit() == 0
    assert not os.path.exists(path(gate, ""))


def test_one_that_cannot_be_had_is_said_and_the_tunnel_goes_on(scene):
    gate = gate_with_sockets(scene)
    target = scene.target(greet("hello"))
    os.makedirs(path(gate, "box-22.sock"))
    scene.ssh(gate, f"box:22:127.0.0.1:{target.port}").wait_granted()
    said = gate.log.wait_event("socket_not_served")
    assert said["why"] == path(gate, "box-22.sock") + ": Is a directory"
    os.rmdir(path(gate, "box-22.sock"))
