"""`tests/bench/run`: options, then each figure on both gates in turns, then the table."""

import argparse
import contextlib
import os
import re
import resource
import signal
import sys
import tempfile
from dataclasses import asdict, replace

from . import report
from .figures import FIGURES, Bench, Sizes
from .gates import make_gate, make_key
from .load import KEX, Load
from .process import BenchError

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))


def shared_options(description):
    """The options that `run` and `profile` have in common."""
    options = argparse.ArgumentParser(description=description, epilog="See docs/BENCH.md.")
    options.add_argument("--build", metavar="DIR", default=os.path.join(ROOT, "build", "release"),
                         help="the build folder to take programs from (default: build/release)")
    options.add_argument("--gate", metavar="PATH", help="the portreeved to measure, or the word "
                         "sshd (default: the one in the build folder)")
    options.add_argument("--quick", action="store_true",
                         help="little of everything: to see that it works, not to compare")
    return options


def parse_options(arguments):
    options = shared_options("Measures portreeved and OpenSSH's sshd side by side, in turns.")
    options.add_argument("--peer", metavar="PATH", default="sshd",
                         help="what to compare with: a portreeved, or the word sshd (default)")
    options.add_argument("--rounds", type=int, default=5, metavar="N",
                         help="turns of each figure on each gate (default: 5)")
    options.add_argument("--only", metavar="REGEX", help="only the figures whose name matches")
    options.add_argument("--idle-tunnels", type=int, metavar="N",
                         help="clients for memory-tunnels; each is an ssh process (default: 100)")
    options.add_argument("--json", metavar="FILE", help="write every value to FILE too")
    options.add_argument("--list", action="store_true", help="print the figures and end")
    parsed = options.parse_args(arguments)
    if parsed.rounds < 1 or (parsed.idle_tunnels or 1) < 1:
        options.error("--rounds and --idle-tunnels are at least 1")
    try:
        parsed.figures = [figure for figure in FIGURES
                          if re.search(parsed.only or "", figure.name)]
    except re.error as error:
        options.error(f"--only {parsed.only!r}: {error}")
    if not parsed.figures:
        options.error(f"--only {parsed.only!r} matches no figure; --list prints them")
    return parsed


def make_bench(options, folder):
    """Sets up what every figure needs; `folder` is ours until the end."""
    program = os.path.join(options.build, "tests", "bench", "portreeve_load")
    if not os.access(program, os.X_OK):
        raise BenchError(f"{program}: no load maker there; build it (cmake --preset release && "
                         "cmake --build --preset release) or say where with --build DIR")
    # Thousands of idle visitors are thousands of descriptors, in every process on their way.
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    key = os.path.join(folder, "client_key")
    make_key(key)
    return Bench(Load(program), key, Sizes.quick() if options.quick else Sizes())


def gate_path(options):
    return options.gate or os.path.join(options.build, "daemon", "portreeved")


class Stage:
    """The gates that figures are played on: long-lived ones, and new ones where asked."""

    def __init__(self, gates, folder, public_key):
        self._gates = gates  # (label, what make_gate takes), in the order of the turns
        self._folder = folder
        self._public_key = public_key
        self._made = 0
        self._living = {}

    def _start(self, index):
        label, which = self._gates[index]
        self._made += 1
        gate = make_gate(which, label, os.path.join(self._folder, f"gate-{self._made}"),
                         self._public_key)
        try:
            gate.start()
        except BaseException:
            gate.stop()
            raise
        return gate

    @contextlib.contextmanager
    def gate(self, index, is_new):
        if is_new:
            gate = self._start(index)
            try:
                yield gate
            finally:
                gate.stop()
            return
        if index not in self._living or not self._living[index].is_alive():
            self._living[index] = self._start(index)
        yield self._living[index]

    def close(self):
        for gate in self._living.values():
            gate.stop()


def show_progress(text):
    """One line that overwrites itself, for who watches; nothing in a log."""
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def measure(figure, bench, stage, rounds):
    """Plays one figure on both gates in turns; a list of results, one for each metric."""
    turns = ([], [])  # for each gate, the tuples that its turns gave
    for number in range(rounds):
        show_progress(f"{figure.name}: round {number + 1} of {rounds}")
        for index, values in enumerate(turns):
            with stage.gate(index, figure.needs_new_gate) as gate:
                try:
                    values.append(figure.measure(bench, gate))
                except BenchError as error:
                    raise BenchError(f"{error}; {gate.last_words()}") from error
    return [report.Result(metric, *([turn[place] for turn in values] for values in turns))
            for place, metric in enumerate(figure.metrics)]


def labels(gate, peer):
    names = ["sshd" if which == "sshd" else "portreeved" for which in (gate, peer)]
    return names if names[0] != names[1] else [names[0], names[1] + " (peer)"]


def play(options, folder):
    facts = report.machine_facts()
    report.print_facts(facts)
    bench = make_bench(options, folder)
    if options.idle_tunnels:
        bench = replace(bench, sizes=replace(bench.sizes, idle_tunnels=options.idle_tunnels))
    both = (gate_path(options), options.peer)
    names = labels(*both)
    results, failures = [], {}
    stage = Stage(list(zip(names, both)), folder, bench.key + ".pub")
    try:
        for figure in options.figures:
            try:
                results += measure(figure, bench, stage, options.rounds)
            except BenchError as error:
                failures[figure.name] = str(error)
    finally:
        stage.close()
        show_progress("")
    report.print_table(results, failures, *names)
    if options.json:
        settings = {"gate": both[0], "peer": both[1], "rounds": options.rounds, "kex": KEX,
                    **asdict(bench.sizes)}
        report.write_json(options.json, facts, settings, results, failures)
    return 1 if failures else 0


def guarded(program, action):
    """Runs `action(folder)` with a folder of its own; whatever ends it, cleanup runs first."""
    def end(number, _frame):
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    try:
        with tempfile.TemporaryDirectory(prefix="portreeve-bench-") as folder:
            return action(folder)
    except BenchError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def main(arguments):
    options = parse_options(arguments)
    if options.list:
        for figure in options.figures:
            print(f"{figure.name:<24}  {figure.about}")
        return 0
    return guarded("run", lambda folder: play(options, folder))
