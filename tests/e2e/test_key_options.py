"""What the options of a key allow, tried with the stock ssh, beside sshd where it knows them."""

import contextlib
import subprocess
import tempfile

import pytest

from harness import ports, streams
from harness.scene import Scene
from harness.target import greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("it is compared with sshd in the same test")

# Which of the servers grants what is asked.
BOTH, NEITHER, OURS, THEIRS = {"portreeve", "sshd"}, set(), {"portreeve"}, {"sshd"}


@pytest.fixture(scope="module")
def gates(keys):
    """Both servers, kept up for all rows."""
    with tempfile.TemporaryDirectory(prefix="portreeve-e2e-") as folder, \
            contextlib.closing(Scene(folder, keys)) as scene:
        yield scene.both()


def line(options, key):
    return f"{options} {key.line}" if options else key.line


def forwards(scene, gate, *wishes):
    """Whether each wish is granted; none is where the key does not get in."""
    ssh = scene.ssh(gate, *(f"{wish}:127.0.0.1:9" for wish in wishes))
    granted = ssh.outcomes(len(wishes)) if ssh.gets_in() else [False] * len(wishes)
    ssh.close()
    return granted


# options, wish, who grants it. {p}, {q}: two ports; {r}: a range that has {p} and not {q}.
FORWARDS = [
    ('', '{p}', BOTH),
    ('', '0', BOTH),
    ('restrict', '{p}', NEITHER),
    ('no-port-forwarding', '{p}', NEITHER),
    ('restrict,port-forwarding', '{p}', BOTH),
    ('RESTRICT,Port-Forwarding', '{p}', BOTH),
    ('port-forwarding,restrict', '{p}', NEITHER),
    ('no-port-forwarding,port-forwarding', '{p}', BOTH),
    ('port-forwarding,no-port-forwarding', '{p}', NEITHER),

    ('permitlisten="{p}"', '{p}', BOTH),
    ('permitlisten="{p}"', '*:{p}', BOTH),
    ('permitlisten="{p}"', '127.0.0.1:{p}', BOTH),
    ('permitlisten="{p}"', '{q}', NEITHER),
    ('permitlisten="{p}"', '0', NEITHER),
    ('restrict,permitlisten="{p}"', '{p}', NEITHER),
    ('restrict,port-forwarding,permitlisten="{p}"', '{p}', BOTH),
    ('permitlisten="{p}",permitlisten="{q}"', '{p}', BOTH),
    ('permitlisten="{p}",permitlisten="{q}"', '{q}', BOTH),
    ('permitlisten="{p}",permitlisten="{q}"', '0', NEITHER),

    ('permitlisten="localhost:{p}"', '{p}', BOTH),
    ('permitlisten="localhost:{p}"', '127.0.0.1:{p}', NEITHER),
    ('permitlisten="localhost:{p}"', '*:{p}', NEITHER),
    ('permitlisten="LocalHost:{p}"', '{p}', OURS),
    ('permitlisten="127.0.0.1:{p}"', '127.0.0.1:{p}', BOTH),
    ('permitlisten="127.0.0.1:{p}"', '{p}', NEITHER),
    ('permitlisten="127.0.0.*:{p}"', '127.0.0.3:{p}', BOTH),
    ('permitlisten="127.0.0.?:{p}"', '127.0.0.33:{p}', NEITHER),
    ('permitlisten="[::1]:{p}"', '[::1]:{p}', BOTH),
    ('permitlisten="[::1]:{p}"', '127.0.0.1:{p}', NEITHER),
    ('permitlisten="*:{p}"', '127.0.0.1:{p}', BOTH),
    ('permitlisten="*:{p}"', '{q}', NEITHER),
    ('permitlisten="localhost:*"', '{q}', BOTH),
    ('permitlisten="localhost:*"', '0', BOTH),
    ('permitlisten="localhost:*"', '127.0.0.1:{q}', NEITHER),
    ('permitlisten=":{p}"', '*:{p}', BOTH),
    ('permitlisten=":{p}"', '{p}', NEITHER),

    ('permitlisten="{r}"', '{p}', OURS),
    ('permitlisten="{r}"', '{q}', NEITHER),
    ('permitlisten="{r}"', '0', NEITHER),
    ('permitlisten="localhost:{r}"', '{p}', OURS),
    ('permitlisten="localhost:{r}"', '127.0.0.1:{p}', NEITHER),
    ('permitlisten="0"', '0', OURS),
    ('permitlisten="0"', '{p}', NEITHER),
    ('permitlisten="localhost:0"', '0', OURS),
    ('permitlisten="localhost:0"', '*:0', NEITHER),
    ('permitlisten="0",permitlisten="{p}"', '{p}', OURS),

    ('permitopen="127.0.0.1:80"', '{p}', BOTH),  # is about -L
]


@pytest.mark.parametrize("options, wish, granted_by", FORWARDS,
                         ids=[f"{row[0] or 'none'} asks {row[1]}" for row in FORWARDS])
def test_a_forward(scene, gates, options, wish, granted_by):
    for gate in gates:
        port = ports.fixed()
        words = {"p": port, "q": ports.fixed(), "r": f"{port - 1}-{port}"}
        if words["q"] == port - 1:
            words["r"] = f"{port}-{port}"
        gate.authorize(line(options.format(**words), scene.key))
        granted = forwards(scene, gate, wish.format(**words))
        assert granted == [gate.kind in granted_by], gate.kind


@pytest.mark.parametrize("permit, wish, permitted", [
    ("blog:80", "blog:80", True),
    ("blog:80", "BLOG:80", True),
    ("blog:80", "blog:443", False),
    ("blog:80", "shop:80", False),
    ("carol-*:*", "carol-pc:22", True),
    ("carol-*:*", "dave-pc:22", False),
    ("*:22", "pc:22", True),
    ("22", "pc:22", False),
    ("localhost:22", "pc:22", False),
])
def test_a_name(scene, gates, permit, wish, permitted):
    gate = gates[0]
    gate.authorize(line(f'permitlisten="{permit}"', scene.key))
    mark = gate.log.mark()
    assert forwards(scene, gate, wish) == [permitted]
    if not permitted:
        gate.log.wait_event("refused", after=mark, code="listen_not_permitted", requested=wish)


@pytest.mark.parametrize("options, code", [
    ('', "port_privileged"),
    ('permitlisten="*:*"', "port_privileged"),
    ('permitlisten="localhost:*"', "port_privileged"),
    ('permitlisten="7"', None),
    ('permitlisten="1-1023"', None),
    ('permitlisten="7",no-port-forwarding', "forwarding_not_allowed"),
])
def test_a_privileged_port_must_be_named(scene, gates, options, code):
    gate = gates[0]
    gate.authorize(line(options, scene.key))
    mark = gate.log.mark()
    if not forwards(scene, gate, "7")[0]:  # that it may be asked for does not mean it can be had
        refusal = gate.log.wait_event("refused", after=mark)
        if code or refusal["code"].startswith(("port_priv", "listen_not", "forwarding_not")):
            assert refusal["code"] == code, refusal
    else:
        assert code is None


def test_the_configuration_holds_for_every_key(scene):
    allowed, other = ports.fixed(), ports.fixed()
    gate = scene.gate(forward={"ports": [str(allowed)]},
                      lines=[line(f'permitlisten="{allowed}",permitlisten="{other}"', scene.key)])
    assert forwards(scene, gate, allowed, other) == [True, False]
    assert gate.log.wait_event("refused")["code"] == "port_not_allowed"


def test_the_client_is_told_which_line_refuses(scene):
    gate = scene.gate(lines=["# first", line('permitlisten="1234"', scene.key)])
    port = ports.fixed()
    ssh = scene.ssh(gate, f"{port}:127.0.0.1:9", shell=True, stdin=subprocess.PIPE)
    told = ssh.stdout.wait_for(r"portreeve: refused .*", process=ssh.process)[0]
    assert f"localhost:{port}" in told and f"{gate.authorized_keys}:2" in told, told


@pytest.mark.parametrize("options, has_terminal", [
    ("", True), ("no-pty", False), ("restrict", False), ("restrict,pty", True),
    ("pty,restrict", False), ("no-pty,pty", True),
])
def test_a_terminal(scene, gates, options, has_terminal):
    for gate in gates:
        gate.authorize(line(options, scene.key))
        ssh = scene.terminal(gate)
        ssh.stderr.wait_for("Entering interactive session", process=ssh.process)
        until(lambda: "PTY allocation request failed" in ssh.stderr.text() or ssh.screen(),
              "a word from the server")
        refused = "PTY allocation request failed" in ssh.stderr.text()
        assert refused != has_terminal, f"{gate.kind}:\n{ssh.stderr.tail()}"
        ssh.close()


def test_command_is_shown_as_refused_and_forwards_work(scene):
    gate = scene.gate(lines=[line('command="touch \\"/nowhere\\""', scene.key)])
    target = scene.target(greet("forwarded"))
    ssh = scene.ssh(gate, f"0:127.0.0.1:{target.port}", shell=True, stdin=subprocess.PIPE)
    port = ssh.allocated_ports()[0]
    told = ssh.stdout.wait_for(r"portreeve: refused the command of .*", process=ssh.process)[0]
    assert f"{gate.authorized_keys}:1" in told
    assert streams.read_all(scene.visit(port)) == b"forwarded"
    assert not ssh.ended()

    asked = scene.ssh(gate, command=["something"])
    assert asked.wait_exit() == 1
    assert "runs no programs" in asked.stderr.text()


# Checked and dropped: they are about what a tunnel server never does.
@pytest.mark.parametrize("options", [
    "agent-forwarding", "no-agent-forwarding", "x11-forwarding", "no-X11-forwarding", "user-rc",
    "no-user-rc", 'environment="NAME=value"', 'tunnel="1"', "no-touch-required",
    'restrict,port-forwarding,agent-forwarding,X11-forwarding,user-rc,environment="A=b",tunnel="0"',
])
def test_options_without_a_meaning_are_taken(scene, gates, options):
    for gate in gates:
        gate.authorize(line(options, scene.key))
        assert forwards(scene, gate, "0") == [True], gate.kind


@pytest.mark.parametrize("options, accepted_by", [
    ("port-forewarding", NEITHER),
    ('command="unfinished', NEITHER),
    ("pty no-pty", NEITHER),
    ('permitlisten="65536"', NEITHER),
    ('permitlisten="9-1"', NEITHER),
    ('permitlisten=""', NEITHER),
    ("permitlisten", NEITHER),
    ('permitopen="80"', NEITHER),
    ('expiry-time="tomorrow"', NEITHER),
    ('from="192.0.2.0/240"', NEITHER),
    ('environment="no equals sign"', NEITHER),
    ('tunnel="many"', NEITHER),
    ("pty,", THEIRS),
    ('max-tunnels="1"', OURS),
    ('max-visitors="1"', OURS),
    ('max-rate="1M"', OURS),
    ('max-tunnels="0"', NEITHER),
    ('max-rate="fast"', NEITHER),
])
def test_a_line_is_read_whole_or_not_at_all(scene, gates, options, accepted_by):
    for gate in gates:
        gate.authorize(line(options, scene.key), scene.other_key.line)
        ssh = scene.ssh(gate)
        assert ssh.gets_in() == (gate.kind in accepted_by), gate.kind
        ssh.close()
        assert scene.ssh(gate, key=scene.other_key).gets_in(), "the next line is not touched"
    if "portreeve" not in accepted_by:
        assert f"{gates[0].authorized_keys}:1: this key is refused" in gates[0].log.text()
