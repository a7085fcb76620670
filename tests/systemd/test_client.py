"""contrib/client on a real systemd: one command, and the tunnel is there, and there again after its
gate or its ssh was away.
"""

import re

import pytest

from conftest import KEYS
from harness import ends
from harness.wait import until

INSTALL = "/usr/share/portreeve/client/install"  # from the package
UNIT = "portreeve-tunnel@127.0.0.1.service"


def programs(host):
    """What runs as the tunnels' user, by name."""
    found = host.run("sh", "-c", "stat --format='%U %n' /proc/[0-9]* 2>/dev/null", check=False)
    paths = [line.split()[1] for line in found.splitlines()
             if line.split()[0] == "portreeve-tunnel"]
    return sorted(host.run("cat", *(f"{path}/comm" for path in paths)).split()) if paths else []


def status(host):
    return host.show(UNIT, "StatusText").get("StatusText", "")


def wait_status(host, pattern):
    return until(lambda: re.fullmatch(pattern, status(host)),
                 lambda: f"/{pattern}/: {status(host)}\n{host.journal(UNIT)[-4000:]}", 60)


def wait_connected(host):
    return int(wait_status(host, r"connected to 127\.0\.0\.1: (\d+) leads to .*")[1])


@pytest.fixture
def installed(here):
    words = here.host.run(INSTALL, f"pc42@127.0.0.1:{ends.PORT}", "-R", here.forward())
    here.host.write(KEYS, words.splitlines()[-1] + "\n")
    yield words
    here.host.run(INSTALL, "--remove", "127.0.0.1")
    here.host.run("systemctl", "reset-failed")


def test_one_command_and_it_is_up_from_boot_on(here, installed):
    port = wait_connected(here.host)
    assert here.host.run("systemctl", "is-enabled", UNIT).strip() == "enabled"
    assert here.host.is_active(UNIT)
    visits = here.visitors(port)
    visits.wait_served(1)
    visits.finish()
    # As the kernel cuts it; grep drops what ssh says of each visitor.
    assert programs(here.host) == ["grep", "portreeve-tunne", "ssh"]
    assert "SHA256:" in installed


def test_it_comes_back_when_the_gate_was_away(here, installed):
    port = wait_connected(here.host)
    here.host.run("systemctl", "stop", "portreeve.socket", "portreeve.service")
    wait_status(here.host, r"waiting \S+ s: .*Connection refused")
    assert here.host.is_active(UNIT)
    here.host.run("systemctl", "start", "portreeve.socket")
    assert wait_connected(here.host) == port


def test_stopping_leaves_no_ssh(here, installed):
    wait_connected(here.host)
    here.host.run("systemctl", "stop", UNIT)
    assert programs(here.host) == []
    assert here.host.show(UNIT, "Result")["Result"] == "success"


def test_a_broken_file_is_in_its_status_and_not_tried_again(here, installed):
    wait_connected(here.host)
    here.host.write("/etc/portreeve-tunnel/127.0.0.1.conf",
                    "GATE=127.0.0.1\nFORWARD=80:localhost:80\nX=1\n")
    here.host.run("systemctl", "restart", UNIT, check=False)
    until(lambda: here.host.show(UNIT, "ActiveState")["ActiveState"] == "failed", "it fails")
    assert here.host.show(UNIT, "ExecMainStatus", "NRestarts") == {
        "ExecMainStatus": "2", "NRestarts": "0"}
    line = "/etc/portreeve-tunnel/127.0.0.1.conf:3: no such key: X"
    assert line in here.host.run("systemctl", "status", UNIT, check=False)


def test_the_gate_may_come_later_than_the_tunnel(here):
    """Its host key is then that of the first connection."""
    here.host.run("systemctl", "stop", "portreeve.socket", "portreeve.service")
    words = here.host.run(INSTALL, "127.0.0.1", "-R", here.forward())
    assert "does not answer" in words
    wait_status(here.host, r"waiting \S+ s: .*Connection refused")
    here.host.write(KEYS, words.splitlines()[-1] + "\n")
    here.host.run("systemctl", "start", "portreeve.socket")
    wait_connected(here.host)
    assert "ssh-ed25519" in here.host.read("/var/lib/portreeve-tunnel/127.0.0.1.known_hosts")
    here.host.run(INSTALL, "--remove", "127.0.0.1")


def test_remove_leaves_nothing(here):
    here.host.run(INSTALL, f"127.0.0.1:{ends.PORT}", "--name", "one")
    here.host.run(INSTALL, f"127.0.0.1:{ends.PORT}", "--name", "two")
    here.host.run(INSTALL, "--remove", "one")
    assert here.host.is_active("portreeve-tunnel@two.service")
    here.host.run(INSTALL, "--remove", "two")
    found = here.host.run("find", "/etc", "/usr/local", "/usr/lib", "/var/lib",
                          "-name", "*portreeve-tunnel*")
    assert found == ""
    assert "portreeve-tunnel" not in here.host.run("cat", "/etc/passwd", "/etc/group")


def test_root_follows_no_link_of_the_tunnels_user(here, installed):
    """Who takes over the tunnel's user could put one where installing again writes."""
    known_hosts = "/var/lib/portreeve-tunnel/127.0.0.1.known_hosts"
    here.host.write("/root/precious", "untouched\n")
    here.host.run("ln", "-sf", "/root/precious", known_hosts)
    here.host.run(INSTALL, f"pc42@127.0.0.1:{ends.PORT}", check=False)
    assert here.host.read("/root/precious") == "untouched\n"
    assert here.host.run("stat", "--format=%U %a", "/root/precious").split()[0] == "root"
