"""What can be asked of the gate over ssh itself, and words about a session behind its host."""

import json
import os
import re
import subprocess
import time

import pytest

from harness import directory, listeners, ports, streams, visitor
from harness.target import echo, greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd gives a shell here")


def ask(scene, gate, *words, status=0, key=None, **more):
    """The answer of `ssh GATE WORDS`, on stdout, or on stderr where the status is not 0."""
    ssh = scene.ssh(gate, command=list(words), key=key, verbose=False, **more)
    assert ssh.wait_exit() == status, (ssh.stdout.text(), ssh.stderr.text())
    return ssh.stdout.text() if status == 0 or ssh.stdout.text() else ssh.stderr.text()


def test_list_has_all_of_ones_own_and_no_others(scene):
    gate = scene.gate(lines=[scene.key.line, scene.other_key.line])
    target = scene.target(greet("hello"))
    _, port = scene.tunnel(gate, target, user="pc42")
    scene.ssh(gate, f"box:22:127.0.0.1:{target.port}").wait_granted()
    scene.tunnel(gate, target, key=scene.other_key, user="other")
    lines = ask(scene, gate, "list").splitlines()
    assert lines[0].split() == ["NAME", "KIND", "ADDRESS", "STATE", "SINCE", "VISITORS", "BYTES",
                                "CLIENT", "LAST", "ERROR"]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["pc42", "tcp", f"127.0.0.1:{port}", "open"], ["box", "private", "box:22", "open"]]
    until(lambda: len(directory.entries(gate)) == 3, "the directory has them too")
    own = [entry for entry in directory.entries(gate).values()
           if entry["fingerprint"] == scene.key.fingerprint]
    listed = json.loads(ask(scene, gate, "list", "--json"))
    assert sorted(listed, key=str) == sorted(own, key=str)
    assert ask(scene, gate, "kick", "other", status=1) == \
        'portreeve: no tunnel of yours is called "other"; ssh GATE list shows them\n'


def test_list_of_nothing(scene, gate):
    assert ask(scene, gate, "list") == "no tunnel is open; ask for one with -R 0:localhost:PORT\n"
    assert json.loads(ask(scene, gate, "list", "--json")) == []


def test_status_and_usage(scene):
    gate = scene.gate(lines=[f'max-tunnels="5",max-rate="1M" {scene.key.line}'])
    scene.tunnel(gate, scene.target(greet("hello")))
    status = json.loads(ask(scene, gate, "status", "--json", user="pc42"))
    assert status.pop("client").startswith("127.0.0.1:")
    assert status == {"user": "pc42", "fingerprint": scene.key.fingerprint, "certificate": "",
                      "granted_by": f"{gate.authorized_keys}:1", "tunnels_open": 1,
                      "tunnels_held": 0}
    assert f"key          {scene.key.fingerprint}\n" in ask(scene, gate, "status")
    usage = json.loads(ask(scene, gate, "usage", "--json"))
    assert (usage["sessions"], usage["tunnels"], usage["tunnels_max"]) == (2, 1, 5)
    assert (usage["visitors"], usage["visitors_max"]) == (0, None)
    assert usage["bytes_per_second_max"] == 1 << 20
    assert "tunnels      1 of 5, a session at most 32\n" in ask(scene, gate, "usage")


def test_explain(scene):
    gate = scene.gate(lines=[f'permitlisten="8080" {scene.key.line}'])
    assert ask(scene, gate, "explain", "8080").startswith('granted: "localhost" port 8080\n')
    assert ask(scene, gate, "explain", "9090", status=1).startswith(
        "refused: listen_not_permitted: ")
    assert "write it as for ssh -R" in ask(scene, gate, "explain", "a:b:c", status=2)


def test_explain_knows_what_is_anothers(scene):
    gate = scene.gate(lines=[scene.key.line, scene.other_key.line])
    port = ports.fixed()
    owner = scene.ssh(gate, f"{port}:127.0.0.1:9", "pc42:22:127.0.0.1:9", key=scene.other_key)
    owner.wait_granted(2)
    for wish in (str(port), f"*:{port}", "PC42:80"):
        said = ask(scene, gate, "explain", wish, status=1)
        assert said.startswith("refused: address_leased: "), said
        assert "in use by another key" in said
        ask(scene, gate, "explain", wish, key=scene.other_key)
    ask(scene, gate, "explain", "pc43:22")


def test_all_of_it_as_json(scene):
    gate = scene.gate(lines=[f'permitlisten="8080",permitlisten="0" {scene.key.line}'])

    def said(*words, **more):
        return json.loads(ask(scene, gate, *words, **more))

    commands = said("help", "--json")["commands"]
    assert [one["name"] for one in commands] == ["help", "list", "status", "usage", "explain",
                                                 "kick"]
    assert commands[4] == {"name": "explain", "argument": "ADDR:PORT",
                           "what": "whether -R ADDR:PORT would be granted, and why"}
    answer = said("explain", "8080", "--json")
    assert (answer["granted"], answer["code"]) == (True, "")
    assert answer["text"].startswith('granted: "localhost" port 8080\n')
    answer = said("explain", "--json", "9090", status=1)
    assert (answer["granted"], answer["code"]) == (False, "listen_not_permitted")
    scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    assert [one["user"] for one in said("--", "--json", "list")] == ["pc42"]
    assert said("kick", "--json", "pc42") == {"ended": 1}
    assert ask(scene, gate, "kick", "pc42", "--json", status=1).startswith("portreeve: no tunnel")


@pytest.mark.parametrize("how", ["name", "name and port", "port"])
def test_kick_ends_a_tunnel_and_tells_its_session(scene, gate, how):
    target = scene.target(greet("hello"))
    ssh, port = scene.tunnel(gate, target, user="pc42")
    other, other_port = scene.tunnel(gate, target, user="pc43")
    called = {"name": "pc42", "name and port": f"pc42:{port}", "port": str(port)}[how]
    assert ask(scene, gate, "kick", called) == "ended 1 tunnel\n"
    ssh.wait_exit()
    assert "ended by its owner, from 127.0.0.1" in ssh.stderr.text()
    visitor.wait_refused(port)
    assert streams.read_all(scene.visit(other_port)) == b"hello"
    assert not other.ended()


def test_a_name_is_kicked_in_any_case(scene, gate):
    """As it is reached in any; a tunnel of a port has the user name that its client wrote."""
    ssh = scene.ssh(gate, "Abc:22:127.0.0.1:9")
    ssh.wait_granted()
    other, _ = scene.tunnel(gate, scene.target(greet("hello")), user="ABC")
    assert ask(scene, gate, "kick", "aBc:22") == "ended 1 tunnel\n"
    ssh.wait_exit()
    ask(scene, gate, "kick", "abc", status=1)
    assert not other.ended()


def test_help_and_what_is_not_known(scene, gate):
    assert "\n  ssh GATE list              your tunnels\n" in ask(scene, gate, "help")
    assert "\n  share=                     who may have its names too" in ask(scene, gate, "help")
    for words in (["bash"], ["rm", "-rf", "/"], ["list;ls"], ["$(ls)"]):
        said = ask(scene, gate, *words, status=2)
        assert "the commands are help, list, status, usage, explain, kick" in said
    assert ask(scene, gate, "list", "all", status=2) == \
        "portreeve: write list, or list --json\n"


def test_a_word_that_is_not_known_ends_the_session(scene, gate):
    target = scene.target(greet("hello"))
    ssh = scene.ssh(gate, f"0:127.0.0.1:{target.port}", command=["deadlines=1h"])
    assert ssh.wait_exit() == 2
    assert 'there is no word "deadlines=1h"' in ssh.stderr.text()


def test_a_deadline(scene, gate):
    """The session ends when it comes, and its address is not kept."""
    target = scene.target(greet("hello"))
    begun = time.monotonic()
    ssh = scene.ssh(gate, f"0:127.0.0.1:{target.port}", command=["deadline=2s"],
                    stdin=subprocess.PIPE)
    port = ssh.allocated_ports()[0]
    ssh.stdout.wait_for(rf"tcp tunnel open at .*:{port}", process=ssh.process)
    ssh.wait_exit()
    assert time.monotonic() - begun >= 1.9
    assert "the time that it asked for with deadline= is over" in ssh.stderr.text()
    visitor.wait_refused(port)


def test_auto_close(scene, gate):
    path = os.path.join(scene.folder, "mux")
    words = f"0:127.0.0.1:{scene.target(greet('hello')).port}"
    ssh = scene.ssh(gate, words, args=["-M", "-S", path], command=["auto-close=true"],
                    stdin=subprocess.PIPE)
    port = ssh.allocated_ports()[0]
    ssh.stdout.wait_for(rf"tcp tunnel open at .*:{port}", process=ssh.process)
    ssh.control("cancel", words)
    ssh.wait_exit()
    assert "its last forward was taken back" in ssh.stderr.text()


def test_words_that_are_not_honoured_say_why_and_the_session_goes_on(scene, gate):
    target = scene.target(echo)
    ssh = scene.ssh(gate, f"0:127.0.0.1:{target.port}", stdin=subprocess.PIPE,
                    command=["tcp-address=0.0.0.0", "local-forward=true"])
    port = ssh.allocated_ports()[0]
    ssh.stdout.wait_for(r"tcp-address= is not honoured: write the address in front of the port",
                        process=ssh.process)
    with visitor.connect(port) as sock:
        sock.sendall(b"on")
        assert streams.read_exactly(sock, 2) == b"on"
    assert not ssh.ended()


def test_the_word_of_sishs_that_is_not_honoured_gets_one_line(scene, gate):
    ssh = scene.ssh(gate, command=["tcp-address=true"], stdin=subprocess.PIPE)
    ssh.stdout.wait_for(r"^portreeve: tcp-address= is not honoured: \S", process=ssh.process)
    ssh.process.stdin.close()
    assert len(re.findall("tcp-address=", ssh.stdout.text())) == 1 and not ssh.ended()


@pytest.mark.parametrize("word", ["deadline=1h", "auto-close=true", "local-forward=true",
                                  "tcp-aliases-allowed-users=any", "share=any",
                                  "force-https=true", "host-header=localhost:80",
                                  "proxy-protocol=1", "proxyproto=2", "sni-proxy=true",
                                  "strip-path=true", "allow=::1", "deny=::1"])
def test_those_that_are_honoured_get_none(scene, gate, word):
    target = scene.target(greet("hello"))
    ssh = scene.ssh(gate, f"pc42:22:127.0.0.1:{target.port}", command=[word],
                    stdin=subprocess.PIPE)
    ssh.stdout.wait_for("private name open at pc42:22", process=ssh.process)
    assert "honoured" not in ssh.stdout.text() and not ssh.ended()


def test_the_audience_of_a_name_by_words(scene):
    """As sish takes it, of names that are open already and of those that follow."""
    gate = scene.gate(lines=[scene.key.line, scene.other_key.line])
    target = scene.target(greet("inside"))
    owner = scene.ssh(gate, f"pc42:22:127.0.0.1:{target.port}", stdin=subprocess.PIPE,
                      command=[f"tcp-aliases-allowed-users={scene.other_key.fingerprint}"])
    owner.stdout.wait_for("private name open at pc42:22", process=owner.process)
    caller = scene.ssh(gate, key=scene.other_key, args=["-W", "pc42:22"], stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE)
    assert caller.process.communicate(timeout=60)[0] == b"inside"


def test_a_terminal_gets_whole_lines(scene, gate):
    ssh = scene.terminal(gate, command=["help"])
    ssh.wait_exit()
    screen = ssh.screen()
    assert "ssh GATE list" in screen
    assert screen.count("\n") == screen.count("\r\n"), repr(screen)


def test_nothing_is_run_or_opened_by_it(scene, gate):
    before = listeners.of(gate)
    ask(scene, gate, "explain", "*:8080")
    assert listeners.of(gate) == before
    assert gate.pids() == [gate.process.pid]
