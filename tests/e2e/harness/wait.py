"""Waiting for a condition, never for a time.

Every wait of the suite is `until`: it polls a condition and gives up at a deadline with a sentence
that says what did not happen. Deadlines are generous, for a loaded machine; they bound how long a
failure takes, not how long a success does: PATIENCE stretches them. Sanitized daemons are slower:
SCALE stretches what passes where all is well, too.
"""

import os
import re
import time

SANITIZER = os.environ.get("PORTREEVE_E2E_SANITIZER", "") not in ("", "0")
SCALE = 4 if SANITIZER else 1
PATIENCE = 2 * SCALE
POLL_S = 0.01


class Timeout(AssertionError):
    pass


def until(condition, what, timeout_s=15):
    """Returns the first true value of `condition()`."""
    timeout_s *= PATIENCE
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(POLL_S)


def until_steady(sample, what, steady_s=0.5, timeout_s=30):
    """Waits until `sample()` has kept one value for `steady_s`: how a blocked sender looks."""
    seen = [sample(), time.monotonic()]

    def steady():
        value = sample()
        if value != seen[0]:
            seen[:] = [value, time.monotonic()]
        return time.monotonic() - seen[1] >= steady_s * SCALE

    until(steady, what, timeout_s)
    return seen[0]


class TextFile:
    """What a process has written so far to the file its output goes to; nothing, where there is
    no file yet.
    """

    def __init__(self, path):
        self.path = path

    def text(self, after=0):
        try:
            with open(self.path, "rb") as file:
                file.seek(after)
                return file.read().decode("utf-8", "backslashreplace")
        except FileNotFoundError:
            return ""

    def mark(self):
        """A position: pass it as `after` to see only what is written from now on."""
        return os.path.getsize(self.path)

    def tail(self, lines=60):
        return "\n".join(self.text().splitlines()[-lines:])

    def wait_for(self, pattern, after=0, timeout_s=15, count=1, process=None):
        """Waits for the `count`th match of a regular expression; fails early if `process` ends."""

        def found():
            ended = process is not None and process.poll() is not None
            matches = list(re.finditer(pattern, self.text(after), re.MULTILINE))
            if len(matches) < count and ended:
                raise AssertionError(f"ended with {process.returncode} before /{pattern}/ was "
                                     f"seen:\n{self.tail()}")
            return matches[count - 1] if len(matches) >= count else None

        return until(found, lambda: f"/{pattern}/ in {self.path}:\n{self.tail(25)}", timeout_s)
