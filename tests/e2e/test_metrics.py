"""/metrics: what it tells is what a run really did, and Prometheus can read it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from harness import metrics, ports, streams, visitor, web
from harness.gate import port_of
from harness.target import echo, greet
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd has no metrics")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UP = streams.Pattern("from visitors")
DOWN = streams.Pattern("to visitors")
UP_BYTES = 100_001
DOWN_BYTES = 70_007
NAMES = re.compile(r"\b(?:portreeve|process)_[a-z0-9_]*[a-z0-9]\b")


def serving(scene, lines=None, **settings):
    """A gate and the port of its metrics."""
    gate = scene.gate(lines=lines, metrics={"listen": "127.0.0.1:0"}, **settings)
    return gate, metrics.port(gate)


def reads_and_answers(connection):
    streams.check(connection, UP, UP_BYTES)
    streams.send(connection, DOWN, DOWN_BYTES)


def asks(sock):
    """A visitor of reads_and_answers, from its first byte to its last."""
    with sock:
        streams.send(sock, UP, UP_BYTES)
        streams.check(sock, DOWN, DOWN_BYTES)
        streams.check_end(sock)


def forward(scene, gate, to, **more):
    """ssh -L to there: the client, and the port where it listens."""
    local = ports.fixed()
    ssh = scene.ssh(gate, args=["-L", f"127.0.0.1:{local}:{to}"], **more)
    ssh.stderr.wait_for(rf"^debug1: Local forwarding listening on 127.0.0.1 port {local}",
                        process=ssh.process)
    ssh.wait_login()
    return ssh, local


# What it counts
# ------------------------------------------------------------------------------------------------

def test_visitors_and_bytes_are_those_of_the_run(scene):
    gate, at = serving(scene, server={"workers": 2})
    target = scene.target(reads_and_answers)
    _, port = scene.tunnel(gate, target)
    scene.ssh(gate, f"pc42:22:127.0.0.1:{target.port}").wait_granted()
    _, local = forward(scene, gate, "pc42:22")
    for _ in range(5):
        asks(scene.visit(port))
    for _ in range(2):
        asks(scene.visit(local))
    target.join(7)
    now = metrics.wait(at, lambda now: now.sum("portreeve_visitors") == 0, "no visitor is left")
    assert now("portreeve_sessions") == 3 == now.sum("portreeve_worker_sessions")
    assert sorted(now.some("portreeve_worker_sessions").values()) == [1, 2]
    assert now("portreeve_sessions_admitted_total") == 3 == now("portreeve_startups") + 3
    assert now("portreeve_login_duration_seconds_count") == 3
    assert 0 < now("portreeve_login_duration_seconds_sum") < 180
    for kind, tunnels, visitors in (("tcp", 1, 5), ("private", 1, 2), ("reach", None, 2)):
        if tunnels:
            assert now("portreeve_tunnels", kind=kind, state="open") == tunnels
            assert now("portreeve_tunnels", kind=kind, state="held") == 0
            assert now("portreeve_first_byte_seconds_count", kind=kind) == visitors
        assert now("portreeve_visitors_served_total", kind=kind) == visitors
        # The target of a reach is its visitor.
        first, second = ("in", "out") if kind != "reach" else ("out", "in")
        counted = now("portreeve_visitor_bytes_total", kind=kind, direction=first)
        assert counted == visitors * UP_BYTES
        counted = now("portreeve_visitor_bytes_total", kind=kind, direction=second)
        assert counted == visitors * DOWN_BYTES
    assert now.some("portreeve_refusals_total") == {}
    assert now.sum("portreeve_open_failures_total") == 0
    assert now.all("portreeve_session_ends_total") == {}


def test_answers_on_the_web_are_counted_by_status(scene):
    gate, at = serving(scene, http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]})
    target = scene.target(web.app())
    scene.ssh(gate, f"blog:80:127.0.0.1:{target.port}").wait_granted()
    visitor = scene.add(web.Visitor(port_of(gate.log.wait_event("listening", name="http"))))
    for host in (f"blog.{web.DOMAIN}", f"blog.{web.DOMAIN}", f"nobody.{web.DOMAIN}"):
        visitor.ask(host=host)
    now = metrics.wait(at, lambda now: now.sum("portreeve_http_answers_total") == 3, "3 answers")
    assert now("portreeve_http_answers_total", status="2xx") == 2
    assert now("portreeve_http_answers_total", status="4xx") == 1
    assert now("portreeve_http_connections") == 1
    visitor.close()
    metrics.wait(at, lambda now: now("portreeve_http_connections") == 0, "no connection is left")


def test_visitors_are_told_while_they_are_there(scene):
    gate, at = serving(scene)
    _, port = scene.tunnel(gate, scene.target(echo))
    inside = [scene.visit(port) for _ in range(3)]
    for sock in inside:
        sock.sendall(b"x")
        assert streams.read_exactly(sock, 1) == b"x"
    now = metrics.scrape(at)
    assert now("portreeve_visitors", kind="tcp") == 3
    assert now("portreeve_visitors_served_total", kind="tcp") == 3
    inside.pop().close()
    metrics.wait(at, lambda now: now("portreeve_visitors", kind="tcp") == 2, "one has left")


def test_refusals_are_those_of_the_log(scene):
    gate, at = serving(scene, lines=[f'permitopen="localhost:1" {scene.key.line}'])
    nobody = ports.fixed()
    assert not scene.ssh(gate, key=scene.other_key).gets_in()
    ssh = scene.ssh(gate, f"0:127.0.0.1:{nobody}", "80:127.0.0.1:1", "81:127.0.0.1:1")
    port = ssh.allocated_ports()[0]
    assert ssh.outcomes(3) == [True, False, False]
    for _ in range(3):
        assert visitor.read_until_closed(scene.visit(port)) == b""
    _, local = forward(scene, gate, "127.0.0.1:1")
    assert visitor.read_until_closed(scene.visit(local)) == b""
    now = metrics.wait(at, lambda now: now("portreeve_sessions") == 2, "the stranger has gone")
    assert now.some("portreeve_refusals_total") == {
        "unknown_key": 1, "port_privileged": 2, "target_refused": 3, "open_not_permitted": 1}
    logged = [event for name in ("refused", "login_refused", "visitor_refused")
              for event in gate.log.events(name)]
    assert now.sum("portreeve_refusals_total") == len(logged)
    assert now("portreeve_open_failures_total", by="client", reason="connect_failed") == 3
    assert now.sum("portreeve_open_failures_total") == 3
    assert now("portreeve_visitors_served_total", kind="tcp") == 0
    assert now.sum("portreeve_first_byte_seconds_count") == 0
    ended = [event["reason"] for event in gate.log.events("session_closed")]
    assert now.some("portreeve_session_ends_total") == {ended[0]: 1} and len(ended) == 1
    assert now("portreeve_login_duration_seconds_count") == 2


def test_what_this_host_cannot_reach(scene):
    nobody = ports.fixed()
    gate, at = serving(scene, lines=[f'permitopen="127.0.0.1:{nobody}" {scene.key.line}'])
    _, local = forward(scene, gate, f"127.0.0.1:{nobody}")
    assert visitor.read_until_closed(scene.visit(local)) == b""
    now = metrics.wait(at, lambda now: now.sum("portreeve_open_failures_total"), "a failure")
    assert now("portreeve_open_failures_total", by="server", reason="refused") == 1
    assert now.some("portreeve_refusals_total") == {"target_unreachable": 1}


def test_the_main_threads_refusals_count_too(scene):
    gate, at = serving(scene, limits={"sessions": 1}, forward={"hold": "0s"})
    ssh, port = scene.tunnel(gate, scene.target(echo))
    scene.ssh(gate).wait_exit()
    ssh.signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    with contextlib.suppress(ConnectionResetError):  # before it is even told that it is connected
        assert visitor.read_until_closed(scene.visit(port)) == b""
    metrics.wait(at, lambda now: now.some("portreeve_refusals_total") ==
                 {"limit_sessions": 1, "owner_away": 1}, "both refusals")
    assert metrics.scrape(at)("portreeve_sessions_max") == 1


def test_who_waits_is_told_until_the_owner_is_back(scene):
    gate, at = serving(scene)
    target = scene.target(greet("back"))
    ssh, port = scene.tunnel(gate, target)
    ssh.signal(signal.SIGKILL)
    gate.log.wait_event("tunnel_held")
    waiting = [scene.visit(port) for _ in range(3)]
    metrics.wait(at, lambda now: now("portreeve_visitors_waiting") == 3, "three wait")
    assert metrics.scrape(at).sum("portreeve_visitors") == 0
    scene.tunnel(gate, target)
    assert [streams.read_all(sock) for sock in waiting] == [b"back"] * 3
    now = metrics.wait(at, lambda now: now("portreeve_visitors_waiting") == 0, "nobody waits")
    assert now("portreeve_visitors_served_total", kind="tcp") == 3


def test_the_daemon_tells_of_itself(scene):
    gate, at = serving(scene, server={"workers": 2})
    _, port = scene.tunnel(gate, scene.target(echo))
    before = metrics.scrape(at)
    for _ in range(20):
        with visitor.connect(port) as sock:
            sock.sendall(bytes(1 << 16))
            streams.read_exactly(sock, 1 << 16)
    after = metrics.scrape(at)
    for name in ("portreeve_ring_turns_total", "portreeve_ring_completions_total",
                 "portreeve_worker_cpu_seconds_total", "process_cpu_seconds_total"):
        assert after.sum(name) > before.sum(name) >= 0, name
    # A turn is counted when it begins, and its completions when it ends.
    turns = after.sum("portreeve_ring_turns_total")
    assert turns - 2 <= after("portreeve_ring_turn_completions_count") <= turns
    assert len(after.all("portreeve_worker_sessions")) == 2
    until(lambda: metrics.scrape(at)("process_open_fds") == gate.descriptors() + 1,
          lambda: "as many descriptors as there are, and that of the question")
    assert after("process_resident_memory_bytes") > 1 << 20
    with open(f"/proc/{gate.process.pid}/stat", encoding="ascii") as stat:
        ticks = sum(map(int, stat.read().rpartition(")")[2].split()[11:13]))
    spent_s = ticks / os.sysconf("SC_CLK_TCK")
    assert after.sum("portreeve_worker_cpu_seconds_total") <= spent_s + 0.1


# How it is served
# ------------------------------------------------------------------------------------------------

def test_prometheus_can_read_it(scene):
    gate, at = serving(scene)
    assert metrics.problems(metrics.scrape(at).text) == []
    _, port = scene.tunnel(gate, scene.target(greet("hello")))
    assert streams.read_all(scene.visit(port)) == b"hello"
    assert not scene.ssh(gate, key=scene.other_key).gets_in()
    assert metrics.problems(metrics.scrape(at).text) == []


@pytest.mark.parametrize("broken", [
    "portreeve_x 1\n",
    "# HELP portreeve_x X.\nportreeve_x 1\n",
    "# HELP portreeve_x X.\n# TYPE portreeve_x gauge\nportreeve_y 1\n",
    "# HELP portreeve_x X.\n# TYPE portreeve_x gauge\nportreeve_x 1\nportreeve_x 2\n",
    "# HELP portreeve_x X.\n# TYPE portreeve_x counter\nportreeve_x 1\n",
    "# HELP portreeve_x_total X.\n# TYPE portreeve_x_total gauge\nportreeve_x_total 1\n",
    "# HELP portreeve_x_ms X.\n# TYPE portreeve_x_ms gauge\nportreeve_x_ms 1\n",
    '# HELP portreeve_x X.\n# TYPE portreeve_x gauge\nportreeve_x{a="b"c"} 1\n',
    '# HELP portreeve_x X.\n# TYPE portreeve_x histogram\nportreeve_x_bucket{le="1"} 2\n'
    'portreeve_x_bucket{le="+Inf"} 1\nportreeve_x_sum 1\nportreeve_x_count 1\n',
    '# HELP portreeve_x X.\n# TYPE portreeve_x histogram\nportreeve_x_bucket{le="1"} 1\n'
    'portreeve_x_bucket{le="+Inf"} 1\nportreeve_x_sum 1\nportreeve_x_count 2\n',
    "# HELP portreeve_x X.\n# TYPE portreeve_x gauge\nportreeve_x 1",
])
def test_what_it_could_not_read_is_noticed(broken):
    assert metrics.problems(broken)


def test_nothing_else_is_served(scene):
    gate, at = serving(scene)
    assert metrics.get(at, "/metrics?name=x")[0] == 200
    for path in ("/", "/metrics/", "/metric", "/v1/status"):
        assert metrics.get(at, path)[0] == 404, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert metrics.get(at, method=method)[0] == 405, method
    with visitor.connect(at) as sock:
        sock.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        head = streams.read_all(sock).split(b"\r\n")
        assert head[0] == b"HTTP/1.1 405 Method Not Allowed" and b"Allow: GET" in head
    with visitor.connect(at) as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        assert streams.read_all(sock).startswith(b"HTTP/1.1 400 ")
    assert not gate.ended()


def test_no_label_comes_from_a_client(scene):
    gate, at = serving(scene, lines=[scene.key.line, scene.other_key.line])
    before = metrics.scrape(at)
    for number, key in enumerate((scene.key, scene.other_key)):
        scene.tunnel(gate, scene.target(greet("hello")), key=key, user=f"stranger{number}")
        scene.ssh(gate, f"stranger{number}:22:127.0.0.1:1", key=key).wait_granted()
    scene.ssh(gate, "stranger-9:0:127.0.0.1:1", "1:127.0.0.1:1").outcomes(2)
    after = metrics.scrape(at)
    assert after.sum("portreeve_tunnels") == 4 and after.sum("portreeve_refusals_total") == 2
    assert "stranger" not in after.text and "SHA256" not in after.text
    assert after.text.count("\n") == before.text.count("\n")


def test_it_is_off_unless_it_is_asked_for(scene, gate):
    scene.tunnel(gate, scene.target(echo))
    assert [event["name"] for event in gate.log.events("listening")] == ["ssh"]


def test_a_reload_opens_moves_and_closes_it(scene, gate):
    first, second = ports.fixed(), ports.fixed()

    def reload(listen):
        mark = gate.log.mark()
        gate.write_config(metrics={"listen": listen})
        gate.reload()
        return mark

    mark = reload(f"127.0.0.1:{first}")
    assert metrics.port(gate, mark) == first
    assert metrics.scrape(first)("portreeve_last_reload_successful") == 1
    mark = reload(f"127.0.0.1:{first}")
    assert not [event for event in gate.log.text(mark).splitlines() if "name=metrics" in event]
    mark = reload(f"127.0.0.1:{second}")
    gate.log.wait_event("listening_ended", after=mark, name="metrics",
                        address=f"127.0.0.1:{first}")
    visitor.wait_refused(first)
    metrics.scrape(second)
    reload("")
    visitor.wait_refused(second)
    reload(f"127.0.0.1:{first}")
    metrics.scrape(first)


def test_a_port_that_cannot_be_had_changes_nothing(scene):
    gate, at = serving(scene)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        gate.write_config(metrics={"listen": place, "alias": "metrics", "alias_users": ["any"]})
        why = gate.reload(outcome="reload_failed")["why"]
    assert why.startswith(f"cannot listen on {place} ([metrics] listen): ")
    now = metrics.scrape(at)
    assert now("portreeve_last_reload_successful") == 0
    _, local = forward(scene, gate, "metrics:9464")
    assert visitor.read_until_closed(scene.visit(local)) == b""
    gate.write_config(metrics={"listen": "127.0.0.1:0", "alias": ""})
    gate.reload()
    assert metrics.scrape(at)("portreeve_last_reload_successful") == 1


def test_a_port_that_cannot_be_had_ends_the_start(scene):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        gate = scene.new_gate(metrics={"listen": place})
        gate.expect_exit = 1
        for name in ("state_dir", "runtime_dir"):
            os.makedirs(gate.settings["server"][name], mode=0o700, exist_ok=True)
        gate.spawn(gate.command(), env=gate.environment())
        assert gate.wait_exit() == 1
    assert f"cannot listen on {place} ([metrics] listen): Address already in use" \
        in gate.log.text()


def test_it_is_served_until_the_end(scene):
    gate, at = serving(scene)
    _, port = scene.tunnel(gate, scene.target(echo))
    inside = scene.visit(port)
    inside.sendall(b"x")
    streams.read_exactly(inside, 1)
    half = scene.visit(at)  # a question that does not end holds up nothing
    half.sendall(b"GET /metrics HTTP/1.1\r\n")
    gate.terminate()
    gate.log.wait_event("stopping")
    assert metrics.scrape(at)("portreeve_visitors", kind="tcp") == 1
    inside.close()
    assert gate.wait_exit() == 0
    assert not visitor.answers(at)


# By a private name
# ------------------------------------------------------------------------------------------------

def aliased(scene, users, **settings):
    lines = [scene.key.line, scene.other_key.line]
    return scene.gate(metrics={"alias": "Metrics", "alias_users": users},
                      **{"lines": lines, **settings})


def reaches(scene, gate, to="metrics:9464", key=None):
    ssh, local = forward(scene, gate, to, key=key)
    answer = None
    try:
        answer = metrics.scrape(local)
    except (ConnectionError, OSError):
        pass
    assert not ssh.ended()
    return answer


@pytest.mark.parametrize("users", ["key", "group", "any"])
def test_an_alias_reaches_it_without_a_port(scene, users):
    key = scene.other_key.fingerprint
    members = {"key": [key], "group": ["ops"], "any": ["any"]}[users]
    gate = aliased(scene, members, groups={"ops": [key]})
    now = reaches(scene, gate, key=scene.other_key)
    assert now("portreeve_sessions") == 1 and now("portreeve_visitors", kind="reach") == 1
    assert metrics.problems(now.text) == []
    assert reaches(scene, gate, to="METRICS:9464", key=scene.other_key)
    assert bool(reaches(scene, gate, key=scene.key)) == (users == "any")
    assert [event["name"] for event in gate.log.events("listening")] == ["ssh"]


def test_who_may_not_reach_it_is_told_there_is_no_such_name(scene):
    gate = aliased(scene, [scene.other_key.fingerprint])
    why = []
    for name in ("metrics", "metric5"):
        mark = gate.log.mark()
        assert reaches(scene, gate, to=f"{name}:9464") is None
        event = gate.log.wait_event("refused", after=mark, code="name_not_found")
        why.append(event["why"].replace(name, "NAME"))
    assert why[0] == why[1]
    assert reaches(scene, gate, to="metrics:80", key=scene.other_key) is None


def test_its_name_is_nobodys(scene):
    gate = aliased(scene, [scene.key.fingerprint])
    for name in ("metrics", "METRICS"):
        for port in (9464, 22):
            mark = gate.log.mark()
            assert scene.ssh(gate, f"{name}:{port}:127.0.0.1:1").outcomes(1) == [False]
            event = gate.log.wait_event("refused", after=mark, code="name_not_valid")
            assert "this server's own name" in event["why"]
    assert reaches(scene, gate)


def test_a_reload_takes_the_name(scene, gate):
    target = scene.target(greet("mine"))
    owner = scene.ssh(gate, f"metrics:9464:127.0.0.1:{target.port}", "other:9464:127.0.0.1:1")
    owner.wait_granted(2)
    gate.write_config(metrics={"alias": "metrics", "alias_users": [scene.key.fingerprint]})
    gate.reload()
    owner.wait_exit()
    gate.log.wait_event("session_closed", reason="kicked")
    assert '"metrics" is this server\'s own name' in owner.stderr.text()
    assert reaches(scene, gate)
    gate.write_config(metrics={"alias": "", "alias_users": []})
    gate.reload()
    assert reaches(scene, gate) is None
    scene.ssh(gate, f"metrics:9464:127.0.0.1:{target.port}").wait_granted()


def test_a_name_that_was_kept_over_a_restart_is_taken_too(scene, gate):
    scene.ssh(gate, "metrics:9464:127.0.0.1:1").wait_granted()
    gate.terminate()
    assert gate.wait_exit() == 0
    gate.write_config(metrics={"alias": "metrics", "alias_users": [scene.key.fingerprint]})
    gate.start()
    assert reaches(scene, gate)("portreeve_tunnels", kind="private", state="held") == 0


def test_a_permitopen_holds_for_the_alias_too(scene):
    lines = [f'permitopen="localhost:1" {scene.key.line}',
             f'permitopen="metrics:9464" {scene.other_key.line}']
    gate = aliased(scene, ["any"], lines=lines)
    assert reaches(scene, gate) is None
    gate.log.wait_event("refused", code="open_not_permitted", requested="metrics:9464")
    assert reaches(scene, gate, key=scene.other_key)


def test_an_alias_outlives_its_many_readers(scene):
    gate = aliased(scene, ["any"])
    _, local = forward(scene, gate, "metrics:9464")
    idle = [scene.visit(local) for _ in range(10)]
    for _ in range(50):
        metrics.scrape(local)
    for sock in idle:
        sock.close()
    until(lambda: metrics.scrape(local)("portreeve_visitors", kind="reach") == 1,
          lambda: "all readers but this one have left")


def test_explain_knows_the_name(scene):
    gate = aliased(scene, ["any"])
    done = subprocess.run([os.environ["PORTREEVED"], "--config", gate.config, "--explain", "--key",
                           scene.key.path + ".pub", "--listen", "metrics:9464"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "name_not_valid" in done.stdout, done


# What is told of it
# ------------------------------------------------------------------------------------------------

def told_names(scene):
    gate, at = serving(scene)
    scene.ssh(gate, key=scene.other_key).wait_exit()
    return metrics.wait(at, lambda now: now.all("portreeve_session_ends_total"), "an end").types


def test_the_page_explains_each(scene):
    with open(os.path.join(ROOT, "docs", "METRICS.md"), encoding="utf-8") as page:
        text = page.read()
    rows = re.findall(r"^\| `([a-z_]+)` \| ([a-z]+) \|", text, re.MULTILINE)
    assert dict(rows) == told_names(scene) and len(rows) == len(dict(rows))


def test_the_alerts_and_the_dashboard_ask_for_what_is_there(scene):
    names = told_names(scene)
    with open(os.path.join(ROOT, "docs", "METRICS.md"), encoding="utf-8") as page:
        asked = set(NAMES.findall(page.read()))
    with open(os.path.join(ROOT, "contrib", "grafana", "portreeve.json"), encoding="utf-8") as file:
        board = json.load(file)
    expressions = [target["expr"] for panel in board["panels"]
                   for target in panel.get("targets", [])]
    asked |= set(NAMES.findall(json.dumps(board)))
    known = {name + suffix for name, kind in names.items()
             for suffix in (("", "_bucket", "_sum", "_count") if kind == "histogram" else ("",))}
    assert asked - known == set()
    assert len(expressions) >= 20


def test_the_dashboard_is_one():
    """As Grafana 10 imports it: any Prometheus, each panel on the grid, none over another."""
    with open(os.path.join(ROOT, "contrib", "grafana", "portreeve.json"), encoding="utf-8") as file:
        board = json.load(file)
    assert board["schemaVersion"] >= 38 and board["id"] is None and board["uid"]
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"] and panel["targets"], panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert 'instance=~"$instance"' in target["expr"], target["expr"]
