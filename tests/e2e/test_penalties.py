"""Who connects and does not log in is refused for a while: `[penalties]`.

The gates of the other topics exempt this host, since all their clients come from it.
"""

import re
import socket

import pytest

from harness import streams, visitor
from harness.target import echo
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd of this age has no penalties")


def gate_with(scene, **penalties):
    return scene.gate(penalties={"exempt": [], **penalties})


def knock(gate, host="127.0.0.1"):
    """What the server says first to a connection from `host`, which then leaves."""
    with socket.create_connection(("127.0.0.1", gate.port), 15, (host, 0)) as sock:
        return sock.makefile(encoding="ascii").readline().strip()


def refused_s(gate, key, host="127.0.0.1"):
    """For how many seconds more connections from `host` are refused, because of `key`."""
    line = knock(gate, host)
    told = re.fullmatch(rf"portreeve: not admitted: connections from {re.escape(host)} are refused "
                        r"for (\d+) s more, because earlier ones did not log in "
                        rf"\(\[penalties\] {key}\)", line)
    assert told, line
    return int(told[1])


def let_in(gate, host="127.0.0.1"):
    return knock(gate, host).startswith("SSH-2.0-")


def wait_closed(gate, count, mark=0):
    """Penalties hold from here on: they are given before the line is written."""
    until(lambda: len(gate.log.events("session_closed", mark)) >= count,
          lambda: f"{count} sessions are closed:\n{gate.log.tail()}")


def fail(scene, gate, times, **kwargs):
    mark = gate.log.mark()
    for _ in range(times):
        ssh = scene.ssh(gate, key=scene.other_key, **kwargs)
        assert ssh.wait_exit() == 255
        assert "Permission denied (publickey" in ssh.stderr.text()
    wait_closed(gate, times, mark)


def test_a_source_that_fails_again_and_again_is_refused(scene):
    # Twelve times the defaults: on a busy machine four logins may need all of their 15 s.
    gate = gate_with(scene, auth_failed="60s", min="180s")
    _, port = scene.tunnel(gate, scene.target(echo))
    fail(scene, gate, 3)
    scene.ssh(gate).wait_login()  # it may still come in, and that takes nothing away
    fail(scene, gate, 1)
    assert 120 <= refused_s(gate, "auth_failed") <= 240
    event = gate.log.wait_event("refused", code="penalty")
    assert event["client"].startswith("127.0.0.1:")

    ssh = scene.ssh(gate)
    assert ssh.wait_exit() == 255
    assert "portreeve: not admitted: connections from 127.0.0.1 are refused" in ssh.stderr.text()

    scene.ssh(gate, args=["-b", "127.0.0.2"]).wait_login()  # another source
    with visitor.connect(port) as sock:  # what is open stays open
        sock.sendall(b"here")
        assert streams.read_exactly(sock, 4) == b"here"


def test_a_penalty_ends_by_itself(scene):
    gate = gate_with(scene, auth_failed="1s", no_auth="0s", min="0s")
    fail(scene, gate, 1)
    until(lambda: let_in(gate), "the penalty is over")
    scene.ssh(gate).wait_login()


def test_leaving_without_a_try_counts(scene):
    gate = gate_with(scene, no_auth="200s")
    assert let_in(gate)
    wait_closed(gate, 1)
    assert 100 <= refused_s(gate, "no_auth") <= 200


def test_letting_the_grace_pass_counts(scene):
    gate = scene.gate(ssh={"login_grace": "1s"},
                      penalties={"exempt": [], "grace_exceeded": "24h"})
    with socket.create_connection(("127.0.0.1", gate.port), 30) as sock:
        visitor.read_until_closed(sock)
    wait_closed(gate, 1)
    assert 590 <= refused_s(gate, "grace_exceeded") <= 600  # the maximum


def test_who_logs_in_is_not_blamed(scene):
    """Not for the wrong keys that an agent offered first, nor for how the session ends later."""
    gate = gate_with(scene, auth_failed="1h", no_auth="1h", min="0s")
    mark = gate.log.mark()
    ssh = scene.ssh(gate, key=scene.other_key, args=["-i", scene.key.path])
    ssh.wait_login()
    assert gate.log.events("login_refused", mark)
    ssh.close()
    wait_closed(gate, 1, mark)
    scene.ssh(gate).wait_login()


def test_a_limit_is_nobodys_fault(scene):
    gate = scene.gate(limits={"sessions_per_key": 1},
                      penalties={"exempt": [], "auth_failed": "1h", "no_auth": "1h", "min": "0s"})
    first = scene.ssh(gate)
    first.wait_login()
    second = scene.ssh(gate, verbose=False)
    assert second.wait_exit() == 255
    gate.log.wait_event("login_refused", code="limit_sessions_per_key")
    assert re.search(r"^portreeve: refused the login: .*\[limits\] sessions_per_key",
                     second.stderr.text(), re.MULTILINE), second.stderr.text()
    wait_closed(gate, 1)
    first.close()
    wait_closed(gate, 2)
    scene.ssh(gate).wait_login()


def test_a_reload_exempts_and_turns_off(scene):
    gate = gate_with(scene, auth_failed="1h", min="0s", no_auth="0s")
    fail(scene, gate, 1)
    assert refused_s(gate, "auth_failed") > 500
    gate.write_config(penalties={"exempt": ["127.0.0.0/30"]})
    gate.reload()
    assert let_in(gate)
    gate.write_config(penalties={"exempt": ["127.0.0.2"]})
    gate.reload()
    assert refused_s(gate, "auth_failed") > 500
    gate.write_config(penalties={"max": "0s"})
    gate.reload()
    assert let_in(gate)


def test_who_is_refused_cannot_fill_the_log(scene):
    gate = scene.gate(log={"level": "info"},
                      penalties={"exempt": [], "auth_failed": "1h", "min": "0s"})
    fail(scene, gate, 1)
    for _ in range(100):
        refused_s(gate, "auth_failed")
    gate.terminate()
    assert gate.wait_exit() == 0
    lines = len(gate.log.events("refused"))
    assert 1 <= lines <= 10
    assert gate.log.wait_event("held_back", what="penalty")["lines"] == str(100 - lines)
