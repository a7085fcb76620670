"""Clients, targets and visitors of a daemon that runs in a machine: programs of this host that run
in the machine's network.
"""

import json
import os
import subprocess
import sys
import threading
import types

from harness import client
from harness.wait import until

PORT = 2222  # of portreeve.socket
USER = "alice"
_INSIDE = os.path.join(os.path.dirname(__file__), "inside.py")
_AGAIN_S = 0.2  # a client whose connection ended waits this long, as a person's loop would


class Target:
    def __init__(self, machine):
        self.process = subprocess.Popen(
            machine.in_its_network([sys.executable, _INSIDE, "target"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Visitors:
    """Who visits ports all the time, until `finish`."""

    def __init__(self, machine, ports):
        self.process = subprocess.Popen(
            machine.in_its_network([sys.executable, _INSIDE, "visit", *map(str, ports)]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def counts(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def wait_served(self, more, timeout_s=90):
        """Waits until so many more visits than now have been served."""
        goal = self.counts()["served"] + more
        until(lambda: self.counts()["served"] >= goal,
              lambda: f"{goal} visits are served: {self.counts()}", timeout_s)

    def finish(self):
        """Lets those that are under way end, and returns the counts."""
        return json.loads(self.process.communicate(timeout=90)[0])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class _InItsNetwork(client.Client):
    def __init__(self, command, *args, **popen):
        super().__init__(self.machine.in_its_network(command), *args, **popen)


class Ssh(client.Ssh, _InItsNetwork):
    """OpenSSH's client, in the machine's network."""

    def __init__(self, machine, key, folder, forwards=(), port=PORT, **more):
        self.machine = machine
        gate = types.SimpleNamespace(folder=folder, port=port, user=USER)
        super().__init__(gate, key, folder, forwards, **more)


class SshLoop:
    """A client that comes back whenever its connection ends, like a `while` around ssh."""

    def __init__(self, machine, key, folder, forward, user=USER):
        self._make = lambda: Ssh(machine, key, folder, [forward], user=user,
                                 options={"ExitOnForwardFailure": "yes"})
        self._over = threading.Event()
        self._lives = [self._make()]
        self._thread = threading.Thread(target=self._come_back)
        self._thread.start()

    def _come_back(self):
        while not self._over.wait(_AGAIN_S):
            if self._lives[-1].ended():
                self._lives.append(self._make())

    def lives(self):
        return len(self._lives)

    def ports(self):
        """The port of each life that got one, oldest first."""
        return [int(line.split()[2]) for ssh in list(self._lives)
                for line in ssh.stderr.text().splitlines() if line.startswith("Allocated port ")]

    def wait_port(self, count=1, timeout_s=60):
        """Waits until `count` lives got a port, and returns the last one's."""
        until(lambda: len(self.ports()) >= count,
              lambda: f"a client gets its port {count} times, and not {self.ports()}:\n"
                      f"{self._lives[-1].stderr.tail(20)}", timeout_s)
        return self.ports()[-1]

    def close(self):
        self._over.set()
        self._thread.join()
        for ssh in self._lives:
            ssh.close()
