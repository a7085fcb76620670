"""A test's stage: the gate, clients, targets and visitors it puts up, taken down in reverse.

So visitors leave before clients and clients before the gate, and a gate that does not then end
well fails the test, whatever the test itself was about.
"""

import contextlib
import os

from harness import client, gate, raw, tmux, visitor
from harness.target import Target


class Scene:
    def __init__(self, folder, keys):
        self.folder = folder
        self.key = keys["owner"]
        self.other_key = keys["other"]
        self.gates = []
        self._stack = contextlib.ExitStack()

    def close(self):
        self._stack.close()

    def add(self, thing):
        """Takes anything with close() and hands it back."""
        self._stack.callback(thing.close)
        return thing

    def new_gate(self, kind=None, lines=None, **settings):
        """A gate that is not started: its key file holds `lines`, or the owner's key alone."""
        folder = os.path.join(self.folder, f"gate{len(self.gates)}")
        os.mkdir(folder, 0o700)
        made = self.add(gate.make(folder, settings, kind))
        made.write_keys([self.key.line] if lines is None else lines)
        self.gates.append(made)
        return made

    def gate(self, **settings):
        return self.new_gate(**settings).start()

    def both(self, **settings):
        """portreeved and the system's own sshd with the same settings, to be compared."""
        return [self.gate(kind=kind, **settings) for kind in ("portreeve", "sshd")]

    def raw(self, at, **kwargs):
        return self.add(raw.RawClient(at, kwargs.pop("key", self.key), **kwargs))

    def ssh(self, at, *forwards, key=None, **kwargs):
        return self.add(client.Ssh(at, key or self.key, self.folder, forwards, **kwargs))

    def terminal(self, at, *forwards, **kwargs):
        return self.add(client.SshOnTerminal(at, self.key, self.folder, forwards, **kwargs))

    def pane(self, at, *forwards, columns=80, rows=24, term=None, args=("-t",), **kwargs):
        """`ssh -t`, without a command, in a terminal that draws."""
        words = client.ssh_command(at, self.key, forwards, args=args, verbose=False, shell=True,
                                   **kwargs)
        at.introduce()
        return self.add(tmux.Pane(self.folder, words, columns, rows, term))

    def dbclient(self, at, *forwards):
        return self.add(client.Dbclient(at, self.key, self.folder, forwards))

    def plink(self, at, *forwards):
        return self.add(client.Plink(at, self.key, self.folder, forwards))

    def libssh(self, at, *listens):
        return self.add(client.LibsshClient(at, self.key, self.folder, listens))

    def target(self, handler):
        return self.add(Target(handler))

    def tunnel(self, at, target, **kwargs):
        """An ssh with one forward of port 0 to the target: the client and the port it got."""
        made = self.ssh(at, f"0:127.0.0.1:{target.port}", **kwargs)
        return made, made.allocated_ports()[0]

    def visit(self, port, host="127.0.0.1"):
        return self.add(visitor.connect(port, host))
