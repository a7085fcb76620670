"""A fresh Debian 12, minimal, in a folder: made once a machine, then only read.

It has systemd, apt, man-db and the stock ssh, and in apt's cache what the package under test
depends on, so that apt can install it where there is no network. It is kept outside of the source
tree, in $XDG_CACHE_HOME/portreeve (~/.cache/portreeve), under a name that says what is in it.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess

_SUITE = "bookworm"
_MIRROR = "http://deb.debian.org/debian"
_PACKAGES = ["systemd-sysv", "man-db", "openssh-client"]
_MAKE_S_MAX = 900
_EATMYDATA = "/usr/share/mmdebstrap/hooks/eatmydata"


def _dependencies(package):
    """The first choice of each thing that a .deb depends on."""
    field = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True,
                           text=True, check=True).stdout
    return sorted(set(re.findall(r"(?:^|,\s*)([a-z0-9][a-z0-9+.-]+)", field)))


def _command(folder, dependencies):
    # With what is recommended, which mmdebstrap leaves out, and a plain `apt install` does not.
    fetch = ("chroot \"$1\" apt-get clean && chroot \"$1\" apt-get install --download-only --yes "
             "-o APT::Install-Recommends=true " + " ".join(dependencies))
    # Without its fsyncs dpkg takes half as long: 52 s for the tree, and not 100.
    hooks = [f"--hook-dir={_EATMYDATA}"] if shutil.which("eatmydata") else []
    return ["mmdebstrap", "--mode=root", "--variant=apt", f"--include={','.join(_PACKAGES)}",
            "--dpkgopt=force-unsafe-io", *hooks, f"--customize-hook={fetch}",
            "--skip=cleanup/apt", _SUITE, folder, _MIRROR]


def get(package):
    """The folder of a tree in which apt can install `package`; makes it where it is missing."""
    dependencies = _dependencies(package)
    recipe = hashlib.sha256(repr(_command("", dependencies)).encode()).hexdigest()[:12]
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                         "portreeve")
    folder = os.path.join(cache, f"{_SUITE}-{recipe}")
    os.makedirs(cache, mode=0o755, exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            _make(folder, dependencies)
    return folder


def _make(folder, dependencies):
    partial = folder + ".new"
    shutil.rmtree(partial, ignore_errors=True)
    # Its own folder for the mount points and devices of the making, and nothing half made in place.
    made = subprocess.run(_command(partial, dependencies), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=_MAKE_S_MAX)
    assert made.returncode == 0, f"mmdebstrap cannot make a tree:\n{made.stdout[-4000:]}"
    os.rename(partial, folder)
