"""max-tunnels, where the sessions of a key come and go."""

import signal

import pytest

from harness import ports

pytestmark = pytest.mark.portreeve_only("sshd has no such limit")


def test_a_key_with_all_it_may_have_takes_its_own_over(scene):
    gate = scene.gate(lines=[f'max-tunnels="1" {scene.key.line}'])
    wish = f"{ports.fixed()}:127.0.0.1:9"
    first = scene.ssh(gate, wish)
    first.wait_granted()
    first.signal(signal.SIGSTOP)
    second = scene.ssh(gate, wish)
    second.wait_granted()
    assert gate.log.wait_event("session_closed", reason="taken_over")
    assert scene.ssh(gate, f"{ports.fixed()}:127.0.0.1:9").outcomes(1) == [False]
    assert gate.log.wait_event("refused")["code"] == "limit_tunnels_per_key"


def test_no_more_are_kept_for_a_key_than_it_may_have(scene):
    gate = scene.gate(lines=[f'max-tunnels="2" {scene.key.line}'])
    wishes = [f"{ports.fixed()}:127.0.0.1:9" for _ in range(3)]
    for wish in wishes:
        mark = gate.log.mark()
        ssh = scene.ssh(gate, wish)
        ssh.wait_granted()
        ssh.process.send_signal(signal.SIGKILL)
        gate.log.wait_event("tunnel_held", after=mark)
    ended = gate.log.wait_event("lease_ended", reason="limit_leases_per_key")
    assert f":{wishes[0].partition(':')[0]}" in ended["address"] and "max-tunnels" in ended["why"]
