"""systemd ends a daemon of which one worker is stuck, and starts another."""

from harness import pending, wedge
from harness.wait import until

DROP_IN = "/run/systemd/system/portreeve.service.d"

pytestmark = pending.until_there(pending.WATCHDOG)


def quick(host, seconds):
    """A watchdog that a test can wait for."""
    host.run("mkdir", "-p", DROP_IN)
    host.write(f"{DROP_IN}/watchdog.conf", f"[Service]\nWatchdogSec={seconds}\n")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "portreeve.service")
    return host.main_pid()


def test_each_wedged_thread_is_noticed(here):
    """The main thread and every worker: none of them may be stuck while the others go on."""
    pid = quick(here.host, 2)
    rings = [number for number, name in sorted(wedge.threads(here.host.host_pid(pid)).items())
             if not name.startswith(("iou-", "passwords"))]
    for index in range(len(rings)):
        pid = here.host.main_pid()
        process = here.host.host_pid(pid)
        threads = [number for number, name in sorted(wedge.threads(process).items())
                   if not name.startswith(("iou-", "passwords"))]
        marks = here.host.journal().count("Watchdog timeout")
        with wedge.wedged(threads[index]):
            until(lambda: here.host.journal().count("Watchdog timeout") > marks,
                  lambda: f"the watchdog bites for thread {index}:\n{here.host.journal()[-3000:]}",
                  30)
        until(lambda: here.host.main_pid() not in (0, pid), "systemd starts another", 30)
        here.host.wait_active()


def test_a_client_comes_back_after_it(here):
    pid = quick(here.host, 2)
    client = here.loop()
    client.wait_port(1)
    process = here.host.host_pid(pid)
    with wedge.wedged(max(wedge.threads(process))):
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
