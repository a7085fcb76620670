"""The memory bound: a daemon's peak while a test loads it.

The kernel keeps the peak of a process's resident set (VmHWM) and resets it when 5 is written to
clear_refs, so the peak is exact and nothing is sampled. Under a sanitizer, whose shadow memory and
quarantine drown the daemon's own, the load still runs and the bound is not applied.
"""

import contextlib

from harness.wait import SANITIZER

# What a session may add however much passes through it: the SSH windows of its channels, the
# link's output, the ring's provided buffers. A daemon that buffers a stream is far above it.
BOUND_MIB = 32


def _status_kib(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise KeyError(field)


def _growth_kib(pid, before_kib):
    try:
        return _status_kib(pid, "VmHWM") - before_kib
    except FileNotFoundError:  # one of sshd's sessions, gone with its client
        return 0


@contextlib.contextmanager
def bounded(gate, mib=BOUND_MIB):
    """Fails if the gate's resident memory rises by more than `mib` inside the block."""
    pids = gate.pids()
    for pid in pids:
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    before = {pid: _status_kib(pid, "VmRSS") for pid in pids}
    yield
    growth_mib = sum(_growth_kib(pid, before[pid]) for pid in pids) / 1024
    print(f"memory: {sum(before.values()) / 1024:.1f} MiB before, peak {growth_mib:.1f} MiB above")
    if gate.kind == "sshd":  # which has buffers of its own for every channel, and is not on trial
        mib *= 2
    if not SANITIZER:
        assert growth_mib <= mib, f"{growth_mib:.1f} MiB more than before, the bound is {mib} MiB"
