"""What is measured. A figure is one function that loads a gate and returns a value for each of its
metrics; each call brings its own target and its own tunnel, so no turn inherits another's.

"up" is what a visitor downloads (target -> client -> gate -> visitor: the gate decrypts), "down"
what a visitor uploads (the gate encrypts). CPU is the gate's alone, read before and after, once
the gate has fallen idle.
"""

import contextlib
from dataclasses import dataclass
from typing import Callable

from . import load
from .gates import Gate
from .load import Client, Load, tunnel

REQUEST_BYTES = 64
CLIENTS_AT_ONCE = 4


@dataclass(frozen=True)
class Metric:
    name: str
    unit: str
    more_is_better: bool = False


@dataclass(frozen=True)
class Sizes:
    """How much of everything. One transfer stays under 2^30 bytes, where chacha20 would rekey."""

    transfer_bytes: int = 1_000_000_000
    visitors_in_turn: int = 150  # sshd takes some 40 ms for one: Nagle meets delayed ACK
    visitors_at_once: int = 2000
    requests: int = 5000
    logins: int = 50
    idle_tunnels: int = 100
    idle_visitors: int = 1000

    @classmethod
    def quick(cls):
        return cls(transfer_bytes=50_000_000, visitors_in_turn=20, visitors_at_once=100,
                   requests=200, logins=5, idle_tunnels=5, idle_visitors=50)


@dataclass(frozen=True)
class Bench:
    """What every figure works with."""

    load: Load
    key: str
    sizes: Sizes


@dataclass(frozen=True)
class Figure:
    name: str
    about: str
    metrics: tuple[Metric, ...]
    measure: Callable[[Bench, Gate], tuple[float, ...]]  # a value for each metric, in order
    needs_new_gate: bool = False  # memory: an allocator keeps what earlier turns used


@contextlib.contextmanager
def _cpu_spent(gate):
    """Gives a list that holds the gate's CPU seconds when the block has ended."""
    before = gate.settled_cpu_seconds()
    spent = []
    yield spent
    spent.append(gate.settled_cpu_seconds() - before)


def _transfer(target, visitor, cipher):
    def measure(bench, gate):
        count = bench.sizes.transfer_bytes
        with bench.load.target(target) as target_port, \
                tunnel(gate, bench.key, target_port, cipher) as port:
            with _cpu_spent(gate) as cpu:
                seconds = bench.load.visit(visitor, port, count)["seconds"]
        return count / 1e6 / seconds, cpu[0] / (count / 1e9)
    return measure


def _visitors(concurrency):
    def measure(bench, gate):
        sizes = bench.sizes
        count = sizes.visitors_in_turn if concurrency == 1 else sizes.visitors_at_once
        with bench.load.target("echo") as target_port, \
                tunnel(gate, bench.key, target_port) as port:
            with _cpu_spent(gate) as cpu:
                seconds = bench.load.visit("connect", port, count, concurrency)["seconds"]
        return count / seconds, cpu[0] / count * 1e6
    return measure


def _latency(bench, gate):
    with bench.load.target("echo") as target_port, tunnel(gate, bench.key, target_port) as port:
        result = bench.load.visit("latency", port, bench.sizes.requests, REQUEST_BYTES)
    return result["p50_us"], result["p99_us"]


def _login(bench, gate):
    """A login here is a whole short session: key exchange, key, one forward granted, the end."""
    with bench.load.target("echo") as target_port:
        with _cpu_spent(gate) as cpu:
            for _ in range(bench.sizes.logins):
                with tunnel(gate, bench.key, target_port):
                    pass
    return (cpu[0] / bench.sizes.logins * 1e3,)


def _own_kib(gate):
    """PSS without file pages: those are program text, shared with the load's own ssh processes,
    so a gate's part of them falls with each client that starts."""
    gate.settled_cpu_seconds()
    pss = gate.pss_kib()
    return pss["anon"] + pss["shmem"]


def _memory_tunnels(bench, gate):
    """What `idle_tunnels` sessions with a tunnel each cost above the first one."""
    count = bench.sizes.idle_tunnels
    with contextlib.ExitStack() as clients, bench.load.target("echo") as target_port:
        empty_kib = _own_kib(gate)
        clients.enter_context(tunnel(gate, bench.key, target_port))
        first_kib = _own_kib(gate)
        for opened in range(0, count, CLIENTS_AT_ONCE):
            batch = []
            for _ in range(min(CLIENTS_AT_ONCE, count - opened)):
                batch.append(Client(gate, bench.key, target_port))
                clients.callback(batch[-1].stop)
            for client in batch:
                client.tunnel_port()
        return (_own_kib(gate) - first_kib) / count, float(empty_kib)


def _memory_visitors(bench, gate):
    """What `idle_visitors` of one tunnel cost above the first one."""
    count = bench.sizes.idle_visitors
    with bench.load.target("echo") as target_port, tunnel(gate, bench.key, target_port) as port, \
            bench.load.idle(port, 1):
        first_kib = _own_kib(gate)
        with bench.load.idle(port, count):
            return ((_own_kib(gate) - first_kib) / count,)


def _throughput_figure(direction, target, visitor, cipher):
    short = cipher.partition("@")[0]
    name = f"{direction}-{short}"
    about = f"one visitor {'downloads' if direction == 'up' else 'uploads'} through {short}"
    metrics = (Metric(f"{name} throughput", "MB/s", more_is_better=True),
               Metric(f"{name} server CPU", "CPU-s/GB"))
    return Figure(name, about, metrics, _transfer(target, visitor, cipher))


def _visitors_figure(name, about, concurrency):
    return Figure(name, about, (Metric(f"{name} rate", "visitors/s", more_is_better=True),
                                Metric(f"{name} server CPU", "us/visitor")),
                  _visitors(concurrency))


FIGURES = (
    *(_throughput_figure(direction, target, visitor, cipher)
      for cipher in ("aes128-gcm@openssh.com", load.CIPHER)
      for direction, target, visitor in (("up", "source", "pull"), ("down", "sink", "push"))),
    _visitors_figure("visitors-1", "new visitors, one after another", 1),
    _visitors_figure("visitors-16", "new visitors, 16 at a time", 16),
    Figure("latency", f"{REQUEST_BYTES} bytes there and back on one visitor's connection",
           (Metric("latency p50", "us"), Metric("latency p99", "us")), _latency),
    Figure("login", "log in, be granted a forward, leave; one after another",
           (Metric("login server CPU", "ms/login"),), _login),
    Figure("memory-tunnels", "memory of idle sessions with one tunnel each",
           (Metric("memory of an idle tunnel", "KiB"), Metric("memory of an empty gate", "KiB")),
           _memory_tunnels, needs_new_gate=True),
    Figure("memory-visitors", "memory of idle visitors of one tunnel",
           (Metric("memory of an idle visitor", "KiB"),), _memory_visitors, needs_new_gate=True),
)
