"""What is printed: the machine, the table, the JSON."""

import json
import math
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from statistics import median

from .figures import Metric

# On a shared machine medians of a few rounds do not tell apart what lies closer than this, nor are
# they to be trusted where fewer rounds than this, each for itself, say the same.
EVEN_WITHIN = 0.03
AGREEING_PART = 0.8


@dataclass(frozen=True)
class Result:
    """One metric: a value for each round, for the gate and for its peer."""

    metric: Metric
    gate: list[float]
    peer: list[float]

    @property
    def ratio(self):
        return median(self.gate) / median(self.peer) if median(self.peer) else float("nan")

    @property
    def verdict(self):
        ratio = self.ratio
        if math.isnan(ratio) or abs(ratio - 1) <= EVEN_WITHIN:
            return "-" if math.isnan(ratio) else "even"
        agreeing = sum((ours > theirs) == (ratio > 1) for ours, theirs in zip(self.gate, self.peer))
        doubt = "" if agreeing >= AGREEING_PART * len(self.gate) else "?"
        return ("better" if (ratio > 1) == self.metric.more_is_better else "WORSE") + doubt


def _first_match(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
            return found.group(1) if found else "unknown"
    except OSError:
        return "unknown"


def _said_by(*command):
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10,
                          stdin=subprocess.DEVNULL)
    return (said.stdout + said.stderr).strip().partition("\n")[0]


def machine_facts():
    return {
        "kernel": platform.release(),
        "cpu": _first_match("/proc/cpuinfo", r"^model name\s*: (.*)$"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 20} MiB",
        "system": _first_match("/etc/os-release", r'^PRETTY_NAME="(.*)"$'),
        "openssh": _said_by("ssh", "-V"),
        "libssh": _said_by("dpkg-query", "-W", "-f", "${Version}", "libssh-4"),
        "load average": " ".join(f"{value:.2f}" for value in os.getloadavg()),
    }


def print_facts(facts):
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")
    print(flush=True)


def _number(value):
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _spread(values):
    """How far the rounds lie apart, as a part of their median."""
    middle = median(values)
    return f"{(max(values) - min(values)) / abs(middle):.0%}" if middle else "-"


def print_table(results, failures, gate_name, peer_name):
    rows = [("figure", "unit", gate_name, "spread", peer_name, "spread", "ratio", "")]
    for result in results:
        rows.append((result.metric.name, result.metric.unit,
                     _number(median(result.gate)), _spread(result.gate),
                     _number(median(result.peer)), _spread(result.peer),
                     f"{result.ratio:.2f}", result.verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [f"{cell:<{width}}" if column in (0, 1, 7) else f"{cell:>{width}}"
                 for column, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
    for name, reason in failures.items():
        print(f"{name}: FAILED: {reason}")


def write_json(path, facts, settings, results, failures):
    document = {
        "machine": facts,
        "settings": settings,
        "figures": [{
            "name": result.metric.name,
            "unit": result.metric.unit,
            "better": "more" if result.metric.more_is_better else "less",
            "gate": {"median": median(result.gate), "rounds": result.gate},
            "peer": {"median": median(result.peer), "rounds": result.peer},
            "ratio": None if math.isnan(result.ratio) else result.ratio,
            "verdict": result.verdict,
        } for result in results],
        "failures": failures,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
