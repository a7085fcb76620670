"""The server under test, behind one face.

PortreeveGate is portreeved (the binary that PORTREEVED names). SshdGate is OpenSSH's sshd: with
PORTREEVE_E2E_GATE=sshd the same tests run against a server that is known to be right, which is how
the tests themselves are tested. Both write their log to a file, take the same settings (a dict of
the TOML's tables; sshd uses those it has a word for), and are stopped and judged in `close`.
"""

import json
import os
import re
import signal
import subprocess
import sys

from harness import ports
from harness.notify import Notify
from harness.wait import SCALE, TextFile, until

_REPORTS = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: ")
_FIELD = re.compile(r'([A-Za-z_]+)=("(?:[^"\\]|\\.)*"|\S*)')
_GATEWAY_PORTS = {"loopback": "no", "client": "clientspecified", "any": "yes"}
_ACTIVATE = os.path.join(os.path.dirname(__file__), "activate.py")


def fields_of(line):
    """Those of a line of JSON, or of logfmt: `level=info event=listening name=ssh`."""
    if line.startswith("{") and line.endswith("}"):
        return json.loads(line)
    return {key: value.strip('"') for key, value in _FIELD.findall(line)}


class Log(TextFile):
    """A log of one event a line, as logfmt or JSON."""

    def events(self, name, after=0):
        lines = map(fields_of, self.text(after).splitlines())
        return [line for line in lines if line.get("event") == name]

    def wait_event(self, event, /, after=0, timeout_s=15, **fields):
        """Waits for an event with these fields and returns all it has."""

        def found():
            return next((seen for seen in self.events(event, after)
                         if all(seen.get(key) == str(value) for key, value in fields.items())),
                        None)

        return until(found, lambda: f"event={event} {fields} in the log:\n{self.tail(25)}",
                     timeout_s)


class Gate:
    """What both implementations have. `folder` holds everything the server reads and writes."""

    kind = ""
    user = ""

    def __init__(self, folder, settings=None):
        self.folder = folder
        self.settings = settings or {}
        self.process = None
        self.port = None
        self.authorized_keys = os.path.join(folder, "authorized_keys")
        self.log = Log(os.path.join(folder, "log"))
        self.write_keys([])

    def write_keys(self, lines):
        """Puts a whole file in place: one that is half written might be read."""
        with open(self.authorized_keys + ".new", "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
        os.chmod(file.name, 0o600)
        os.replace(file.name, self.authorized_keys)

    def spawn(self, command, **popen):
        with open(self.log.path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, **popen)

    def authorize(self, *lines):
        """Makes these the lines of authorized_keys, for logins from now on."""
        self.write_keys(lines)
        self.reload()

    def ended(self):
        return self.process.poll() is not None

    def pids(self):
        """The process and its descendants: sshd has one more for each session."""
        parents = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    parents[int(name)] = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
        family = [self.process.pid]
        for pid in family:
            family += [child for child, parent in parents.items() if parent == pid]
        return family

    def descriptors(self):
        """How many descriptors are open: what a visitor that was not cleaned up leaves behind."""
        count = 0
        for pid in self.pids():
            try:
                count += len(os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                pass
        return count

    def wait_descriptors(self, count, timeout_s=15):
        until(lambda: self.descriptors() <= count,
              lambda: f"back to {count} descriptors, {self.descriptors()} are open", timeout_s)

    def _scan(self):
        return subprocess.run(["ssh-keyscan", "-t", "ed25519", "-p", str(self.port), "127.0.0.1"],
                              capture_output=True, check=True, timeout=30).stdout

    def introduce(self):
        """Makes the gate a known host, for a client that shall say nothing about that."""
        with open(os.path.join(self.folder, "known_hosts"), "ab") as file:
            file.write(self._scan())

    def host_fingerprint(self):
        """As ssh-keyscan and ssh-keygen see it, from outside."""
        listing = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=self._scan(),
                                 capture_output=True, check=True, timeout=30).stdout
        return listing.decode().split()[1]


class PortreeveGate(Gate):
    kind = "portreeve"
    user = "alice"

    def __init__(self, folder, settings=None):
        super().__init__(folder, settings)
        self.config = os.path.join(folder, "portreeve.toml")
        self.notify = Notify(os.path.join(folder, "notify"))
        self.pool = ports.Pool()
        self.expect_exit = 0
        self.write_config()

    def write_config(self, **changes):
        """Writes the TOML; `changes` are tables, and replace single keys for good."""
        defaults = {
            "server": {"state_dir": os.path.join(self.folder, "state"),
                       "runtime_dir": os.path.join(self.folder, "run"), "drain": "10s"},
            "ssh": {"listen": ["127.0.0.1:0"]},
            "auth": {"authorized_keys": [self.authorized_keys]},
            "forward": {"pool": self.pool.text},
            # All clients come from here, and many are meant to fail.
            "penalties": {"exempt": ["127.0.0.0/8", "::1"]},
            "log": {"level": "debug"},
        }
        for table, keys in {**defaults, **changes}.items():
            chosen = self.settings.setdefault(table, {})
            self.settings[table] = {**defaults.get(table, {}), **chosen, **changes.get(table, {})}
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(to_toml(self.settings))

    def command(self):
        return [os.environ["PORTREEVED"], "--config", self.config]

    def environment(self):
        kept = {key: value for key, value in os.environ.items()
                if key not in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY",
                               "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID")}
        return {**kept, "NOTIFY_SOCKET": self.notify.path}

    def start(self, sockets=None, wrapper=()):
        """Starts and waits for READY=1. `sockets`: (name, socket) pairs passed as systemd does."""
        for name in ("state_dir", "runtime_dir"):
            os.makedirs(self.settings["server"][name], mode=0o700, exist_ok=True)
        command, popen = [*wrapper, *self.command()], {}
        if sockets:
            passed = [f"{name}={sock.fileno()}" for name, sock in sockets]
            command = [sys.executable, _ACTIVATE, *passed, "--", *command]
            popen["pass_fds"] = [sock.fileno() for _, sock in sockets]
        mark = self.log.mark() if os.path.exists(self.log.path) else 0
        self.spawn(command, env=self.environment(), **popen)
        until(lambda: self.notify.has("READY=1") or self._died(),
              lambda: f"READY=1 from portreeved:\n{self.log.tail()}", 20)
        self.port = port_of(self.log.wait_event("listening", after=mark, name="ssh"))
        return self

    def _died(self):
        if self.ended():
            raise AssertionError(f"portreeved ended with {self.process.returncode} before it was "
                                 f"ready:\n{self.log.tail()}")

    def reload(self, outcome="reloaded"):
        mark = self.log.mark()
        self.process.send_signal(signal.SIGHUP)
        return self.log.wait_event(outcome, after=mark)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait_exit(self, timeout_s=30):
        until(self.ended, lambda: f"portreeved ends:\n{self.log.tail(25)}", timeout_s)
        return self.process.returncode

    def close(self):
        """Ends it if it still runs, and judges: exit code 0 and no sanitizer's report."""
        try:
            if self.process is None:
                return
            if not self.ended():
                self.terminate()
            try:
                self.process.wait(30 * SCALE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("portreeved did not end on SIGTERM") from None
            report = _REPORTS.search(self.log.text())
            assert not report, f"a sanitizer reports:\n{self.log.text(after=report.start())[:6000]}"
            assert self.process.returncode == self.expect_exit, \
                f"portreeved ended with {self.process.returncode}, not {self.expect_exit}"
        finally:
            self.pool.close()
            self.notify.close()


class SshdGate(Gate):
    kind = "sshd"

    def __init__(self, folder, settings=None):
        super().__init__(folder, settings)
        self.user = subprocess.run(["id", "-un"], capture_output=True, text=True,
                                   check=True).stdout.strip()
        self._host_key = os.path.join(folder, "host_key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._host_key],
                       check=True)
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)

    def start(self):
        self.port = ports.fixed()
        config = os.path.join(self.folder, "sshd_config")
        with open(config, "w", encoding="ascii") as file:
            file.write("\n".join(self._config()) + "\n")
        self.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", config])
        self.log.wait_for("^Server listening on", process=self.process)
        return self

    def reload(self):
        """Nothing to do: it reads its files of keys at each login."""

    def _config(self):
        ssh, limits = self.settings.get("ssh", {}), self.settings.get("limits", {})
        seconds = lambda text: text.removesuffix("s")
        bind = self.settings.get("forward", {}).get("bind", "client")
        auth = self.settings.get("auth", {})
        return [
            *(f"TrustedUserCAKeys {path}" for path in auth.get("trusted_user_ca", [])),
            *(f"RevokedKeys {path}" for path in [auth.get("revoked_keys")] if path),
            f"ListenAddress 127.0.0.1:{self.port}", f"HostKey {self._host_key}",
            f"AuthorizedKeysFile {self.authorized_keys}", "StrictModes no", "UsePAM no",
            "PermitRootLogin prohibit-password", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", f"GatewayPorts {_GATEWAY_PORTS[bind]}",
            "AllowTcpForwarding yes", "MaxStartups 1000", "LogLevel VERBOSE", "PidFile none",
            "PerSourceNetBlockSize 32:128",
            f"PerSourceMaxStartups {limits.get('startups_per_ip', 'none')}",
            f"ClientAliveInterval {seconds(ssh.get('keepalive', '0s'))}", "ClientAliveCountMax 3",
            f"LoginGraceTime {seconds(ssh.get('login_grace', '120s'))}",
        ]

    def close(self):
        if self.process and not self.ended():
            family = self.pids()
            self.process.terminate()
            self.process.wait()
            for pid in family[1:]:  # the sessions outlive the listener
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


def chosen_kind():
    return os.environ.get("PORTREEVE_E2E_GATE", "portreeve")


def make(folder, settings=None, kind=None):
    return {"portreeve": PortreeveGate, "sshd": SshdGate}[kind or chosen_kind()](folder, settings)


def port_of(event):
    return int(event["address"].rpartition(":")[2])


def to_toml(tables):
    def value(of):
        if isinstance(of, bool):
            return "true" if of else "false"
        if isinstance(of, int):
            return str(of)
        if isinstance(of, list):
            return "[" + ", ".join(value(item) for item in of) + "]"
        return '"' + of.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = []
    for table, keys in tables.items():
        lines += [f"[{table}]", *(f"{key} = {value(of)}" for key, of in keys.items()), ""]
    return "\n".join(lines)
