"""contrib/client keeps a tunnel up: what it installs, says and does when the gate goes away."""

import os
import re
import signal
import subprocess
import types

import pytest

from harness import ports, streams
from harness.kept import Installed, Kept, run_install
from harness.keys import Key
from harness.target import greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("the line that install prints has words of portreeve's")


@pytest.fixture
def gate(scene):
    """One that is found where it was when it is started again."""
    return scene.gate(ssh={"listen": [f"127.0.0.1:{ports.fixed()}"]})


def install(scene, gate, *forwards):
    made = Installed(scene.folder, gate, *forwards)
    gate.authorize(made.key_line())
    return made


def keep(scene, gate, *forwards, **kwargs):
    return scene.add(Kept(install(scene, gate, *forwards), scene.folder, **kwargs))


def lead(target):
    return f"0:127.0.0.1:{target.port}"


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_connects_and_says_where(scene, gate):
    target = scene.target(greet("hello"))
    kept = keep(scene, gate, lead(target))
    port = kept.wait_connected()
    assert streams.read_all(scene.visit(port)) == b"hello"
    assert kept.notify.lines()[0] == "READY=1", "the boot waits for no gate"
    assert kept.said(rf"connecting to 127.0.0.1 port {gate.port} as pc42")
    assert gate.log.wait_event("tunnel_open")["user"] == "pc42"


def test_the_line_that_install_prints_permits_what_is_asked_and_no_more(scene, gate):
    fixed = ports.fixed()
    kept = keep(scene, gate, "0:localhost:22", f"{fixed}:localhost:80", "*:0:localhost:81",
                "pc42:22:localhost:22", f"[::1]:{ports.fixed()}:localhost:80")
    words = kept.wait_said(r"connected to (.*)")[1].split("; ")
    assert len(words) == 5 and f"{fixed} leads to localhost:80" in words
    with open(gate.authorized_keys, encoding="utf-8") as file:
        assert file.read().startswith(
            'restrict,port-forwarding,permitlisten="localhost:0",'
            f'permitlisten="localhost:{fixed}",permitlisten=":0",permitlisten="pc42:22",')
    other = scene.ssh(gate, f"{ports.fixed()}:localhost:22",
                      key=types.SimpleNamespace(path=kept.installed.key))
    assert other.outcomes(1) == [False]


def test_it_comes_back_to_its_port_when_the_gate_is_started_again(scene, gate):
    target = scene.target(greet("hello"))
    kept = keep(scene, gate, lead(target))
    port = kept.wait_connected()
    gate.terminate()
    gate.wait_exit()
    assert kept.wait_said(r"waiting \S+ s: (.*)")[1] == "the server is stopping"
    gate.start()
    assert kept.wait_connected(count=2) == port
    assert streams.read_all(scene.visit(port)) == b"hello"


def assert_steps(pauses_ms, steps_ms):
    """Each pause is random, from half of its step to all of it."""
    assert len(pauses_ms) >= len(steps_ms)
    for pause_ms, step_ms in zip(pauses_ms, steps_ms):
        assert step_ms / 2 <= pause_ms <= step_ms, (pauses_ms, steps_ms)


def test_pauses_grow_while_the_gate_is_away_and_are_short_again_after(scene, gate):
    kept = keep(scene, gate)
    kept.wait_connected()
    gate.terminate()
    gate.wait_exit()
    refused = r"waiting (\S+) s: connect to host .*: Connection refused"
    kept.wait_said(refused, count=5)
    assert_steps(kept.pauses_ms(), [20, 40, 80, 160, 200, 200])
    gate.start()
    kept.wait_connected(count=2)
    before = len(kept.pauses_ms())
    os.kill(kept.ssh_pid(), signal.SIGKILL)
    assert kept.wait_said(r"waiting (\S+) s: (.*)", count=before + 1)[2] == "ssh ended with 137"
    assert_steps(kept.pauses_ms()[before:], [20])


def test_machines_that_lost_their_gate_together_do_not_come_back_together(scene, gate):
    """The first pauses of four of them, all at random: the odds are one to a billion."""
    made = [Installed(scene.folder, gate, name=f"machine{number}") for number in range(4)]
    gate.terminate()
    gate.wait_exit()
    all_kept = [scene.add(Kept(one, scene.folder, step_ms=(2000, 2000))) for one in made]
    for kept in all_kept:
        kept.wait_said("waiting .*")
    first_ms = [kept.pauses_ms()[0] for kept in all_kept]
    assert_steps(first_ms, [2000] * 4)
    assert len(set(first_ms)) > 1, first_ms


def test_a_connection_that_does_not_last_is_no_reason_for_short_pauses(scene, gate):
    kept = keep(scene, gate, steady_s=1000)
    for count in range(1, 4):
        kept.wait_connected(count)
        os.kill(kept.ssh_pid(), signal.SIGKILL)
        kept.wait_said("waiting .*", count)
    assert_steps(kept.pauses_ms(), [20, 40, 80])


def test_a_key_that_is_not_known_yet_is_told(scene, gate):
    made = Installed(scene.folder, gate)
    kept = scene.add(Kept(made, scene.folder))
    kept.wait_said(r"waiting \S+ s: .*Permission denied \(publickey\)\.")
    gate.authorize(made.key_line())
    kept.wait_connected()


def test_a_port_of_somebody_else_is_told(scene, gate):
    fixed = ports.fixed()
    made = install(scene, gate, f"{fixed}:localhost:80")
    gate.authorize(made.key_line(), scene.key.line)
    owner = scene.ssh(gate, f"{fixed}:localhost:80")
    owner.wait_granted()
    kept = scene.add(Kept(made, scene.folder))
    told = kept.wait_said(rf"waiting \S+ s: refused localhost:{fixed}: (.*)")[1]
    assert told == gate.log.wait_event("refused")["why"]
    assert not kept.said("connected .*")


def test_a_gate_that_admits_nobody_from_here_is_told(scene):
    gate = scene.gate(penalties={"exempt": [], "auth_failed": "1h", "max": "2h"})
    kept = scene.add(Kept(Installed(scene.folder, gate), scene.folder))
    kept.wait_said(r"waiting \S+ s: .*Permission denied \(publickey\)\.")
    kept.wait_said(r"waiting \S+ s: not admitted: connections from 127\.0\.0\.1 are refused .*")


def test_what_a_gate_greets_with_is_no_reason_to_wait(scene):
    gate = scene.gate(ssh={"banner": "Gr\u00fc\u00dfe"})
    kept = keep(scene, gate)
    kept.wait_connected()
    assert kept.stderr.text().isascii()
    os.kill(kept.ssh_pid(), signal.SIGKILL)
    kept.wait_said(r"waiting \S+ s: ssh ended with 137")


def test_a_status_is_cut_where_systemd_would_drop_it(scene, gate):
    """32 forwards of a name with 60 letters."""
    forwards = [f"{'n' * 60}{number}:22:localhost:22" for number in range(32)]
    kept = keep(scene, gate, *forwards)
    assert len(kept.wait_said("connected to (.*)")[0]) == 1000


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_another_host_key_is_refused(scene, gate, kind):
    """Of the same kind or of another."""
    kept = keep(scene, gate)
    kept.wait_connected()
    gate.terminate()
    gate.wait_exit()
    gate.write_config(ssh={"host_keys": [Key(scene.folder, "host", (kind,)).path]})
    gate.start()
    kept.wait_said(r"waiting \S+ s: Host key verification failed\.")
    assert len(kept.said("connected .*")) == 1


def test_a_gate_that_says_no_more_is_left(scene, gate):
    made = Installed(scene.folder, gate)

    def silent(connection):
        connection.sendall(b"SSH-2.0-silent\r\n")
        while connection.recv(1 << 16):
            pass

    target = scene.target(silent)
    with open(made.config, "w", encoding="utf-8") as file:
        file.write(f"GATE=127.0.0.1:{target.port}\n")
    kept = scene.add(Kept(made, scene.folder, grant_s=1))
    kept.wait_said(r"waiting \S+ s: not connected after 1 s", count=2)
    target.join(2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_ssh(scene, gate, number):
    kept = keep(scene, gate)
    kept.wait_connected()
    ssh = kept.ssh_pid()
    kept.signal(number)
    assert kept.wait_exit() == 0
    assert not is_alive(ssh)
    until(lambda: kept.notify.has("STOPPING=1"), "STOPPING=1")
    gate.log.wait_event("session_closed")


def test_a_signal_ends_a_pause(scene, gate):
    made = Installed(scene.folder, gate)
    kept = scene.add(Kept(made, scene.folder, step_ms=(200_000, 200_000)))
    kept.wait_said(r"waiting 1\d\d\.\d{3} s: .*|waiting 200\.000 s: .*")
    kept.signal(signal.SIGTERM)
    assert kept.wait_exit() == 0
    assert not kept.children()


BROKEN = [
    ("GATE=", "GATE has no value"),
    ("GATE=a gate", "this is not [USER@]HOST[:PORT]: a gate"),
    ("GATE=gate:022", "this is not [USER@]HOST[:PORT]: gate:022"),
    ("GATE=-oProxyCommand=x", "this is not [USER@]HOST[:PORT]: -oProxyCommand=x"),
    ("GATE=gate\nGATE=gate", "GATE is there twice"),
    ("FORWARD=0:localhost:22", "there is no GATE=[USER@]HOST[:PORT]"),
    ("GATE=gate\n\n# what\nFORWARD=nowhere",
     "this is not [ADDRESS:]PORT:HOST:PORT, as behind ssh -R: nowhere"),
    ("GATE=gate\nFORWARD=8080", "this is not [ADDRESS:]PORT:HOST:PORT, as behind ssh -R: 8080"),
    ("GATE=gate\nIDENTITY=id", "this is not a path from / on, without blanks: id"),
    ("GATE=gate\nKNOWN_HOSTS=/a /b", "this is not a path from / on, without blanks: /a /b"),
    ("GATE=gate\nnothing", "this is not KEY=VALUE: nothing"),
    ("GATE=gate\nGATES=gate", "no such key: GATES "
     "(GATE, FORWARD, IDENTITY, KNOWN_HOSTS, OPTION are known)"),
    ("GATE=gate\nOPTION=Compression", "this is not OPTION=NAME=VALUE: Compression"),
    ("GATE=$(touch ran)", "this is not [USER@]HOST[:PORT]: $(touch ran)"),
]


@pytest.mark.parametrize("text, words", BROKEN)
def test_a_broken_file_is_told_with_its_line(scene, gate, text, words):
    made = Installed(scene.folder, gate)
    with open(made.config, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    kept = scene.add(Kept(made, scene.folder))
    assert kept.wait_exit() == 2
    line = f"{made.config}:{len(text.splitlines())}: {words}"
    assert kept.stderr.text() == line + "\n"
    until(lambda: kept.notify.has("STATUS=" + line), "the status")
    assert not kept.notify.has("READY=1")


def test_install_again_keeps_the_key_and_what_was_not_asked_for(scene, gate):
    made = install(scene, gate, "pc42:22:localhost:22")
    with open(made.key, encoding="utf-8") as file:
        key = file.read()
    with open(made.config, "a", encoding="utf-8") as file:
        file.write("# mine\nOPTION=Compression=yes\n")
    made.install(f"127.0.0.1:{gate.port}")
    with open(made.config, encoding="utf-8") as file:
        assert file.read() == (f"GATE=127.0.0.1:{gate.port}\nFORWARD=pc42:22:localhost:22\n"
                               "# mine\nOPTION=Compression=yes\n")
    made.install(f"pc43@127.0.0.1:{gate.port}", "0:localhost:80")
    with open(made.config, encoding="utf-8") as file:
        assert file.read() == (f"GATE=pc43@127.0.0.1:{gate.port}\nFORWARD=0:localhost:80\n"
                               "# mine\nOPTION=Compression=yes\n")
    assert "nothing is changed" in made.run("--name", made.name, "gate", "-R", "no", code=1)
    with open(made.key, encoding="utf-8") as file:
        assert file.read() == key


def test_install_shows_and_keeps_the_host_key(scene, gate):
    made = install(scene, gate)
    assert gate.host_fingerprint() in made.words
    with open(os.path.join(made.state, "work.known_hosts"), encoding="utf-8") as file:
        assert re.match(rf"\[127\.0\.0\.1\]:{gate.port} ssh-ed25519 ", file.read())


@pytest.mark.parametrize("gate, code", [("a gate", 1), ("-oProxyCommand=x", 2),
                                        ("gate\nOPTION=ProxyCommand=x", 2)])
def test_a_gate_that_is_none_installs_nothing(scene, gate, code):
    root = os.path.join(scene.folder, "root")
    run_install(root, gate, code=code)
    assert not os.path.exists(root)


def test_only_what_is_there_can_be_removed(scene, gate):
    made = install(scene, gate)
    assert "there is no tunnel wrok" in made.run("--remove", "wrok", code=1)
    assert os.path.exists(made.config) and os.path.exists(made.program)


def test_remove_leaves_nothing(scene, gate):
    made = install(scene, gate)
    other = Installed(scene.folder, gate, name="other")
    made.run("--remove", "work")
    assert os.listdir(made.configuration) and not os.path.exists(made.key)
    other.run("--remove", "other")
    left = subprocess.run(["find", made.root, "-name", "*portreeve*"], capture_output=True,
                          check=True).stdout
    assert left == b""
