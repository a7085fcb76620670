"""systemd ends a daemon of which one worker is stuck, and starts another."""

from harness import wedge
from harness.wait import until

DROP_IN = "/run/systemd/system/portreeve.service.d"


def quick(host, seconds):
    """A watchdog that a test can wait for."""
    host.run("mkdir", "-p", DROP_IN)
    host.write(f"{DROP_IN}/watchdog.conf", f"[Service]\nWatchdogSec={seconds}\n")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "portreeve.service")
    return host.main_pid()


def rings(host):
    """The daemon's threads that have a ring, the main one and the workers, as numbered here."""
    process = host.host_pid(host.main_pid())
    return [number for number, name in sorted(wedge.threads(process).items())
            if number == process or name.startswith("worker-")]


def test_each_wedged_thread_is_noticed(here):
    """None of them may be stuck while the others go on."""
    quick(here.host, 2)
    for index in range(len(rings(here.host))):
        pid = here.host.main_pid()
        bites = here.host.journal().count("Watchdog timeout")
        with wedge.wedged(rings(here.host)[index]):
            until(lambda: here.host.journal().count("Watchdog timeout") > bites,
                  lambda: f"thread {index} is missed:\n{here.host.journal()[-3000:]}", 30)
        until(lambda: here.host.main_pid() not in (0, pid), "systemd starts another", 30)
        here.host.wait_active()


def test_a_client_comes_back_after_it(here):
    pid = quick(here.host, 2)
    client = here.loop()
    client.wait_port(1)
    with wedge.wedged(rings(here.host)[-1]):
        until(lambda: here.host.main_pid() != pid, "systemd ends it", 30)
    here.host.wait_active()
    here.visitors(client.wait_port(2)).wait_served(20)


def test_an_idle_and_a_busy_daemon_are_left_alone(here):
    pid = quick(here.host, 2)
    (port,) = here.ssh().allocated_ports()
    visitors = here.visitors(port)
    before = watchdog_time(here.host)
    until(lambda: watchdog_time(here.host) > before + 6_000_000, "6 s with pings", 30)
    assert here.host.main_pid() == pid
    counts = visitors.finish()
    assert counts["served"] == counts["tried"], counts


def watchdog_time(host):
    """When systemd was last told that all is well, in microseconds."""
    return int(host.show("portreeve.service", "WatchdogTimestampMonotonic")
               ["WatchdogTimestampMonotonic"])
