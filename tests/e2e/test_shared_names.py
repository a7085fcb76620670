"""One private name of several owners: only when the first one shares it, and then in turn."""

import os
import signal

import pytest

from harness import ports, streams
from harness.target import greet

pytestmark = pytest.mark.portreeve_only("sshd has no private names")


def make_gate(scene, owner="", other="", **settings):
    made = scene.new_gate(**settings)
    made.write_keys([f"{owner} {scene.key.line}".strip(),
                     f"{other} {scene.other_key.line}".strip()])
    return made.start()


def offer(scene, gate, word, key=None, **more):
    """A client with the name, in front of a target that says `word`."""
    target = scene.target(greet(word))
    ssh = scene.ssh(gate, f"web:80:127.0.0.1:{target.port}", key=key, **more)
    ssh.wait_granted()
    return ssh


def answers(scene, gate, count, key=None):
    """What as many callers hear, one after the other."""
    local = ports.fixed()
    ssh = scene.ssh(gate, args=["-N", "-L", f"127.0.0.1:{local}:web:80"], key=key, user="caller")
    ssh.stderr.wait_for(rf"^debug1: Local forwarding listening on 127.0.0.1 port {local}",
                        process=ssh.process)
    heard = []
    for _ in range(count):
        with scene.visit(local) as sock:
            heard.append(streams.read_all(sock).decode())
    return heard


def refused(scene, gate, key):
    ssh = scene.ssh(gate, "web:80:127.0.0.1:9", key=key)
    assert ssh.outcomes(1) == [False]
    gate.log.wait_event("refused", code="address_leased", requested="web:80")


@pytest.mark.parametrize("how", ["key", "group", "word"])
def test_two_owners_serve_in_turn(scene, how):
    other = scene.other_key.fingerprint
    line = {"key": f'share="{other}"', "group": 'share="ops"', "word": ""}[how]
    reach = 'tcp-aliases-allowed-users="any"'
    gate = make_gate(scene, ",".join(filter(None, [line, reach])), reach, groups={"ops": [other]})
    command = ["share=ops"] if how == "word" else None
    offer(scene, gate, "one", **({"command": command} if command else {}))
    if command:
        # The word comes after the forward.
        ssh = scene.ssh(gate, command=["list", "--json"])
        ssh.wait_exit()
    offer(scene, gate, "two", key=scene.other_key)
    heard = answers(scene, gate, 6)
    assert sorted(heard[:2]) == ["one", "two"] and heard == heard[:2] * 3, heard


def test_nobody_else_and_not_without_sharing(scene):
    gate = make_gate(scene, 'share="ops"', groups={"ops": []})
    offer(scene, gate, "one")
    refused(scene, gate, scene.other_key)
    gate.write_config(groups={"ops": [scene.other_key.fingerprint]})
    gate.reload()
    offer(scene, gate, "two", key=scene.other_key)
    assert answers(scene, gate, 3) == ["one"] * 3, "who may reach it each owner says for himself"
    assert answers(scene, gate, 2, key=scene.other_key) == ["two"] * 2


def test_who_is_away_is_passed_over_and_has_his_place_again(scene):
    options = 'share="ops",tcp-aliases-allowed-users="ops"'
    keys = [scene.key.fingerprint, scene.other_key.fingerprint]
    gate = make_gate(scene, options, options, groups={"ops": keys})
    first = offer(scene, gate, "one")
    offer(scene, gate, "two", key=scene.other_key)
    first.signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    assert answers(scene, gate, 4) == ["two"] * 4
    offer(scene, gate, "one")
    assert sorted(answers(scene, gate, 4)) == ["one", "one", "two", "two"]


def test_machines_of_one_key_are_told_apart_by_their_labels(scene):
    gate = make_gate(scene, f'share="{scene.key.fingerprint}"')
    offer(scene, gate, "one", user="one")
    offer(scene, gate, "two", user="two")
    assert sorted(answers(scene, gate, 4)) == ["one", "one", "two", "two"]


def test_it_is_shared_after_a_restart_too(scene):
    options = 'share="ops",tcp-aliases-allowed-users="ops"'
    keys = [scene.key.fingerprint, scene.other_key.fingerprint]
    gate = make_gate(scene, options, options, groups={"ops": keys})
    offer(scene, gate, "one").signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    gate.terminate()
    assert gate.wait_exit() == 0
    gate.start()
    offer(scene, gate, "two", key=scene.other_key)
    assert answers(scene, gate, 2) == ["two"] * 2
    assert os.path.getsize(os.path.join(gate.settings["server"]["state_dir"], "leases"))
