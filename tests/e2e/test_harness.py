"""The suite's own senses: each check that the other files rest on fails when it should."""

import os
import socket
import subprocess
import sys

import pytest

from harness import memory, ports, streams, visitor
from harness.target import Target, echo, source
from harness.wait import SANITIZER, Timeout, until

MIB = 1 << 20


def test_one_altered_byte_is_found(scene, gate):
    pattern, total = streams.Pattern("altered"), 5 * MIB

    def corrupting(connection):
        data = bytearray(pattern.bytes(total))
        data[3 * MIB + 17] ^= 1
        connection.sendall(data)

    _, port = scene.tunnel(gate, scene.target(corrupting))
    with pytest.raises(streams.Corrupt, match=f"byte {3 * MIB + 17} is"):
        streams.check(scene.visit(port), pattern, total)


def test_a_missing_end_is_found(scene, gate):
    pattern = streams.Pattern("short")
    _, port = scene.tunnel(gate, scene.target(source(pattern, MIB - 1)))
    with pytest.raises(streams.Corrupt, match=f"ended after {MIB - 1} bytes"):
        streams.check(scene.visit(port), pattern, MIB)


def test_a_byte_too_many_is_found(scene, gate):
    pattern = streams.Pattern("long")
    _, port = scene.tunnel(gate, scene.target(source(pattern, MIB + 1)))
    with pytest.raises(streams.Corrupt, match="a byte too many"):
        streams.exchange(scene.visit(port), MIB, received=pattern)


def test_swapped_blocks_are_found():
    pattern = streams.Pattern("swapped")
    assert pattern.block(0) != pattern.block(1)
    assert pattern.bytes(2 * MIB) == bytes(pattern.block(0)) + bytes(pattern.block(1))


def test_a_failed_check_in_a_target_fails_the_test():
    pattern = streams.Pattern("target")
    target = Target(lambda connection: streams.check(connection, pattern, MIB))
    with socket.create_connection(("127.0.0.1", target.port)) as sock:
        sock.sendall(b"x")
    with pytest.raises(streams.Corrupt):
        target.join(1)
    with pytest.raises(streams.Corrupt):
        target.close()


@pytest.mark.skipif(SANITIZER, reason="the memory bound is not applied to a sanitized daemon")
def test_memory_above_the_bound_is_found():
    # A process of its own, whose memory nothing else has used and given back before.
    script = "input(); len(bytearray(b'x') * (64 << 20)); print('freed', flush=True); input()"

    class Eater:
        kind = "a gate that eats"
        process = subprocess.Popen([sys.executable, "-c", script], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def pids(self):
            return [self.process.pid]

    eater = Eater()
    with eater.process:
        with pytest.raises(AssertionError, match="the bound is 32 MiB"):
            with memory.bounded(eater):
                eater.process.stdin.write("eat\n")
                eater.process.stdin.flush()
                assert eater.process.stdout.readline() == "freed\n"  # the peak is what counts
        eater.process.communicate("end\n")


def test_a_port_is_given_to_one_at_a_time(monkeypatch):
    """The other has not bound it yet, and draws from a hat that is full of it."""
    script = ("from harness import ports; pool = ports.Pool(); "
              "print(ports.fixed(), pool.text, flush=True); input()")
    with subprocess.Popen([sys.executable, "-c", script], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, cwd=os.path.dirname(__file__)) as other:
        port, pool = other.stdout.readline().split()
        first = int(pool.split("-")[0])
        monkeypatch.setattr(ports, "FIXED", [int(port)] * 1_000_000 + [*ports.FIXED])
        monkeypatch.setattr(ports, "POOLS", [first] * 10_000 + [*ports.POOLS])
        assert ports.fixed() != int(port)
        ours = ports.Pool()
        assert ours.text != pool
        other.communicate("end\n")
    monkeypatch.setattr(ports, "POOLS", [first])
    ours.close()
    again = ports.Pool()
    assert again.text == pool, "it is given back"
    again.close()


def test_a_condition_that_never_holds_fails():
    with pytest.raises(Timeout, match="not within .* pigs fly"):
        until(lambda: False, "pigs fly", timeout_s=0.05)


def test_a_port_that_refuses_is_told_from_one_that_answers(scene):
    target = scene.target(echo)
    assert visitor.answers(target.port)
    target.close()
    visitor.wait_refused(target.port)
