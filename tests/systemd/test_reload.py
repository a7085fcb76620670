"""`systemctl reload`, of a good file and of a bad one."""

import re
import subprocess

import pytest

from harness.wait import until

CONFIG = "/etc/portreeve/portreeve.toml"


@pytest.fixture
def config(here):
    before = here.host.read(CONFIG)
    yield before
    here.host.write(CONFIG, before)
    reload(here.host)


def reload(host):
    """Asks for a reload and waits until it is over."""
    def over():
        journal = host.journal()
        return journal.count("event=reloaded"), journal.count("event=reload_failed")

    before = over()
    host.run("systemctl", "reload", "portreeve.service")
    until(lambda: over() != before, lambda: f"a reload is over:\n{host.journal()[-3000:]}")
    host.wait_active()


def test_a_good_file_holds_and_tunnels_live_on(here, config):
    (port,) = here.ssh().allocated_ports()
    pid = here.host.main_pid()
    visitors = here.visitors(port)
    here.host.write(CONFIG, config.replace('pool = "20000-29999"', 'pool = "31000-31999"'))
    reload(here.host)
    visitors.wait_served(20)
    assert here.host.main_pid() == pid
    (other,) = here.ssh(user="after-good").allocated_ports()
    assert 31000 <= other <= 31999
    counts = visitors.finish()
    assert counts["served"] == counts["tried"], counts


def test_the_unit_lets_metrics_be_served(here, config):
    here.ssh().allocated_ports()
    here.host.write(CONFIG, config.replace('listen = ""', 'listen = "127.0.0.1:9464"'))
    reload(here.host)
    page = subprocess.run(
        here.host.in_its_network(["curl", "-sS", "--fail", "http://127.0.0.1:9464/metrics"]),
        capture_output=True, text=True, timeout=60, check=True).stdout
    assert "\nportreeve_sessions 1\n" in page
    # What the unit hides of /proc is not needed.
    for name in ("open_fds", "resident_memory_bytes", "cpu_seconds_total"):
        assert float(re.search(rf"^process_{name} (\S+)$", page, re.MULTILINE)[1]) > 0, name


def test_a_bad_file_changes_nothing_and_says_so(here, config):
    (port,) = here.ssh().allocated_ports()
    pid = here.host.main_pid()
    visitors = here.visitors(port)
    here.host.write(CONFIG, config.replace('pool = "20000-29999"', 'pool = "29999-20000"'))
    reload(here.host)
    shown = here.host.show("portreeve.service", "ActiveState", "StatusText")
    assert shown["ActiveState"] == "active"
    assert f"{CONFIG}:" in shown["StatusText"] and "pool" in shown["StatusText"], shown
    assert here.host.main_pid() == pid
    visitors.wait_served(20)
    (other,) = here.ssh(user="after-bad").allocated_ports()
    assert 20000 <= other <= 29999
    counts = visitors.finish()
    assert counts["served"] == counts["tried"], counts


def test_a_daemon_that_cannot_start_is_tried_again(here, config):
    """A broken file closes no socket: a client who comes meanwhile waits, and is served."""
    here.host.run("systemctl", "stop", "portreeve.service")
    here.host.write(CONFIG, "not toml at all\n")
    ssh = here.ssh()
    # By default systemd gives up after 5 starts in 10 s.
    until(lambda: here.host.journal().count("Scheduled restart job") >= 6,
          lambda: f"systemd tries again:\n{here.host.journal()[-3000:]}", 30)
    assert here.host.is_active("portreeve.socket")
    assert not ssh.ended()
    here.host.write(CONFIG, config)
    ssh.allocated_ports()
