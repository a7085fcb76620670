"""contrib/systemd/publish-ssh-config publishes what the daemon writes, and nothing else."""
import os
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).parents[3] / "contrib" / "systemd" / "publish-ssh-config"
COMMENT = "# Written by portreeved.\n"
PC42 = "\nHost pc42\n    HostName 127.0.0.1\n    Port 20001\n    HostKeyAlias pc42\n"
V6 = "\nHost pc42-65535\n    HostName 2001:db8::1\n    Port 65535\n    HostKeyAlias pc42\n"


class Gate:
    def __init__(self, folder):
        self.daemons, self.ours = folder / "portreeve", folder / "portreeve-ssh"
        self.daemons.mkdir()
        self.ours.mkdir()
        self.file = self.daemons / "ssh_config"
        self.flag = self.daemons / "ssh_config.changed"

    def publish(self):
        """What comes of it: the exit code, and what was said."""
        self.flag.touch()
        done = subprocess.run(
            [SCRIPT, self.daemons], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "RUNTIME_DIRECTORY": str(self.ours), "PORTREEVE_GATHER_S": "0"})
        assert not self.flag.exists()
        assert [entry.name for entry in self.ours.iterdir()] == ["ssh_config"]
        assert (self.ours / "ssh_config").stat().st_mode & 0o7777 == 0o644
        return done.returncode, done.stderr

    def published(self):
        """But for its first line, which says where it is from."""
        first, _, rest = (self.ours / "ssh_config").read_text().partition("\n")
        assert first.startswith(f"# From {self.file}")
        return rest


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path)


@pytest.mark.parametrize("hosts", ["", PC42, PC42 + V6])
def test_what_the_daemon_writes_is_published(gate, hosts):
    gate.file.write_text(COMMENT + COMMENT + hosts)
    assert gate.publish() == (0, "")
    assert gate.published() == hosts


def test_without_the_daemon_it_is_empty(gate):
    gate.file.write_text(COMMENT + PC42)
    gate.publish()
    gate.file.unlink()
    assert gate.publish() == (0, "")
    assert gate.published() == ""


@pytest.mark.parametrize("text", [
    PC42 + "    ProxyCommand sh -c evil\n",
    PC42 + "ProxyCommand sh -c evil\n",
    "ProxyCommand sh -c evil\n" + PC42,
    "    HostName 192.0.2.1\n    Port 22\n" + PC42,  # of every host
    PC42.replace("Port", "ProxyCommand"),
    PC42.replace("Port", "port"),
    PC42.replace("    Port", "\tPort"),
    PC42.replace("Host pc42", "Host *"),
    PC42.replace("Host pc42", "Host pc42 *"),
    PC42.replace("Host pc42", "Host pc42\tx"),
    PC42.replace("Host pc42", "Host github.com"),
    PC42.replace("Host pc42", "Host -oProxyCommand=evil"),
    PC42.replace("Host pc42", "Host " + "a" * 100),
    PC42.replace("Host pc42", "Host p\u00e9"),
    PC42.replace("Host pc42", "Host p\0"),
    PC42.replace("Host pc42", "Match exec evil"),
    PC42.replace("127.0.0.1", "evil.example.com"),
    PC42.replace("127.0.0.1", "%h"),
    PC42.replace("20001", "0"),
    PC42.replace("20001", "65536"),
    PC42.replace("20001", "20001 "),
    PC42.replace("20001", "20001\r"),
    PC42 + PC42.rpartition("\n    HostKeyAlias")[0] + "\n",
    PC42 + "# a remark\n",
    PC42 + "Include /tmp/x\n",
    "\n" + PC42,
])
def test_anything_else_publishes_nothing(gate, text):
    gate.file.write_text(COMMENT + V6)
    gate.publish()
    gate.file.write_text(COMMENT + text)
    code, words = gate.publish()
    assert code == 1
    assert words.startswith(f"<3>{gate.file} has in line ") and words.count("\n") == 1
    assert gate.published() == ""


def test_a_line_without_an_end_is_bounded_too(gate):
    gate.file.write_text(COMMENT + PC42 * 10 + "x" * (16 << 20))
    code, words = gate.publish()
    assert code == 1 and " is longer than 16777216 bytes" in words
    assert gate.published() == ""


def test_a_full_gate_is_published(gate):
    hosts = PC42 * 65535
    gate.file.write_text(COMMENT + hosts)
    assert gate.publish() == (0, "")
    assert gate.published() == hosts


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "folder"])
def test_what_is_no_plain_file_is_not_read(gate, kind):
    other = gate.daemons / "other"
    other.write_text(PC42)
    make = {"link": lambda: gate.file.symlink_to(other),
            "dangling": lambda: gate.file.symlink_to(gate.daemons / "none"),
            "pipe": lambda: os.mkfifo(gate.file),
            "folder": gate.file.mkdir}
    make[kind]()
    code, words = gate.publish()
    assert (code, words) == (1, f"<3>{gate.file} is no plain file: nothing of it is published\n")
    assert gate.published() == ""
