"""The load: portreeve_load's targets and visitors, and the stock ssh client between them."""

import contextlib
import re
import subprocess

from .process import BenchError, start, stop, wait_for_line

START_SECONDS = 30.0
VISIT_SECONDS = 300.0

# Both gates have it, so both do the same work: sshd's own first choice is dearer (sntrup761).
KEX = "curve25519-sha256"
# The stock client's own first choice; the bulk figures name theirs.
CIPHER = "chacha20-poly1305@openssh.com"


class Load:
    """portreeve_load at `program`."""

    def __init__(self, program):
        self.program = program

    @contextlib.contextmanager
    def target(self, kind):
        """A target server; gives its port."""
        process = start([self.program, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        bufsize=0)
        try:
            match = wait_for_line(process.stdout, re.compile(rb"^port (\d+)$", re.MULTILINE),
                                  f"the {kind} to listen", START_SECONDS)
            yield int(match.group(1))
        finally:
            stop(process)

    def visit(self, command, port, *numbers):
        """Runs visitors to their end; gives what they measured, by name."""
        process = start([self.program, command, "127.0.0.1", port, *numbers], text=True,
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            output, errors = process.communicate(timeout=VISIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{command} did not end in {VISIT_SECONDS:g} s") from None
        finally:
            stop(process)
        if process.returncode != 0:
            raise BenchError(f"{command}: {errors.strip()}")
        return {name: float(value) for name, value in map(str.split, output.splitlines())}

    @contextlib.contextmanager
    def idle(self, port, count):
        """`count` visitors, each of which has had one answer and now only stays."""
        process = start([self.program, "idle", "127.0.0.1", port, count], bufsize=0,
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            wait_for_line(process.stdout, re.compile(rb"^ready \d+$", re.MULTILINE),
                          f"{count} idle visitors", VISIT_SECONDS)
            yield
        finally:
            stop(process)


class Client:
    """The stock ssh with one forward of a port of the gate's choice."""

    ALLOCATED = re.compile(rb"^Allocated port (\d+) for remote forward", re.MULTILINE)
    OPTIONS = ["-F", "none", "-N", "-T"] + [
        word for option in (
            "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes",
            "IdentitiesOnly=yes", "IdentityAgent=none", "ExitOnForwardFailure=yes",
            "ControlPath=none", f"KexAlgorithms={KEX}") for word in ("-o", option)]

    def __init__(self, gate, key, target_port, cipher=CIPHER):
        self._gate = gate
        self._process = start(
            ["ssh", *self.OPTIONS, "-i", key, "-c", cipher, "-p", gate.port,
             "-R", f"0:127.0.0.1:{target_port}", f"{gate.user}@127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)

    def tunnel_port(self):
        """Waits for the tunnel; the port that its visitors come to."""
        match = wait_for_line(self._process.stderr, self.ALLOCATED,
                              f"a tunnel through {self._gate.name}", START_SECONDS)
        return int(match.group(1))

    def stop(self):
        stop(self._process)


@contextlib.contextmanager
def tunnel(gate, key, target_port, cipher=CIPHER):
    """A client with an open tunnel; gives the port that visitors come to."""
    client = Client(gate, key, target_port, cipher)
    try:
        yield client.tunnel_port()
    finally:
        client.stop()
