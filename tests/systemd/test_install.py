"""The package: apt installs it on a fresh Debian 12, and a purge leaves nothing."""

import os
import stat

import pytest

from conftest import install
from harness.wait import until

MAN_PAGES = ["portreevectl.1", "portreeve.toml.5", "portreeved.8"]


def modes(machine, *paths):
    """Mode, owner and group of each path, as text."""
    lines = machine.run("stat", "--format=%n %A %U %G", *paths).splitlines()
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}


def units(machine):
    return machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "portreeve*")


def everything(machine):
    """All that could stay behind: files that are not a package's own business, and the accounts."""
    found = machine.run("find", "/etc", "/usr", "/var/lib", "/run", "-name", "*portreeve*")
    kept = ("/var/lib/dpkg/", "/run/systemd/")  # what dpkg remembers, and systemd
    files = [line for line in found.splitlines() if not line.startswith(kept)]
    accounts = machine.run("cat", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
    return files + [line for line in accounts.splitlines() if "portreeve" in line]


def test_the_tree_is_fresh(machine):
    assert everything(machine) == []
    assert machine.run("systemctl", "is-system-running").strip() == "running"


def test_apt_installs_it(machine, deb):
    words = install(machine, deb)
    assert "Setting up portreeve" in words
    assert "rror" not in words and "arning" not in words, words


def test_user_and_folders(machine):
    account = machine.run("getent", "passwd", "portreeve").strip().split(":")
    assert account[5:] == ["/var/lib/portreeve", "/usr/sbin/nologin"]
    assert modes(machine, "/etc/portreeve", "/etc/portreeve/portreeve.toml",
                 "/etc/portreeve/authorized_keys", "/usr/sbin/portreeved") == {
        "/etc/portreeve": "drwxr-x--- root portreeve",
        "/etc/portreeve/portreeve.toml": "-rw-r--r-- root root",
        "/etc/portreeve/authorized_keys": "-rw-r----- root portreeve",
        "/usr/sbin/portreeved": "-rwxr-xr-x root root",
    }


def test_only_what_clients_need_is_on(machine):
    def state(unit):
        enabled = machine.run("systemctl", "is-enabled", unit, check=False).strip()
        return enabled, machine.show(unit, "ActiveState")["ActiveState"]

    assert state("portreeve.socket") == ("enabled", "active")
    assert state("portreeve-ssh-config.path") == ("enabled", "active")
    assert state("portreeve.service") == ("disabled", "inactive")
    assert state("portreeve-http.socket") == ("disabled", "inactive")
    assert state("portreeve-https.socket") == ("disabled", "inactive")


def test_the_service_starts_with_its_folders(machine):
    machine.run("systemctl", "start", "portreeve.service")
    assert modes(machine, "/var/lib/portreeve", "/var/lib/portreeve/host_key_ed25519",
                 "/run/portreeve") == {
        "/var/lib/portreeve": "drwx------ portreeve portreeve",
        "/var/lib/portreeve/host_key_ed25519": "-rw------- portreeve portreeve",
        "/run/portreeve": "drwxr-xr-x portreeve portreeve",
    }
    status = machine.read(f"/proc/{machine.main_pid()}/status")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert set(fields["Uid"].split()) == {machine.run("id", "-u", "portreeve").strip()}
    assert {fields[name].strip() for name in ("CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (fields["NoNewPrivs"].strip(), fields["Seccomp"].strip()) == ("1", "2")


def test_root_controls_it(machine):
    assert modes(machine, "/run/portreeve/control") == {
        "/run/portreeve/control": "srw------- portreeve portreeve"}
    assert "serving" in machine.run("portreevectl", "status")
    assert "in force" in machine.run("portreevectl", "reload")
    stranger = "runuser -u nobody portreevectl status 2>&1 || true"
    assert "root and the user that it runs as may control it" in machine.run("sh", "-c", stranger)


def test_systemd_has_no_complaint(machine):
    units = machine.run("sh", "-c", "ls /lib/systemd/system/portreeve*").split()
    assert machine.run("systemd-analyze", "verify", *units) == ""
    for service in ("portreeve.service", "portreeve-ssh-config.service"):
        machine.run("systemd-analyze", "security", "--threshold=16", service)
    logged = machine.run("journalctl", "--boot", "--priority=warning", "--identifier=systemd")
    assert "portreeve" not in logged


def test_the_journal_can_explain_events(machine):
    if not os.path.exists(machine.path("/usr/lib/systemd/catalog/portreeve.catalog")):
        pytest.skip("there is no journal catalog yet")
    assert "portreeve" in machine.run("journalctl", "--list-catalog")


def test_man_pages_open(machine):
    for page in MAN_PAGES:
        name, _, section = page.rpartition(".")
        text = machine.run("man", "--pager=cat", section, name)
        assert "NAME" in text and name in text
        stored = f"/usr/share/man/man{section}/{page}.gz"
        assert stat.S_ISREG(os.stat(machine.path(stored)).st_mode)


def test_keys_and_settings_outlive_a_removal(machine, deb):
    machine.write("/etc/portreeve/authorized_keys", "# somebody's keys\n")
    machine.run("apt-get", "remove", "--yes", "portreeve")
    assert not machine.succeeds("systemctl", "is-active", "portreeve.socket")
    assert machine.read("/etc/portreeve/authorized_keys") == "# somebody's keys\n"
    install(machine, deb)
    assert machine.read("/etc/portreeve/authorized_keys") == "# somebody's keys\n"
    assert machine.is_active("portreeve.socket")


def test_what_the_administrator_switched_off_stays_off(machine, deb):
    machine.run("systemctl", "disable", "--now", "portreeve.socket")
    machine.run("apt-get", "install", "--yes", "--reinstall", "/root/portreeve.deb")
    assert machine.run("systemctl", "is-enabled", "portreeve.socket",
                       check=False).strip() == "disabled"
    assert not machine.succeeds("systemctl", "is-active", "portreeve.socket")
    machine.run("systemctl", "enable", "--now", "portreeve.socket")


def test_a_purge_leaves_nothing(machine):
    machine.run("systemctl", "start", "portreeve.service")
    machine.run("apt-get", "purge", "--yes", "portreeve")
    assert everything(machine) == []
    assert not machine.succeeds("dpkg", "--status", "portreeve")
    machine.run("systemctl", "reset-failed")
    # systemd forgets a unit that is gone when it comes to it.
    until(lambda: units(machine) == "", lambda: f"no unit is left:\n{units(machine)}")
    assert machine.run("systemctl", "is-system-running").strip() == "running"
