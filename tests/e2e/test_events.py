"""`[events] command`: told what becomes of tunnels, and whatever it does holds up nobody."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import socketserver
import subprocess
import threading

import pytest

from harness import directory, ports, streams, visitor
from harness.news import Told
from harness.programs import script
from harness.target import greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd tells nobody")

PAGE = pathlib.Path(__file__).parents[2] / "docs/EVENTS.md"
APPEND = "exec cat /dev/stdin >>$1"  # one write, and so one line, whatever runs beside it


def told_in(path):
    """What the command was told, which it writes to this file as whoever it runs as."""
    with open(path, "w", encoding="utf-8"):
        os.chmod(path, 0o666)
    return Told(path)


@pytest.fixture
def told(programs):
    return told_in(f"{programs}/told")


def telling(scene, programs, told, body=APPEND, lines=None, events=None, **settings):
    command = f"{script(programs, body)} {told.file.path}"
    return scene.gate(lines=lines, events={"command": command, "command_timeout": "10s",
                                           **(events or {})}, **settings)


def children(gate):
    return gate.pids()[1:]


def sleeping(gate):
    """Those of them that are a sleep by now."""
    found = set()
    for pid in children(gate):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="ascii") as comm:
            if comm.read() == "sleep\n":
                found.add(pid)
    return found


def kill(client):
    client.signal(signal.SIGKILL)
    client.wait_exit()


def test_a_tunnel_from_up_to_down(scene, programs, told):
    gate = telling(scene, programs, told, forward={"lease": "1s"})
    wish = f"localhost:{ports.fixed()}:127.0.0.1:9"
    first = scene.ssh(gate, wish, user="pc42")
    first.wait_granted()
    up = told.wait(event="up")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", up["time"])
    assert set(up) == {"event", "time", "tunnel"}
    assert up["tunnel"]["user"] == "pc42" and up["tunnel"]["fingerprint"] == scene.key.fingerprint
    until(lambda: list(directory.entries(gate).values()) == [up["tunnel"]],
          "the directory has the same object")

    second = scene.ssh(gate, wish, user="pc42")
    second.wait_granted()
    taken = told.wait(event="taken")
    assert taken["code"] == "taken_over"
    assert taken["former_client"] == up["tunnel"]["client"] != taken["tunnel"]["client"]

    kill(second)
    held = told.wait(event="held")
    assert held["code"] == "lost" and held["sentence"]
    assert held["tunnel"]["state"] == "held"
    assert held["tunnel"]["client"] == taken["tunnel"]["client"]

    down = told.wait(event="down")
    assert down["code"] == "lease_over" and "[forward] lease" in down["sentence"]
    assert gate.log.wait_event("lease_ended")["reason"] == "lease_over"
    assert told.kinds() == ["up", "taken", "held", "down"]


@pytest.mark.parametrize("how, code", [("cancelled", "cancelled"), ("kicked", "kicked"),
                                       ("without a lease", "lost")])
def test_down(scene, programs, told, how, code):
    gate = telling(scene, programs, told,
                   forward={"lease": "0s" if how == "without a lease" else "5m"})
    wish = f"{ports.fixed()}:127.0.0.1:9"
    ssh = scene.ssh(gate, wish, args=["-M", "-S", f"{scene.folder}/mux"], user="pc42")
    ssh.wait_granted()
    if how == "cancelled":
        ssh.control("cancel", wish)
    elif how == "kicked":
        kicking = scene.ssh(gate, command=["kick", "pc42"])
        assert kicking.wait_exit() == 0, kicking.stderr.tail()
    else:
        kill(ssh)
    assert told.wait(event="down")["code"] == code
    assert told.kinds() == ["up", "down"]


def test_a_private_name_that_comes_back(scene, programs, told):
    gate = telling(scene, programs, told)
    ssh = scene.ssh(gate, "pc42:22:127.0.0.1:9")
    ssh.wait_granted()
    up = told.wait(event="up")
    assert (up["tunnel"]["kind"], up["tunnel"]["name"]) == ("private", "pc42")
    kill(ssh)
    told.wait(event="held")
    scene.ssh(gate, "pc42:22:127.0.0.1:9").wait_granted()
    told.wait(count=2, event="up")


def test_refusals(scene, programs, told):
    gate = telling(scene, programs, told, limits={"sessions": 1})
    ssh = scene.ssh(gate, "localhost:80:127.0.0.1:9")
    assert ssh.outcomes(1) == [False]
    forward = told.wait(event="refused", what="forward")
    assert forward["code"] == "port_privileged" and "80" in forward["sentence"]
    assert (forward["user"], forward["asked"]) == (gate.user, "localhost:80")
    assert forward["fingerprint"] == scene.key.fingerprint
    assert forward["client"].startswith("127.0.0.1:")

    scene.ssh(gate).wait_exit()
    connection = told.wait(event="refused", what="connection")
    assert connection["code"] == "limit_sessions"
    assert (connection["user"], connection["fingerprint"], connection["asked"]) == ("", "", "")

    ssh.close()
    gate.log.wait_event("session_closed", logged_in="yes")
    assert not scene.ssh(gate, key=scene.other_key, user="eve").gets_in()
    login = told.wait(event="refused", what="login")
    assert (login["code"], login["user"]) == ("unknown_key", "eve")
    assert login["fingerprint"] == scene.other_key.fingerprint


def test_a_key_before_the_right_one_is_no_news(scene, programs, told):
    gate = telling(scene, programs, told)
    ssh = scene.ssh(gate, "0:127.0.0.1:9", key=scene.other_key, args=["-i", scene.key.path])
    ssh.allocated_ports()
    assert gate.log.wait_event("login_refused")["code"] == "unknown_key"
    kill(ssh)
    told.wait(event="held")
    assert told.kinds() == ["up", "held"]


def test_in_order_for_each_tunnel(scene, programs, told):
    """Each run takes longer the sooner it began: what ran side by side would change places."""
    gate = telling(scene, programs, told, "sleep $(echo $$ | awk '{print 0.3 / (1 + $1 % 3)}')\n"
                   + APPEND)
    users, rounds = ["ann", "bob", "cid"], 4
    for _ in range(rounds):
        for user in users:
            mark = gate.log.mark()
            ssh = scene.ssh(gate, "0:127.0.0.1:9", user=user)
            ssh.allocated_ports()
            kill(ssh)
            gate.log.wait_event("tunnel_held", after=mark)
    told.wait(count=rounds * len(users), event="held")
    for user in users:
        kinds = [line["event"] for line in told.all() if line["tunnel"]["user"] == user]
        assert kinds == ["up", "held"] * rounds, user


def test_one_that_hangs_delays_no_other_and_is_killed(scene, programs, told):
    gate = telling(scene, programs, told,
                   "event=$(cat)\ncase $event in *'\"up\"'*'\"user\":\"slow'*)\n"
                   "sleep 300 & exec sleep 300;;esac\n"
                   "echo \"$event\" >>$1", events={"command_timeout": "300s"})
    scene.ssh(gate, "0:127.0.0.1:9", user="slow1").allocated_ports()
    until(lambda: len(sleeping(gate)) == 2, "the program hangs, and another that it started")
    hanging = sleeping(gate)
    _, port = scene.tunnel(gate, scene.target(greet("hello")), user="quick")
    assert told.wait(event="up")["tunnel"]["user"] == "quick"
    assert streams.read_all(scene.visit(port)) == b"hello"
    assert sleeping(gate) == hanging and not gate.log.events("event_command_failed")

    gate.write_config(events={"command_timeout": "1s"})
    gate.reload()
    slow = scene.ssh(gate, "0:127.0.0.1:9", user="slow2")
    slow.allocated_ports()
    failed = gate.log.wait_event("event_command_failed")
    assert failed["news"] == "up" and failed["about"].startswith("slow2:"), failed
    assert "took longer than 1000 ms and was killed" in failed["why"]
    gate.write_config(events={"command_timeout": "300s"})
    gate.reload()
    kill(slow)
    assert told.wait(event="held")["tunnel"]["user"] == "slow2"
    until(lambda: set(children(gate)) == hanging, "nothing is left of what was killed")


def test_its_output_is_logged(scene, programs, told):
    gate = telling(scene, programs, told, "seq 12; echo 'oh \033[1mno' >&2; exit 3")
    scene.ssh(gate, "0:127.0.0.1:9", user="pc42").allocated_ports()
    failed = gate.log.wait_event("event_command_failed", news="up")
    assert "/program: ended with status 3; it said: oh" in failed["why"]
    lines = gate.log.events("event_command_output")
    assert [line.get("line") for line in lines if line["stream"] == "output"] == \
        [str(number) for number in range(1, 11)] + [None]
    assert lines[10]["left_out"] == "2"
    assert "\033" not in gate.log.text() and lines[11]["line"].startswith("oh ")
    assert lines[11]["stream"] == "error" and lines[11]["about"].startswith("pc42:")


def test_one_that_is_gone(scene, programs, told):
    gate = telling(scene, programs, told)
    os.unlink(f"{programs}/program")
    _, port = scene.tunnel(gate, scene.target(greet("hello")))
    assert "No such file" in gate.log.wait_event("event_command_failed", news="up")["why"]
    assert streams.read_all(scene.visit(port)) == b"hello"


@pytest.mark.parametrize("args", [[], ["--check"]], ids=["start", "check"])
def test_an_unsafe_program_stops_the_start(scene, programs, args):
    path = script(programs, "exit 0")
    os.chmod(path, 0o757)
    gate = scene.new_gate(events={"command": path})
    os.makedirs(gate.settings["server"]["state_dir"], mode=0o700)
    done = subprocess.run([*gate.command(), *args], env=gate.environment(), timeout=30,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert f"{path} can be changed by others" in done.stderr and "[events] command" in done.stderr


def test_a_flood_of_refusals_is_bounded_and_delays_nothing(scene, programs, told):
    """Each refusal's run hangs: they have one place, and five of a minute from one source."""
    gate = telling(scene, programs, told,
                   "event=$(cat)\ncase $event in *'\"refused\"'*)\n"
                   f"echo $$ >>{programs}/refusals; exec sleep 300;;esac\n"
                   "echo \"$event\" >>$1", events={"command_timeout": "300s"})
    refusals = told_in(f"{programs}/refusals")
    flood = scene.ssh(gate, *(f"{port}:127.0.0.1:9" for port in range(100, 130)))
    assert flood.outcomes(30) == [False] * 30
    for number in range(5):
        ssh = scene.ssh(gate, "0:127.0.0.1:9", user=f"user{number}")
        ssh.allocated_ports()
        told.wait(event="up", count=number + 1)
    for number in range(5):
        pid = int(refusals.file.wait_for(r"^(\d+)\n", count=number + 1)[1])
        until(lambda: children(gate) == [pid], "one for a refusal, and no other is left")
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(gate.log.events("event_command_failed")) == 5, "all five have ended")
    flood.close()
    gate.terminate()
    assert gate.wait_exit() == 0
    assert len(refusals.file.text().splitlines()) == 5
    lost = gate.log.wait_event("events_lost")
    assert lost["events"] == "25" and lost["level"] == "info"


def test_reloads(scene, programs, told):
    gate = scene.gate()
    target = scene.target(greet("hello"))
    scene.tunnel(gate, target, user="before")
    command = f"{script(programs, APPEND)} {told.file.path}"
    gate.write_config(events={"command": command, "on": ["held"]})
    gate.reload()
    ssh, _ = scene.tunnel(gate, target, user="choosy")
    kill(ssh)
    assert told.wait(event="held")["tunnel"]["user"] == "choosy"
    gate.write_config(events={"on": ["up", "held"]})
    gate.reload()
    scene.tunnel(gate, target, user="more")
    assert told.wait(event="up")["tunnel"]["user"] == "more"
    gate.write_config(events={"command": ""})
    gate.reload()
    scene.tunnel(gate, target, user="silent")
    gate.write_config(events={"command": command})
    gate.reload()
    scene.tunnel(gate, target, user="again")
    told.wait(event="up", count=2)
    assert [line["tunnel"]["user"] for line in told.all()] == ["choosy", "more", "again"]
    os.chmod(f"{programs}/program", 0o757)
    mark = gate.log.mark()
    gate.reload(outcome="reload_failed")
    assert "[events] command" in gate.log.text(mark)


def test_the_end_of_the_server_is_told(scene, programs, told):
    gate = telling(scene, programs, told)
    scene.ssh(gate, "0:127.0.0.1:9", user="pc42").allocated_ports()
    gate.terminate()
    assert gate.wait_exit() == 0
    held = told.wait(event="held")
    assert held["code"] == "stopping"
    gate.start()
    scene.ssh(gate, "0:127.0.0.1:9", user="pc42").allocated_ports()
    assert told.wait(event="up", count=2)["tunnel"]["port"] == held["tunnel"]["port"]
    assert told.kinds() == ["up", "held", "up"]


def test_many_that_hang_and_a_stop(scene, programs, told):
    """Three seconds more, then they are killed, and what waits is counted."""
    gate = telling(scene, programs, told, "exec sleep 300", events={"command_timeout": "300s"})
    for number in range(6):
        scene.ssh(gate, "0:127.0.0.1:9", user=f"user{number}").allocated_ports()
    until(lambda: len(children(gate)) == 4, "four programs run")
    left = children(gate)
    gate.terminate()
    assert gate.wait_exit() == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in left)
    assert all("the server is stopping" in event["why"]
               for event in gate.log.events("event_command_failed"))
    # two that came up, and six that are held
    assert gate.log.wait_event("events_lost")["events"] == "8"


# ---- the examples of docs/EVENTS.md ----


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"thank you\n")

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


class Mailbox(socketserver.StreamRequestHandler):
    """SMTP as curl speaks it."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        data = None
        for line in self.rfile:
            if data is not None:
                data += line
                if line == b".\r\n":
                    self.server.got.append(data.decode())
                    data = None
                    self.wfile.write(b"250 kept\r\n")
            elif line.startswith(b"DATA"):
                data = b""
                self.wfile.write(b"354 go on\r\n")
            else:
                self.wfile.write(b"250 fine\r\n")


@pytest.fixture
def serving(scene):
    def serve(kind, handler):
        server = kind(("127.0.0.1", 0), handler)
        server.got, server.status, server.daemon_threads = [], 200, True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.close = lambda: (server.shutdown(), server.server_close())
        return scene.add(server)

    return serve


def test_the_webhook_in_one_line(scene, serving):
    server = serving(http.server.ThreadingHTTPServer, Hook)
    line = re.search(r'^ +command = "(/usr/bin/curl .*)"$', PAGE.read_text(), re.MULTILINE)[1]
    command = line.replace("https://hooks.example.com", f"http://127.0.0.1:{server.server_port}")
    assert command != line
    gate = scene.gate(events={"command": command})
    scene.ssh(gate, "0:127.0.0.1:9", user="pc42").allocated_ports()
    path, kind, event = until(lambda: server.got, lambda: f"a POST:\n{gate.log.tail()}")[0]
    assert (path, kind) == ("/portreeve", "application/json")
    assert event["event"] == "up" and event["tunnel"]["user"] == "pc42"
    server.status = 500
    scene.ssh(gate, "0:127.0.0.1:9", user="pc43").allocated_ports()
    failed = gate.log.wait_event("event_command_failed")
    assert "curl: (22)" in failed["why"] and "500" in failed["why"]
    assert not any(event.get("stream") == "output"
                   for event in gate.log.events("event_command_output"))


def test_the_mail(scene, serving, programs):
    server = serving(socketserver.ThreadingTCPServer, Mailbox)
    text = re.search(r"^    #!/bin/sh\n((?:    .*\n)+)", PAGE.read_text(), re.MULTILINE)[1]
    body = text.replace("smtp://localhost", f"smtp://127.0.0.1:{server.server_address[1]}")
    assert body != text
    gate = scene.gate(events={"command": script(programs, body), "on": ["held", "down"]})
    ssh = scene.ssh(gate, "0:127.0.0.1:9", user="pc42")
    ssh.allocated_ports()
    kill(ssh)
    mail = until(lambda: server.got, lambda: f"a mail:\n{gate.log.tail()}")[0]
    head, _, said = mail.partition("\r\n\r\n")
    assert head.splitlines() == ["Subject: portreeve", "To: ops@example.com"]
    event = json.loads(said.removesuffix(".\r\n"))
    assert event["event"] == "held" and event["tunnel"]["user"] == "pc42"
