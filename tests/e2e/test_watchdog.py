"""systemd's watchdog hears of the daemon only while every thread with a ring makes progress."""

import time

import pytest

from harness import streams
from harness.target import echo
from harness.wait import until, until_steady
from harness.wedge import wedged, worker

pytestmark = pytest.mark.portreeve_only("sshd knows no watchdog")

WATCHDOG_S = 4  # of which a busy machine may take one at any time
PING = "WATCHDOG=1"


def start(scene, pid=None, **settings):
    """A gate that is told to give a sign of life within WATCHDOG_S."""
    gate = scene.new_gate(**{"server": {"workers": 2}, **settings})
    named = [f"WATCHDOG_USEC={WATCHDOG_S * 1_000_000}", *([f"WATCHDOG_PID={pid}"] if pid else [])]
    return gate.start(wrapper=["/usr/bin/env", *named])


def pings(gate):
    return gate.notify.lines().count(PING)


def wait_pings(gate, more):
    """Waits for so many more of them."""
    wanted = pings(gate) + more
    until(lambda: pings(gate) >= wanted, lambda: f"{wanted} pings, not {pings(gate)}")


def let_it_run_out():
    """Until systemd would have ended a daemon that is silent: that nothing comes takes its time."""
    over = time.monotonic() + 2 * WATCHDOG_S
    until(lambda: time.monotonic() > over, "time passes", 3 * WATCHDOG_S)


def test_it_is_answered_at_half_of_its_time(scene):
    gate = start(scene)
    wait_pings(gate, 1)
    started = time.monotonic()
    wait_pings(gate, 4)
    assert time.monotonic() - started > WATCHDOG_S  # 4 halves, and no flood


@pytest.mark.parametrize("number", [0, 1])
def test_a_worker_that_is_stuck_stops_it(scene, number):
    gate = start(scene)
    wait_pings(gate, 2)
    with wedged(worker(gate, number)):
        silent = gate.log.wait_event("worker_silent", worker=number)
        assert silent["level"] == "error"
        before = pings(gate)
        let_it_run_out()
        assert pings(gate) == before
    wait_pings(gate, 2)
    assert len(gate.log.events("worker_silent")) == 1


def test_a_main_thread_that_is_stuck_stops_it(scene):
    gate = start(scene)
    wait_pings(gate, 2)
    with wedged(gate.process.pid):
        before = until_steady(lambda: pings(gate), "all that was said has come")
        let_it_run_out()
        assert pings(gate) == before
    wait_pings(gate, 2)


def test_it_is_answered_while_visitors_finish(scene):
    gate = start(scene, server={"workers": 2, "drain": "60s"})
    _, port = scene.tunnel(gate, scene.target(echo))
    sock = scene.visit(port)
    sock.sendall(b"here")
    assert streams.read_exactly(sock, 4) == b"here"
    gate.terminate()
    until(lambda: gate.notify.has("STOPPING=1"), "STOPPING=1")
    wait_pings(gate, 4)
    sock.close()
    assert gate.wait_exit() == 0
    assert not gate.log.events("worker_silent")


def test_one_for_another_process_is_not_answered(scene):
    gate = start(scene, pid=1)
    scene.ssh(gate).wait_login()
    let_it_run_out()
    assert pings(gate) == 0
