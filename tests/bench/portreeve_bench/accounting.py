"""What a gate costs: CPU time and memory of its main process and everything below it.

CPU time of a living process comes from its CPU clock (nanoseconds, all threads, ended ones too).
What ended and was reaped is in its parent's cutime and cstime, in ticks of 10 ms; so sshd's process
for each connection is counted, living or not, as long as no zombie is left: `settled_cpu_seconds`
waits for that.
"""

import os
import re
import time

from .process import wait_until

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SETTLE_SECONDS = 20.0
QUIET_SECONDS = 0.05
QUIET_CPU_SECONDS = 0.0005


def _stat_fields(pid):
    """The fields of /proc/PID/stat from `state` on (the third); None when there is no process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def tree(root):
    """The pids of `root` and all its descendants that are not zombies."""
    children = {}
    for name in os.listdir("/proc"):
        fields = _stat_fields(name) if name.isdigit() else None
        if fields and fields[0] not in "ZX":
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [root]
    for pid in found:  # grows as it goes
        found.extend(children.get(pid, []))
    return found


def start_ticks(pid):
    """When `pid` was started; tells a process from a later one with the same pid."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else None


def _cpu_seconds_of(pid):
    fields = _stat_fields(pid)
    if fields is None:
        return 0.0
    reaped_ticks = int(fields[13]) + int(fields[14])  # cutime, cstime
    try:
        own_ns = time.clock_gettime_ns((~pid << 3) | 2)  # clock_getcpuclockid(3), in one line
    except OSError:
        return 0.0  # ended between the two reads
    return own_ns / 1e9 + reaped_ticks / TICKS_PER_SECOND


def cpu_seconds(root):
    return sum(_cpu_seconds_of(pid) for pid in tree(root))


def settled_cpu_seconds(root):
    """CPU time of the tree once it has stopped spending any: all that was asked of it is done."""
    last = [cpu_seconds(root)]

    def is_quiet():
        now = cpu_seconds(root)
        spent, last[0] = now - last[0], now
        return abs(spent) < QUIET_CPU_SECONDS

    wait_until(is_quiet, "the gate to fall idle", SETTLE_SECONDS, QUIET_SECONDS)
    return last[0]


def pss_kib(root):
    """Proportional set size of the tree, by kind: {'anon', 'file', 'shmem'} in KiB."""
    total = {"anon": 0, "file": 0, "shmem": 0}
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                text = file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for kind, kib in re.findall(r"^Pss_(Anon|File|Shmem): +(\d+) kB", text, re.MULTILINE):
            total[kind.lower()] += int(kib)
    return total
