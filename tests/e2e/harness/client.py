"""The clients, each a process whose output goes to files: OpenSSH's ssh, dropbear's dbclient,
PuTTY's plink and the suite's own libssh client.

ssh runs with -v, because a fixed port that was granted is reported nowhere else; a test about what
a user sees passes verbose=False.
"""

import itertools
import os
import pty
import re
import signal
import subprocess

from harness.wait import TextFile, until

_serial = itertools.count()


class Client:
    def __init__(self, command, folder, stdin=subprocess.DEVNULL, env=None, **popen):
        name = f"{os.path.basename(command[0])}-{next(_serial)}"
        self.command = command
        self.stdout = TextFile(os.path.join(folder, name + ".out"))
        self.stderr = TextFile(os.path.join(folder, name + ".err"))
        with open(self.stdout.path, "wb") as out, open(self.stderr.path, "wb") as err:
            self.process = subprocess.Popen(
                command, stdin=stdin, stdout=popen.pop("stdout", out), stderr=err,
                env={**os.environ, **(env or {})}, **popen)

    @property
    def pid(self):
        return self.process.pid

    def ended(self):
        return self.process.poll() is not None

    def wait_exit(self, timeout_s=15):
        until(self.ended, lambda: f"{self.command[0]} ends:\n{self.stderr.tail(25)}", timeout_s)
        return self.process.returncode

    def signal(self, number):
        self.process.send_signal(number)

    def close(self):
        """Ends the process, stopped or not, and reaps it."""
        if not self.ended():
            self.process.terminate()
            self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


def ssh_command(gate, key, forwards=(), options=None, args=(), command=None, shell=False,
                verbose=True, user=None, host="127.0.0.1", port=None):
    """The words of OpenSSH's client. `forwards` are those after -R; `command` and `shell` replace
    -N.
    """
    settings = {
        "UserKnownHostsFile": os.path.join(gate.folder, "known_hosts"),
        "StrictHostKeyChecking": "accept-new",  # a host key that changes is an error
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "ExitOnForwardFailure": "no",
        **(options or {}),
    }
    words = ["ssh", "-F", "none", "-p", str(port or gate.port)]
    words += ["-v"] if verbose else []
    words += ["-i", key.path] if key else []
    words += [] if shell or command else ["-N"]
    words += [word for item in settings.items() for word in ("-o", "=".join(item))]
    words += [word for forward in forwards for word in ("-R", forward)]
    return words + [*args, f"{user or gate.user}@{host}", *(command or [])]


class Ssh(Client):
    """OpenSSH's client, asked as ssh_command() says."""

    def __init__(self, gate, key, folder, forwards=(), options=None, args=(), command=None,
                 shell=False, verbose=True, user=None, host="127.0.0.1", port=None, **popen):
        words = ssh_command(gate, key, forwards, options, args, command, shell, verbose, user,
                            host, port)
        super().__init__(words, folder, **popen)

    def allocated_ports(self, count=1):
        """The ports of the first `count` forwards of port 0, in the order they were granted."""
        pattern = r"^Allocated port (\d+) for remote forward to "
        self.stderr.wait_for(pattern, count=count, process=self.process)
        lines = self.stderr.text().splitlines()
        return [int(line.split()[2]) for line in lines if line.startswith("Allocated port ")]

    def wait_granted(self, count=1):
        self.stderr.wait_for(r"remote forward success for: ", count=count, process=self.process)

    def outcomes(self, count):
        """Whether each of `count` forwards was granted, in the order they were asked for."""
        pattern = r"remote forward (success|failure) for: "
        self.stderr.wait_for(pattern, count=count, process=self.process)
        return [word == "success" for word in re.findall(pattern, self.stderr.text())]

    def wait_login(self):
        self.stderr.wait_for(r"^Authenticated to ", process=self.process)

    def gets_in(self):
        """Waits for the login to end, one way or the other."""
        until(lambda: self.ended() or "\nAuthenticated to " in self.stderr.text(),
              lambda: f"a login, or a refusal:\n{self.stderr.tail()}")
        if "\nAuthenticated to " in self.stderr.text():
            return True
        assert "Permission denied" in self.stderr.text(), self.stderr.tail()
        return False

    def control(self, operation, forward, works=True):
        """`-O operation -R forward` against this client, a master (`-M -S PATH`): its words.

        A cancel counts as working even where nothing was cancelled: so ssh's exit code has it.
        """
        path = self.command[self.command.index("-S") + 1]
        done = ssh_control(path, operation, "-R", forward)
        words = done.stdout + done.stderr
        assert (done.returncode == 0) == works, f"-O {operation} -R {forward}: {words}"
        return words


class SshOnTerminal(Ssh):
    """ssh -tt on a pseudo-terminal of its own: what a person at a keyboard has, who is shown lines,
    because this terminal cannot draw. tmux.py has one that can.
    """

    def __init__(self, *args, **kwargs):
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        self._seen = b""
        super().__init__(*args, shell=True, stdin=slave, stdout=slave, start_new_session=True,
                         env={"TERM": "dumb"},
                         **{**kwargs, "args": ["-tt", *kwargs.get("args", ())]})
        os.close(slave)

    def screen(self):
        try:
            while part := os.read(self._master, 1 << 16):
                self._seen += part
        except OSError:  # nothing to read now, or the client has ended
            pass
        return self._seen.decode("utf-8", "backslashreplace")

    def type(self, keys):
        os.write(self._master, keys)

    def close(self):
        super().close()
        if self._master is not None:
            os.close(self._master)
        self._master = None


def ssh_control(socket_path, operation, *args):
    """Runs `ssh -O operation` against a ControlMaster."""
    return subprocess.run(["ssh", "-F", "none", "-S", socket_path, "-O", operation, *args, "gate"],
                          capture_output=True, text=True, timeout=30, check=False)


class Dbclient(Client):
    def __init__(self, gate, key, folder, forwards):
        # HOME: dbclient keeps its known hosts there and has no option for it; -y -y: and does not.
        words = ["dbclient", "-y", "-y", "-N", "-i", key.for_dropbear(), "-p", str(gate.port)]
        words += [word for forward in forwards for word in ("-R", forward)]
        super().__init__([*words, f"{gate.user}@127.0.0.1"], folder, env={"HOME": folder})


class Plink(Client):
    def __init__(self, gate, key, folder, forwards):
        words = ["plink", "-ssh", "-batch", "-v", "-N", "-noagent", "-i", key.for_putty(),
                 "-hostkey", gate.host_fingerprint(), "-P", str(gate.port)]
        words += [word for forward in forwards for word in ("-R", forward)]
        super().__init__([*words, f"{gate.user}@127.0.0.1"], folder, env={"HOME": folder})


class LibsshClient(Client):
    """tests/e2e/clients/libssh_client.cpp: listens at the gate and echoes what visitors send."""

    def __init__(self, gate, key, folder, listens):
        binary = os.environ["LIBSSH_CLIENT"]
        super().__init__([binary, "127.0.0.1", str(gate.port), gate.user, key.path, *listens],
                         folder, env={"HOME": folder})

    def listening_ports(self, count=1):
        self.stdout.wait_for(r"^listening \S+ (\d+)$", count=count, process=self.process)
        return [int(line.split()[2]) for line in self.stdout.text().splitlines()
                if line.startswith("listening ")]
