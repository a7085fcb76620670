"""Crashes, restarts and upgrades, while clients come back and visitors connect all the time."""

import os
import signal

import pytest

from harness import package
from harness.wait import until

CLIENTS = 5


def kill(host):
    pid = host.main_pid()
    os.kill(host.host_pid(pid), signal.SIGKILL)
    return pid


def wait_other(host, pid):
    until(lambda: host.main_pid() not in (0, pid), lambda: f"a new daemon:\n{host.journal()}", 30)
    host.wait_active()


def restart(here):
    here.host.run("systemctl", "restart", "portreeve.service")


def crash(here):
    wait_other(here.host, kill(here.host))


def stop_and_start(here):
    here.host.run("systemctl", "stop", "portreeve.service")
    here.host.run("systemctl", "start", "portreeve.service")


@pytest.fixture
def upgrade():
    """Installs the newer package; the older one again afterwards."""
    hosts = []

    def to_newer(here):
        hosts.append(here.host)
        here.host.copy_in(package.newer(), "/root/newer.deb")
        here.host.run("apt-get", "install", "--yes", "/root/newer.deb")
        shown = here.host.run("dpkg-query", "--show", "--showformat=${Version}", "portreeve")
        assert shown == package.UPGRADE

    yield to_newer
    for host in hosts:
        host.run("apt-get", "install", "--yes", "--allow-downgrades", "/root/portreeve.deb")


def test_after_a_crash_systemd_starts_it_and_clients_come_back(here):
    client = here.loop()
    client.wait_port(1)
    before = int(here.host.show("portreeve.service", "NRestarts")["NRestarts"])
    crash(here)
    # By itself, and not because a client came to the socket.
    assert int(here.host.show("portreeve.service", "NRestarts")["NRestarts"]) == before + 1
    visitors = here.visitors(client.wait_port(2))
    visitors.wait_served(20)
    assert "status=9/KILL" in here.host.journal()


def test_an_upgrade_restarts_it_and_leaves_its_socket_alone(here, upgrade):
    client = here.loop()
    client.wait_port(1)
    pid = here.host.main_pid()
    since = here.host.show("portreeve.socket", "ActiveEnterTimestampMonotonic")
    upgrade(here)
    wait_other(here.host, pid)
    assert here.host.show("portreeve.socket", "ActiveEnterTimestampMonotonic") == since
    here.visitors(client.wait_port(2)).wait_served(20)


def test_an_upgrade_starts_nothing_that_did_not_run(here, upgrade):
    here.host.run("systemctl", "stop", "portreeve.service")
    upgrade(here)
    assert not here.host.is_active("portreeve.service")
    assert here.host.is_active("portreeve.socket")


def nobody_is_refused(here, disturb):
    """Clients and visitors through `disturb`: who was served, and where the clients are then."""
    # A name each, by which a machine finds its own port 0 again.
    clients = [here.loop(user=f"machine{number}") for number in range(CLIENTS)]
    ports = [client.wait_port(1) for client in clients]
    visitors = here.visitors(*ports)
    visitors.wait_served(50)
    disturb(here)
    found = [client.wait_port(2) for client in clients]
    if found == ports:
        visitors.wait_served(50)
    counts = visitors.finish()
    print(f"{disturb.__name__}: visitors {counts}, clients that found their port again: "
          f"{sum(was == now for was, now in zip(ports, found))} of {CLIENTS}")
    assert found == ports
    assert (counts["refused"], counts["late"]) == (0, 0), counts
    return counts


@pytest.mark.parametrize("times", [1, 3])
def test_no_visitor_is_refused_at_a_restart(here, times):
    def restarts(here):
        for _ in range(times):
            restart(here)

    # Who is being served when it is asked to end is served to the end.
    assert nobody_is_refused(here, restarts)["cut"] == 0


def test_no_visitor_is_refused_at_a_crash(here):
    # Who is being served at the crash is lost with it, and nobody else.
    in_the_daemon = CLIENTS * 4
    assert nobody_is_refused(here, crash)["cut"] <= in_the_daemon


def test_no_visitor_is_refused_at_an_upgrade(here, upgrade):
    assert nobody_is_refused(here, upgrade)["cut"] == 0


def test_no_visitor_is_refused_at_a_stop_and_start_where_the_store_is_kept(here):
    if "FileDescriptorStorePreserve" not in here.host.read("/lib/systemd/system/portreeve.service"):
        pytest.skip("systemd keeps the store across a stop from version 254 on")
    nobody_is_refused(here, stop_and_start)


def test_a_tunnel_that_ended_leaves_the_store(here):
    before = stored(here.host)
    path = f"{here.folder}/mux"
    ssh = here.ssh(here.forward(), args=["-M", "-S", path], user="passer-by")
    ssh.allocated_ports()
    until(lambda: stored(here.host) > before, "the listeners are in the store")
    ssh.control("cancel", here.forward())
    until(lambda: stored(here.host) == before, "the listeners have left the store", 30)


def stored(host):
    return int(host.show("portreeve.service", "NFileDescriptorStore")["NFileDescriptorStore"])
