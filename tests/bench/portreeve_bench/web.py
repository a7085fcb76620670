"""`tests/bench/web`: each figure on each way of serving an app by name, in turns, then the table.

A way is all that stands between a visitor and the client's ssh: portreeved alone, or a reverse
proxy with a port of sshd's behind it. What it costs is the CPU time of all its processes; the app,
the stock ssh and the visitors are the same for all, and not counted.
"""

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from statistics import median

from . import accounting
from .cli import ROOT, guarded
from .gates import PortreeveGate, SshdGate, find_sshd, free_port, make_key
from .load import Client
from .process import BenchError, start, stop, wait_until

HOST = "blog.gate.test"
START_SECONDS = 15.0
MIB = 1 << 20

APP = """\
daemon off; master_process off; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/body;
    server {{ listen 127.0.0.1:{port}; root {folder}/files;
        location = / {{ return 200 "hello from the app\\n"; }} }} }}
"""
NGINX = """\
daemon off; worker_processes 2; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 1000000000; client_max_body_size 0;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    upstream app {{ server 127.0.0.1:{target}; keepalive 64; }}
    server {{ listen 127.0.0.1:{port} reuseport; listen 127.0.0.1:{tls} ssl reuseport;
        server_name {host};
        ssl_certificate {certs}/names.crt; ssl_certificate_key {certs}/names.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
            proxy_request_buffering off; proxy_buffering off; }} }} }}
"""
HAPROXY = """\
global
    maxconn 8000
    nbthread 2
defaults
    mode http
    timeout connect 10s
    timeout client 600s
    timeout server 600s
frontend web
    bind 127.0.0.1:{port}
    bind 127.0.0.1:{tls} ssl crt {certs}/names.pem
    default_backend app
backend app
    option forwardfor
    http-reuse always
    server app 127.0.0.1:{target}
"""
PORTREEVE = """\
[http]
domain = "gate.test"
listen = ["127.0.0.1:{port}"]
[https]
listen = ["127.0.0.1:{tls}"]
certificates = "{certs}"
"""


class Way:
    """From a visitor to the client's ssh."""

    def __init__(self, name, folder, tools):
        self.name = name
        self.folder = folder
        self.tools = tools
        self.port, self.tls = free_port(), free_port()
        self._stack = contextlib.ExitStack()
        self.roots = []
        os.makedirs(folder)

    def start(self):
        self._start()
        wait_until(self._answers, f"{self.name} to serve the app", START_SECONDS)

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
                sock.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                return sock.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    def stop(self):
        self._stack.close()

    def cpu_seconds(self):
        return sum(accounting.settled_cpu_seconds(root) for root in self.roots)

    def pss_kib(self):
        return sum(sum(accounting.pss_kib(root).values()) for root in self.roots)

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _spawn(self, *command):
        process = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
        self._stack.callback(stop, process)
        return process

    def _gate(self, gate):
        gate.start()
        self._stack.callback(gate.stop)
        self.roots.append(gate.pid)
        return gate


class Portreeve(Way):
    def _start(self):
        class Gate(PortreeveGate):
            CONFIG = PortreeveGate.CONFIG + "http_visitors_per_ip = 20000\n" + PORTREEVE.format(
                port=self.port, tls=self.tls, certs=self.tools.certs)

        gate = self._gate(Gate(self.name, self.tools.portreeved,
                               os.path.join(self.folder, "gate"), self.tools.key + ".pub"))
        self._spawn("ssh", *Client.OPTIONS, "-i", self.tools.key, "-p", gate.port, "-R",
                    f"blog:80:127.0.0.1:{self.tools.app_port}", f"{gate.user}@127.0.0.1")


class Fronted(Way):
    """A reverse proxy, and sshd behind it."""

    def _start(self):
        gate = self._gate(SshdGate(self.name, find_sshd(), os.path.join(self.folder, "gate"),
                                   self.tools.key + ".pub"))
        client = Client(gate, self.tools.key, self.tools.app_port)
        self._stack.callback(client.stop)
        values = {"folder": self.folder, "port": self.port, "tls": self.tls, "host": HOST,
                  "certs": self.tools.certs, "target": client.tunnel_port()}
        self.roots.append(self._front(values).pid)


class Nginx(Fronted):
    def _front(self, values):
        return self._spawn("nginx", "-p", self.folder, "-c",
                           self._write("nginx.conf", NGINX.format(**values)))


class Haproxy(Fronted):
    def _front(self, values):
        return self._spawn("haproxy", "-db", "-f",
                           self._write("haproxy.cfg", HAPROXY.format(**values)))


@dataclass
class Tools:
    """What all ways have in common."""

    portreeved: str
    key: str
    certs: str
    app_port: int
    sink_port: int
    seconds: float
    idle: int


def wrk(way, tools, tls=False, close=False):
    """Requests for some seconds; (requests, p50 ms, p99 ms)."""
    scheme, port = ("https", way.tls) if tls else ("http", way.port)
    command = ["wrk", "-t1", "-c32", f"-d{tools.seconds:g}s", "--latency", "-H", f"Host: {HOST}"]
    if close:
        command += ["-H", "Connection: close"]
    said = subprocess.run([*command, f"{scheme}://127.0.0.1:{port}/"], capture_output=True,
                          text=True, check=True, timeout=tools.seconds + 60).stdout
    if "Non-2xx" in said:
        raise BenchError(f"{way.name}: {said.strip()}")
    requests = int(re.search(r"(\d+) requests in", said).group(1))

    def part(percent):
        number, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", said).groups()
        return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]

    return requests, part(50), part(99)


def requests_figure(tls, close):
    def measure(way, tools):
        before = way.cpu_seconds()
        began = time.monotonic()
        requests, p50, p99 = wrk(way, tools, tls, close)
        seconds = time.monotonic() - began
        cpu = way.cpu_seconds() - before
        return requests / seconds, 1e6 * cpu / requests, p50, p99

    return measure


def bulk_figure(up):
    def measure(way, tools):
        size = 100 * MIB
        before = way.cpu_seconds()
        began = time.monotonic()
        command = ["curl", "-sS", "--fail", "-H", f"Host: {HOST}", "-o", "/dev/null"]
        if up:
            command += ["-H", "Expect:", "-T", os.path.join(os.path.dirname(tools.certs),
                                                            "app", "files", "big")]
        path = "/upload" if up else "/big"
        subprocess.run([*command, f"http://127.0.0.1:{way.port}{path}"], check=True, timeout=300)
        seconds = time.monotonic() - began
        return size / MIB / seconds, (way.cpu_seconds() - before) * 1000 * MIB / size

    return measure


def idle_figure(tls):
    """Visitors who have had an answer and stay."""

    def measure(way, tools):
        import ssl  # only here
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        before = way.pss_kib()
        count = tools.idle if not tls else tools.idle // 5
        sockets = []
        try:
            for _ in range(count):
                sock = socket.create_connection(("127.0.0.1", way.tls if tls else way.port), 30)
                if tls:
                    sock = context.wrap_socket(sock, server_hostname=HOST)
                sock.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                if not sock.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise BenchError(f"{way.name} does not answer visitor {len(sockets)}")
                sockets.append(sock)
            return ((way.pss_kib() - before) / count,)
        finally:
            for sock in sockets:
                sock.close()

    return measure


# name: (measure, ((what, unit, more is better), ...))
RATE = (("requests", "/s", True), ("CPU", "us/request", False), ("p50", "ms", False),
        ("p99", "ms", False))
FIGURES = {
    "keep-alive": (requests_figure(False, False), RATE),
    "connection a request": (requests_figure(False, True), RATE),
    "https keep-alive": (requests_figure(True, False), RATE),
    "https handshake a request": (requests_figure(True, True), RATE),
    "100 MiB down": (bulk_figure(False), (("rate", "MiB/s", True), ("CPU", "s/1000 MiB", False))),
    "100 MiB up": (bulk_figure(True), (("rate", "MiB/s", True), ("CPU", "s/1000 MiB", False))),
    "idle visitor": (idle_figure(False), (("memory", "KiB", False),)),
    "idle https visitor": (idle_figure(True), (("memory", "KiB", False),)),
}
WAYS = {"portreeved": Portreeve, "nginx + sshd": Nginx, "haproxy + sshd": Haproxy}


class App:
    """nginx for what is asked, and a path that takes an upload."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "files"))
        with open(os.path.join(folder, "files", "big"), "wb") as file:
            for _ in range(100):
                file.write(os.urandom(MIB))
        self.port = free_port()
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(APP.format(folder=folder, port=self.port).replace(
                "location = /", "location = /upload { client_max_body_size 0; "
                f"proxy_request_buffering off; proxy_pass http://127.0.0.1:{self._sink()}; }}\n"
                "        location = /"))
        self.process = start(["nginx", "-p", folder, "-c", config], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL)

    def _sink(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve_sink, daemon=True).start()
        return self.listener.getsockname()[1]

    def _serve_sink(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(sock,), daemon=True).start()

    @staticmethod
    def _take(sock):
        with sock:
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(65536)
            size = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
            left = size - len(head.partition(b"\r\n\r\n")[2])
            while left > 0:
                left -= len(sock.recv(1 << 20))
            sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")

    def stop(self):
        stop(self.process)
        self.listener.close()


def make_tools(options, folder):
    for program in ("wrk", "nginx", "haproxy", "curl", "openssl"):
        if not shutil.which(program):
            raise BenchError(f"{program} is needed: apt-get install wrk nginx-light haproxy")
    certs = os.path.join(folder, "certs")
    os.mkdir(certs)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=gate.test",
                    "-addext", "subjectAltName=DNS:*.gate.test", "-keyout", f"{certs}/names.key",
                    "-out", f"{certs}/names.crt"], check=True, capture_output=True)
    with open(f"{certs}/names.pem", "w", encoding="ascii") as pem:
        for name in ("names.crt", "names.key"):
            with open(f"{certs}/{name}", encoding="ascii") as part:
                pem.write(part.read())
    key = os.path.join(folder, "key")
    make_key(key)
    portreeved = options.gate or os.path.join(options.build, "daemon", "portreeved")
    return Tools(portreeved, key, certs, 0, 0, 1.0 if options.quick else 4.0,
                 200 if options.quick else 5000)


def play(options, folder):
    tools = make_tools(options, folder)
    app = App(os.path.join(folder, "app"))
    tools.app_port = app.port
    ways = [name for name in WAYS if re.search(options.ways, name)]
    figures = [name for name in FIGURES if re.search(options.only, name)]
    values = {}
    made = 0
    try:
        for name in figures:
            for _ in range(options.rounds):
                for label in ways:
                    made += 1
                    way = WAYS[label](label, os.path.join(folder, f"way{made}"), tools)
                    try:
                        way.start()
                        values.setdefault((name, label), []).append(FIGURES[name][0](way, tools))
                    finally:
                        way.stop()
    finally:
        app.stop()
    print_table(figures, ways, values)
    return 0


def print_table(figures, ways, values):
    print(f"{'figure':<28}{'':<10}{'unit':<12}" + "".join(f"{label:>16}" for label in ways))
    for name in figures:
        for place, (what, unit, _) in enumerate(FIGURES[name][1]):
            medians = [median(turn[place] for turn in values[name, label]) for label in ways]
            print(f"{name if place == 0 else '':<28}{what:<10}{unit:<12}" +
                  "".join(f"{number:>16.4g}" for number in medians))


def main(arguments):
    options = argparse.ArgumentParser(
        description="Measures http names beside nginx and HAProxy in front of sshd, in turns.",
        epilog="See docs/BENCH.md.")
    options.add_argument("--build", metavar="DIR", default=os.path.join(ROOT, "build", "release"),
                         help="the build folder to take portreeved from")
    options.add_argument("--gate", metavar="PATH", help="the portreeved to measure")
    options.add_argument("--rounds", type=int, default=3, metavar="N")
    options.add_argument("--only", metavar="REGEX", default="", help="the figures that match")
    options.add_argument("--ways", metavar="REGEX", default="", help="the ways that match")
    options.add_argument("--quick", action="store_true", help="to see that it works")
    parsed = options.parse_args(arguments)
    return guarded("web", lambda folder: play(parsed, folder))
