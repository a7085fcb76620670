"""Words about visitors, against what was there before them: an earlier session's words, and names
that do not go with them.
"""

import os
import signal
import subprocess

import pytest

from harness import web
from harness.gate import port_of
from harness.target import echo
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no words")


def make_gate(scene, **settings):
    return scene.gate(http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]},
                      https={"listen": []}, **settings)


def visit(scene, gate):
    return scene.add(web.Visitor(port_of(gate.log.wait_event("listening", name="http"))))


def lose(gate, ssh):
    mark = gate.log.mark()
    ssh.process.send_signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held", after=mark)


def says(ssh, text):
    ssh.stdout.wait_for(text, process=ssh.process)


def denied(scene, port):
    try:
        with scene.visit(port) as sock:
            sock.sendall(b"x")
            return sock.recv(1) == b""
    except (ConnectionResetError, BrokenPipeError):  # while it connects, too
        return True


@pytest.mark.parametrize("restart", [False, True])
def test_who_was_denied_stays_so_until_the_next_session_speaks(scene, restart):
    gate = make_gate(scene, forward={"hold": "60s"})
    words = f"0:127.0.0.1:{scene.target(echo).port}"
    ssh = scene.ssh(gate, words, command=["deny=127.0.0.1"])
    port = ssh.allocated_ports()[0]
    says(ssh, "tcp tunnel open")
    assert denied(scene, port)
    lose(gate, ssh)
    if restart:
        gate.terminate()
        gate.wait_exit()
        gate.start()
    with scene.visit(port) as waits:
        waits.sendall(b"x")
        ssh = scene.ssh(gate, words, args=["-N"])
        assert ssh.allocated_ports() == [port]
        try:
            assert waits.recv(1) == b""
        except ConnectionResetError:
            pass
    # One that says nothing has nothing to say after a while.
    until(lambda: not denied(scene, port), "what was said before is over")
    lose(gate, ssh)
    ssh = scene.ssh(gate, words, command=["allow=127.0.0.1"])
    says(ssh, "tcp tunnel open")
    assert not denied(scene, port)


def test_who_was_denied_on_the_web_stays_so_until_the_next_session_speaks(scene):
    gate = make_gate(scene)
    words = f"blog:80:127.0.0.1:{scene.target(web.app()).port}"
    ssh = scene.ssh(gate, words, command=["deny=127.0.0.1"])
    says(ssh, "http name open")
    assert visit(scene, gate).ask().status == 403
    lose(gate, ssh)
    ssh = scene.ssh(gate, words, args=["-N"])
    ssh.wait_granted()
    assert visit(scene, gate).ask().status == 403
    lose(gate, ssh)
    ssh = scene.ssh(gate, words, command=["force-https=false"])
    says(ssh, "http name open")
    assert visit(scene, gate).ask().status == 200


def taken_back(scene, gate, wish, word):
    ssh = scene.ssh(gate, f"{wish}:127.0.0.1:{scene.target(web.app()).port}",
                    command=[word], stdin=subprocess.PIPE)
    ssh.stderr.wait_for(r"portreeve: refused .*" + word.partition("=")[0], process=ssh.process)
    assert gate.log.wait_event("refused", code="against_words")
    assert gate.log.wait_event("tunnel_closed", reason="against_words")
    assert visit(scene, gate).ask().status == 404
    return ssh


def test_what_is_to_be_private_is_not_on_the_web(scene):
    gate = make_gate(scene)
    ssh = taken_back(scene, gate, "blog:80", "tcp-alias=true")
    assert not ssh.ended()


@pytest.mark.parametrize("wish", [r"me\:secret@blog:443", "blog/api:443"])
def test_tls_is_not_passed_on_past_a_password_or_a_path(scene, wish):
    taken_back(scene, make_gate(scene), wish, "sni-proxy=true")


def test_only_who_may_visit_is_kept_of_what_was_said(scene):
    gate = make_gate(scene)
    words = f"blog:443:127.0.0.1:{scene.target(web.app()).port}"
    ssh = scene.ssh(gate, words, command=["sni-proxy=true"])
    says(ssh, "http name open")
    lose(gate, ssh)
    office = rf"me\:secret@office:80:127.0.0.1:{scene.target(web.app()).port}"
    ssh = scene.ssh(gate, words, office, args=["-N"])
    assert ssh.outcomes(2) == [True, True]
    visitor = visit(scene, gate)
    assert visitor.ask(host=f"office.{web.DOMAIN}").status == 401
    assert visitor.ask().status == 200  # by plain http, for TLS is not its target's any more


def test_what_is_taken_back_may_be_the_last_forward(scene):
    gate = make_gate(scene)
    ssh = scene.ssh(gate, f"blog:80:127.0.0.1:{scene.target(web.app()).port}",
                    command=["tcp-alias=true", "auto-close=true"], stdin=subprocess.PIPE)
    ssh.wait_exit()
    assert gate.log.wait_event("session_closed", reason="left")


def test_a_forward_after_the_words_is_refused_by_them(scene):
    gate = make_gate(scene)
    path = os.path.join(scene.folder, "mux")
    ssh = scene.ssh(gate, f"db:5432:127.0.0.1:{scene.target(echo).port}",
                    args=["-M", "-S", path], command=["tcp-alias=true"], stdin=subprocess.PIPE)
    says(ssh, "private name open")
    ssh.control("forward", "blog:80:127.0.0.1:9", works=False)
    assert gate.log.wait_event("refused")["code"] == "against_words"
    assert not ssh.ended()


def test_a_retracted_port_is_closed_in_the_log(scene):
    gate = scene.gate()
    client = scene.raw(gate)
    client.send("tcpip-forward", "127.0.0.1", 0, want_reply=False)
    client.synchronise()
    opened = gate.log.wait_event("tunnel_open")
    assert gate.log.wait_event("tunnel_closed")["address"] == opened["address"]
    assert gate.log.wait_event("refused")["code"] == "reply_not_wanted"
