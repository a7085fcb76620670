"""http names: `-R blog:80:…` and http://blog.DOMAIN/ is up, for anyone. Requests go through whole,
whatever their framing, and everything that is not one is refused.
"""

import hashlib
import os
import re
import signal
import socket
import threading
import time

import pytest

from harness import web
from harness.gate import port_of
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no http names")

SETTINGS = {"http": {"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]},
            "https": {"listen": []}}


class Site:
    """A gate with one http name, and what is behind it."""

    def __init__(self, scene, handler=None, wish="blog:80", **settings):
        self.scene = scene
        self.gate = scene.gate(**{**SETTINGS, **settings})
        self.target = scene.target(handler or web.app())
        self.ssh = self.offer(wish)
        self.port = port_of(self.gate.log.wait_event("listening", name="http"))

    def offer(self, wish, target=None, **more):
        ssh = self.scene.ssh(self.gate, f"{wish}:127.0.0.1:{(target or self.target).port}", **more)
        ssh.wait_granted()
        return ssh

    def visitor(self):
        return self.scene.add(web.Visitor(self.port))


@pytest.fixture
def site(scene):
    return Site(scene)


def test_a_name_is_served_by_host(site):
    seen = site.visitor().ask("/a/b?c=d")
    assert seen.status == 200
    assert seen.json()["method"] == "GET" and seen.json()["path"] == "/a/b?c=d"
    other = site.visitor().ask(host=f"nobody.{web.DOMAIN}")
    assert other.status == 404
    assert "blog" not in other.body.decode()
    assert site.visitor().ask(host="127.0.0.1").status == 404


def test_host_is_found_in_any_case_with_port_and_dot(site):
    for host in (f"BLOG.{web.DOMAIN}", f"blog.{web.DOMAIN}:{site.port}", f"blog.{web.DOMAIN}."):
        assert site.visitor().ask(host=host).status == 200


def test_an_absolute_address_counts_and_not_its_host(site):
    visitor = site.visitor()
    address = f"http://blog.{web.DOMAIN}/a?b"
    seen = visitor.ask(address, host="elsewhere.test").json()
    assert seen["path"] == "/a?b" and dict(seen["fields"])["Host"] == f"blog.{web.DOMAIN}"
    assert visitor.ask(f"http://nobody.{web.DOMAIN}/").status == 404
    visitor.send(f"GET {address} HTTP/1.0\r\n\r\n")
    assert visitor.response().json()["path"] == "/a?b"


def test_who_asks_for_the_last_hop_gets_the_proxy(site):
    visitor = site.visitor()
    last = ["Max-Forwards: 0"]
    assert visitor.ask("*", method="OPTIONS", fields=last).status == 200
    assert visitor.ask(method="TRACE", fields=last).status == 501
    assert site.target.accepted == 0
    seen = visitor.ask(method="OPTIONS", fields=["Max-Forwards: 3"]).json()
    assert dict(seen["fields"])["Max-Forwards"] == "2"


def test_a_response_without_date_gets_one_and_blanks_before_colons_go(scene):
    site = Site(scene, handler=lambda sock: sock.recv(65536) and sock.sendall(
        b"HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length : 2\r\n\r\nok"))
    visitor = site.visitor()
    visitor.send(f"GET / HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    head = visitor.reader.until(b"\r\n\r\n")
    assert b"\r\nX-A: 1\r\n" in head and b"\r\nContent-Length: 2" in head
    assert re.search(rb"\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT\r\n", head)
    assert visitor.reader.exactly(2) == b"ok"


def test_a_visitor_asks_again_on_one_connection_and_one_channel(site):
    visitor = site.visitor()
    for number in range(50):
        assert visitor.ask(f"/{number}").json()["path"] == f"/{number}"
    assert site.target.accepted == 1
    assert site.visitor().ask("/again").status == 200
    assert site.target.accepted == 1


def test_requests_may_be_sent_ahead(site):
    visitor = site.visitor()
    wanted = [f"/{number}" for number in range(20)]
    visitor.send("".join(f"GET {path} HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n"
                         for path in wanted))
    assert [visitor.response().json()["path"] for _ in wanted] == wanted


@pytest.mark.parametrize("path", ["size", "chunked", "close"])
@pytest.mark.parametrize("count", [0, 1, 100_000, 20_000_000])
def test_responses_of_any_size_and_framing(site, path, count):
    seen = site.visitor().ask(f"/{path}/{count}")
    assert seen.status == 200
    assert hashlib.sha256(seen.body).digest() == hashlib.sha256(web.pattern(count)).digest()
    if path == "chunked":
        assert seen.trailers == ["X-Sum: done"]


@pytest.mark.parametrize("count", [1, 100_000, 20_000_000])
def test_requests_of_any_size(site, count):
    body = web.pattern(count)
    visitor = site.visitor()
    seen = visitor.ask(method="POST", body=body).json()
    assert seen["bytes"] == count and seen["sha256"] == hashlib.sha256(body).hexdigest()
    chunks = b"".join(b"%x\r\n" % len(body[at:at + 7_000]) + body[at:at + 7_000] + b"\r\n"
                      for at in range(0, count, 7_000)) + b"0\r\n\r\n"
    seen = visitor.ask(method="PUT", body=chunks, fields=["Transfer-Encoding: chunked"]).json()
    assert seen["bytes"] == count and seen["sha256"] == hashlib.sha256(body).hexdigest()


def test_head_has_no_body_and_the_next_request_goes_on(site):
    visitor = site.visitor()
    seen = visitor.ask("/size/1000", method="HEAD")
    assert seen.status == 200 and seen.body == b""
    assert visitor.ask("/status/204").status == 204
    assert visitor.ask("/status/304").status == 304
    assert visitor.ask("/after").json()["path"] == "/after"


def test_who_the_visitor_is_reaches_the_target(site):
    seen = site.visitor().ask(fields=["X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6",
                                      "X-Forwarded-Proto: https", "Forwarded: for=6.6.6.6"])
    fields = {}
    for key, value in seen.json()["fields"]:
        fields.setdefault(key.lower(), []).append(value)
    assert fields["x-forwarded-for"] == ["127.0.0.1"]
    assert fields["x-real-ip"] == ["127.0.0.1"]
    assert fields["x-forwarded-proto"] == ["http"]
    assert fields["x-forwarded-host"] == [f"blog.{web.DOMAIN}"]
    assert "6.6.6.6" not in str(fields["forwarded"]) and "for=127.0.0.1" in fields["forwarded"][0]
    assert fields["host"] == [f"blog.{web.DOMAIN}"]


def test_old_visitors_get_the_content_and_the_end(site):
    seen = site.visitor().ask("/chunked/30000", version="1.0")
    assert seen.body == web.pattern(30_000)
    assert seen.field("Transfer-Encoding") is None
    visitor = site.visitor()
    kept = visitor.ask("/size/10", version="1.0", fields=["Connection: keep-alive"])
    assert kept.field("Connection") == "keep-alive"
    assert visitor.ask("/size/10", version="1.0").body == web.pattern(10)


def early(sock):
    """A handler that answers before it has read the body, and reads on."""
    reader = web.Reader(sock)
    reader.until(b"\r\n\r\n")
    web.answer(sock, status=413, body=b"early")
    reader.rest()


@pytest.mark.parametrize("label, status", [("blog", 413), ("nobody", 404)])
def test_who_is_answered_in_the_middle_of_an_upload_is_told_and_heard_out(scene, label, status):
    visitor = Site(scene, handler=early).visitor()
    visitor.send(f"POST / HTTP/1.1\r\nHost: {label}.{web.DOMAIN}\r\n"
                 "Content-Length: 1000000\r\n\r\nx")
    seen = visitor.response()
    assert seen.status == status and seen.field("Connection") == "close"
    assert visitor.ended()
    begin = time.monotonic()
    while time.monotonic() < begin + 4:  # a reset would end it
        visitor.send(b"x" * 10_000)
        time.sleep(0.1)


def test_events_arrive_as_they_are_sent(site):
    visitor = site.visitor()
    visitor.send(f"GET /sse HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    assert b"200 OK" in visitor.reader.until(b"\r\n\r\n")
    assert visitor.reader.until(b"\n\n\r\n").endswith(b"data: first")
    visitor.close()  # and when it leaves, so does the target's connection
    site.target.join(1)


def test_after_upgrade_bytes_pass_both_ways_until_each_side_has_ended(site):
    visitor = site.visitor()
    visitor.send(f"GET /upgrade HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\nUpgrade: echo\r\n"
                 "Connection: Upgrade\r\n\r\nfirst")
    seen = visitor.response()
    assert seen.status == 101 and seen.field("Upgrade") == "echo"
    assert visitor.reader.exactly(5) == b"first"
    visitor.send(b"second")
    assert visitor.reader.exactly(6) == b"second"
    visitor.sock.shutdown(socket.SHUT_WR)
    assert visitor.ended()


@pytest.mark.parametrize("text, status", [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: " + "x" * 40_000 + "\r\n\r\n", 431),
    ("GET /" + "x" * 10_000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
])
def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_ends(site, text, status):
    visitor = site.visitor()
    visitor.send(text)
    seen = visitor.response()
    assert seen.status == status
    assert seen.field("Connection") == "close"
    assert visitor.ended()
    assert site.target.accepted == 0


def test_a_target_that_refuses_is_a_502_and_its_owner_hears_why(site):
    site.target.close()
    visitor = site.visitor()
    mark = site.gate.log.mark()
    assert visitor.ask().status == 502
    site.gate.log.wait_event("visitor_refused", after=mark, code="target_refused")
    assert visitor.ask().status == 502  # and the connection goes on


@pytest.mark.parametrize("path", ["/nothing", "/garbage"])
def test_a_target_that_gives_no_answer_is_a_502(site, path):
    mark = site.gate.log.mark()
    assert site.visitor().ask(path).status == 502
    site.gate.log.wait_event("visitor_refused", after=mark, code="target_failed")


def test_half_a_response_is_not_taken_for_a_whole_one(site):
    visitor = site.visitor()
    visitor.send(f"GET /drop HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    with pytest.raises((EOFError, ConnectionResetError)):
        visitor.response()


def test_a_channel_that_the_target_closed_meanwhile_is_replaced(site):
    visitor = site.visitor()
    assert visitor.ask("/once").status == 200
    assert visitor.ask("/once").status == 200
    assert site.target.accepted == 2


def test_a_held_name_says_so_and_is_itself_again(site):
    site.ssh.process.send_signal(signal.SIGKILL)
    site.gate.log.wait_event("tunnel_held")
    seen = site.visitor().ask()
    assert seen.status == 503 and int(seen.field("Retry-After")) > 0
    site.offer("blog:80")
    assert site.visitor().ask().status == 200


def test_who_has_ended_while_it_waits_is_answered(scene):
    site = Site(scene, http={**SETTINGS["http"], "hold": "60s"}, server={"workers": 3})
    site.ssh.process.send_signal(signal.SIGKILL)
    site.gate.log.wait_event("tunnel_held")
    path = f"{scene.folder}/mux"
    owner = scene.ssh(site.gate, args=["-M", "-S", path])  # for it has 5 s, without the login
    owner.stderr.wait_for("Entering interactive session", process=owner.process)
    visitors = [site.visitor() for _ in range(4)]
    for number, visitor in enumerate(visitors):
        visitor.send(f"GET /{number} HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
        visitor.sock.shutdown(socket.SHUT_WR)
    owner.control("forward", f"blog:80:127.0.0.1:{site.target.port}")
    for number, visitor in enumerate(visitors):
        assert visitor.response().json()["path"] == f"/{number}"
        assert visitor.ended()


def test_who_has_ended_while_it_waits_for_nobody_is_told(scene):
    site = Site(scene, http={**SETTINGS["http"], "hold": "60s"})
    site.ssh.process.send_signal(signal.SIGKILL)
    site.gate.log.wait_event("tunnel_held")
    visitor = site.visitor()
    visitor.send(f"GET / HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    visitor.sock.shutdown(socket.SHUT_WR)
    assert visitor.response().status == 503
    assert visitor.ended()


def test_a_visitor_may_wait_for_the_owner(scene):
    site = Site(scene, http={**SETTINGS["http"], "hold": "30s"})
    site.ssh.process.send_signal(signal.SIGKILL)
    site.gate.log.wait_event("tunnel_held")
    visitor = site.visitor()
    visitor.send(f"GET /waited HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    site.offer("blog:80")
    assert visitor.response().json()["path"] == "/waited"


def test_tunnels_of_several_workers_are_reached_on_one_connection(scene):
    """Sessions go to the least loaded worker, so these are on all of them."""
    site = Site(scene, server={"workers": 3})
    for number in range(6):
        site.offer(f"name{number}:80", scene.target(web.app(f"app{number}")))
    for _ in range(3):
        visitor = site.visitor()
        for number in range(6):
            seen = visitor.ask("/name", host=f"name{number}.{web.DOMAIN}")
            assert seen.body.decode() == f"app{number}"


def test_many_visitors_at_once(site):
    visitors = [site.visitor() for _ in range(100)]
    for visitor in visitors:
        visitor.send(f"GET /size/50000 HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    for visitor in visitors:
        assert visitor.response().body == web.pattern(50_000)


def test_a_visitor_who_does_not_read_holds_up_nobody(site):
    slow = site.visitor()
    slow.send(f"GET /size/50000000 HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    slow.reader.until(b"\r\n\r\n")
    for _ in range(5):
        assert site.visitor().ask("/size/100000").body == web.pattern(100_000)
    assert len(slow.reader.exactly(49_000_000)) == 49_000_000


def test_the_server_ends_in_order_with_visitors_on_it(site):
    idle = site.visitor()
    assert idle.ask().status == 200
    site.gate.terminate()
    assert idle.ended()
    assert site.gate.wait_exit() == 0


def test_too_many_of_one_address_are_turned_away(scene):
    site = Site(scene, limits={"http_visitors_per_ip": 3})
    kept = [site.visitor() for _ in range(3)]
    assert all(visitor.ask().status == 200 for visitor in kept)
    mark = site.gate.log.mark()
    site.visitor()
    site.gate.log.wait_event("refused", after=mark, code="limit_http_visitors_per_ip")
    kept.pop().close()
    kept.pop().close()


def test_who_is_slow_with_a_head_is_told_so(scene):
    site = Site(scene, http={**SETTINGS["http"], "head_timeout": "300ms"})
    visitor = site.visitor()
    visitor.send("GET / HT")
    assert visitor.response().status == 408
    assert visitor.ended()
    site = Site(scene, http={**SETTINGS["http"], "idle_timeout": "300ms"})
    assert site.visitor().ended()


def test_each_head_has_its_own_time(scene):
    """Also where a part of the next one always is there already, and where a page answers."""
    site = Site(scene, http={**SETTINGS["http"], "head_timeout": "5s"})
    visitor = site.visitor()
    head = f"GET / HTTP/1.1\r\nHost: nobody.{web.DOMAIN}\r\n\r\n"
    visitor.send(head[:20])
    begin = time.monotonic()
    while time.monotonic() < begin + 6:  # longer than one head may take
        time.sleep(0.2)
        visitor.send(head[20:] + head[:20])
        assert visitor.response().status == 404


def test_a_head_that_waits_for_who_does_not_read_is_in_time(scene):
    site = Site(scene, http={**SETTINGS["http"], "head_timeout": "3s"})
    visitor = site.visitor()
    count = 20_000  # more pages than all buffers on the way hold
    heads = f"GET / HTTP/1.1\r\nHost: nobody.{web.DOMAIN}\r\nAccept: text/html\r\n\r\n" * count
    sender = threading.Thread(target=visitor.send, args=(heads,), daemon=True)
    sender.start()
    time.sleep(4)  # reads nothing for longer than a head may take
    for _ in range(count):
        assert visitor.response().status == 404
    sender.join()


def test_reload_moves_the_http_port(site):
    site.gate.write_config(http={**SETTINGS["http"], "listen": ["127.0.0.1:0", "127.0.0.2:0"]})
    mark = site.gate.log.mark()
    site.gate.reload()
    assert port_of(site.gate.log.wait_event("listening", after=mark, name="http"))
    assert os.path.exists(site.gate.config)
    assert site.visitor().ask().status == 200


def test_a_request_whose_session_ends_is_served_by_the_next_one(scene):
    """The owner is back while a visitor still waits for what the lost session never answered."""
    site = Site(scene, http={**SETTINGS["http"], "hold": "30s"})
    silent = scene.target(lambda sock: sock.recv(1) and sock.recv(1 << 20) and sock.recv(1))
    site.ssh.process.send_signal(signal.SIGTERM)
    site.gate.log.wait_event("tunnel_held")
    lost = site.offer("blog:80", silent)
    visitor = site.visitor()
    visitor.send(f"GET /name HTTP/1.1\r\nHost: blog.{web.DOMAIN}\r\n\r\n")
    until(lambda: silent.accepted == 1, "the request is with the target that says nothing")
    mark = site.gate.log.mark()
    lost.process.send_signal(signal.SIGKILL)
    site.gate.log.wait_event("tunnel_held", after=mark)
    site.offer("blog:80")
    assert visitor.response().body == b"app"


def test_what_cannot_be_sent_twice_goes_on_no_channel_that_has_waited(site):
    """Its target may have closed that at the same moment."""
    visitor = site.visitor()
    assert visitor.ask("/size/1").status == 200
    before = site.target.accepted
    time.sleep(1.5)  # no event tells that a channel has waited for a second
    assert visitor.ask(method="POST", body=b"x").status == 200
    assert site.target.accepted == before + 1
    assert visitor.ask("/size/1").status == 200
    assert site.target.accepted == before + 1
