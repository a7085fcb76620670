"""Domains that a client brings along: `-R app.example.org:80:…` is granted to the key that DNS
names, and to nobody else.
"""

import os
import shutil
import signal
import subprocess

import pytest

from harness import ports, web
from harness.gate import port_of
from harness.wait import until

pytestmark = [
    pytest.mark.portreeve_only("sshd has no http names"),
    pytest.mark.skipif(not (shutil.which("dnsmasq") or os.path.exists("/usr/sbin/dnsmasq")),
                       reason="there is no dnsmasq here"),
]

HOST = "app.example.org"


class NameServer:
    """dnsmasq with these TXT records: (name, text) pairs."""

    def __init__(self, *records):
        self.port = ports.fixed()
        self.process = None
        self.say(*records)

    def say(self, *records):
        """Others from now on, for questions that have not been asked yet."""
        self.close()
        command = [shutil.which("dnsmasq") or "/usr/sbin/dnsmasq", "--keep-in-foreground",
                   f"--port={self.port}", "--listen-address=127.0.0.1", "--bind-interfaces",
                   "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=",
                   "--local=/example.org/", "--user=root", "--log-facility=-"]
        command += [f"--txt-record={name},{text}" for name, text in records]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "started" in line:
                return
        raise AssertionError("dnsmasq does not start")

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process.stderr.close()


def make_gate(scene, server, **http):
    gate = scene.new_gate(lines=[scene.key.line, scene.other_key.line], https={"listen": []},
                          http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"],
                                "resolver": f"127.0.0.1:{server.port}", **http})
    return gate.start()


def ask(scene, gate, host=HOST):
    visitor = scene.add(web.Visitor(port_of(gate.log.wait_event("listening", name="http"))))
    return visitor.ask("/name", host=host)


@pytest.mark.parametrize("label, words", [
    ("_portreeve", "{}"), ("_portreeve", "owners: {}="), ("_sish", "{}")])
def test_the_key_that_dns_names_gets_the_domain(scene, label, words):
    server = scene.add(NameServer((f"{label}.{HOST}", words.format(scene.key.fingerprint))))
    gate = make_gate(scene, server)
    target = scene.target(web.app("mine"))
    ssh = scene.ssh(gate, f"{HOST}:80:127.0.0.1:{target.port}")
    ssh.stderr.wait_for(f"http name open at http://{HOST}")
    assert ask(scene, gate).body == b"mine"
    assert ask(scene, gate, f"other.{HOST}").status == 404


def test_acme_may_be_answered_by_the_target_of_a_domain(scene):
    webroot = os.path.join(scene.folder, "acme")
    challenge = ".well-known/acme-challenge"
    os.makedirs(os.path.join(webroot, challenge))
    with open(os.path.join(webroot, challenge, "ours"), "w", encoding="ascii") as file:
        file.write("ours.thumb")
    server = scene.add(NameServer((f"_portreeve.{HOST}", scene.key.fingerprint)))
    gate = make_gate(scene, server, acme_webroot=webroot)
    target = scene.target(web.app())
    ssh = scene.ssh(gate, f"blog:80:127.0.0.1:{target.port}", f"{HOST}:80:127.0.0.1:{target.port}")
    ssh.stderr.wait_for(f"http name open at http://{HOST}")
    visitor = scene.add(web.Visitor(port_of(gate.log.wait_event("listening", name="http"))))
    assert visitor.ask(f"/{challenge}/ours", host=HOST).body == b"ours.thumb"
    assert visitor.ask(f"/{challenge}/theirs", host=HOST).json()["path"] == f"/{challenge}/theirs"
    assert visitor.ask(f"/{challenge}/theirs", host=f"blog.{web.DOMAIN}").status == 404
    assert visitor.ask(f"/{challenge}/theirs", host=f"nobody.{HOST}").status == 404


@pytest.mark.parametrize("records", [[], [(f"_portreeve.{HOST}", "SHA256:another")]])
def test_others_are_told_which_record_is_missing_and_their_session_ends(scene, records):
    server = scene.add(NameServer(*records))
    gate = make_gate(scene, server)
    ssh = scene.ssh(gate, f"{HOST}:80:127.0.0.1:{scene.target(web.app()).port}")
    assert ssh.wait_exit() == 255
    assert f"_portreeve.{HOST}" in ssh.stderr.text()
    assert scene.key.fingerprint in ssh.stderr.text()
    gate.log.wait_event("refused", code="domain_not_proven")
    assert ask(scene, gate).status == 404


def test_a_session_with_other_tunnels_goes_on(scene):
    gate = make_gate(scene, scene.add(NameServer()))
    target = scene.target(web.app("kept"))
    ssh = scene.ssh(gate, f"blog:80:127.0.0.1:{target.port}", f"{HOST}:80:127.0.0.1:{target.port}")
    ssh.stderr.wait_for(rf"refused {HOST}:80")
    assert ask(scene, gate, f"blog.{web.DOMAIN}").body == b"kept"
    assert not ssh.ended()


def test_a_name_server_that_does_not_answer_holds_up_nobody(scene):
    server = scene.add(NameServer())
    gate = make_gate(scene, server)
    server.process.send_signal(signal.SIGSTOP)
    try:
        target = scene.target(web.app("blog"))
        waits = scene.ssh(gate, f"{HOST}:80:127.0.0.1:{target.port}")
        waits.wait_granted()
        scene.ssh(gate, f"blog:80:127.0.0.1:{target.port}").wait_granted()
        assert ask(scene, gate, f"blog.{web.DOMAIN}").body == b"blog"
        assert waits.wait_exit(timeout_s=30) == 255
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert "domain_not_proven" in gate.log.text()


def test_a_domain_is_one_owners_and_is_taken_over_by_him_alone(scene):
    server = scene.add(NameServer((f"_portreeve.{HOST}", scene.key.fingerprint),
                                  (f"_sish.{HOST}", scene.other_key.fingerprint)))
    gate = make_gate(scene, server)
    first = scene.ssh(gate, f"{HOST}:80:127.0.0.1:{scene.target(web.app('one')).port}")
    first.stderr.wait_for("http name open")
    other = scene.ssh(gate, f"{HOST}:80:127.0.0.1:{scene.target(web.app('two')).port}",
                      key=scene.other_key)
    assert other.wait_exit() == 255
    gate.log.wait_event("refused", code="address_leased")
    again = scene.ssh(gate, f"{HOST}:80:127.0.0.1:{scene.target(web.app('three')).port}")
    again.stderr.wait_for("http name open again")
    until(lambda: ask(scene, gate).body == b"three", "the newer session serves it")
