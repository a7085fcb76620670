"""A real systemd, booted by systemd-nspawn from a tree that it only reads: whatever changes is in
memory and gone at the end. It has a network of its own, with nothing in it but loopback.
"""

import ctypes
import itertools
import os
import shutil
import signal
import subprocess

from harness.notify import Notify
from harness.wait import TextFile, Timeout, until

_BOOT_S_MAX = 60
_STOP_S_MAX = 20
_RUN_S_MAX = 120
_PR_SET_PDEATHSIG = 1
_serial = itertools.count()

# What a machine for tests has no use for, and what waits for a bus that it does not have.
_MASKED = ["systemd-logind.service", "console-getty.service", "apt-daily.timer", "man-db.timer",
           "apt-daily-upgrade.timer", "e2scrub_all.timer", "dpkg-db-backup.timer"]


class CannotBoot(Exception):
    """This machine boots no other: a reason to skip, not to fail."""


def why_cannot_boot():
    if os.geteuid() != 0:
        return "only root may boot a machine"
    for program in ("systemd-nspawn", "mmdebstrap", "nsenter"):
        if not shutil.which(program):
            return f"{program} is not installed; contrib/check packages installs it"
    return ""


class Machine:
    def __init__(self, tree, folder):
        self.name = f"portreeve-test-{os.getpid()}-{next(_serial)}"
        self.console = TextFile(os.path.join(folder, self.name + ".console"))
        self.leader = None
        notify = Notify(os.path.join(folder, self.name + ".notify"))
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            with open(self.console.path, "wb") as console:
                # If this process dies, so does the machine.
                self.process = subprocess.Popen(
                    self._command(tree), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                    env={**os.environ, "NOTIFY_SOCKET": notify.path},
                    preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
            self._wait_booted(notify)
        finally:
            notify.close()

    def _command(self, tree):
        # Where no systemd runs, there is none to ask for a scope.
        scope = [] if os.path.isdir("/run/systemd/system") else ["--keep-unit"]
        return ["systemd-nspawn", "--quiet", f"--directory={tree}", f"--machine={self.name}",
                "--register=no", *scope, "--volatile=overlay", "--private-network",
                "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe",
                "--notify-ready=yes", "--kill-signal=SIGRTMIN+4", "--boot",
                "systemd.unit=multi-user.target", "systemd.show_status=no",
                *(f"systemd.mask={unit}" for unit in _MASKED)]

    def _wait_booted(self, notify):
        def booted():
            return notify.has("READY=1") or self.process.poll() is not None
        try:
            until(booted, "", _BOOT_S_MAX)
        except Timeout:
            pass
        leaders = [line.partition("=")[2] for line in notify.lines()
                   if line.startswith("X_NSPAWN_LEADER_PID=")]
        if not notify.has("READY=1") or not leaders or self.process.poll() is not None:
            self.close()
            raise CannotBoot("systemd-nspawn does not boot here: "
                             + " | ".join(self.console.tail(5).splitlines()))
        self.leader = int(leaders[-1])

    # --- inside ----------------------------------------------------------------------------------

    def inside(self, command):
        """The words that run a command as root inside the machine."""
        return ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid",
                "--root", "--wdns=/", "--",
                "env", "-i", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *command]

    def in_its_network(self, command):
        """The words that run a program of this host where the machine's loopback is."""
        return ["nsenter", f"--net=/proc/{self.leader}/ns/net", "--", *command]

    def run(self, *command, check=True, timeout_s=_RUN_S_MAX, **popen):
        """Runs a command inside; its words, standard error behind standard output."""
        done = subprocess.run(self.inside(command), stdout=subprocess.PIPE, timeout=timeout_s,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              **{"stdin": subprocess.DEVNULL, **popen})
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ends with {done.returncode}:\n"
                                 f"{done.stdout[-4000:]}\n{self.journal()[-4000:]}")
        return done.stdout

    def succeeds(self, *command):
        return subprocess.run(self.inside(command), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=_RUN_S_MAX).returncode == 0

    def path(self, inside):
        """A file of the machine, as a path of this host."""
        return f"/proc/{self.leader}/root{inside}"

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return file.read()

    def write(self, path, text):
        """Writes over a file of the machine, which keeps its owner and mode."""
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def copy_in(self, source, path):
        shutil.copyfile(source, self.path(path))

    # --- systemd ---------------------------------------------------------------------------------

    def show(self, unit, *names):
        """Properties of a unit, by name."""
        lines = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)

    def main_pid(self, unit="portreeve.service"):
        """As the machine numbers it; 0 while it does not run."""
        return int(self.show(unit, "MainPID")["MainPID"])

    def host_pid(self, pid):
        """The number here of a process of the machine."""
        space = os.stat(f"/proc/{self.leader}/ns/pid").st_ino
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/status", encoding="utf-8", errors="replace") as status:
                    numbers = next(line for line in status if line.startswith("NSpid:")).split()[1:]
                if numbers[-1] == str(pid) and os.stat(f"/proc/{name}/ns/pid").st_ino == space:
                    return int(name)
            except (OSError, StopIteration):
                pass
        raise AssertionError(f"there is no process {pid} in the machine")

    def is_active(self, unit):
        return self.show(unit, "ActiveState")["ActiveState"] == "active"

    def wait_active(self, unit="portreeve.service", timeout_s=30):
        until(lambda: self.is_active(unit),
              lambda: f"{unit} is active:\n{self.run('systemctl', 'status', unit, check=False)}"
                      f"\n{self.journal()[-4000:]}", timeout_s)

    def journal(self, unit="portreeve.service"):
        return subprocess.run(self.inside(["journalctl", "--no-pager", "--output=short-precise",
                                           f"--unit={unit}"]),
                              capture_output=True, text=True, errors="replace").stdout

    # --- the end ---------------------------------------------------------------------------------

    def close(self):
        """Ends it in order, or at least ends it."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
