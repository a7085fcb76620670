"""Processes that cannot be left behind, and waits that cannot last for ever.

Every process is started by `start` and ended by `stop`, by its pid. Should the benchmark itself be
killed, the kernel ends them (setpriv --pdeathsig); that is tied to the thread that started them, so
all are started from the main thread.
"""

import contextlib
import os
import select
import subprocess
import time

STOP_SECONDS = 5.0


class BenchError(Exception):
    """The benchmark cannot go on; the text says what, where and what to do."""


def start(arguments, **options):
    die_with_us = ["setpriv", "--pdeathsig", "TERM", "--"]
    return subprocess.Popen([*die_with_us, *map(str, arguments)], **options)


def stop(process):
    """Ends `process`: politely, then not. Its pipes are closed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()


def wait_until(is_met, what, seconds, interval_seconds=0.005):
    """Polls `is_met` until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = is_met()
        if result:
            return result
        if time.monotonic() > deadline:
            raise BenchError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(interval_seconds)


def wait_for_line(stream, pattern, what, seconds):
    """Reads an unbuffered binary pipe until `pattern` matches a whole line; returns the match."""
    deadline = time.monotonic() + seconds
    text = b""
    while True:
        end_of_lines = text.rfind(b"\n") + 1
        match = pattern.search(text, 0, end_of_lines)
        if match:
            return match
        left = deadline - time.monotonic()
        if left <= 0:
            raise BenchError(f"waited {seconds:g} s in vain for {what}; so far: {_shown(text)}")
        if not select.select([stream], [], [], left)[0]:
            continue
        chunk = os.read(stream.fileno(), 65536)
        if not chunk:
            raise BenchError(f"{what}: the process ended instead, saying: {_shown(text)}")
        text += chunk


def _shown(text):
    return text.decode(errors="replace").strip() or "(nothing)"
