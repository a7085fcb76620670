"""Several owners of one http name whose sessions are on different workers."""

import pytest

from harness import web
from harness.gate import port_of

pytestmark = pytest.mark.portreeve_only("sshd has no http names")

WORKERS = 3


@pytest.fixture
def visit(scene):
    shared = f'share="{scene.other_key.fingerprint}" '
    gate = scene.gate(lines=[shared + scene.key.line, scene.other_key.line],
                      server={"workers": WORKERS}, https={"listen": []},
                      http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]})
    for name, key in (("one", scene.key), ("two", scene.other_key)):
        target = scene.target(web.app(name))
        scene.ssh(gate, f"blog:80:127.0.0.1:{target.port}", key=key).wait_granted()
    port = port_of(gate.log.wait_event("listening", name="http"))
    return lambda: scene.add(web.Visitor(port))


def test_requests_of_one_connection_are_served_in_turn(visit):
    visitor = visit()
    names = [visitor.ask("/name").body for _ in range(6)]
    assert sorted(names) == [b"one"] * 3 + [b"two"] * 3


def test_paths_that_go_up_are_let_through_where_there_are_no_others(visit):
    assert visit().ask("/a/../name", host=f"blog.{web.DOMAIN}").status == 200


def test_each_connection_is_served_whatever_worker_it_came_to(visit):
    names = [visit().ask("/name").body for _ in range(4 * WORKERS)]
    assert names.count(b"one") == names.count(b"two") == 2 * WORKERS
