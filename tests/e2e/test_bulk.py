"""A gigabyte each way, byte for byte, without the daemon growing; and under constant rekeying."""

import os

import pytest

from harness import memory, streams

MIB = 1 << 20
TOTAL_BYTES = int(os.environ.get("PORTREEVE_E2E_BULK_MIB", "1024")) * MIB

UP = streams.Pattern("visitor to target")
DOWN = streams.Pattern("target to visitor")


def carry(scene, gate, ciphers, up=None, down=None, total_bytes=TOTAL_BYTES, **options):
    """Both ends send and check at once; the client that carried it is returned."""
    target = scene.target(
        lambda connection: streams.exchange(connection, total_bytes, sent=down, received=up))
    ssh, port = scene.tunnel(gate, target, options={"Ciphers": ciphers, **options})
    with memory.bounded(gate):
        streams.exchange(scene.visit(port), total_bytes, sent=up, received=down)
        target.join(1)
    return ssh


@pytest.mark.parametrize("up, down", [(UP, None), (None, DOWN), (UP, DOWN)],
                         ids=["up", "down", "both"])
def test_bulk_aes128_gcm(scene, gate, up, down):
    carry(scene, gate, "aes128-gcm@openssh.com", up, down)


def test_bulk_chacha20_poly1305(scene, gate):
    carry(scene, gate, "chacha20-poly1305@openssh.com", UP, DOWN)


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"])
def test_rekeying_all_the_time(scene, gate, cipher):
    total_bytes = min(64 * MIB, TOTAL_BYTES)
    # One exchange with OpenSSH's own default, sntrup761, takes a tenth of a second of CPU.
    ssh = carry(scene, gate, cipher, UP, DOWN, total_bytes, RekeyLimit="256K",
                KexAlgorithms="curve25519-sha256")
    # Four exchanges for each MiB that has passed in one direction are the least there must be.
    rekeyed = ssh.stderr.text().count("SSH2_MSG_NEWKEYS received")
    assert rekeyed >= 4 * total_bytes // MIB, f"only {rekeyed} key exchanges"
