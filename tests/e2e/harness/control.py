"""The control socket, by the two who speak to it: curl, and portreevectl."""

import json
import os
import subprocess

from harness.wait import SCALE


def path(gate):
    return os.path.join(gate.settings["server"]["runtime_dir"], "control")


def curl(gate, method, target, body=None, at=None, **popen):
    """The status and the JSON of an answer."""
    command = ["curl", "-sS", "-X", method, "--unix-socket", at or path(gate),
               "-w", "\n%{http_code}", "http://portreeve" + target]
    if body is not None:
        command += ["--data-binary", body if isinstance(body, str) else json.dumps(body)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30 * SCALE,
                          check=True, **popen)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text)


def program():
    beside = os.path.join(os.path.dirname(os.environ["PORTREEVED"]), "ctl", "portreevectl")
    return os.environ.get("PORTREEVECTL", beside)


def ctl(gate, *words, status=0, **popen):
    """What portreevectl prints: on stdout, or on stderr where the status is not 0 and stdout is
    empty."""
    done = subprocess.run([program(), "--socket", path(gate), *words], capture_output=True,
                          text=True, timeout=30 * SCALE, check=False, **popen)
    assert done.returncode == status, done
    return done.stdout if status == 0 or done.stdout else done.stderr
