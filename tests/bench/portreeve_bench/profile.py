"""`tests/bench/profile`: one figure under perf, on the gate alone; prints where its CPU time went.

Samples by the kernel's CPU clock, which virtual machines have too. The figure is played once
unseen, so that what happens only once is not in the picture.
"""

import os
import shutil
import signal
import subprocess

from .cli import gate_path, guarded, labels, make_bench, shared_options
from .figures import FIGURES
from .gates import make_gate
from .process import BenchError, start, stop, wait_until

SAMPLES_PER_SECOND = 1999  # not a multiple of the scheduler's tick
PERF_END_SECONDS = 60.0


class Recorder:
    """perf record on a process, its threads and its later children; off until `record`."""

    def __init__(self, pid, call_graph, path, folder):
        if shutil.which("perf") is None:
            raise BenchError("there is no perf: apt-get install linux-perf")
        self.path = path
        self._control, self._answers = (os.path.join(folder, name) for name in ("ctl", "ack"))
        for fifo in (self._control, self._answers):
            os.mkfifo(fifo)
        self._process = start(
            ["perf", "record", "-e", "cpu-clock", "-F", SAMPLES_PER_SECOND, "--delay=-1",
             "--call-graph", call_graph, "--control", f"fifo:{self._control},{self._answers}",
             "-o", path, "-p", pid],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def record(self):
        """Returns once perf says that it samples."""
        # Opened for both directions, a fifo does not wait for perf to open its end.
        with open(os.open(self._control, os.O_RDWR), "wb", buffering=0) as control, \
                open(os.open(self._answers, os.O_RDWR | os.O_NONBLOCK), "rb") as answers:
            control.write(b"enable\n")
            self._await_answer(answers)

    def _await_answer(self, answers):
        wait_until(lambda: self._process.poll() is not None or answers.read(4), "perf to start",
                   PERF_END_SECONDS)
        if self._process.poll() is not None:
            raise BenchError(f"perf does not start: {self._process.stderr.read().strip()}")

    def finish(self):
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(PERF_END_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchError("perf does not end") from None
        finally:
            stop(self._process)


def _shares(path, sort):
    """perf's lines, the largest share first: of the samples in it, not in its callees."""
    said = subprocess.run(
        ["perf", "report", "-i", path, "--stdio", "--no-children", "-g", "none", "--sort", sort],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if said.returncode != 0:
        raise BenchError(f"perf report: {said.stderr.strip()}")
    return [line.rstrip(" -") for line in said.stdout.splitlines() if line and line[0] != "#"]


def print_top(path, count):
    """By object first: a library without symbols (libcrypto) is scattered among the symbols."""
    objects = _shares(path, "overhead,dso")
    if not objects:
        raise BenchError("perf took no sample of the gate: play the figure without --quick, or "
                         "more often (--repeat)")
    print("\n".join(["", *objects[:10], "", *_shares(path, "overhead,dso,symbol")[:count]]))


def parse_options(arguments):
    options = shared_options("Plays one figure under perf and prints the gate's top symbols.")
    options.add_argument("figure", choices=[figure.name for figure in FIGURES], metavar="FIGURE",
                         help="a name that `run --list` prints")
    options.add_argument("--repeat", type=int, default=1, metavar="N", help="play it N times")
    options.add_argument("--top", type=int, default=40, metavar="N", help="symbols to print")
    options.add_argument("--call-graph", choices=("fp", "dwarf", "lbr"), default="fp",
                         help="how perf finds callers (dwarf: exact and slow)")
    options.add_argument("--output", metavar="FILE",
                         help="keep the samples there, for `perf report --children -i FILE`")
    return options.parse_args(arguments)


def play(options, folder):
    bench = make_bench(options, folder)
    figure = next(figure for figure in FIGURES if figure.name == options.figure)
    which = gate_path(options)
    path = options.output or os.path.join(folder, "perf.data")
    gate = make_gate(which, labels(which, "")[0], os.path.join(folder, "gate"),
                     bench.key + ".pub")
    try:
        gate.start()
        figure.measure(bench, gate)
        recorder = Recorder(gate.pid, options.call_graph, path, folder)
        try:
            recorder.record()
            turns = [figure.measure(bench, gate) for _ in range(options.repeat)]
        finally:
            recorder.finish()
    finally:
        gate.stop()
    for values in turns:
        print(", ".join(f"{metric.name}: {value:.4g} {metric.unit}"
                        for metric, value in zip(figure.metrics, values)), "(under perf)")
    print_top(path, options.top)
    return 0


def main(arguments):
    options = parse_options(arguments)
    return guarded("profile", lambda folder: play(options, folder))
