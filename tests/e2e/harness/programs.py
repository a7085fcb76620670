"""Programs that portreeved runs: where it takes them for safe, and shell scripts there."""

import os
import stat


def why_unsafe(path):
    """As portreeved sees it: others could replace what is at `path`."""
    while True:
        status = os.stat(path)
        if status.st_uid not in (0, os.geteuid()):
            return f"{path} belongs to another user, so no program under it is run"
        if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
            return f"{path} can be changed by others, so no program under it is run"
        if path == "/":
            return None
        path = os.path.dirname(path)


def script(programs, body, name="program"):
    path = os.path.join(programs, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{body}\n")
    os.chmod(path, 0o755)
    return path
