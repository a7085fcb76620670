"""contrib/client: a tunnel that is installed below a folder and kept up without systemd."""

import os
import re
import signal
import subprocess

from harness.client import Client
from harness.notify import Notify
from harness.wait import until

CONTRIB = os.path.join(os.path.dirname(__file__), "..", "..", "..", "contrib", "client")
NAME = "work"


def run_install(root, *words, code=0):
    """What it says."""
    done = subprocess.run([os.path.join(CONTRIB, "install"), *words], capture_output=True,
                          env={**os.environ, "DESTDIR": root}, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


class Installed:
    """`sudo contrib/client/install`, with DESTDIR."""

    def __init__(self, folder, at, *forwards, user="pc42", name=NAME):
        self.name = name
        self.root = os.path.join(folder, "root")
        self.configuration = os.path.join(self.root, "etc/portreeve-tunnel")
        self.state = os.path.join(self.root, "var/lib/portreeve-tunnel")
        self.program = os.path.join(self.root, "usr/local/bin/portreeve-tunnel")
        self.config = os.path.join(self.configuration, name + ".conf")
        self.key = os.path.join(self.configuration, name + "_ed25519")
        self.words = self.install(f"{user}@127.0.0.1:{at.port}", *forwards)

    def install(self, gate, *forwards):
        return self.run("--name", self.name, gate, *(w for f in forwards for w in ("-R", f)))

    def run(self, *words, code=0):
        return run_install(self.root, *words, code=code)

    def key_line(self):
        return self.words.splitlines()[-1]

    def environment(self):
        return {"CONFIGURATION_DIRECTORY": self.configuration, "STATE_DIRECTORY": self.state}


class Kept(Client):
    """portreeve-tunnel NAME, as its unit runs it, but with shorter pauses."""

    def __init__(self, installed, folder, step_ms=(20, 200), steady_s=0, grant_s=60):
        self.installed = installed
        self.notify = Notify(os.path.join(folder, f"notify-{installed.name}"))
        super().__init__([installed.program, installed.name], folder, env={
            **installed.environment(), "NOTIFY_SOCKET": self.notify.path,
            "PORTREEVE_TUNNEL_STEP_MIN_MS": str(step_ms[0]),
            "PORTREEVE_TUNNEL_STEP_MAX_MS": str(step_ms[1]),
            "PORTREEVE_TUNNEL_STEADY_S": str(steady_s),
            "PORTREEVE_TUNNEL_GRANT_S": str(grant_s),
        })

    def said(self, pattern):
        """The matches in what systemctl would have shown, oldest first."""
        lines = [line.removeprefix("STATUS=") for line in self.notify.lines()
                 if line.startswith("STATUS=")]
        return [match for line in lines if (match := re.fullmatch(pattern, line))]

    def wait_said(self, pattern, count=1, timeout_s=30):
        """Waits for the `count`th status that matches, and returns the match."""
        until(lambda: len(self.said(pattern)) >= count or self.ended(),
              lambda: f"{count} times /{pattern}/: {self.notify.lines()}", timeout_s)
        assert len(self.said(pattern)) >= count, (self.notify.lines(), self.stderr.tail())
        return self.said(pattern)[count - 1]

    def pauses_ms(self):
        """How long each pause was."""
        return [int(m[1]) * 1000 + int(m[2]) for m in self.said(r"waiting (\d+)\.(\d{3}) s: .*")]

    def wait_connected(self, count=1):
        """The port of its first forward."""
        return int(self.wait_said(r"connected to \S+: (\d+) leads to .*", count)[1])

    def children(self):
        found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.pid)],
                               capture_output=True, text=True).stdout.split("\n")
        return {int(line.split()[0]): line.split()[1] for line in found if line.strip()}

    def ssh_pid(self):
        (pid,) = [pid for pid, word in self.children().items() if word == "ssh"]
        return pid

    def close(self):
        if not self.ended():
            self.signal(signal.SIGTERM)
        super().close()
        self.notify.close()
