"""What ssh includes: root's copy of the daemon's ssh_config, which ssh takes from nobody else."""

import itertools

import pytest

from harness.wait import until

INCLUDED = "/run/portreeve-ssh/ssh_config"
DAEMONS = "/run/portreeve/ssh_config"
ETC = "/etc/ssh/ssh_config.d/portreeve.conf"
UNIT = "portreeve-ssh-config.service"
_serial = itertools.count()


@pytest.fixture(autouse=True)
def included(host):
    host.write(ETC, f"Include {INCLUDED}\n")


def new_machine(here):
    """One that was not there before, so that the daemon writes a new file: name and port."""
    name = f"pc{next(_serial)}"
    return name, here.ssh(user=name).allocated_ports()[0]


def asked_as(host, user, name):
    """What ssh would do for `ssh NAME`, in its words."""
    return host.run("runuser", "-u", user, "--", "ssh", "-G", name)


def wait_found(host, name, port):
    for user in ("root", "nobody"):
        until(lambda: f"\nport {port}\n" in asked_as(host, user, name),
              lambda: f"{user} finds {name}:\n{host.run('cat', INCLUDED, check=False)}\n"
                      f"{host.journal(UNIT)[-4000:]}")
        words = asked_as(host, user, name)
        assert "\nhostname 127.0.0.1\n" in words and f"\nhostkeyalias {name}\n" in words


def published(host):
    return [line for line in host.read(INCLUDED).splitlines() if not line.startswith("#")]


def as_the_daemon(host, script):
    host.run("runuser", "-u", "portreeve", "--", "sh", "-ec", script)


def refused(host):
    return host.journal(UNIT).count("nothing of it is published")


def wait_refused(host, before):
    until(lambda: refused(host) > before,
          lambda: f"it is refused:\n{host.journal(UNIT)[-4000:]}")


def test_everybody_finds_a_machine_by_its_name(here):
    name, port = new_machine(here)
    wait_found(here.host, name, port)
    shown = here.host.run("stat", "--format=%A %U %G", "/run/portreeve-ssh", INCLUDED)
    assert shown.splitlines() == ["drwxr-xr-x root root", "-rw-r--r-- root root"]


def test_no_change_is_lost_while_it_copies(here):
    for name, port in [new_machine(here) for _ in range(8)]:
        wait_found(here.host, name, port)


@pytest.mark.parametrize("line", ["    ProxyCommand touch /tmp/evil", "Host *", "Match all"])
def test_what_the_daemon_does_not_write_is_not_published(here, line):
    name, port = new_machine(here)
    wait_found(here.host, name, port)
    before = refused(here.host)
    as_the_daemon(here.host, f"echo '{line}' >>{DAEMONS}; touch {DAEMONS}.changed")
    wait_refused(here.host, before)
    assert published(here.host) == []
    assert "\nport 22\n" in asked_as(here.host, "root", name)
    # The daemon's next file is one that is taken.
    wait_found(here.host, *new_machine(here))
    wait_found(here.host, name, port)


@pytest.mark.parametrize("make", ["ln -s /etc/shadow", "mkfifo"])
def test_root_reads_nothing_else_for_the_daemons_user(here, make):
    here.host.run("systemctl", "restart", "portreeve.service")
    before = refused(here.host)
    as_the_daemon(here.host, f"rm {DAEMONS}; {make} {DAEMONS}; touch {DAEMONS}.changed")
    wait_refused(here.host, before)
    assert "is no plain file" in here.host.journal(UNIT)
    assert published(here.host) == []


def test_it_is_empty_once_the_daemon_has_stopped(here):
    name, port = new_machine(here)
    wait_found(here.host, name, port)
    here.host.run("systemctl", "stop", "portreeve.socket", "portreeve.service")
    try:
        until(lambda: published(here.host) == [], lambda: here.host.read(INCLUDED))
        assert "\nport 22\n" in asked_as(here.host, "nobody", name)
        assert not here.host.succeeds("systemctl", "is-failed", UNIT)
    finally:
        here.host.run("systemctl", "start", "portreeve.socket")
