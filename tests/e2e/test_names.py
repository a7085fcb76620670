"""Private names: `-R pc42:22:…` opens nothing on the network, and -L, -W and -J of those who may
reach it do.
"""

import os
import shlex
import signal
import subprocess

import pytest

from harness import client, listeners, memory, metrics, ports, streams, visitor
from harness.target import echo, greet
from harness.wait import until

MIB = 1 << 20
TOTAL_BYTES = int(os.environ.get("PORTREEVE_E2E_BULK_MIB", "1024")) * MIB
UP = streams.Pattern("caller to target")
DOWN = streams.Pattern("target to caller")

pytestmark = pytest.mark.portreeve_only("sshd has no private names")


@pytest.fixture
def gate(scene):
    """Where both keys may log in."""
    return make_gate(scene)


def make_gate(scene, owner_options="", caller_options="", **settings):
    made = scene.new_gate(**settings)
    made.write_keys([f"{owner_options} {scene.key.line}".strip(),
                     f"{caller_options} {scene.other_key.line}".strip()])
    return made.start()


def offer(scene, gate, target, name="pc42", port=22, **more):
    """A client that has the name, once it is granted."""
    ssh = scene.ssh(gate, f"{name}:{port}:127.0.0.1:{target.port}", **more)
    ssh.wait_granted()
    return ssh


def forward(scene, gate, name="pc42", port=22, **more):
    """ssh -L to a name: the client, and the port where it listens."""
    local = ports.fixed()
    ssh = scene.ssh(gate, args=["-L", f"127.0.0.1:{local}:{name}:{port}"], **more)
    ssh.stderr.wait_for(rf"^debug1: Local forwarding listening on 127.0.0.1 port {local}",
                        process=ssh.process)
    ssh.wait_login()
    return ssh, local


def stdio(scene, gate, name="pc42", port=22, **more):
    """What ssh -W to a name gets."""
    return scene.ssh(gate, args=["-W", f"{name}:{port}"], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, **more)


def reaches(scene, gate, key, **more):
    """Whether a key reaches the name; a target that greets is behind it."""
    ssh = stdio(scene, gate, key=key, **more)
    out, _ = ssh.process.communicate(timeout=60)
    assert (out != b"") == (ssh.process.returncode == 0), ssh.stderr.tail()
    return out != b""


def test_a_name_opens_nothing_and_is_reached_by_its_key(scene, gate):
    target = scene.target(greet("inside"))
    before = listeners.of(gate)
    offer(scene, gate, target)
    assert listeners.of(gate) == before
    _, local = forward(scene, gate)
    assert streams.read_all(scene.visit(local)) == b"inside"
    ssh = stdio(scene, gate, name="PC42")
    assert ssh.process.communicate(timeout=60)[0] == b"inside"


def test_the_originator_is_the_caller(scene, gate):
    owner = offer(scene, gate, scene.target(greet("inside")), name="Pc42")
    _, local = forward(scene, gate)
    assert streams.read_all(scene.visit(local)) == b"inside"
    owner.stderr.wait_for(r"client_request_forwarded_tcpip: listen Pc42 port 22, "
                          r"originator 127\.0\.0\.1 port \d+")


def test_jump_to_a_machine_behind_it(scene, gate):
    inner = scene.gate(kind="sshd")
    scene.ssh(gate, f"pc42:22:127.0.0.1:{inner.port}").wait_granted()
    hop = shlex.join(["ssh", "-F", "none", "-i", scene.key.path, "-o", "BatchMode=yes",
                      "-o", "StrictHostKeyChecking=accept-new", "-o", "IdentitiesOnly=yes",
                      "-o", f"UserKnownHostsFile={os.path.join(gate.folder, 'known_hosts')}",
                      "-W", "[%h]:%p", "-p", str(gate.port), f"{gate.user}@127.0.0.1"])
    ssh = scene.ssh(inner, host="pc42", port=22, options={"ProxyCommand": hop},
                    command=["echo", "landed"])
    assert ssh.wait_exit() == 0, ssh.stderr.tail()
    assert ssh.stdout.text() == "landed\n"


def test_the_stock_jump(scene, gate):
    """As the manual has it: `ssh -J GATE me@pc42`."""
    inner = scene.gate(kind="sshd")
    scene.ssh(gate, f"pc42:22:127.0.0.1:{inner.port}").wait_granted()
    config = os.path.join(scene.folder, "config")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"Host gate\n HostName 127.0.0.1\n Port {gate.port}\n User {gate.user}\n"
                   f"Host *\n IdentityFile {scene.key.path}\n IdentitiesOnly yes\n BatchMode yes\n"
                   " StrictHostKeyChecking accept-new\n"
                   f" UserKnownHostsFile {scene.folder}/known\n")
    ssh = scene.add(client.Client(["ssh", "-F", config, "-J", "gate", f"{inner.user}@pc42",
                                   "echo", "landed"], scene.folder))
    assert ssh.wait_exit() == 0, ssh.stderr.tail()
    assert ssh.stdout.text() == "landed\n"


def test_a_name_comes_and_goes_on_a_live_connection(scene, gate):
    """`ssh -O forward` and `-O cancel`, of who offers it and of who reaches it."""
    target = scene.target(greet("inside"))
    owner = scene.ssh(gate, args=["-M", "-S", f"{scene.folder}/owner"])
    owner.stderr.wait_for("Entering interactive session", process=owner.process)
    words = f"pc42:22:127.0.0.1:{target.port}"
    owner.control("forward", words)
    caller = scene.ssh(gate, args=["-M", "-S", f"{scene.folder}/caller"])
    caller.stderr.wait_for("Entering interactive session", process=caller.process)
    local = ports.fixed()
    path = f"{scene.folder}/caller"
    assert client.ssh_control(path, "forward", "-L", f"{local}:pc42:22").returncode == 0
    assert streams.read_all(scene.visit(local)) == b"inside"
    owner.control("cancel", words)
    until(lambda: visitor.read_until_closed(scene.visit(local)) == b"", "it is gone")
    owner.control("forward", words)
    assert streams.read_all(scene.visit(local)) == b"inside"
    assert client.ssh_control(path, "cancel", "-L", f"{local}:pc42:22").returncode == 0
    visitor.wait_refused(local)
    assert not owner.ended() and not caller.ended()


def test_no_name_and_no_permission_sound_the_same(scene, gate):
    target = scene.target(greet("inside"))
    offer(scene, gate, target)
    words = []
    for name in ("pc42", "pc43"):
        ssh, local = forward(scene, gate, name, key=scene.other_key)
        for _ in range(2):  # the session goes on
            mark = gate.log.mark()
            assert visitor.read_until_closed(scene.visit(local)) == b""
            event = gate.log.wait_event("refused", after=mark, code="name_not_found")
        ssh.stderr.wait_for("Remote: portreeve: refused ")
        assert not ssh.ended()
        words.append([line.replace(name, "NAME") for line in ssh.stderr.text().splitlines()
                      if "refused" in line or "open failed" in line])
        assert event["fingerprint"] == scene.other_key.fingerprint
    assert words[0] and set(words[0]) == set(words[1])
    assert target.accepted == 0


@pytest.mark.parametrize("who", ["key", "group", "group of a key", "any", "others"])
def test_the_owners_line_says_who_else_may(scene, who):
    other = scene.other_key.fingerprint
    audience, groups = {
        "key": (other, {}),
        "group": ("ops", {"ops": [other]}),
        "group of a key": (f"dev,{scene.key.fingerprint}", {"dev": [other, "principal:x"]}),
        "any": ("any", {}),
        "others": ("dev,ops", {"ops": [scene.key.fingerprint], "dev": ["principal:x"]}),
    }[who]
    gate = make_gate(scene, f'tcp-aliases-allowed-users="{audience}"', groups=groups)
    offer(scene, gate, scene.target(greet("inside")))
    assert reaches(scene, gate, scene.other_key) == (who != "others")
    assert reaches(scene, gate, scene.key)


def test_a_reload_changes_who_is_in_a_group(scene):
    gate = make_gate(scene, 'tcp-aliases-allowed-users="ops"', groups={"ops": []})
    offer(scene, gate, scene.target(greet("inside")))
    assert not reaches(scene, gate, scene.other_key)
    gate.write_config(groups={"ops": [scene.other_key.fingerprint]})
    gate.reload()
    assert reaches(scene, gate, scene.other_key)


def test_a_permitopen_holds_for_names_too(scene):
    target = scene.target(greet("inside"))
    gate = make_gate(scene, 'tcp-aliases-allowed-users="any"',
                     'permitopen="localhost:1",permitopen="pc42:22"')
    offer(scene, gate, target)
    offer(scene, gate, target, name="pc43")
    assert reaches(scene, gate, scene.other_key)
    assert not reaches(scene, gate, scene.other_key, name="pc43")
    gate.log.wait_event("refused", code="open_not_permitted")


def test_a_name_is_its_owners(scene, gate):
    target = scene.target(greet("inside"))
    owner = offer(scene, gate, target)
    for name, port in (("pc42", 22), ("PC42", 22), ("pc42", 80)):
        stranger = scene.ssh(gate, f"{name}:{port}:127.0.0.1:{target.port}", key=scene.other_key)
        assert stranger.outcomes(1) == [False]
        gate.log.wait_event("refused", code="address_leased", requested=f"{name}:{port}")
    owner.signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    stranger = scene.ssh(gate, f"pc42:22:127.0.0.1:{target.port}", key=scene.other_key)
    assert stranger.outcomes(1) == [False]


def test_callers_wait_for_the_owner(scene, gate):
    target = scene.target(greet("back again"))
    owner = offer(scene, gate, target)
    owner.signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    _, local = forward(scene, gate)
    waiting = [scene.visit(local) for _ in range(5)]
    offer(scene, gate, target)
    assert [streams.read_all(one) for one in waiting] == [b"back again"] * 5


def test_who_waits_too_long_is_let_go(scene):
    gate = make_gate(scene, forward={"hold": "300ms"})
    offer(scene, gate, scene.target(greet("never"))).signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    ssh, local = forward(scene, gate)
    assert visitor.read_until_closed(scene.visit(local)) == b""
    gate.log.wait_event("visitor_refused", code="owner_away", tunnel="pc42:22")
    assert not ssh.ended()


def test_a_newer_session_takes_a_name_over(scene, gate):
    first = offer(scene, gate, scene.target(greet("old")))
    offer(scene, gate, scene.target(greet("new")))
    first.wait_exit()
    assert "taken over by a newer session of the same key" in first.stderr.text()
    assert reaches(scene, gate, scene.key)


def test_a_name_outlives_the_server(scene, gate):
    target = scene.target(greet("inside"))
    offer(scene, gate, target).signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    gate.terminate()
    assert gate.wait_exit() == 0
    gate.start()
    stranger = scene.ssh(gate, f"pc42:22:127.0.0.1:{target.port}", key=scene.other_key)
    assert stranger.outcomes(1) == [False]
    offer(scene, gate, target)
    assert reaches(scene, gate, scene.key)


def test_a_lease_of_a_name_ends(scene):
    gate = make_gate(scene, forward={"lease": "1s"})
    target = scene.target(greet("inside"))
    offer(scene, gate, target).signal(signal.SIGKILL)
    assert gate.log.wait_event("lease_ended")["reason"] == "lease_over"
    offer(scene, gate, target, key=scene.other_key)
    assert reaches(scene, gate, scene.other_key) and not reaches(scene, gate, scene.key)


def test_a_cancelled_name_is_anybodys(scene, gate):
    path = os.path.join(scene.folder, "mux")
    target = scene.target(greet("inside"))
    words = f"pc42:22:127.0.0.1:{target.port}"
    ssh = scene.ssh(gate, words, args=["-M", "-S", path])
    ssh.wait_granted()
    ssh.control("cancel", words)
    assert not reaches(scene, gate, scene.key)
    offer(scene, gate, target, key=scene.other_key)
    assert not ssh.ended()


@pytest.mark.parametrize("name, port", [
    ("-x", 22), ("a/b", 22), ("LocalHost", 22), ("localhost.", 22), ("x" * 65, 22), ("pc42", 0),
    ("127.1", 22), ("0", 22), ("0x7f000001", 22), ("127.0.0.256", 22), ("127.0.0.1.", 22),
])
def test_what_is_no_name(scene, gate, name, port):
    ssh = scene.ssh(gate, f"{name}:{port}:127.0.0.1:1")
    gate.log.wait_event("refused", code="name_not_valid")
    ssh.stderr.wait_for(r"Remote: portreeve: refused .*: \".*\" (is no name|has port 0)")


def test_who_gets_a_name_is_told_that_it_is_one(scene, gate):
    """Who meant an address sees that nothing was opened at it."""
    ssh = offer(scene, gate, scene.target(greet("inside")), name="gate-1.example")
    ssh.stderr.wait_for(r"Remote: portreeve: private name open at gate-1\.example:22$")


def test_names_can_be_switched_off(scene):
    gate = make_gate(scene, forward={"aliases": False})
    assert scene.ssh(gate, "pc42:22:127.0.0.1:1").outcomes(1) == [False]
    assert "[forward] aliases" in gate.log.wait_event("refused", code="name_not_served")["why"]


@pytest.mark.parametrize("caller_first", [True, False])
def test_half_close(scene, gate, caller_first):
    """Each end may stop sending and still hear the other out."""
    def target_last(connection):
        said = streams.read_all(connection)
        connection.sendall(b"you said " + said)

    def target_first(connection):
        connection.sendall(b"hello")
        connection.shutdown(1)
        heard.append(streams.read_all(connection))

    heard = []
    target = scene.target(target_last if caller_first else target_first)
    offer(scene, gate, target)
    _, local = forward(scene, gate)
    sock = scene.visit(local)
    if caller_first:
        sock.sendall(b"all there is")
        sock.shutdown(1)
        assert streams.read_all(sock) == b"you said all there is"
    else:
        assert streams.read_all(sock) == b"hello"
        sock.sendall(b"still here")
        sock.shutdown(1)
        target.join(1)
        assert heard == [b"still here"]


def test_bulk_between_two_sessions(scene):
    """With two workers, sessions go to them in turn."""
    gate = make_gate(scene, server={"workers": 2}, metrics={"listen": "127.0.0.1:0"})
    target = scene.target(
        lambda connection: streams.exchange(connection, TOTAL_BYTES, sent=DOWN, received=UP))
    offer(scene, gate, target)
    _, local = forward(scene, gate)
    sessions = metrics.scrape(metrics.port(gate)).all("portreeve_worker_sessions")
    assert list(sessions.values()) == [1, 1], "on different workers"
    with memory.bounded(gate):
        streams.exchange(scene.visit(local), TOTAL_BYTES, sent=UP, received=DOWN)
        target.join(1)


def test_a_caller_that_does_not_read_holds_up_nobody(scene, gate):
    offer(scene, gate, scene.target(echo))
    _, local = forward(scene, gate)
    stalled = scene.visit(local)
    stalled.settimeout(2)
    with memory.bounded(gate):
        try:
            while True:
                stalled.sendall(bytes(MIB))
        except TimeoutError:
            pass
        with visitor.connect(local) as other:
            other.sendall(b"goes on")
            assert streams.read_exactly(other, 7) == b"goes on"
