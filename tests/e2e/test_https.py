"""https names: TLS by the certificates of a folder, chosen by name and swapped while the gate runs;
TLS that goes through unopened; and ssh on the same port.
"""

import contextlib
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from harness import web
from harness.gate import port_of
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no http names")

HOST = f"blog.{web.DOMAIN}"


class Site:
    """A gate with one http name, served by http and https."""

    def __init__(self, scene, handler=None, wish="blog:80", command=None, http=None, https=None,
                 lines=None, **settings):
        self.scene = scene
        self.certificates = os.path.join(scene.folder, "certs")
        os.mkdir(self.certificates)
        web.make_certificate(self.certificates, "names", f"*.{web.DOMAIN}", web.DOMAIN)
        self.gate = scene.new_gate(
            lines=lines,
            http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"], **(http or {})},
            https={"listen": ["127.0.0.1:0"], "certificates": self.certificates, **(https or {})},
            **settings).start()
        self.target = scene.target(handler or web.app())
        self.ssh = scene.ssh(self.gate, f"{wish}:127.0.0.1:{self.target.port}", command=command)
        self.ssh.wait_granted()
        self.ports = {name: port_of(self.gate.log.wait_event("listening", name=name))
                      for name in ("http", "https")}

    def visitor(self, name=HOST, tls=None):
        made = web.Visitor(self.ports["https"], tls=tls or web.context(), name=name)
        return self.scene.add(made)

    def plain(self):
        return self.scene.add(web.Visitor(self.ports["http"]))


@pytest.fixture
def site(scene):
    return Site(scene)


def shown(visitor):
    """The certificate that a visitor is shown."""
    return visitor.sock.getpeercert(binary_form=True)


def test_a_name_is_served_by_https_and_says_so_to_its_target(site):
    visitor = site.visitor()
    fields = dict(visitor.ask("/a").json()["fields"])
    assert fields["X-Forwarded-Proto"] == "https"
    assert fields["X-Forwarded-Port"] == str(site.ports["https"])
    for size in (0, 1, 16_384, 5_000_000):
        assert visitor.ask(f"/size/{size}").body == web.pattern(size)
    body = web.pattern(5_000_000)
    assert visitor.ask(method="POST", body=body).json()["bytes"] == len(body)
    assert site.target.accepted == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_and_their_tickets_on_all_workers(scene, version):
    site = Site(scene, server={"workers": 3})
    tls = web.context()
    tls.minimum_version = tls.maximum_version = version
    first = site.visitor(tls=tls)
    assert first.ask().status == 200
    for _ in range(6):
        sock = socket.create_connection(("127.0.0.1", site.ports["https"]), timeout=30)
        again = tls.wrap_socket(sock, server_hostname=HOST, session=first.sock.session)
        with again:
            assert again.session_reused


def test_the_old_versions_are_refused(site):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{site.ports['https']}",
                           "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input=b"", timeout=60,
                          capture_output=True, check=False)
    assert done.returncode != 0 and b"alert" in done.stderr + done.stdout


def test_an_unknown_name_gets_an_alert_and_none_a_404(site):
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized"):
        site.visitor(name="elsewhere.test")
    assert site.visitor(name="127.0.0.1").ask(host="127.0.0.1").status == 404


def test_certificates_are_swapped_while_visitors_are_in(site):
    before = site.visitor()
    old = shown(before)
    made = os.path.join(site.scene.folder, "new")
    os.mkdir(made)
    web.make_certificate(made, "names", f"*.{web.DOMAIN}", web.DOMAIN)
    mark = site.gate.log.mark()
    for name in ("names.key", "names.crt"):
        shutil.move(os.path.join(made, name), os.path.join(site.certificates, name))
    site.gate.log.wait_event("certificates_reloaded", after=mark)
    until(lambda: shown(site.visitor()) != old, "the new certificate is shown")
    assert before.ask().status == 200


def test_a_bad_pair_is_told_and_the_others_are_served(site):
    with open(os.path.join(site.certificates, "bad.crt"), "w", encoding="utf-8") as file:
        file.write("no certificate\n")
    event = site.gate.log.wait_event("certificate_not_served")
    assert "bad.crt" in event["why"]
    assert site.visitor().ask().status == 200


def test_https_opens_when_the_first_certificate_comes(scene):
    folder = os.path.join(scene.folder, "later")
    gate = scene.gate(http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]},
                      https={"listen": ["127.0.0.1:0"], "certificates": folder})
    gate.log.wait_event("listening", name="http")
    assert not [event for event in gate.log.events("listening") if event["name"] == "https"]
    os.mkdir(folder)
    web.make_certificate(folder, "names", f"*.{web.DOMAIN}")
    port = port_of(gate.log.wait_event("listening", name="https"))
    visitor = scene.add(web.Visitor(port, tls=web.context(), name=HOST))
    assert visitor.ask().status == 404


def test_http_is_sent_to_https(scene):
    site = Site(scene, http={"redirect": True})
    seen = site.plain().ask("/a?b=c")
    assert seen.status == 308
    assert seen.field("Location") == f"https://{HOST}:{site.ports['https']}/a?b=c"
    assert site.visitor().ask().status == 200


def test_a_client_may_ask_for_https_alone(scene):
    site = Site(scene, command=["force-https=true"])
    until(lambda: site.plain().ask().status == 308, "visitors are sent to https")
    assert site.visitor().ask().status == 200


@pytest.mark.parametrize("asked, told", [("*", ""), (f"http://{HOST}", ""), ("/", "/")])
def test_who_asks_for_no_path_is_sent_to_https_without_one(scene, asked, told):
    site = Site(scene, http={"redirect": True})
    seen = site.plain().ask(asked, method="OPTIONS")
    assert seen.status == 308
    assert seen.field("Location") == f"https://{HOST}:{site.ports['https']}{told}"


@pytest.mark.parametrize("http, command", [
    ({"redirect": True}, None), ({}, ["force-https=true"])])
def test_who_came_by_https_to_a_trusted_proxy_is_not_sent_in_circles(scene, http, command):
    site = Site(scene, http={**http, "trusted": ["127.0.0.1"]}, command=command)
    until(lambda: site.plain().ask().status == 308, "visitors are sent to https")
    visitor = site.plain()
    assert visitor.ask(fields=["X-Forwarded-Proto: http"]).status == 308
    assert visitor.ask(fields=["X-Forwarded-Proto: https"]).status == 200
    assert visitor.ask(fields=["X-Forwarded-Proto: HTTPS, http"]).status == 200


def test_a_stranger_does_not_say_that_it_came_by_https(scene):
    site = Site(scene, http={"redirect": True})
    assert site.plain().ask(fields=["X-Forwarded-Proto: https"]).status == 308


def test_the_url_is_told_to_the_client_and_in_the_directory(scene):
    site = Site(scene)
    url = f"https://{HOST}:{site.ports['https']}"
    site.ssh.stderr.wait_for(url)
    listing = scene.ssh(site.gate, command=["list", "--json"])
    assert listing.wait_exit() == 0
    assert url in listing.stdout.text()


def test_tls_passes_unopened_to_the_target_that_wants_it(scene):
    own = os.path.join(scene.folder, "own")
    os.mkdir(own)
    web.make_certificate(own, "own", HOST)
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inner.load_cert_chain(f"{own}/own.crt", f"{own}/own.key")

    def serve(sock):
        with inner.wrap_socket(sock, server_side=True) as tls:
            web.app("own")(tls)

    site = Site(scene, handler=serve, wish="blog:443", command=["sni-proxy=true"])
    with open(f"{own}/own.crt", encoding="ascii") as file:
        expected = ssl.PEM_cert_to_DER_cert(file.read())
    until(lambda: shown(site.visitor()) == expected, "the target's own certificate is shown")
    assert site.visitor().ask("/name").body == b"own"
    other = scene.target(web.app("opened"))
    scene.ssh(site.gate, f"other:80:127.0.0.1:{other.port}").wait_granted()
    assert site.visitor(name=f"other.{web.DOMAIN}").ask(
        "/name", host=f"other.{web.DOMAIN}").body == b"opened"


def test_a_connection_is_for_the_hosts_of_its_certificate_alone(site):
    web.make_certificate(site.certificates, "other", "other.test")
    site.gate.log.wait_event("certificates_reloaded")
    other = site.visitor(name="other.test")
    assert other.ask().status == 421
    assert other.ask(host="other.test").status == 404  # and the connection goes on
    assert other.ask(host=f"nobody.{web.DOMAIN}").status == 404
    assert site.target.accepted == 0
    # What is asked for by an address of https comes by TLS.
    assert site.plain().ask(f"https://{HOST}/").status == 421
    # One certificate for several hosts is one connection for all of them.
    assert site.visitor(name=f"else.{web.DOMAIN}").ask().status == 200


def test_what_passes_unopened_is_not_to_be_had_opened(scene):
    site = Site(scene, wish="blog:443", command=["sni-proxy=true"])
    until(lambda: site.plain().ask("/a").status == 308, "visitors are sent to https")
    assert site.plain().ask("/a").field("Location") == f"https://{HOST}:{site.ports['https']}/a"
    before = site.target.accepted
    assert site.visitor(name=f"other.{web.DOMAIN}").ask().status == 421
    assert site.target.accepted == before


def test_ssh_and_https_share_a_port(scene):
    site = Site(scene, https={"ssh": True})
    assert site.visitor().ask().status == 200
    ssh = scene.ssh(site.gate, port=site.ports["https"], command=["list"])
    assert ssh.wait_exit() == 0, ssh.stderr.tail()
    assert HOST in ssh.stdout.text()
    plain = scene.add(web.Visitor(site.ports["https"]))
    assert plain.ask().status == 200
    # A client that waits for the server to speak first.
    sock = socket.create_connection(("127.0.0.1", site.ports["https"]), timeout=30)
    with sock:
        assert sock.recv(8) == b"SSH-2.0-"


BALANCER = """
import os, socket, sys, threading
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\\r\\n")
def back():
    while data := sock.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back).start()
while data := os.read(0, 65536):
    sock.sendall(data)
sock.shutdown(socket.SHUT_WR)
"""


def test_ssh_that_a_balancer_brings_comes_from_where_it_says(scene):
    lines = [scene.key.line, f'from="192.0.2.7" {scene.other_key.line}']
    site = Site(scene, lines=lines, https={"ssh": True}, http={"proxy_protocol": ["127.0.0.1"]})
    balancer = os.path.join(scene.folder, "balancer.py")
    with open(balancer, "w", encoding="ascii") as file:
        file.write(BALANCER)
    ssh = scene.ssh(site.gate, key=scene.other_key, command=["status"],
                    options={"ProxyCommand": f"/usr/bin/python3 {balancer} {site.ports['https']}"})
    assert ssh.wait_exit() == 0, ssh.stderr.tail()
    assert site.gate.log.wait_event("session_open", client="192.0.2.7:4000")
    # By the other port, where nobody speaks for it, the same key is refused.
    assert not scene.ssh(site.gate, key=scene.other_key).gets_in()


def test_tls_that_is_passed_on_is_counted_for_its_visitor(scene):
    def silent(sock):
        sock.recv(1 << 16)
        sock.recv(1)

    site = Site(scene, handler=silent, wish="blog:443", command=["sni-proxy=true"],
                limits={"http_visitors_per_ip": 3})
    site.ssh.stdout.wait_for("http name open", process=site.ssh.process)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = web.context().wrap_bio(incoming, outgoing, server_hostname=HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        hello.do_handshake()
    first = outgoing.read()
    with contextlib.ExitStack() as stack:
        def knock():
            sock = socket.create_connection(("127.0.0.1", site.ports["https"]), timeout=60)
            stack.enter_context(sock)
            sock.sendall(first)
            return sock

        for _ in range(3):
            knock()
        until(lambda: site.target.accepted == 3, "three are there")
        fourth = knock()
        with contextlib.suppress(ConnectionResetError):
            assert fourth.recv(1) == b""
    assert site.gate.log.wait_event("refused")["code"] == "limit_http_visitors_per_ip"


def test_nonsense_on_a_shared_port_ends(scene):
    site = Site(scene, https={"ssh": True})
    sock = socket.create_connection(("127.0.0.1", site.ports["https"]), timeout=30)
    with sock:
        sock.sendall(b"\x00\x01\x02\x03 nonsense\r\n\r\n" * 20)
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass
    assert site.visitor().ask().status == 200


def test_curl_is_content(scene, site):
    done = subprocess.run(
        ["curl", "-sS", "--fail", "--cacert", f"{site.certificates}/names.crt", "--resolve",
         f"{HOST}:{site.ports['https']}:127.0.0.1", f"https://{HOST}:{site.ports['https']}/name"],
        capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"app"


def test_a_stranger_who_never_ends_its_handshake_is_let_go(scene):
    site = Site(scene, http={"idle_timeout": "300ms", "head_timeout": "300ms"})
    sock = socket.create_connection(("127.0.0.1", site.ports["https"]), timeout=30)
    with sock, contextlib.suppress(ConnectionError):  # or before it has even begun
        sock.sendall(b"\x16\x03\x01")
        assert sock.recv(1) == b""


def test_the_made_name_is_told_before_the_login_ends_whatever_the_session_is_for(scene):
    site = Site(scene, wish="80")
    told = site.ssh.stderr.wait_for(r"-R 80:localhost:PORT is (https://\S+)").group(1)
    host = told.removeprefix("https://").split(":")[0]
    assert site.visitor(name=host).ask("/name", host=host).body == b"app"


def test_pages_of_a_folder_stand_in_for_browsers(scene):
    pages = os.path.join(scene.folder, "pages")
    os.mkdir(pages)
    with open(os.path.join(pages, "404.html"), "w", encoding="utf-8") as file:
        file.write("<p>ours</p>")
    site = Site(scene, http={"pages": pages})
    browser = site.plain().ask(host=f"nobody.{web.DOMAIN}", fields=["Accept: text/html"])
    assert (browser.status, browser.body) == (404, b"<p>ours</p>")
    assert b"ours" not in site.plain().ask(host=f"nobody.{web.DOMAIN}").body
    os.remove(os.path.join(pages, "404.html"))
    os.rmdir(pages)
    failed = site.gate.reload("reload_failed")
    assert "pages" in failed["why"]
    assert site.plain().ask(host=f"nobody.{web.DOMAIN}",
                            fields=["Accept: text/html"]).body == b"<p>ours</p>"


def test_sockets_from_systemd_are_served_once_there_is_a_domain(scene):
    certificates = os.path.join(scene.folder, "certs")
    os.mkdir(certificates)
    web.make_certificate(certificates, "names", f"*.{web.DOMAIN}")
    made = {name: socket.create_server(("127.0.0.1", 0)) for name in ("http", "https")}
    gate = scene.new_gate(https={"certificates": certificates})
    gate.start(sockets=list(made.items()))
    for name in made:
        gate.log.wait_event("socket_not_used", name=name)
    gate.write_config(http={"domain": web.DOMAIN, "listen": ["127.0.0.1:1"]})
    gate.reload()
    ports = {name: sock.getsockname()[1] for name, sock in made.items()}
    for sock in made.values():
        sock.close()
    plain = scene.add(web.Visitor(ports["http"]))
    assert plain.ask().status == 404
    secret = scene.add(web.Visitor(ports["https"], tls=web.context(), name=HOST))
    assert secret.ask().status == 404


def test_an_upload_that_its_target_does_not_read_holds_up_nobody(scene):
    """Records of TLS are larger than what is left of a window; the session must not notice."""
    site = Site(scene)
    taken = []

    def stall(sock):
        taken.append(sock.recv(100))
        sock.settimeout(None)
        go_on.wait()

    go_on = threading.Event()
    try:
        target = scene.target(stall)
        scene.ssh(site.gate, args=["-R", f"stall:80:127.0.0.1:{target.port}",
                                   "-R", f"flow:80:127.0.0.1:{site.target.port}"]).wait_granted(2)
        stuck = site.visitor(name=f"stall.{web.DOMAIN}")
        stuck.send(f"POST / HTTP/1.1\r\nHost: stall.{web.DOMAIN}\r\n"
                   "Content-Length: 100000000\r\n\r\n")
        stuck.sock.settimeout(2)
        with pytest.raises(TimeoutError):  # all windows and buffers on the way are full
            while True:
                stuck.send(b"x" * 100_000)
        flow = site.visitor(name=f"flow.{web.DOMAIN}")
        for _ in range(3):
            seen = flow.ask("/size/1000000", host=f"flow.{web.DOMAIN}")
            assert seen.body == web.pattern(1_000_000)
        body = web.pattern(500_000)
        seen = flow.ask(method="POST", body=body, host=f"flow.{web.DOMAIN}")
        assert seen.json()["bytes"] == len(body)
    finally:
        go_on.set()


def test_networks_hold_for_tls_that_passes_unopened_too(scene):
    site = Site(scene, command=["sni-proxy=true"], http={"deny": ["127.0.0.0/8"]})
    site.ssh.stdout.wait_for("http name open")
    until(lambda: _closed(site), "who is denied is closed")
    assert site.target.accepted == 0


def _closed(site):
    try:
        site.visitor()
    except (ssl.SSLError, OSError):
        return True
    return False
