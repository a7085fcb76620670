"""What a client says about the visitors of its http names behind the host, and what the
configuration says about all: headers, credentials, networks, PROXY, several owners, paths.
"""

import base64
import os
import signal
import socket
import struct

import pytest

from harness import web
from harness.gate import port_of
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no http names")


def make_gate(scene, lines=None, **http):
    gate = scene.new_gate(lines=lines, https={"listen": []},
                          http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"], **http})
    return gate.start()


def offer(scene, gate, wish, target, **more):
    ssh = scene.ssh(gate, f"{wish}:127.0.0.1:{target.port}", **more)
    ssh.wait_granted()
    return ssh


def visit(scene, gate):
    return scene.add(web.Visitor(port_of(gate.log.wait_event("listening", name="http"))))


def fields_at(seen):
    return {key.lower(): value for key, value in seen.json()["fields"]}


def basic(text):
    return f"Authorization: Basic {base64.b64encode(text.encode()).decode()}"


def test_credentials_of_the_wish_are_asked_for_and_kept_from_the_target(scene):
    gate = make_gate(scene)
    offer(scene, gate, r"me\:secret@blog:80", scene.target(web.app()))
    visitor = visit(scene, gate)
    seen = visitor.ask()
    assert seen.status == 401 and seen.field("WWW-Authenticate").startswith("Basic ")
    assert visitor.ask(fields=[basic("me:wrong")]).status == 401
    seen = visitor.ask(fields=[basic("me:secret")])
    assert seen.status == 200 and "authorization" not in fields_at(seen)
    assert "secret" not in gate.log.text()


def test_a_path_is_a_target_of_its_own_and_is_taken_off(scene):
    gate = make_gate(scene)
    offer(scene, gate, "blog:80", scene.target(web.app("all")))
    offer(scene, gate, "blog/api:80", scene.target(web.app("api")))
    visitor = visit(scene, gate)
    assert visitor.ask("/name").body == b"all"
    assert visitor.ask("/api/name").body == b"api"
    assert visitor.ask("/api/x?y=z").json()["path"] == "/x?y=z"
    assert visitor.ask("/apis").json()["path"] == "/apis"


@pytest.mark.parametrize("path", ["/api/../admin", "/api/%2e%2e/admin", "/api/..%2fadmin", "/.."])
def test_no_path_leads_past_the_password_of_another(scene, path):
    gate = make_gate(scene)
    target = scene.target(web.app())
    offer(scene, gate, r"me\:secret@blog:80", target)
    offer(scene, gate, "blog/api:80", target, command=["strip-path=false"])
    assert visit(scene, gate).ask(path).status == 400
    assert visit(scene, gate).ask("/admin").status == 401


def test_the_path_stays_where_the_client_wants_it(scene):
    gate = make_gate(scene)
    offer(scene, gate, "blog/api:80", scene.target(web.app()), command=["strip-path=false"])
    until(lambda: visit(scene, gate).ask("/api/x").json()["path"] == "/api/x", "the path stays")
    assert visit(scene, gate).ask("/x").status == 404


def test_the_host_that_the_target_gets(scene):
    gate = make_gate(scene)
    offer(scene, gate, "blog:80", scene.target(web.app()), command=["host-header=localhost:3000"])
    until(lambda: fields_at(visit(scene, gate).ask())["host"] == "localhost:3000", "the host")
    assert fields_at(visit(scene, gate).ask())["x-forwarded-host"] == f"blog.{web.DOMAIN}"


@pytest.mark.parametrize("words, status", [
    ("deny=127.0.0.0/8", 403), ("allow=192.0.2.0/24,::1", 403), ("allow=127.0.0.1", 200)])
def test_the_client_says_who_may_visit(scene, words, status):
    gate = make_gate(scene)
    ssh = offer(scene, gate, "blog:80", scene.target(web.app()), command=[words])
    until(lambda: visit(scene, gate).ask().status == status, f"status {status}")
    assert not ssh.ended()


@pytest.mark.parametrize("http, status", [
    ({"deny": ["127.0.0.0/8"]}, 403), ({"allow": ["192.0.2.0/24"]}, 403),
    ({"allow": ["127.0.0.0/8"], "deny": ["127.0.0.2"]}, 200)])
def test_the_configuration_says_who_may_visit(scene, http, status):
    gate = make_gate(scene, **http)
    offer(scene, gate, "blog:80", scene.target(web.app()))
    assert visit(scene, gate).ask().status == status


def test_who_may_visit_a_port(scene):
    gate = make_gate(scene)
    target = scene.target(web.app())
    ssh = scene.ssh(gate, f"0:127.0.0.1:{target.port}", command=["deny=127.0.0.1"])
    port = ssh.allocated_ports()[0]

    def refused():
        """Once the words have come; they follow the forward, and until then a visitor is served."""
        try:
            with web.Visitor(port).sock as sock:
                sock.sendall(b"GET /name HTTP/1.1\r\nHost: any\r\n\r\n")
                return sock.recv(1) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True

    until(refused, "a visitor is refused")
    assert gate.log.wait_event("visitor_refused")["code"] == "visitor_not_allowed"


def proxied(version):
    """A handler that tells what came before the request."""

    def serve(sock):
        reader = web.Reader(sock)
        if version == 1:
            header = reader.until(b"\r\n").decode()
        else:
            assert reader.exactly(12) == b"\r\n\r\n\0\r\nQUIT\n"
            kind, family, size = struct.unpack("!BBH", reader.exactly(4))
            assert (kind, family) == (0x21, 0x11)
            source, _, source_port, _ = struct.unpack("!4s4sHH", reader.exactly(size)[:12])
            header = f"{socket.inet_ntoa(source)} {source_port}"
        request = web.Message(reader, is_request=True)
        web.answer(sock, body=f"{header} {request.line}".encode())

    return serve


@pytest.mark.parametrize("version", [1, 2])
def test_targets_get_a_proxy_header(scene, version):
    gate = make_gate(scene)
    plain = scene.target(web.app())
    ssh = scene.ssh(gate, f"blog:80:127.0.0.1:{plain.port}", f"0:127.0.0.1:{plain.port}",
                    command=[f"proxy-protocol={version}"])
    port = ssh.allocated_ports()[0]
    del port
    target = scene.target(proxied(version))
    ssh = scene.ssh(gate, f"other:80:127.0.0.1:{target.port}", f"0:127.0.0.1:{target.port}",
                    command=[f"proxy-protocol={version}"])
    tcp = ssh.allocated_ports()[0]
    ssh.stdout.wait_for("http name open")

    def told(visitor, host):
        own = visitor.sock.getsockname()
        body = visitor.ask("/x", host=host).body.decode()
        return f"{own[0]} " in body and f" {own[1]}" in body and body.endswith("GET /x HTTP/1.1")

    until(lambda: told(visit(scene, gate), f"other.{web.DOMAIN}"), "a header by http")
    until(lambda: told(scene.add(web.Visitor(tcp)), "any"), "a header by tcp")


@pytest.mark.parametrize("version", [1, 2])
def test_a_listed_proxy_says_for_whom_it_comes(scene, version):
    gate = make_gate(scene, proxy_protocol=["127.0.0.1"])
    offer(scene, gate, "blog:80", scene.target(web.app()))
    visitor = visit(scene, gate)
    if version == 1:
        visitor.send("PROXY TCP4 192.0.2.7 192.0.2.1 4000 80\r\n")
    else:
        visitor.send(b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, 12) +
                     socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.1") +
                     struct.pack("!HH", 4000, 80))
    fields = fields_at(visitor.ask())
    assert fields["x-forwarded-for"] == "192.0.2.7" and fields["x-forwarded-port"] == "80"
    silent = visit(scene, gate)
    silent.send(f"GET / HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    assert silent.reader.rest() == b""


def test_a_trusted_proxy_is_taken_at_its_word(scene):
    gate = make_gate(scene, trusted=["127.0.0.1"], deny=["198.51.100.0/24"])
    offer(scene, gate, "blog:80", scene.target(web.app()))
    fields = fields_at(visit(scene, gate).ask(fields=["X-Forwarded-For: 192.0.2.9, 127.0.0.1"]))
    assert fields["x-forwarded-for"] == "192.0.2.9, 127.0.0.1, 127.0.0.1"
    assert fields["x-real-ip"] == "192.0.2.9"
    assert visit(scene, gate).ask(fields=["X-Forwarded-For: 198.51.100.3"]).status == 403


def test_challenges_of_acme_are_shown_from_a_folder(scene):
    webroot = os.path.join(scene.folder, "acme")
    challenges = os.path.join(webroot, ".well-known", "acme-challenge")
    os.makedirs(challenges)
    with open(os.path.join(challenges, "to-ken_1"), "w", encoding="ascii") as file:
        file.write("to-ken_1.thumb")
    with open(os.path.join(webroot, "secret"), "w", encoding="ascii") as file:
        file.write("secret")
    gate = make_gate(scene, acme_webroot=webroot, redirect=True)
    visitor = visit(scene, gate)
    seen = visitor.ask("/.well-known/acme-challenge/to-ken_1", host="any.example.org")
    assert (seen.status, seen.body) == (200, b"to-ken_1.thumb")
    for path in ("other", "../../secret", "%2e%2e/%2e%2e/secret", "", "to-ken_1?x"):
        seen = visitor.ask(f"/.well-known/acme-challenge/{path}", host="any.example.org")
        assert seen.status in (400, 404) and b"secret" not in seen.body


def test_owners_who_share_a_name_serve_in_turn_and_who_is_down_is_passed_over(scene):
    shared = f'share="{scene.other_key.fingerprint}" '
    gate = make_gate(scene, lines=[shared + scene.key.line, scene.other_key.line])
    one = scene.target(web.app("one"))
    two = scene.target(web.app("two"))
    offer(scene, gate, "blog:80", one)
    ssh = offer(scene, gate, "blog:80", two, key=scene.other_key)
    names = [visit(scene, gate).ask("/name").body for _ in range(6)]
    assert names.count(b"one") == names.count(b"two") == 3
    one.close()
    assert [visit(scene, gate).ask("/name").body for _ in range(6)] == [b"two"] * 6
    gate.log.wait_event("visitor_refused", code="target_refused")
    ssh.process.send_signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    assert visit(scene, gate).ask("/name").status == 502


@pytest.mark.parametrize("workers", [1, 3])
def test_a_request_goes_past_owners_whose_targets_refuse_while_there_is_another(scene, workers):
    shared = f'share="{scene.other_key.fingerprint}" '
    gate = scene.new_gate(lines=[shared + scene.key.line, scene.other_key.line],
                          https={"listen": []}, server={"workers": workers},
                          http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]}).start()
    one = scene.target(web.app("one"))
    two = scene.target(web.app("two"))
    offer(scene, gate, "blog:80", one)
    offer(scene, gate, "blog:80", two, key=scene.other_key)
    one.close()
    assert [visit(scene, gate).ask("/name").body for _ in range(6)] == [b"two"] * 6
    two.close()
    visitor = visit(scene, gate)
    assert [visitor.ask("/name").status for _ in range(3)] == [502] * 3
    assert visitor.ask(method="POST", body=b"x").status == 502


def test_a_request_that_comes_round_again_is_stopped(scene):
    gate = make_gate(scene)
    port = port_of(gate.log.wait_event("listening", name="http"))
    ssh = scene.ssh(gate, f"loop:80:127.0.0.1:{port}")
    ssh.wait_granted()
    assert visit(scene, gate).ask(host=f"loop.{web.DOMAIN}").status == 508


def test_a_path_alone_is_all_that_is_served_on_a_kept_connection_too(scene):
    gate = make_gate(scene)
    offer(scene, gate, "blog/api:80", scene.target(web.app()), command=["strip-path=false"])
    visitor = visit(scene, gate)
    until(lambda: visitor.ask("/api/x").json()["path"] == "/api/x", "the path stays")
    assert visitor.ask("/admin").status == 404
    assert visitor.ask("/api").status == 200


def test_https_alone_is_not_http_where_there_is_no_certificate(scene):
    gate = make_gate(scene)
    offer(scene, gate, "blog:80", scene.target(web.app()), command=["force-https=true"])
    until(lambda: visit(scene, gate).ask().status == 403, "nothing is served in the clear")


def test_what_a_full_tunnel_turned_away_is_not_served_later(scene):
    """A request without a body that got a page, then one with a body whose session ends."""
    gate = make_gate(scene, lines=[f'max-visitors="1" {scene.key.line}'])
    silent = scene.target(lambda sock: sock.recv(1 << 20) and sock.recv(1))
    ssh = offer(scene, gate, "blog:80", silent)
    first = visit(scene, gate)
    first.send(f"GET /held HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    until(lambda: silent.accepted == 1, "the only place is taken")
    visitor = visit(scene, gate)
    assert visitor.ask("/turned-away").status == 503
    event = gate.log.wait_event("visitor_refused", code="limit_visitors_per_key")
    assert event["tunnel"] == f"blog.{web.DOMAIN}" and event["visitor"].startswith("127.0.0.1:")
    first.close()
    until(lambda: silent.finished == 1, "the place is free")
    visitor.send(f"POST /b HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\nContent-Length: 9\r\n\r\nGET / ")
    until(lambda: silent.accepted == 2, "the second request is with its target")
    ssh.process.send_signal(signal.SIGKILL)
    assert visitor.response().status == 503
    assert visitor.reader.rest() == b""
