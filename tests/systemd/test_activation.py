"""Clients start the daemon: systemd listens for it."""

import os

from harness import ends
from harness.wait import until


def test_a_client_starts_it_and_a_visitor_gets_through(here):
    assert not here.host.is_active("portreeve.service")
    ssh = here.ssh()
    (port,) = ssh.allocated_ports()
    assert 20000 <= port <= 29999
    assert here.host.is_active("portreeve.service")
    visitors = here.visitors(port)
    visitors.wait_served(50)
    counts = visitors.finish()
    assert counts["served"] == counts["tried"], counts


def test_clients_of_both_families(here):
    for host in ("127.0.0.1", "::1"):
        here.ssh(host=host).allocated_ports()


def test_sockets_of_http_do_no_harm(here):
    """Without [http] domain they have no use: the daemon says so, and serves ssh."""
    here.host.run("systemctl", "stop", "portreeve.service")
    try:
        here.host.run("systemctl", "start", "portreeve-http.socket", "portreeve-https.socket")
        here.ssh().allocated_ports()
        journal = here.host.journal()
        for name in ("http", "https"):
            assert f"socket_not_used name={name} " in journal, journal
    finally:
        here.host.run("systemctl", "stop", "portreeve-http.socket", "portreeve-https.socket")


def test_a_port_below_1024_by_drop_in(here):
    drop_in = "/etc/systemd/system/portreeve.socket.d"
    here.host.run("systemctl", "stop", "portreeve.service")
    here.host.run("mkdir", drop_in)
    try:
        here.host.write(f"{drop_in}/port.conf", "[Socket]\nListenStream=22\n")
        here.host.run("systemctl", "daemon-reload")
        here.host.run("systemctl", "restart", "portreeve.socket")
        for port in (22, ends.PORT):
            here.ssh(port=port).allocated_ports()
    finally:
        here.host.run("rm", "-r", drop_in)
        here.host.run("systemctl", "daemon-reload")
        here.host.run("systemctl", "stop", "portreeve.service")
        here.host.run("systemctl", "restart", "portreeve.socket")


def test_without_any_socket(here):
    """Enabled by itself, it listens where its configuration says."""
    here.host.run("systemctl", "stop", "portreeve.socket", "portreeve.service")
    try:
        here.host.run("systemctl", "start", "portreeve.service")
        assert not here.host.is_active("portreeve.socket")
        here.ssh().allocated_ports()
    finally:
        here.host.run("systemctl", "stop", "portreeve.service")
        here.host.run("systemctl", "start", "portreeve.socket")


def test_systemd_socket_activate(here):
    """systemd's own tool passes a socket to it, outside of any unit."""
    here.host.run("systemd-run", "--unit=by-hand", "--property=User=portreeve",
                  "--property=StateDirectory=by-hand", "--property=RuntimeDirectory=by-hand",
                  "systemd-socket-activate", "--listen=[::]:2299", "--fdname=ssh",
                  "--setenv=STATE_DIRECTORY=/var/lib/by-hand",
                  "--setenv=RUNTIME_DIRECTORY=/run/by-hand", "/usr/sbin/portreeved")
    try:
        until(lambda: "Listening on" in here.host.journal("by-hand.service"), "it listens")
        here.ssh(port=2299).allocated_ports()
        journal = here.host.journal("by-hand.service")
        assert "event=listening name=ssh address=[::]:2299" in journal, journal
        assert os.path.exists(here.host.path("/var/lib/by-hand/host_key_ed25519"))
    finally:
        here.host.run("systemctl", "stop", "by-hand.service")
