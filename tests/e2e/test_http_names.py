"""http names: `-R blog:80:…` gives a name below [http] domain, to its owner and nobody else; what
is refused says why, and a password is shown nowhere.
"""

import glob
import json
import os
import re
import signal
import socket

import pytest

from harness import control, directory, listeners, metrics, ports, streams
from harness.target import greet
from harness.wait import SCALE, until

pytestmark = pytest.mark.portreeve_only("sshd has no http names")

DOMAIN = "gate.example.com"
PORT = ports.fixed()
TARGET = "127.0.0.1:9"  # nobody visits it here


def make_gate(scene, owner="", other="", http=None, **settings):
    made = scene.new_gate(http={"domain": DOMAIN, "listen": [f"127.0.0.1:{PORT}"], **(http or {})},
                          log={"format": "json"}, **settings)
    made.write_keys([f"{owner} {scene.key.line}".strip(),
                     f"{other} {scene.other_key.line}".strip()])
    return made.start()


@pytest.fixture
def gate(scene):
    """Where both keys may log in."""
    return make_gate(scene)


def ask(scene, gate, *names, **more):
    """A client that asks for these, each as it stands in front of the target."""
    return scene.ssh(gate, *(f"{name}:{TARGET}" for name in names), **more)


def offer(scene, gate, *names, **more):
    """… and has them."""
    ssh = ask(scene, gate, *names, **more)
    ssh.wait_granted(len(names))
    return ssh


def refused(scene, gate, name, code, **more):
    """The sentence of the refusal, as the client is shown it."""
    mark = gate.log.mark()
    ssh = ask(scene, gate, name, **more)
    assert ssh.outcomes(1) == [False]
    why = gate.log.wait_event("refused", after=mark, code=code)["why"]
    ssh.stderr.wait_for("Remote: portreeve: refused ")
    assert why in ssh.stderr.text()
    return why


def tunnels(gate):
    """What the directory has, by the URLs."""
    return {entry.get("url", name): {**entry, "file": name}
            for name, entry in directory.entries(gate).items()}


def wait_tunnels(gate, *urls, state="open"):
    def there():
        found = tunnels(gate)
        fine = sorted(found) == sorted(urls) and all(one["state"] == state
                                                     for one in found.values())
        return (found,) if fine else None

    return until(there, lambda: f"tunnels {urls}: {tunnels(gate)}")[0]


def url(name, path=""):
    return f"http://{name}.{DOMAIN}:{PORT}{path}"


def restart(gate):
    gate.terminate()
    assert gate.wait_exit() == 0
    return gate.start()


def test_a_name_is_granted_and_listens_nowhere(scene, gate):
    before = listeners.of(gate)
    ssh = offer(scene, gate, "blog:80")
    assert listeners.of(gate) == before
    entry = wait_tunnels(gate, url("blog"))[url("blog")]
    assert (entry["kind"], entry["name"], entry["address"], entry["port"], entry["requested"],
            entry["file"]) == ("http", "blog", f"blog.{DOMAIN}", 80, "blog:80", "blog-80.json")
    ssh.stderr.wait_for(rf"Remote: portreeve: http name open at {url('blog')}\b")
    assert gate.log.wait_event("tunnel_open")["address"] == f"blog.{DOMAIN}"
    run = gate.settings["server"]["runtime_dir"]
    with open(os.path.join(run, "ssh_config"), encoding="utf-8") as file:
        assert "Host " not in file.read()


def test_the_url_is_seen_without_n(scene, gate):
    ssh = offer(scene, gate, "blog:443", shell=True)
    ssh.stdout.wait_for(rf"^portreeve: http name open at {url('blog')}$", process=ssh.process)
    ssh.signal(signal.SIGKILL)
    again = offer(scene, gate, "blog:80", shell=True)
    again.stdout.wait_for(rf"^portreeve: http name open again at {url('blog')}$",
                          process=again.process)


def test_one_session_may_have_several_names_and_paths(scene, gate):
    ssh = ask(scene, gate, "blog:80", "blog/api:80", "shop:443", "blog:443")
    assert sorted(ssh.outcomes(4)) == [False, True, True, True]
    assert "one forward serves both" in gate.log.wait_event("refused", code="address_in_use")["why"]
    found = wait_tunnels(gate, url("blog"), url("blog", "/api"), url("shop"))
    assert found[url("shop")]["port"] == 443


def test_a_name_from_the_owner_is_the_same_again(scene, gate):
    first = offer(scene, gate, "80")
    (made,) = until(lambda: tunnels(gate), lambda: "a tunnel")
    name = re.fullmatch(rf"http://([a-z]{{6}}-[a-z]{{6}})\.{DOMAIN}:{PORT}", made).group(1)
    first.close()
    wait_tunnels(gate, made, state="held")
    assert "another key" in refused(scene, gate, f"{name}:80", "address_leased",
                                    key=scene.other_key)
    offer(scene, gate, "443").close()
    wait_tunnels(gate, made, state="held")
    restart(gate)
    wait_tunnels(gate, made, state="held")
    offer(scene, gate, "80")
    wait_tunnels(gate, made)
    with open(os.path.join(gate.settings["server"]["state_dir"], "leases"),
              encoding="utf-8") as file:
        assert f'host = "{name}.{DOMAIN}"' in file.read()
    offer(scene, gate, "*:80", key=scene.other_key)
    until(lambda: len(tunnels(gate)) == 2, lambda: f"two tunnels: {tunnels(gate)}")


def test_another_keys_name_is_refused_and_ones_own_taken_over(scene, gate):
    first = offer(scene, gate, "blog/api:80")
    assert "in use by another key" in refused(scene, gate, "blog:443", "address_leased",
                                              key=scene.other_key)
    offer(scene, gate, "blog/api:443")
    first.wait_exit()
    assert "taken over by a newer session" in first.stderr.text()
    until(lambda: tunnels(gate)[url("blog", "/api")]["port"] == 443, lambda: f"{tunnels(gate)}")


@pytest.mark.parametrize("name,code,words", [
    ("bl_og:80", "name_not_valid", 'letters, digits and "-"'),
    ("a.b.gate.example.com:80", "name_not_valid", "only one label"),
    ("gate.example.com:443", "name_not_valid", "this server's own"),
    ("app..example.org:443", "name_not_valid", "single dots"),
    ("www:80", "name_reserved", "[http] reserved"),
    ("intranet:80", "name_reserved", "[http] reserved"),
    ("blog//api:80", "name_not_valid", 'no "//"'),
    ("blog/../api:80", "name_not_valid", '".."'),
    ("blog/a?b:80", "name_not_valid", '"?"'),
    (f"blog/{'p' * 128}:80", "name_not_valid", "128 characters"),
    ("user@blog:80", "name_not_valid", "USER:PASSWORD"),
    ("[user:pass@127.0.0.1]:80", "name_not_valid", "neither credentials nor a path"),
    ("127.0.0.1:80", "port_privileged", "[forward] ports"),
])
def test_what_cannot_be_had_says_which_rule(scene, name, code, words):
    gate = make_gate(scene, http={"reserved": ["Intranet"]})
    assert words in refused(scene, gate, name, code)
    assert tunnels(gate) == {}


def test_what_a_line_writes_out_is_its_keys_even_while_it_is_away(scene):
    gate = make_gate(scene, owner='permitlisten="blog:80",permitlisten="t*:80"')
    assert "kept for another key" in refused(scene, gate, "blog:80", "name_reserved",
                                             key=scene.other_key)
    offer(scene, gate, "blog:443")
    offer(scene, gate, "tea:80", key=scene.other_key)
    assert "another key" in refused(scene, gate, "tea:80", "address_leased")
    refused(scene, gate, "shop:80", "listen_not_permitted")
    refused(scene, gate, "80", "listen_not_permitted")
    gate.authorize(scene.key.line, scene.other_key.line)
    offer(scene, gate, "80")


def test_a_permit_is_for_the_name_whatever_stands_around_it(scene):
    gate = make_gate(scene, owner='permitlisten="blog:80",permitlisten="443"')
    offer(scene, gate, r"user\:pass@blog/api:80", f"[user:pass@Blog.{DOMAIN}/doc]:443", "80")
    found = until(lambda: len(tunnels(gate)) == 3 and tunnels(gate), lambda: f"{tunnels(gate)}")
    assert {url("blog", "/api"), url("blog", "/doc")} <= set(found)


def test_it_is_shared_as_private_names_are(scene):
    gate = make_gate(scene, owner='share="ops"', groups={"ops": [scene.other_key.fingerprint]})
    offer(scene, gate, "blog:80")
    offer(scene, gate, "blog:80", key=scene.other_key)
    assert sorted(one["fingerprint"] for one in json.loads(control.ctl(gate, "list", "--json"))) \
        == sorted([scene.key.fingerprint, scene.other_key.fingerprint])


def test_it_is_ended_by_each_of_its_names(scene, gate):
    for called in ("blog", f"blog.{DOMAIN}", url("blog", "/api"), "blog:80"):
        ssh = offer(scene, gate, "blog/api:80")
        assert "ended 1 tunnel" in control.ctl(gate, "kick", called)
        ssh.wait_exit()
    assert "no tunnel is called" in control.ctl(gate, "kick", "80", status=1)
    offer(scene, gate, "blog/api:80")
    own = scene.ssh(gate, command=["kick", url("blog", "/api")])
    assert own.wait_exit() == 0
    assert own.stdout.text() == "ended 1 tunnel\n"


def test_it_is_taken_back_in_the_words_that_asked(scene, gate, folder):
    path = os.path.join(folder, "master")
    name = f"[user:secret@blog/api]:80:{TARGET}"
    ssh = scene.ssh(gate, name, args=["-M", "-S", path])
    ssh.wait_granted()
    ssh.control("cancel", name)
    assert gate.log.wait_event("tunnel_closed")["reason"] == "cancelled"
    wait_tunnels(gate)


def test_people_are_shown_its_url(scene, gate):
    offer(scene, gate, "blog/api:80")
    assert re.search(rf"^blog +http +{url('blog', '/api')} +open ", control.ctl(gate, "list"), re.M)
    listed = scene.ssh(gate, command=["list"])
    listed.wait_exit()
    assert url("blog", "/api") in listed.stdout.text()


def explained(scene, gate, wish, **more):
    ssh = scene.ssh(gate, command=["explain", wish], **more)
    ssh.wait_exit()
    return ssh.stdout.text()


def test_explain_says_what_would_be_served(scene):
    gate = make_gate(scene, owner='permitlisten="blog:80"')
    assert f"serves: {url('blog', '/api')}\n" in explained(scene, gate, "blog/api:443")
    assert explained(scene, gate, "www:80").startswith("refused: listen_not_permitted: ")
    assert explained(scene, gate, "blog:80",
                     key=scene.other_key).startswith("refused: name_reserved: ")
    offer(scene, gate, "tea:80", key=scene.other_key)
    gate.authorize(scene.key.line, scene.other_key.line)
    assert explained(scene, gate, "tea:80").startswith("refused: address_leased: ")
    assert "serves: http://" in explained(scene, gate, "80")


def test_a_password_is_shown_nowhere(scene):
    gate = make_gate(scene)
    ssh = offer(scene, gate, "[user:secret1@blog/api]:80", shell=True)
    ssh.stdout.wait_for("http name open at ", process=ssh.process)
    wait_tunnels(gate, url("blog", "/api"))
    for name in ("[user:secret2@bl_og]:80", "[user:secret2@blog]:8080", "[user:secret2@app.org]:80",
                 "[user:sec/secret2@blog]:80", "[user:secret2@blog//]:443"):
        mark = gate.log.mark()
        ask(scene, gate, name).outcomes(1)
        gate.log.wait_event("refused", after=mark)
    listed = control.ctl(gate, "list", "--json") + explained(scene, gate, "[u:secret3@blog/api]:80")
    ssh.signal(signal.SIGKILL)
    wait_tunnels(gate, url("blog", "/api"), state="held")
    leases = os.path.join(gate.settings["server"]["state_dir"], "leases")
    until(lambda: os.path.exists(leases) and b"blog" in open(leases, "rb").read(),
          lambda: "the lease is kept")
    seen = listed + ssh.stdout.text() + gate.log.text()
    for path in [leases, *glob.glob(gate.settings["server"]["runtime_dir"] + "/**/*.json",
                                    recursive=True)]:
        with open(path, encoding="utf-8") as file:
            seen += file.read()
    assert "blog/api:80" in seen
    assert "secret" not in seen
    assert "user:" not in seen


def test_who_comes_to_it_is_brought_to_its_target_and_counted(scene):
    """By its Unix socket: ssh knows the forward again only by the words and the port it used."""
    gate = make_gate(scene, forward={"sockets": True}, metrics={"listen": "127.0.0.1:0"})
    at = metrics.port(gate)
    target = scene.target(greet("inside"))
    names = [r"user\:pass@Blog/api:80", "443", "shop:80"]
    ssh = scene.ssh(gate, *(f"{name}:127.0.0.1:{target.port}" for name in names))
    ssh.wait_granted(len(names))
    folder = os.path.join(gate.settings["server"]["runtime_dir"], "tunnels")
    found = until(lambda: len(glob.glob(f"{folder}/*.sock")) == 3 and glob.glob(f"{folder}/*.sock"),
                  lambda: f"three sockets: {os.listdir(folder)}")
    for path in found:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(15 * SCALE)
            sock.connect(path)
            assert streams.read_all(sock) == b"inside"
    now = metrics.wait(at, lambda now: now.sum("portreeve_visitors") == 0, "no visitor is left")
    assert now("portreeve_tunnels", kind="http", state="open") == 3
    assert now("portreeve_visitors_served_total", kind="http") == 3
    assert now("portreeve_visitor_bytes_total", kind="http", direction="out") == 3 * len(b"inside")


def test_a_reload_may_change_domain_and_urls(scene, gate):
    ssh = offer(scene, gate, "blog:80")
    wait_tunnels(gate, url("blog"))
    # An address that is as much this topic's own as the port is.
    gate.write_config(http={"listen": [f"127.1.{PORT >> 8}.{PORT & 255}:80"]})
    gate.reload()
    wait_tunnels(gate, f"http://blog.{DOMAIN}")
    gate.write_config(http={"domain": ""})
    gate.reload()
    assert not ssh.ended()
    refused(scene, gate, "80", "port_privileged")
