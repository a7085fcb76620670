"""A visitor that never reads, and a target that never does: its neighbours on the same session
keep their speed, and what it leaves unread is held in its own small bound."""

import threading
import time

import pytest

from harness import memory, streams
from harness.target import Flood
from harness.wait import SANITIZER, until, until_steady

MIB = 1 << 20
NEIGHBOURS = 3
EACH_BYTES = 64 * MIB
PATTERN = streams.Pattern("neighbour")


def rate_mib_s(scene, port, sent=None, received=None):
    """How fast the neighbours get through together: the better of two runs."""
    best = 0
    for _ in range(2):
        visitors = [scene.visit(port) for _ in range(NEIGHBOURS)]
        failures = []

        def run(visitor):
            try:
                streams.exchange(visitor, EACH_BYTES, sent=sent, received=received)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

        threads = [threading.Thread(target=run, args=(each,), daemon=True) for each in visitors]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        best = max(best, NEIGHBOURS * EACH_BYTES / MIB / (time.monotonic() - started))
    return best


def compare(alone, beside):
    """Speeds mean little where most of the work is a sanitizer's."""
    print(f"neighbours: {alone:.0f} MiB/s alone, {beside:.0f} MiB/s beside the stalled one")
    assert SANITIZER or beside >= alone / 3, \
        f"{beside:.0f} MiB/s beside a stalled one, {alone:.0f} without"


def test_a_visitor_that_never_reads(scene, gate):
    flood = Flood()
    stalled = scene.target(flood)
    lively = scene.target(lambda conn: streams.exchange(conn, EACH_BYTES, sent=PATTERN))
    ssh = scene.ssh(gate, f"0:127.0.0.1:{stalled.port}", f"0:127.0.0.1:{lively.port}")
    stalled_port, lively_port = ssh.allocated_ports(2)
    with memory.bounded(gate):
        alone = rate_mib_s(scene, lively_port, received=PATTERN)
        scene.visit(stalled_port)
        until(lambda: flood.sent_bytes > 0, "the download starts")
        taken = until_steady(lambda: flood.sent_bytes, "the download stalls")
        beside = rate_mib_s(scene, lively_port, received=PATTERN)
        assert flood.sent_bytes - taken < MIB, "the stalled download went on"
    compare(alone, beside)


def test_a_target_that_never_reads(scene, gate):
    woken = threading.Event()
    stalled = scene.target(lambda conn: woken.wait(300))
    lively = scene.target(lambda conn: streams.exchange(conn, EACH_BYTES, received=PATTERN))
    ssh = scene.ssh(gate, f"0:127.0.0.1:{stalled.port}", f"0:127.0.0.1:{lively.port}")
    stalled_port, lively_port = ssh.allocated_ports(2)
    with memory.bounded(gate):
        alone = rate_mib_s(scene, lively_port, sent=PATTERN)
        upload, sock = Flood(), scene.visit(stalled_port)
        threading.Thread(target=upload_until_cut, args=(upload, sock), daemon=True).start()
        until(lambda: upload.sent_bytes > 0, "the upload starts")
        taken = until_steady(lambda: upload.sent_bytes, "the upload stalls")
        beside = rate_mib_s(scene, lively_port, sent=PATTERN)
        assert upload.sent_bytes - taken < MIB, "the stalled upload went on"
    woken.set()
    compare(alone, beside)


def upload_until_cut(upload, sock):
    try:
        upload(sock)
    except OSError:
        pass


@pytest.mark.parametrize("count", [20])
def test_many_that_never_read(scene, gate, count):
    """The bound holds for the session, not only for each: twenty stalled downloads on one."""
    floods = [Flood() for _ in range(count)]
    queue = list(floods)
    stalled = scene.target(lambda conn: queue.pop()(conn))
    _, port = scene.tunnel(gate, stalled)
    with memory.bounded(gate):
        for _ in range(count):
            scene.visit(port)
        until(lambda: all(flood.sent_bytes > 0 for flood in floods), "every download starts")
        until_steady(lambda: sum(flood.sent_bytes for flood in floods), "every download stalls")
