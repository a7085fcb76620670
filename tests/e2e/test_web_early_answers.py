"""Targets of http names that answer before they have been asked in full, and visitors who leave
before they are answered.
"""

import socket

import pytest

from harness import web
from harness.gate import port_of
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no http names")

WINDOW_BYTES = 100
WIDE_BYTES = 1 << 20


class Site:
    """A gate with one http name, whose client reads and answers by hand."""

    def __init__(self, scene):
        self.scene = scene
        self.gate = scene.gate(http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]},
                               https={"listen": []})
        self.port = port_of(self.gate.log.wait_event("listening", name="http"))
        self.client = scene.raw(self.gate)
        self.client.listen("blog", 80)

    def ask(self, path, *fields):
        visitor = self.scene.add(web.Visitor(self.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: blog.{web.DOMAIN}", f"X-Long: {'a' * 500}",
                 *fields]
        visitor.send("\r\n".join(lines) + "\r\n\r\n")
        return visitor


@pytest.fixture
def site(scene):
    return Site(scene)


def read_head(channel):
    seen = b""
    while not seen.endswith(b"\r\n\r\n"):
        part = channel.recv(4096)
        assert part, seen
        seen += part
    return seen


def test_the_rest_of_the_head_follows_an_answer_that_has_begun(site):
    visitor = site.ask("/one")
    channel = site.client.accept_narrow(site.client.wait_open(), WINDOW_BYTES)
    channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
    assert visitor.reader.until(b"ab").startswith(b"HTTP/1.1 200")
    site.client.widen(channel, WIDE_BYTES)
    head = read_head(channel)
    assert head.startswith(b"GET /one HTTP/1.1\r\n") and b"a" * 500 in head
    channel.sendall(b"cd")
    assert visitor.reader.exactly(2) == b"cd"


def test_a_channel_that_was_asked_by_halves_is_not_used_again(site):
    one = site.ask("/one")
    channel = site.client.accept_narrow(site.client.wait_open(), WINDOW_BYTES)
    channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
    assert one.response().body == b"ab"
    two = site.ask("/two")
    other = site.client.accept(site.client.wait_open(2))
    assert read_head(other).startswith(b"GET /two ")
    other.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ncd")
    assert two.response().body == b"cd"
    site.client.widen(channel, WIDE_BYTES)
    site.client.synchronise()
    assert b"/two" not in channel.in_buffer.empty()


def test_a_visitor_who_ends_before_the_protocol_is_switched_is_told_of(site):
    visitor = site.ask("/", "Connection: Upgrade", "Upgrade: websocket")
    channel = site.client.accept(site.client.wait_open())
    read_head(channel)
    visitor.sock.shutdown(socket.SHUT_WR)
    site.client.synchronise()
    channel.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                    b"Upgrade: websocket\r\n\r\nhi")
    assert visitor.reader.until(b"hi").startswith(b"HTTP/1.1 101")
    until(lambda: channel.eof_received, "the visitor's end")
