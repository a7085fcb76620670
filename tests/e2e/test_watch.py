"""Events as they happen, over the control socket: by curl, and by `portreevectl watch`."""

import re
import signal
import socket

import pytest

from harness import client, control, ports, streams
from harness.news import Told
from harness.programs import script
from harness.target import greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no control socket")

FOLLOWERS_MAX = 8
UNREAD_MAX = 1 << 20


def followers(gate):
    return control.curl(gate, "GET", "/v1/status")[1]["followers"]


def curl(gate):
    return ["curl", "-sSN", "--unix-socket", control.path(gate), "http://portreeve/v1/events"]


def watch(gate, *words):
    return [control.program(), "--socket", control.path(gate), "watch", *words]


def follow(scene, gate, command):
    """Comes back when everything that happens from now on is told."""
    before = followers(gate)
    following = scene.add(client.Client(command, scene.folder))
    until(lambda: followers(gate) == before + 1 or following.ended(),
          lambda: f"one more follows: {following.stderr.text()}")
    following.told = Told(following.stdout.path)
    return following


def stuck(scene, gate, version="1.1"):
    """One who follows, and reads nothing but the head."""
    before = followers(gate)
    sock = scene.add(socket.socket(socket.AF_UNIX))
    sock.settimeout(30)
    sock.connect(control.path(gate))
    sock.sendall(f"GET /v1/events HTTP/{version}\r\nHost: x\r\n\r\n".encode())
    until(lambda: followers(gate) == before + 1, "one more follows")
    head = streams.read_exactly(sock, len(b"HTTP/1.1 200 "))
    while not head.endswith(b"\r\n\r\n"):
        head += streams.read_exactly(sock, 1)
    return sock, head


def kill(ssh):
    ssh.signal(signal.SIGKILL)
    ssh.wait_exit()


def make_noise(scene, gate, total, done=lambda: False):
    """Somebody with a long name comes and goes, until so many bytes are told, or `done`."""
    told = 0
    while told < total and not done():
        raw = scene.raw(gate, user="n" * 4000)
        for _ in range(8):
            raw.listen("localhost")
        mark = gate.log.mark()
        raw.close()
        gate.log.wait_event("session_closed", after=mark)
        told += 8 * 2 * 2 * 4000  # up and held, and the name twice in each


@pytest.mark.parametrize("command", [curl, lambda gate: watch(gate, "--json")],
                         ids=["curl", "portreevectl"])
def test_the_same_as_the_command_is_told(scene, programs, command):
    path = f"{programs}/told"
    with open(path, "w", encoding="utf-8"):
        pass
    gate = scene.gate(forward={"lease": "1s"}, events={
        "command": f"{script(programs, 'exec cat /dev/stdin >>$1')} {path}",
        "command_user": "root"})
    by_command = Told(path)
    following = follow(scene, gate, command(gate))
    wish = f"localhost:{ports.fixed()}:127.0.0.1:9"
    first = scene.ssh(gate, wish, user="pc42")
    first.wait_granted()
    second = scene.ssh(gate, wish, user="pc42")
    second.wait_granted()
    kill(second)
    following.told.wait(event="down")
    assert following.told.kinds() == ["up", "taken", "held", "down"]
    by_command.wait(event="down")
    assert following.told.all() == by_command.all()
    assert scene.ssh(gate, "localhost:80:127.0.0.1:9").outcomes(1) == [False]
    refused = following.told.wait(event="refused", what="forward")
    assert refused == by_command.wait(event="refused")
    assert refused["code"] == "port_privileged"
    assert not following.ended()


def test_lines_for_people(scene):
    gate = scene.gate(lines=[scene.key.line])
    following = follow(scene, gate, watch(gate))
    ssh, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    when = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  "
    pc42 = rf"pc42 \(tcp 127\.0\.0\.1:{port}\) from 127\.0\.0\.1:\d+"
    following.stdout.wait_for(rf"{when}up       {pc42}$")
    kill(ssh)
    following.stdout.wait_for(rf"{when}held     {pc42}: the client closed .* \(lost\)$")
    control.ctl(gate, "kick", "pc42")
    following.stdout.wait_for(rf"{when}down     {pc42}: .* \(kicked\)$")
    assert not scene.ssh(gate, key=scene.other_key, user="eve").gets_in()
    following.stdout.wait_for(rf"{when}refused  login of eve from 127\.0\.0\.1:\d+: .*"
                              r" \(unknown_key\)$")
    raw = scene.raw(gate, user="a\x1b[2J")
    raw.listen("localhost")
    following.stdout.wait_for(rf"{when}up       a\?\[2J \(tcp ")
    assert "\x1b" not in following.stdout.text()
    assert not following.stderr.text()


def test_several_follow_and_leave(scene, gate):
    leaves = follow(scene, gate, watch(gate))
    stays = follow(scene, gate, curl(gate))
    scene.tunnel(gate, scene.target(greet("hello")), user="first")
    leaves.stdout.wait_for("up       first ")
    stays.told.wait(event="up")
    leaves.signal(signal.SIGINT)
    assert leaves.wait_exit() == -signal.SIGINT, "as any program"
    until(lambda: followers(gate) == 1, "one follows")
    scene.tunnel(gate, scene.target(greet("hello")), user="second")
    assert stays.told.wait(event="up", count=2)["tunnel"]["user"] == "second"
    kill(stays)
    until(lambda: followers(gate) == 0, "nobody follows")
    later = follow(scene, gate, curl(gate))
    scene.tunnel(gate, scene.target(greet("hello")), user="third")
    assert later.told.wait(event="up")["tunnel"]["user"] == "third", "only what happens from now on"


def test_no_more_than_a_few_follow(scene, gate):
    for _ in range(FOLLOWERS_MAX):
        stuck(scene, gate)
    assert control.ctl(gate, "watch", status=1) == \
        "portreevectl: too many follow at once; try again\n"
    assert control.ctl(gate, "list") == "no tunnel is open\n", "others ask as ever"


def test_only_get(gate):
    status, answer = control.curl(gate, "POST", "/v1/events")
    assert (status, answer["error"]) == (405, "/v1/events takes GET")


def test_one_who_does_not_read_is_cut_off(scene, gate):
    """Others are told everything meanwhile, and visitors are served."""
    sock, _ = stuck(scene, gate)
    reads = follow(scene, gate, curl(gate))
    _, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    make_noise(scene, gate, 16 * UNREAD_MAX, lambda: gate.log.events("follower_cut"))
    assert gate.log.wait_event("follower_cut")["level"] == "warning"
    assert streams.read_all(scene.visit(port)) == b"hello"
    until(lambda: followers(gate) == 1, "the other one follows")
    assert len(streams.read_all(sock)) < 2 * UNREAD_MAX, "what the kernel had, and its end"
    scene.tunnel(gate, scene.target(greet("hello")), user="after")
    until(lambda: reads.told.all(event="up")[-1]["tunnel"]["user"] == "after", "told of the last")
    assert not reads.told.all(event="lost") and not reads.ended()
    assert len(gate.log.events("follower_cut")) == 1


def test_reloads_change_nothing_for_it(scene, programs, gate):
    following = follow(scene, gate, curl(gate))
    gate.write_config(events={"command": script(programs, "cat >/dev/null"), "on": ["held"]})
    gate.reload()
    scene.tunnel(gate, scene.target(greet("hello")), user="first")
    following.told.wait(event="up")
    gate.write_config(events={"command": ""})
    gate.reload()
    scene.tunnel(gate, scene.target(greet("hello")), user="second")
    assert following.told.wait(event="up", count=2)["tunnel"]["user"] == "second"
    assert following.told.kinds() == ["up", "up"]


def test_the_end_of_the_server(scene, gate):
    """Who follows hears of what is held, and the end; who does not read holds up nothing."""
    following = [follow(scene, gate, command) for command in (curl(gate), watch(gate, "--json"))]
    stuck(scene, gate)
    scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    make_noise(scene, gate, UNREAD_MAX // 2)  # more than the kernel takes, less than is too much
    scene.tunnel(gate, scene.target(greet("hello")), user="last")
    for one in following:  # or what is left might take longer than the farewell
        until(lambda: any(line["tunnel"]["user"] == "last" for line in one.told.all()), "the last")
    gate.terminate()
    assert gate.wait_exit() == 0
    assert not gate.log.events("stop_forced")
    for one in following:
        assert one.wait_exit() == 0, one.stderr.text()
        held = [line["code"] for line in one.told.all(event="held")
                if line["tunnel"]["user"] == "pc42"]
        assert held == ["stopping"]


def test_one_of_http_1_0_reads_until_the_end(scene, gate):
    sock, head = stuck(scene, gate, version="1.0")
    assert b"\r\nContent-Type: application/x-ndjson\r\n" in head
    assert b"Transfer-Encoding" not in head and b"Content-Length" not in head
    scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    gate.terminate()
    lines = streams.read_all(sock).decode().splitlines()
    assert [re.match(r'{"event":"(\w+)"', line)[1] for line in lines] == ["up", "held"]


def test_a_crash_of_the_server_is_no_end(scene, gate):
    following = follow(scene, gate, watch(gate))
    gate.expect_exit = -signal.SIGKILL
    gate.process.kill()
    assert following.wait_exit() == 1
    assert following.stderr.text() == "portreevectl: the daemon's answer is cut short\n"
    assert control.ctl(gate, "watch", status=1).startswith(
        f"portreevectl: the daemon cannot be reached at {control.path(gate)}: ")
