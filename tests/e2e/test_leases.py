"""An address stays its owner's: over lost sessions, for as long as its lease lasts."""

import os
import signal

import pytest

from harness import listeners, ports, streams, visitor
from harness.target import greet
from harness.wait import TextFile

pytestmark = pytest.mark.portreeve_only("sshd keeps nothing for anybody")


def kill(client):
    """The process is gone without a word to the server."""
    client.signal(signal.SIGKILL)
    client.wait_exit()


def wait_held(gate, count=1):
    for _ in range(count):
        gate.log.wait_event("tunnel_held")


def wait_saved(gate, *numbers):
    path = os.path.join(gate.settings["server"]["state_dir"], "leases")
    for port in numbers:
        TextFile(path).wait_for(rf"^port = {port}$", process=gate.process)
    return path


def test_port_0_is_the_same_again(scene, gate):
    target = scene.target(greet("hello"))
    first, port = scene.tunnel(gate, target)
    kill(first)
    wait_held(gate)
    _, again = scene.tunnel(gate, target)
    assert again == port
    assert streams.read_all(scene.visit(port)) == b"hello"


def test_several_ports_0_come_back_in_their_order(scene, gate):
    targets = [scene.target(greet(name)) for name in ("first", "second", "third")]
    forwards = [f"0:127.0.0.1:{target.port}" for target in targets]
    client = scene.ssh(gate, *forwards)
    assigned = client.allocated_ports(3)
    assert len(set(assigned)) == 3
    client.close()
    gate.log.wait_event("session_closed")
    again = scene.ssh(gate, *forwards)
    assert again.allocated_ports(3) == assigned
    assert [streams.read_all(scene.visit(port)) for port in assigned] == \
        [b"first", b"second", b"third"]


def test_another_label_gets_another_port(scene, gate):
    target = scene.target(greet("hello"))
    first, port = scene.tunnel(gate, target)
    kill(first)
    wait_held(gate)
    _, other = scene.tunnel(gate, target, user="bob")
    assert other != port


def test_two_living_sessions_of_one_key_have_a_port_each(scene, gate):
    one, two = scene.target(greet("one")), scene.target(greet("two"))
    first, port = scene.tunnel(gate, one)
    _, other = scene.tunnel(gate, two)
    assert other != port
    assert not first.ended()
    assert streams.read_all(scene.visit(port)) == b"one"
    assert streams.read_all(scene.visit(other)) == b"two"


def test_a_session_that_does_not_answer_gives_up_its_ports_0(scene, gate):
    """The link is lost and nobody knows yet: its owner is back sooner than any keepalive fails."""
    targets = [scene.target(greet(name)) for name in ("first", "second")]
    forwards = [f"0:127.0.0.1:{target.port}" for target in targets]
    stopped = scene.ssh(gate, *forwards)
    assigned = stopped.allocated_ports(2)
    stopped.signal(signal.SIGSTOP)
    again = scene.ssh(gate, *forwards)
    assert again.allocated_ports(2) == assigned
    assert [streams.read_all(scene.visit(port)) for port in assigned] == [b"first", b"second"]
    gate.log.wait_event("session_closed", reason="taken_over")
    stopped.signal(signal.SIGCONT)
    stopped.wait_exit()
    assert "taken over by a newer session of the same key" in stopped.stderr.text()


def test_visitors_wait_and_are_served(scene, gate):
    target = scene.target(greet("back again"))
    first, port = scene.tunnel(gate, target)
    kill(first)
    wait_held(gate)
    waiting = [scene.visit(port) for _ in range(20)]
    scene.tunnel(gate, target)
    assert [streams.read_all(one) for one in waiting] == [b"back again"] * 20


def test_a_visitor_whose_client_never_answered_is_served_by_the_next(scene, gate):
    target = scene.target(greet("in the end"))
    port = ports.fixed()
    stopped = scene.ssh(gate, f"{port}:127.0.0.1:{target.port}")
    stopped.wait_granted()
    stopped.signal(signal.SIGSTOP)
    waiting = scene.visit(port)
    gate.log.wait_event("visitor_open")
    scene.ssh(gate, f"{port}:127.0.0.1:{target.port}").wait_granted()
    assert streams.read_all(waiting) == b"in the end"


@pytest.mark.parametrize("state", ["alive", "stopped"])
def test_the_owner_takes_a_port_over_at_once(scene, gate, state):
    old, new = scene.target(greet("old")), scene.target(greet("new"))
    port = ports.fixed()
    first = scene.ssh(gate, f"{port}:127.0.0.1:{old.port}")
    first.wait_granted()
    if state == "stopped":
        first.signal(signal.SIGSTOP)
    second = scene.ssh(gate, f"{port}:127.0.0.1:{new.port}")
    second.wait_granted()
    assert streams.read_all(scene.visit(port)) == b"new"
    assert gate.log.wait_event("session_closed", reason="taken_over")["user"] == gate.user
    if state == "alive":
        first.wait_exit()
        assert "taken over by a newer session of the same key, from 127.0.0.1" in \
            first.stderr.text()
    assert not second.ended()


def test_a_stranger_is_refused_while_the_owner_is_here_and_away(scene):
    gate = scene.new_gate()
    gate.write_keys([scene.key.line, scene.other_key.line])
    gate.start()
    target = scene.target(greet("mine"))
    port = ports.fixed()
    owner = scene.ssh(gate, f"{port}:127.0.0.1:{target.port}")
    owner.wait_granted()
    stranger = scene.ssh(gate, f"{port}:127.0.0.1:9", key=scene.other_key)
    assert stranger.outcomes(1) == [False]
    assert "in use by another key" in gate.log.wait_event("refused", code="address_leased")["why"]
    kill(owner)
    wait_held(gate)
    mark = gate.log.mark()
    again = scene.ssh(gate, f"{port}:127.0.0.1:9", key=scene.other_key)
    assert again.outcomes(1) == [False]
    refused = gate.log.wait_event("refused", after=mark, code="address_leased")
    assert "kept for another key, which is away" in refused["why"]
    scene.ssh(gate, f"{port}:127.0.0.1:{target.port}").wait_granted()
    assert streams.read_all(scene.visit(port)) == b"mine"


@pytest.mark.parametrize("hold", ["0s", "300ms"])
def test_who_waits_too_long_is_cut_off(scene, hold):
    gate = scene.gate(forward={"hold": hold})
    target = scene.target(greet("hello"))
    first, port = scene.tunnel(gate, target)
    kill(first)
    wait_held(gate)
    assert visitor.is_reset(port)
    refused = gate.log.wait_event("visitor_refused", code="owner_away")
    assert refused["tunnel"] and refused["fingerprint"] == scene.key.fingerprint


def test_no_more_visitors_wait_than_may(scene):
    gate = scene.gate(limits={"visitors_waiting": 3})
    target = scene.target(greet("hello"))
    first, port = scene.tunnel(gate, target)
    kill(first)
    wait_held(gate)
    waiting = [scene.visit(port) for _ in range(3)]
    assert visitor.is_reset(port)
    assert gate.log.wait_event("visitor_refused", code="limit_visitors_waiting")
    scene.tunnel(gate, target)
    assert [streams.read_all(one) for one in waiting] == [b"hello"] * 3


def test_a_lease_ends(scene):
    gate = scene.new_gate(forward={"lease": "1s"})
    gate.write_keys([scene.key.line, scene.other_key.line])
    gate.start()
    port = ports.fixed()
    first = scene.ssh(gate, f"{port}:127.0.0.1:9")
    first.wait_granted()
    kill(first)
    gate.log.wait_event("lease_ended", reason="lease_over")
    listeners.wait_at(gate, port, set())
    scene.ssh(gate, f"{port}:127.0.0.1:9", key=scene.other_key).wait_granted()


def test_without_leases_nothing_is_kept(scene):
    gate = scene.gate(forward={"lease": "0s"})
    port = ports.fixed()
    first = scene.ssh(gate, f"{port}:127.0.0.1:9")
    first.wait_granted()
    kill(first)
    listeners.wait_at(gate, port, set())
    assert not gate.log.events("tunnel_held")


def test_a_cancelled_forward_is_free_at_once(scene):
    gate = scene.new_gate()
    gate.write_keys([scene.key.line, scene.other_key.line])
    gate.start()
    port = ports.fixed()
    path = f"{scene.folder}/mux"
    owner = scene.ssh(gate, f"{port}:127.0.0.1:9", args=["-M", "-S", path])
    owner.wait_granted()
    owner.control("cancel", f"{port}:127.0.0.1:9")
    listeners.wait_at(gate, port, set())
    scene.ssh(gate, f"{port}:127.0.0.1:9", key=scene.other_key).wait_granted()


def test_the_owner_may_change_his_words(scene, gate):
    target = scene.target(greet("wider"))
    port = ports.fixed()
    first = scene.ssh(gate, f"localhost:{port}:127.0.0.1:9")
    first.wait_granted()
    kill(first)
    wait_held(gate)
    scene.ssh(gate, f"*:{port}:127.0.0.1:{target.port}").wait_granted()
    assert listeners.at(gate, port) == {"0.0.0.0", "::"}
    assert streams.read_all(scene.visit(port)) == b"wider"


def test_the_oldest_of_too_many_goes(scene):
    gate = scene.gate(limits={"leases_per_key": 2})
    client = scene.ssh(gate, *[f"0:127.0.0.1:{number}" for number in (7, 8, 9)])
    first, *others = client.allocated_ports(3)
    kill(client)
    ended = gate.log.wait_event("lease_ended", reason="limit_leases_per_key")
    assert f":{first}" in ended["address"]
    listeners.wait_at(gate, first, set())
    assert all(listeners.at(gate, port) for port in others)


def test_an_end_of_the_server_refuses_new_visitors_at_once(scene, gate):
    target = scene.target(greet("hello"))
    client, port = scene.tunnel(gate, target)
    kill(client)
    wait_held(gate)
    waiting = scene.visit(port)
    gate.terminate()
    assert gate.wait_exit() == 0
    with pytest.raises(ConnectionResetError):
        waiting.recv(1)
    with pytest.raises(ConnectionRefusedError):
        visitor.connect(port)


def test_a_removed_key_keeps_no_address(scene):
    gate = scene.new_gate()
    gate.write_keys([scene.key.line, scene.other_key.line])
    gate.start()
    port = ports.fixed()
    removed = scene.ssh(gate, f"{port}:127.0.0.1:9")
    removed.wait_granted()
    gate.authorize(scene.other_key.line)
    removed.wait_exit()
    listeners.wait_at(gate, port, set())
    scene.ssh(gate, f"{port}:127.0.0.1:9", key=scene.other_key).wait_granted()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stop", "crash"])
def test_an_address_outlives_the_server(scene, end):
    gate = scene.gate(forward={"hold": "60s"})
    target = scene.target(greet("still here"))
    client, port = scene.tunnel(gate, target)
    fixed = ports.fixed()
    other = scene.ssh(gate, f"{fixed}:127.0.0.1:{target.port}")
    other.wait_granted()
    wait_saved(gate, port, fixed)
    gate.process.send_signal(end)
    gate.wait_exit()
    client.wait_exit()
    other.wait_exit()

    gate.start()
    waiting = [scene.visit(port), scene.visit(fixed)]
    stranger = scene.ssh(gate, f"{fixed}:127.0.0.1:9", user="bob", key=scene.key)
    stranger.wait_granted()  # a label makes no stranger of the owner
    stranger.close()
    _, again = scene.tunnel(gate, target)
    assert again == port
    scene.ssh(gate, f"{fixed}:127.0.0.1:{target.port}").wait_granted()
    assert streams.read_all(waiting[0]) == b"still here"
    assert streams.read_all(scene.visit(fixed)) == b"still here"


def test_visitors_of_a_dead_target_wear_out_no_disk(scene, gate):
    """A stranger's visit changes what is told of a tunnel, and nothing that outlives the daemon."""
    ssh = scene.ssh(gate, f"0:127.0.0.1:{ports.fixed()}", user="pc42")
    port = ssh.allocated_ports()[0]
    path = wait_saved(gate, port)
    entry = TextFile(os.path.join(gate.settings["server"]["runtime_dir"], "tunnels",
                                  f"pc42-{port}.json"))
    entry.wait_for('"last_error":""')
    before = os.stat(path).st_ino  # each writing puts a new file in place
    visitor.read_until_closed(scene.visit(port))
    entry.wait_for('"last_error":"target_refused: ')
    assert os.stat(path).st_ino == before


def test_a_damaged_file_is_set_aside(scene, gate):
    target = scene.target(greet("hello"))
    _, port = scene.tunnel(gate, target)
    path = wait_saved(gate, port)
    gate.terminate()
    gate.wait_exit()
    with open(path, "r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"#")
    gate.start()
    assert "leases.damaged-" in gate.log.wait_event("leases_damaged")["why"]
    assert not listeners.at(gate, port)
    scene.tunnel(gate, target)
