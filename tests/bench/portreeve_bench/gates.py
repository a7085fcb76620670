"""The two gates, behind one interface: start, where to reach it, what it costs, stop.

Each gate runs in a folder of its own, on a loopback port of its own, with an ed25519 host key and
one client key. The limits that a benchmark would meet are raised for both; nothing else is tuned.
"""

import contextlib
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import time

from . import accounting
from .process import STOP_SECONDS, BenchError, start, stop, wait_until

READY_SECONDS = 15.0
PORT_ATTEMPTS = 5


class Gate:
    """A running SSH server. `folder` is its own; `public_key` is the file of the key let in."""

    def __init__(self, name, program, folder, public_key):
        self.name = name
        self.program = program
        self.folder = folder
        self.public_key = public_key
        self.port = None
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self._process = None
        self._log_path = os.path.join(folder, "log")

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        os.makedirs(self.folder)
        shutil.copy(self.public_key, os.path.join(self.folder, "authorized_keys"))
        self._start()

    def stop(self):
        """Ends the main process, then whatever of its tree outlives it."""
        if self._process is None:
            return
        started = {pid: accounting.start_ticks(pid) for pid in accounting.tree(self.pid)}
        stop(self._process)

        def left():
            return [pid for pid, ticks in started.items()
                    if ticks is not None and accounting.start_ticks(pid) == ticks]

        try:
            wait_until(lambda: not left(), f"the sessions of {self.name} to end", STOP_SECONDS)
        except BenchError:
            for pid in left():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._process = None

    def is_alive(self):
        return self._process is not None and self._process.poll() is None

    def last_words(self):
        """How it is, and the end of its log: what an error needs to be understood."""
        code = None if self._process is None else self._process.poll()
        state = "lives on" if code is None else \
            f"ended by signal {-code}" if code < 0 else f"ended with {code}"
        return f"{self.name} {state}; its log: {self.log_tail() or '(empty)'}"

    def log_tail(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-10:]).strip()

    def settled_cpu_seconds(self):
        self._must_be_alive()
        return accounting.settled_cpu_seconds(self.pid)

    def pss_kib(self):
        self._must_be_alive()
        return accounting.pss_kib(self.pid)

    def _must_be_alive(self):
        # What has ended uses nothing, which would look splendid in the table.
        if not self.is_alive():
            raise BenchError(f"{self.name} has ended")

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(self._path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self._path(name)

    def _spawn(self, arguments, **options):
        with open(self._log_path, "ab") as log:
            self._process = start(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  **options)


class SshdGate(Gate):
    """OpenSSH's sshd. The benchmark logs in as whoever runs it. Where that is root, or sshd itself
    runs as the same user, a session is one process: sshd's cheapest shape (else it takes two)."""

    CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
GatewayPorts clientspecified
AllowTcpForwarding yes
MaxStartups 1000
MaxSessions 1000
PrintMotd no
LogLevel ERROR
"""

    def _start(self):
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd's chroot, made by its unit
        make_key(self._path("host_key"))
        for _ in range(PORT_ATTEMPTS):
            self.port = free_port()  # sshd cannot be asked for port 0
            config = self._write("sshd_config",
                                 self.CONFIG.format(port=self.port, folder=self.folder))
            self._spawn([self.program, "-D", "-e", "-f", config])
            wait_until(lambda: not self.is_alive() or self._greets(), f"{self.name} to answer",
                       READY_SECONDS)
            if self.is_alive():
                # The process that greeted us must not be counted as the gate's.
                wait_until(lambda: accounting.tree(self.pid) == [self.pid],
                           f"the first session of {self.name} to end", READY_SECONDS)
                return
            if "Address already in use" not in self.log_tail():
                break
        raise BenchError(f"{self.name} does not start; it says: {self.log_tail()}")

    def _greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                return probe.recv(4) == b"SSH-"
        except OSError:
            return False


class PortreeveGate(Gate):
    CONFIG = """\
[server]
state_dir = "{folder}/state"
runtime_dir = "{folder}/runtime"
[ssh]
listen = ["127.0.0.1:0"]
[auth]
authorized_keys = ["{folder}/authorized_keys"]
[limits]
sessions_per_key = 10000
sessions_per_ip = 10000
startups = 1000
startups_per_ip = 1000
"""
    LISTENING = re.compile(r"event=listening\b.*\bname=ssh\b.*\baddress=127\.0\.0\.1:(\d+)")

    def _start(self):
        for name in ("state", "runtime"):
            os.mkdir(self._path(name), mode=0o700)
        config = self._write("portreeve.toml", self.CONFIG.format(folder=self.folder))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(self._path("notify"))
            self._spawn([self.program, "--config", config],
                        env={**_quiet_environment(), "NOTIFY_SOCKET": self._path("notify")})
            self._await_ready(notify)
        self.port = int(wait_until(self._listening, f"event=listening in {self._log_path}",
                                   READY_SECONDS).group(1))

    def _await_ready(self, notify):
        deadline = time.monotonic() + READY_SECONDS
        pidfd = os.pidfd_open(self.pid)
        try:
            while (left := deadline - time.monotonic()) > 0:
                readable = select.select([notify, pidfd], [], [], left)[0]
                if notify in readable and b"READY=1" in notify.recv(4096).split(b"\n"):
                    return
                if pidfd in readable:
                    raise BenchError(f"{self.name} does not start; it says: {self.log_tail()}")
        finally:
            os.close(pidfd)
        raise BenchError(f"{self.name} sent no READY=1 in {READY_SECONDS:g} s; "
                         f"it says: {self.log_tail()}")

    def _listening(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as file:
            return self.LISTENING.search(file.read())


def _quiet_environment():
    """Ours, without what systemd would pass to a service: it would win over the file."""
    ours = {"STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY", "LISTEN_FDS",
            "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True,
                   stdin=subprocess.DEVNULL)


def find_sshd():
    path = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise BenchError("there is no sshd to compare with: apt-get install openssh-server")
    return path  # absolute: sshd insists, as it executes itself again for each connection


def make_gate(which, label, folder, public_key):
    """`which` is "sshd" or the path of a portreeved."""
    if which == "sshd":
        return SshdGate(label, find_sshd(), folder, public_key)
    if not os.access(which, os.X_OK):
        raise BenchError(f"{which}: no portreeved there to measure; build it "
                         "(cmake --preset release && cmake --build --preset release) "
                         "or say which with --gate PATH")
    return PortreeveGate(label, os.path.abspath(which), folder, public_key)
