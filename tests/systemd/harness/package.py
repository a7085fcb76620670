"""The package under test, made by cpack from a build folder that has been built already."""

import glob
import os
import subprocess

UPGRADE = "99.0.0"  # higher than any version that there is


def build(folder, version=None):
    """Makes the .deb in `folder` and returns its path. PORTREEVE_BUILD is the build folder."""
    target = os.path.join(folder, version or "now")
    command = ["cpack", "-G", "DEB", "-B", target,
               "--config", os.path.join(os.environ["PORTREEVE_BUILD"], "CPackConfig.cmake"),
               *(["-R", version] if version else [])]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          cwd=folder, timeout=300)
    assert made.returncode == 0, f"{' '.join(command)}:\n{made.stdout[-4000:]}"
    (package,) = glob.glob(os.path.join(target, "*.deb"))
    return package
