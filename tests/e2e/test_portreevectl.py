"""portreevectl: each command on a running daemon, for people and for programs."""

import json
import os
import subprocess

import pytest

from harness import control, directory, streams, visitor
from harness.control import ctl
from harness.target import greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no portreevectl")


def rows(text):
    return dict(line.split(None, 1) for line in text.splitlines() if " " in line)


def test_list_and_show(scene, gate):
    assert ctl(gate, "list") == "no tunnel is open\n"
    _, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    with scene.visit(port) as sock:
        assert streams.read_all(sock) == b"hello"
    until(lambda: rows(ctl(gate, "show", "pc42"))["visitors"] == "0", "the visitor has left")
    shown = rows(ctl(gate, "show", str(port)))
    assert (shown["name"], shown["state"], shown["visitors_total"]) == ("pc42", "open", "1")
    heading, line = ctl(gate, "list").splitlines()
    assert heading.split()[:6] == ["NAME", "KIND", "ADDRESS", "STATE", "SINCE", "VISITORS"]
    assert line.split()[:4] == ["pc42", "tcp", f"127.0.0.1:{port}", "open"]
    assert "0 of 1" in line and "0 B in, 5 B out" in line
    until(lambda: len(directory.entries(gate)) == 1, "the directory has it too")
    assert json.loads(ctl(gate, "list", "--json")) == list(directory.entries(gate).values())
    assert json.loads(ctl(gate, "show", "pc42", "--json"))[0]["traffic"]["visitors_total"] == 1
    assert ctl(gate, "show", "nobody", status=1) == \
        'portreevectl: no tunnel is called "nobody"\n'


def test_a_name_cannot_command_the_terminal(scene, gate):
    scene.raw(gate, user="a\x1b[2J").listen("localhost")
    for words in (["list"], ["show", "a\x1b[2J"]):
        said = ctl(gate, *words)
        assert "\x1b" not in said and "a?[2J" in said


def test_kick(scene, gate):
    ssh, port = scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    assert ctl(gate, "kick", "pc42") == "ended 1 tunnel\n"
    ssh.wait_exit()
    visitor.wait_refused(port)
    assert ctl(gate, "kick", "pc42", status=1) == 'portreevectl: no tunnel is called "pc42"\n'


def test_status(scene, gate):
    scene.tunnel(gate, scene.target(greet("hello")))
    shown = rows(ctl(gate, "status"))
    assert (shown["state"], shown["sessions"], shown["tunnels_open"]) == ("serving", "1", "1")
    assert json.loads(ctl(gate, "status", "--json"))["sessions"] == 1


def test_check_and_reload(gate):
    assert ctl(gate, "check") == f"{gate.config}: fine; 1 keys may log in\n"
    assert ctl(gate, "reload") == f"{gate.config}: in force; 1 keys may log in\n"
    with open(gate.config, "a", encoding="utf-8") as file:
        file.write("\n[nonsense]\nkey = 1\n")
    for command in ("check", "reload"):
        said = ctl(gate, command, status=2)
        assert said.startswith(f"{gate.config}:") and "nonsense" in said
    gate.write_keys(["nonsense"])
    gate.write_config()
    assert ctl(gate, "check").startswith("warning: ")


def test_explain(scene):
    gate = scene.gate(lines=[f'permitlisten="8080" {scene.key.line}'])
    key = scene.key.path + ".pub"
    said = ctl(gate, "explain", "--key", key, "--listen", "8080")
    assert said.startswith('granted: "localhost" port 8080\n')
    assert f"let in by: {gate.authorized_keys}:1" in said
    said = ctl(gate, "explain", "--key", key, "--listen=9090", status=1)
    assert said.startswith("refused: listen_not_permitted: ")
    answer = json.loads(ctl(gate, "--json", "explain", "--key", key, "--listen", "8080"))
    assert answer["granted"] is True and answer["code"] == ""
    answer = json.loads(ctl(gate, "--json", "explain", "--key", key, "--listen", "9090", status=1))
    assert answer["granted"] is False and answer["code"] == "listen_not_permitted"
    assert ctl(gate, "explain", "--key", scene.key.path, "--listen", "1", status=2) == \
        f"portreevectl: --key {scene.key.path}: give the public part, {scene.key.path}.pub\n"
    assert "--from" in ctl(gate, "explain", "--key", key, "--listen", "8080", "--from", "x",
                           status=2)


def test_log_level(gate):
    assert rows(ctl(gate, "log-level"))["level"] == "debug"
    shown = rows(ctl(gate, "log-level", "warning", "visitor=debug"))
    assert (shown["level"], shown["visitor"], shown["tunnel"]) == ("warning", "debug", "warning")
    assert rows(ctl(gate, "log-level", "visitor="))["visitor"] == "warning"
    assert "visitor: " in ctl(gate, "log-level", "visitor=loud", status=2)
    for word in (b"visitor=\xff", b"\xff=debug", b"\xff"):
        assert ctl(gate, "log-level", word, status=2).startswith("portreevectl: ")


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["--help"], ["--version"],
                                   ["watch"]])
def test_an_answer_that_cannot_be_written_is_no_success(scene, gate, words):
    with open("/dev/full", "wb") as full:
        asks = subprocess.Popen([control.program(), "--socket", control.path(gate), *words],
                                stdout=full, stderr=subprocess.PIPE, text=True)
    if words == ["watch"]:  # it has to have something to tell
        until(lambda: control.curl(gate, "GET", "/v1/status")[1]["followers"] == 1, "it follows")
        scene.tunnel(gate, scene.target(greet("hello")))
    said = asks.communicate(timeout=30)[1]
    assert (asks.returncode, said) == \
        (1, "portreevectl: the answer cannot be written to standard output\n")


def test_drain(gate):
    assert ctl(gate, "drain") == "draining: no new connections, visitors may finish\n"
    assert gate.wait_exit() == 0
    said = ctl(gate, "status", status=1)
    assert said == (f"portreevectl: the daemon cannot be reached at {control.path(gate)}: No such "
                    "file or directory; is portreeved running? --socket PATH names another place\n")


@pytest.mark.parametrize("words, says", [
    ([], "what shall be done? the commands are list, show, "),
    (["frobnicate"], '"frobnicate" is no command; the commands are list, show, '),
    (["list", "all"], "write portreevectl list\n"),
    (["watch", "all"], "write portreevectl watch\n"),
    (["show"], "write portreevectl show NAME\n"),
    (["explain", "--key", "x"], "write portreevectl explain --key FILE --listen ADDRESS:PORT\n"),
    (["list", "--key", "x"], "--key is for explain\n"),
    (["--colour", "list"], 'unknown option "--colour"\n'),
    (["list", "--socket"], "--socket needs a path\n"),
    (["--socket", "/" + "x" * 200, "list"], "too long for the path of a socket\n"),
])
def test_bad_usage(words, says):
    done = subprocess.run([control.program(), *words], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == (1 if "too long" in says else 2)
    assert done.stderr.startswith("portreevectl: ") and says in done.stderr


def test_help_and_version():
    for option, begins in (("--help", "usage: portreevectl "), ("--version", "portreevectl 0")):
        done = subprocess.run([control.program(), option], capture_output=True, text=True,
                              timeout=30, check=True)
        assert done.stdout.startswith(begins) and not done.stderr
