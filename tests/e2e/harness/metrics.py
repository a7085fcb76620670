"""/metrics as Prometheus sees it: read by its own client library, and judged by the rules of its
`promtool check metrics`, which is asked too where it is installed."""

import http.client
import itertools
import re
import shutil
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from harness.gate import port_of
from harness.wait import SCALE, until

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\[\\"n])*",?)*\})? (\S+)')
# Words that stand for a unit that is no base unit, or for a type, which a name does not tell.
_WORDS = {"ms", "us", "ns", "s", "sec", "milliseconds", "microseconds", "minutes", "hours", "days",
          "bits", "kilobytes", "megabytes", "percent", "counter", "gauge", "histogram", "summary"}


class Scrape:
    def __init__(self, text):
        self.text = text
        self.types = {}
        self._samples = {}
        for family in text_string_to_metric_families(text):
            name = family.name + ("_total" if family.type == "counter" else "")
            self.types[name] = family.type
            for sample in family.samples:
                self._samples[sample.name, frozenset(sample.labels.items())] = sample.value

    def __call__(self, name, **labels):
        """The value of one series."""
        return self._samples[name, frozenset(labels.items())]

    def all(self, name, **labels):
        """All series of the name that have these labels: their labels, and their values."""
        return {key: value for (of, key), value in self._samples.items()
                if of == name and frozenset(labels.items()) <= key}

    def sum(self, name, **labels):
        return sum(self.all(name, **labels).values())

    def some(self, name):
        """Those that are not 0, of a name whose series have one label."""
        return {next(iter(key))[1]: value for key, value in self.all(name).items() if value}


def port(gate, after=0):
    return port_of(gate.log.wait_event("listening", after=after, name="metrics"))


def get(at, path="/metrics", method="GET"):
    """Status, content type and text."""
    connection = http.client.HTTPConnection("127.0.0.1", at, timeout=30 * SCALE)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


def scrape(at):
    status, kind, text = get(at)
    assert (status, kind) == (200, CONTENT_TYPE), text
    return Scrape(text)


def wait(at, condition, what):
    """Scrapes until the condition holds, and returns that scrape."""
    seen = []

    def holds():
        seen[:] = [scrape(at)]
        return condition(seen[0])

    until(holds, lambda: f"{what}:\n{seen[0].text}")
    return seen[0]


def problems(text):
    """What is wrong with it; empty: nothing."""
    found = [*_problems_of_lines(text), *_problems_of_names(text), *_problems_of_ranges(text)]
    if not found:
        try:
            read = sum(len(family.samples) for family in text_string_to_metric_families(text))
        except ValueError as error:
            return [f"the client library: {error}"]
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        found += [] if read == len(lines) else [f"{len(lines)} samples, of which {read} are read"]
    if (promtool := shutil.which("promtool")) and not found:
        judged = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
                                text=True, timeout=60, check=False)
        if judged.returncode != 0 or judged.stdout + judged.stderr:
            found.append(f"promtool: {judged.stdout}{judged.stderr}")
    return found


def _families(text):
    """The lines of each family: from one HELP to the next."""
    lines = iter(text.splitlines())
    groups = []
    for line in lines:
        if line.startswith("# HELP ") or not groups:
            groups.append([])
        groups[-1].append(line)
    return groups


def _problems_of_lines(text):
    if not text.endswith("\n"):
        yield "the last line has no end"
    names, series = set(), set()
    for lines in _families(text):
        head = re.fullmatch(r"# HELP (\S+) (.+)", lines[0])
        kind = re.fullmatch(r"# TYPE (\S+) (counter|gauge|histogram)", (lines + [""])[1])
        if not head or not kind or head[1] != kind[1]:
            yield f"a family begins without its help and its type: {lines[:2]}"
            continue
        if head[1] in names:
            yield f"{head[1]} is there twice"
        names.add(head[1])
        for line in lines[2:]:
            sample = _SAMPLE.fullmatch(line)
            if not sample:
                yield f"is no sample: {line}"
                continue
            suffixes = ("_bucket", "_sum", "_count") if kind[2] == "histogram" else ("",)
            if sample[1] not in [head[1] + suffix for suffix in suffixes]:
                yield f"is not of {head[1]}: {line}"
            if (sample[1], sample[2]) in series:
                yield f"is there twice: {line}"
            series.add((sample[1], sample[2]))
            if kind[2] != "gauge" and float(sample[3]) < 0:
                yield f"is less than 0: {line}"


def _problems_of_names(text):
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        if not re.fullmatch(r"(portreeve|process)_[a-z0-9]+(_[a-z0-9]+)*", name):
            yield f"{name} is not a name of ours"
        if name.endswith("_total") != (kind == "counter"):
            yield f"{name} is a {kind}"
        if words := _WORDS & set(name.split("_")):
            yield f"{name} has {words}"


def _problems_of_ranges(text):
    pattern = r'^(\S+)_bucket(?:\{(.*),le="(.*)"\}|\{le="(.*)"\}) (\d+)$'
    ranges = re.findall(pattern, text, re.MULTILINE)
    for (name, labels), group in itertools.groupby(ranges, key=lambda found: found[:2]):
        bounds, counts = [], []
        for _, _, bound, lone_bound, count in group:
            bounds.append(float((bound or lone_bound).replace("+Inf", "inf")))
            counts.append(int(count))
        series = f"{name}_count" + (f"{{{labels}}}" if labels else "")
        if bounds != sorted(set(bounds)) or counts != sorted(counts):
            yield f"{series}: its ranges do not rise"
        if bounds[-1] != float("inf") or f"\n{series} {counts[-1]}\n" not in text:
            yield f"{series} is not what its last range has"
