"""The control socket as curl sees it."""

import os
import socket
import stat
import subprocess

import pytest

from harness import client, control, streams, visitor
from harness.target import echo, greet
from harness.wait import until
from harness.wedge import wedged, worker

pytestmark = pytest.mark.portreeve_only("sshd has no control socket")


def test_only_its_owner_may_open_it(gate):
    assert stat.S_IMODE(os.stat(control.path(gate)).st_mode) == 0o600


def test_status_counts_what_there_is(scene, gate):
    scene.tunnel(gate, scene.target(greet("hello")))
    status, answer = control.curl(gate, "GET", "/v1/status")
    assert status == 200
    assert (answer["state"], answer["sessions"], answer["tunnels_open"]) == ("serving", 1, 1)
    assert (answer["tunnels_held"], answer["keys"], answer["reload_failure"]) == (0, 1, "")


def test_tunnels_are_everyones_and_have_their_traffic(scene):
    gate = scene.gate(lines=[scene.key.line, scene.other_key.line])
    target = scene.target(greet("hello"))
    _, port = scene.tunnel(gate, target, user="pc42")
    scene.tunnel(gate, target, key=scene.other_key, user="other")
    with scene.visit(port) as sock:
        assert streams.read_all(sock) == b"hello"

    def traffic():
        status, found = control.curl(gate, "GET", "/v1/tunnels/pc42")
        assert status == 200 and len(found) == 1
        return found[0]["traffic"]

    until(lambda: traffic() == {"visitors": 0, "visitors_total": 1, "bytes_in": 0,
                                "bytes_out": 5}, lambda: f"one visitor, five bytes: {traffic()}")
    _, everything = control.curl(gate, "GET", "/v1/tunnels")
    assert [tunnel["name"] for tunnel in everything] == ["pc42", "other"]
    assert control.curl(gate, "GET", "/v1/tunnels/nobody")[0] == 404


@pytest.mark.parametrize("name", ["büro", "a b", "50%", "a/b"])
def test_a_name_is_written_as_in_a_url(scene, gate, name):
    scene.tunnel(gate, scene.target(greet("hello")), user=name)
    encoded = "".join(f"%{byte:02x}" for byte in name.encode())
    status, found = control.curl(gate, "GET", "/v1/tunnels/" + encoded)
    assert (status, found[0]["user"]) == (200, name)


def test_delete_ends_a_tunnel_and_its_session(scene, gate):
    ssh, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    assert control.curl(gate, "DELETE", "/v1/tunnels/pc42") == (200, {"ended": 1})
    ssh.wait_exit()
    assert "ended by the administrator of this server" in ssh.stderr.text()
    visitor.wait_refused(port)
    assert control.curl(gate, "DELETE", "/v1/tunnels/pc42")[0] == 404


def test_reload_and_check_say_what_is_wrong(scene, gate):
    gate.write_config(limits={"sessions": 5})
    status, answer = control.curl(gate, "POST", "/v1/check")
    assert (status, answer["fine"], answer["keys"]) == (200, True, 1)
    assert not gate.log.events("reloaded")
    assert control.curl(gate, "POST", "/v1/reload")[1]["reloaded"] is True
    gate.log.wait_event("reloaded")
    with open(gate.config, "a", encoding="utf-8") as file:
        file.write("\n[nonsense]\nkey = 1\n[more]\nkey = 2\n")
    for what in ("check", "reload"):
        status, answer = control.curl(gate, "POST", "/v1/" + what)
        assert status == 422 and answer["error"].startswith(gate.config + ":"), answer
        assert len(answer["errors"]) == 2
    assert control.curl(gate, "GET", "/v1/status")[1]["reload_failure"] == answer["error"]
    gate.write_config()
    assert control.curl(gate, "POST", "/v1/reload")[0] == 200
    assert control.curl(gate, "GET", "/v1/status")[1]["reload_failure"] == ""


def test_levels_of_the_log_hold_until_the_next_reload(scene):
    gate = scene.gate(log={"level": "info"})
    before = control.curl(gate, "GET", "/v1/log")[1]
    assert before["level"] == "info" and before["visitor"] == "info"
    status, levels = control.curl(gate, "PUT", "/v1/log", {"visitor": "debug"})
    assert (status, levels["level"], levels["visitor"]) == (200, "info", "debug")
    _, port = scene.tunnel(gate, scene.target(greet("hello")))
    assert streams.read_all(scene.visit(port)) == b"hello"
    gate.log.wait_event("visitor_open")
    assert not gate.log.events("session_open"), "another part has its own level"
    assert control.curl(gate, "PUT", "/v1/log", {"level": "warning"})[1]["visitor"] == "debug"
    back = control.curl(gate, "PUT", "/v1/log", {"visitor": ""})[1]
    assert (back["level"], back["visitor"]) == ("warning", "warning")
    assert control.curl(gate, "PUT", "/v1/log", {"level": ""})[0] == 400
    assert control.curl(gate, "PUT", "/v1/log", {"level": "info", "visitor": "debug"})[1] == levels
    assert control.curl(gate, "PUT", "/v1/log", {"visitor": "loud"})[0] == 400
    assert control.curl(gate, "PUT", "/v1/log", {"nobody": "info"})[0] == 400
    assert control.curl(gate, "PUT", "/v1/log", "no JSON")[0] == 400
    assert control.curl(gate, "GET", "/v1/log")[1] == levels
    gate.reload()
    assert control.curl(gate, "GET", "/v1/log")[1] == before


def test_explain_knows_leases(scene):
    gate = scene.gate(lines=[scene.key.line, scene.other_key.line])
    _, port = scene.tunnel(gate, scene.target(greet("hello")), key=scene.other_key)

    def explain(**question):
        return control.curl(gate, "POST", "/v1/explain", question)

    status, answer = explain(key=scene.key.line, listen=str(port))
    assert status == 200 and answer["granted"] is False
    assert answer["text"].startswith("refused: address_leased: ")
    assert explain(key=scene.other_key.line, listen=str(port))[1]["granted"] is True
    assert explain(key=scene.key.line)[0] == 400
    assert explain(key="nonsense", listen="80")[0] == 400
    assert explain(key=scene.key.line, listen="a:b:c")[0] == 400


def test_drain_stops_the_daemon(scene, gate):
    ssh, _ = scene.tunnel(gate, scene.target(greet("hello")))
    assert control.curl(gate, "POST", "/v1/drain") == (200, {"draining": True})
    ssh.wait_exit()
    until(gate.ended, "the daemon has ended")
    assert gate.process.returncode == 0
    assert not os.path.exists(control.path(gate))


def test_what_is_not_there_and_what_is_not_so(gate):
    status, answer = control.curl(gate, "GET", "/")
    assert status == 404 and "/v1/status" in answer["error"]
    status, answer = control.curl(gate, "POST", "/v1/status")
    assert (status, answer["error"]) == (405, "/v1/status takes GET")
    assert control.curl(gate, "PUT", "/v1/tunnels/x")[1]["error"] == \
        "/v1/tunnels/x takes GET and DELETE"


def raw_answer(gate, method, target):
    """The lines of an answer's head."""
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(15)
        raw.connect(control.path(gate))
        raw.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return streams.read_all(raw).decode().partition("\r\n\r\n")[0].split("\r\n")


def test_405_says_what_is_meant_and_every_status_has_a_name(gate):
    head = raw_answer(gate, "POST", "/v1/status")
    assert head[0] == "HTTP/1.1 405 Method Not Allowed" and "Allow: GET" in head
    assert "Allow: GET, PUT" in raw_answer(gate, "DELETE", "/v1/log")
    assert not [line for line in raw_answer(gate, "GET", "/v1/log") if line.startswith("Allow")]
    with open(gate.config, "a", encoding="utf-8") as file:
        file.write("\n[nonsense]\n")
    assert raw_answer(gate, "POST", "/v1/check")[0] == "HTTP/1.1 422 Unprocessable Content"


def test_a_query_is_left_alone(scene, gate):
    scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    assert control.curl(gate, "GET", "/v1/status?x=1")[1]["tunnels_open"] == 1
    assert control.curl(gate, "GET", "/v1/tunnels/pc42?x=1")[1][0]["name"] == "pc42"
    assert control.curl(gate, "GET", "/v1/tunnels/pc42%3Fx=1")[0] == 404
    assert control.curl(gate, "GET", "/v1/nothing?x=1")[0] == 404


@pytest.mark.parametrize("text, begins", [
    (b"\x16\x03\x01 nonsense\r\n\r\n", b"HTTP/1.1 400 "),
    (b"GET /v1/status HTTP/1.1\r\nx: " + b"y" * 9_000 + b"\r\n\r\n", b"HTTP/1.1 431 "),
    (b"PUT /v1/log HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", b"HTTP/1.1 413 "),
    (b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 "),
])
def test_questions_in_single_bytes(gate, text, begins):
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(15)
        raw.connect(control.path(gate))
        try:
            for byte in text:
                raw.send(bytes([byte]))
        except BrokenPipeError:
            pass  # it had heard enough
        assert raw.recv(100).startswith(begins)


def test_it_waits_for_no_worker_and_no_worker_for_it(scene):
    gate = scene.gate(server={"workers": 1})
    _, port = scene.tunnel(gate, scene.target(echo), user="pc42")
    with scene.visit(port) as sock, wedged(worker(gate, 0)):
        assert control.curl(gate, "GET", "/v1/status")[1]["tunnels_open"] == 1
        assert control.curl(gate, "GET", "/v1/tunnels")[1][0]["name"] == "pc42"
        assert control.curl(gate, "DELETE", "/v1/tunnels/nobody")[0] == 404
        sock.sendall(b"later")
    with scene.visit(port) as sock:
        sock.sendall(b"before")
        assert streams.read_exactly(sock, 6) == b"before"
        with wedged(gate.process.pid):  # the main thread has this number
            asks = scene.add(client.Client([control.program(), "--socket", control.path(gate),
                                            "status"], scene.folder))
            sock.sendall(b"while")
            assert streams.read_exactly(sock, 5) == b"while"
            with scene.visit(port) as other:
                other.sendall(b"another")
                assert streams.read_exactly(other, 7) == b"another"
            assert not asks.ended()
        assert asks.wait_exit() == 0


def test_those_who_ask_nothing_do_not_keep_others_out(gate):
    silent = [socket.socket(socket.AF_UNIX) for _ in range(32)]
    for one in silent:
        one.connect(control.path(gate))
    status, answer = control.curl(gate, "GET", "/v1/status")
    assert (status, answer["error"]) == (503, "too many ask at once; try again")
    for one in silent:
        one.close()
    until(lambda: control.curl(gate, "GET", "/v1/status")[0] == 200, "there is room again")


def test_a_stranger_of_this_host_is_told_no(scene):
    gate = scene.gate()
    if os.getuid() != 0:
        pytest.skip("needs root, to be somebody else")
    os.chmod(control.path(gate), 0o666)  # as a careless administrator would
    for folder in (scene.folder, gate.folder, os.path.dirname(control.path(gate))):
        os.chmod(folder, 0o755)
    status, answer = control.curl(gate, "GET", "/v1/status", user="nobody", group="nogroup")
    assert (status, answer["error"]) == \
        (403, "only root, and the user that the daemon runs as, may control it")
    with pytest.raises(subprocess.CalledProcessError):
        os.chmod(control.path(gate), 0o600)
        control.curl(gate, "GET", "/v1/status", user="nobody", group="nogroup")


def test_a_socket_of_systemds_is_used(scene, folder):
    gate = scene.new_gate()
    place = os.path.join(folder, "passed")
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(place)
        passed.listen()
        gate.start(sockets=[("control", passed)])
    assert not os.path.exists(control.path(gate))
    assert control.curl(gate, "GET", "/v1/status", at=place)[1]["state"] == "serving"


def test_without_its_socket_it_serves_and_says_so(scene):
    gate = scene.new_gate()
    os.makedirs(control.path(gate))  # a folder cannot be unlinked
    gate.start()
    said = gate.log.wait_event("control_not_served")
    assert said["why"] == control.path(gate) + ": Is a directory"
    scene.tunnel(gate, scene.target(greet("hello")))
